"""Conversations written as `evals/cases` has them: what is said, and what the answers are held to. Floor: pure.

Only the questions are asked here; whether an answer keeps what is expected, the evaluations tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from assistant.errors import BadFrame

EXPECTED = frozenset(("outcome", "facts", "cites", "never"))  # what `evals.cases.Expectation` knows
OUTCOMES = frozenset(("answered", "acted", "clarifying", "declined", "handoff"))
QUESTION_MAX_CHARS = 8000


@dataclass(frozen=True, slots=True)
class Said:
    """One thing the customer says, and what the answer to it is held to (`evals/cases/README.md`)."""

    say: str
    expect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WrittenCase:
    """One conversation. `customer` None is an unsigned visitor; the last thing said is the question that matters."""

    id: str
    customer: str | None
    tags: tuple[str, ...]
    said: tuple[Said, ...]


def check_expect(expect: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer is held to, in the words of `evals/cases`; empty entries are dropped.

    Raises:
        BadFrame: a word or a value of it is not known there.
    """
    if not isinstance(expect, Mapping) or set(expect) - EXPECTED:
        raise BadFrame(f"`expect` may hold {', '.join(sorted(EXPECTED))} and nothing else.")
    wanted = {key: value for key, value in expect.items() if value not in (None, [], (), "")}
    outcomes = wanted.get("outcome", "answered")
    if not set([outcomes] if isinstance(outcomes, str) else outcomes) <= OUTCOMES:
        raise BadFrame(f"`outcome` is one of {', '.join(sorted(OUTCOMES))}, or a list of them.")
    for key in ("facts", "cites", "never"):
        value = wanted.get(key, [])
        if not isinstance(value, (list, tuple)) or not all(isinstance(text, str) and text.strip() for text in value):
            raise BadFrame(f"`{key}` is a list of texts.")
        for text in value:
            _check_pattern(key, text)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in wanted.items()}


def _check_pattern(key: str, text: str) -> None:
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        try:
            re.compile(text[1:-1])
        except re.error as error:
            raise BadFrame(f"`{key}` holds {text}, which is no regular expression: {error}.") from error


def read_cases(text: str) -> list[WrittenCase]:
    """The conversations of a file in the shape of `evals/cases`.

    Raises:
        BadFrame: it is no such file; the sentence names the case.
    """
    try:
        topic = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadFrame(f"This is no YAML: {getattr(error, 'problem', None) or 'it cannot be read'}.") from error
    cases = topic.get("cases") if isinstance(topic, dict) else None
    if not isinstance(cases, list) or not cases:
        raise BadFrame("This file holds no `cases`: its shape is told in evals/cases/README.md.")
    found: list[WrittenCase] = []
    for n, case in enumerate(cases, 1):
        name = case.get("id") if isinstance(case, dict) else None
        turns = case.get("turns") if isinstance(case, dict) else None
        if not name or not isinstance(turns, list) or not turns:
            raise BadFrame(f"Case {name or n} needs an `id` and `turns`.")
        if not all(
            isinstance(turn, dict) and isinstance(turn.get("say"), str) and turn["say"].strip() for turn in turns
        ):
            raise BadFrame(f"Case {name}: each of its turns needs a `say`.")
        try:
            said = tuple(Said(turn["say"].strip(), check_expect(turn.get("expect") or {})) for turn in turns)
        except BadFrame as error:
            raise BadFrame(f"Case {name}: {error}") from error
        if too_long := next((one.say for one in said if len(one.say) > QUESTION_MAX_CHARS), None):
            raise BadFrame(f"Case {name}: {too_long[:40]}… has more than {QUESTION_MAX_CHARS:,} characters.")
        tags = tuple(str(tag) for tag in case.get("tags") or ())
        found.append(WrittenCase(str(name), case.get("customer"), tags, said))
    return found
