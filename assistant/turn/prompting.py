"""Prompt file + profile + history + passages -> model messages within a token budget. Floor: pure, but for the files.

The words live in `prompts/`, one Markdown file a prompt, its inputs and output named in the header. What was retrieved
or typed stands between fences that nobody can guess, so that it cannot pretend to be an instruction.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import SettingsError
from assistant.profile.customer import Customer
from assistant.profile.dates import say_date, say_time
from assistant.turn.models import Message
from assistant.turn.tokens import MESSAGE_OVERHEAD, TokenCounter
from knowledge.documents import Findings, Passage, Turn

PROMPTS_FOLDER = Path(__file__).resolve().parents[2] / "prompts"
NOT_FOUND = "NOT_FOUND"  # what a model says, by `answer.md`, when it has no answer

# What the code below fills in. A prompt file that disagrees stops the start.
EXPECTED_INPUTS = {
    "answer": frozenset({"fence", "profile", "passages", "page"}),
    "rewrite": frozenset({"fence", "conversation", "question"}),
}
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")

# Shares of what the prompt itself leaves free; what one part does not use goes to the next.
QUESTION_SHARE = 0.25
PROFILE_SHARE = 0.2
PASSAGES_SHARE = 0.6
_FENCES = 10  # about the three kinds of data, the question, and named in the rules


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt file. `hash` names exactly these words in the evidence of every answer."""

    name: str
    inputs: frozenset[str]
    output: str
    body: str
    hash: str
    pieces: tuple[str, ...]  # of the body: words and names of inputs by turns, from words to words

    def fill(self, values: Mapping[str, str]) -> str:
        """The body with every input in its place; values are put in as they are and never read as placeholders."""
        pieces = list(self.pieces)
        pieces[1::2] = [values[name] for name in pieces[1::2]]
        return "".join(pieces)


def load_prompts(folder: Path = PROMPTS_FOLDER) -> dict[str, Prompt]:
    """Every prompt the code uses, checked.

    Raises:
        SettingsError: a file is missing, or its header, its words and the code disagree on the inputs.
    """
    return {name: _load(folder / f"{name}.md", expected) for name, expected in EXPECTED_INPUTS.items()}


def _load(path: Path, expected: frozenset[str]) -> Prompt:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"The prompt {path.name} cannot be read from {path.parent.name}/: put it back.") from error
    match = re.match(r"---\n(.*?)\n---\n(.*)\Z", text, re.DOTALL)
    header = dict(line.split(":", 1) for line in match[1].splitlines() if ":" in line) if match else {}
    if match is None or "inputs" not in header or not header.get("output", "").strip():
        raise SettingsError(f"The prompt {path.name} needs a header that names its inputs and its output.")
    inputs = frozenset(name.strip() for name in header["inputs"].split(",") if name.strip())
    used = frozenset(_PLACEHOLDER.findall(match[2]))
    for what, names in (
        ("names but does not use", inputs - used),
        ("uses but does not name", used - inputs),
        ("expects but nothing fills", inputs - expected),
        ("does not take", expected - inputs),
    ):
        if names:
            raise SettingsError(
                f"The prompt {path.name} {what} the input {', '.join(sorted(names))}: correct the file."
            )
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    body = match[2].strip()
    return Prompt(path.stem, inputs, header["output"].strip(), body, digest, tuple(_PLACEHOLDER.split(body)))


@dataclass(frozen=True, slots=True)
class Prompted:
    """What a model is sent, the passages that fitted (marker n is `passages[n - 1]`), and the fence about its data."""

    messages: tuple[Message, ...]
    passages: tuple[Passage, ...]
    fence: str
    instructions: str  # the prompt's own words: these must never come back in an answer
    tokens: int  # from above
    prompt_hash: str


@dataclass(frozen=True, slots=True)
class Known:
    """What we know besides the passages."""

    customer: Customer | None = None
    page: Mapping[str, object] | None = None
    past: Sequence[str] = ()  # one line a past conversation, newest first
    history: Sequence[Turn] = ()  # oldest first


def make_fence() -> str:
    """A line that no document and no customer can have written."""
    return f"=====[{os.urandom(8).hex()}]====="


def prompt_answer(
    prompt: Prompt,
    question: str,
    findings: Findings,
    known: Known,
    counter: TokenCounter,
    *,
    budget_tokens: int,
    fence: str | None = None,
) -> Prompted:
    """The messages that ask for an answer, within `budget_tokens`.

    The question comes first, then the profile, the passages best first and the history newest first.
    """
    fence = fence or make_fence()
    fixed = counter.count(prompt.body) + _FENCES * _bound(fence) + 2 * MESSAGE_OVERHEAD
    free = budget_tokens - fixed
    asked = counter.cut(question, max(int(free * QUESTION_SHARE), 16))
    left = free - counter.count(asked)
    profile = counter.cut(render_profile(known.customer, known.past), max(int(left * PROFILE_SHARE), 0))
    page = counter.cut(_render_page(known.page), 60)
    left -= counter.count(profile) + counter.count(page)
    passages = _fit_passages(findings, counter, max(int(left * PASSAGES_SHARE), 0))
    rendered = [render_passage(n, passage) for n, passage in enumerate(passages, start=1)]
    left -= sum(counter.count(text) + 1 for text in rendered)
    history, left = _fit_history(known.history, counter, left, fence)
    values = {
        "profile": profile or "not signed in",
        "passages": "\n\n".join(rendered) or "none",
        "page": page or "unknown",
    }
    messages = (
        Message("system", prompt.fill({"fence": fence, **values})),
        *history,
        Message("user", f"{fence}\n{asked}\n{fence}"),
    )
    return Prompted(messages, tuple(passages), fence, prompt.body, budget_tokens - left, prompt.hash)


def _bound(text: str) -> int:
    """Tokens from above without counting: a token is a byte at least, and every fence is new to the counter's cache."""
    return len(text.encode()) + 2


def prompt_rewrite(
    prompt: Prompt, question: str, history: Sequence[Turn], counter: TokenCounter, *, budget_tokens: int = 1500
) -> tuple[Message, ...]:
    """The messages that ask for a question that stands alone."""
    fence = make_fence()
    lines: list[str] = []
    left = budget_tokens
    for turn in reversed(history[-8:]):
        line = f"{turn.role}: {counter.cut(turn.text, 300)}"
        left -= counter.count(line)
        if left < 0:
            break
        lines.insert(0, line)
    filled = prompt.fill({"fence": fence, "conversation": "\n".join(lines), "question": counter.cut(question, 400)})
    return (Message("user", filled),)


def render_passage(n: int, passage: Passage) -> str:
    """A passage as the model reads it."""
    place = " › ".join((passage.title, *passage.section))
    asked = f"\nQuestion: {passage.question}" if passage.question and passage.question not in passage.text else ""
    return f"[{n}] {place}{asked}\n{passage.text}"


def render_profile(customer: Customer | None, past: Sequence[str] = ()) -> str:
    """The customer's record in words; empty for a visitor we do not know."""
    if customer is None:
        return ""
    lines = [f"Name: {customer.name or 'unknown'}", f"E-mail: {customer.email}" if customer.email else ""]
    lines += [f"Customer since {say_date(customer.since)}" if customer.since else ""]
    for product in customer.products:
        bought = f", bought on {say_date(product.bought_on)}" if product.bought_on else ""
        serial = f", serial number {product.serial}" if product.serial else ""
        lines.append(f"Owns: {product.name}{bought}{serial}")
    for order in customer.orders[:6]:
        dates = [
            ("placed on", order.placed_on),
            ("expected on", order.expected_on),
            ("delivered on", order.delivered_on),
        ]
        said = ", ".join(f"{what} {say_date(day)}" for what, day in dates if day)
        tracking = f", tracking {order.tracking}" if order.tracking else ""
        lines.append(
            f"Order {order.number} ({', '.join(order.items)}): {order.status}, {said}, {order.total}{tracking}"
        )
    lines += [f"Appointment {say_time(a.at)}: {a.what} ({a.status})" for a in customer.appointments]
    lines += [
        f"Earlier contact {say_date(touch.at)} by {touch.channel}: {touch.summary}"
        for touch in customer.touchpoints[:4]
    ]
    lines += [f"Earlier conversation: {line}" for line in past]
    return "\n".join(line for line in lines if line)


def _render_page(page: Mapping[str, object] | None) -> str:
    return ", ".join(str(value) for value in (page or {}).values() if isinstance(value, str) and value)


def _fit_passages(findings: Findings, counter: TokenCounter, budget_tokens: int) -> list[Passage]:
    """As many passages as fit, best first; one that does not fit makes room for a shorter one after it."""
    kept: list[Passage] = []
    for hit in findings.found:
        cost = counter.count(render_passage(len(kept) + 1, hit.passage)) + 1
        if cost <= budget_tokens:
            kept.append(hit.passage)
            budget_tokens -= cost
    return kept


def _fit_history(
    history: Sequence[Turn], counter: TokenCounter, budget_tokens: int, fence: str
) -> tuple[list[Message], int]:
    """The newest turns that fit, in order, and what is left; what customers wrote stands behind the fence."""
    kept: list[Message] = []
    fences_cost = 2 * _bound(fence)
    for turn in reversed(history):
        ours = turn.role == "assistant"
        cost = counter.count(turn.text) + MESSAGE_OVERHEAD + (0 if ours else fences_cost)
        if cost > budget_tokens:
            break
        budget_tokens -= cost
        kept.append(Message("assistant", turn.text) if ours else Message("user", f"{fence}\n{turn.text}\n{fence}"))
    kept.reverse()
    return kept, budget_tokens
