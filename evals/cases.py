"""Written conversations: what is said, and what a good answer holds. Floor: store, then pure checks.

`cases/README.md` tells the shape; `suites.py` runs them against the real line, `report.py` shows how they went.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import TellonceError

CASES_FOLDER = Path(__file__).parent / "cases"
DEMO_SUITE = "demo"  # the files in the folder itself; a folder within it is a suite of its own
HELD_OUT_SUITE = "held-out"
COMPANIES_FOLDER = Path(__file__).parent / "companies"
COMPANIES_SUITE = "companies"
UNSEEN_SUITE = "unseen-companies"
COMPANY_SUITES = {COMPANIES_SUITE: "fitted", UNSEEN_SUITE: "unseen"}  # and the folder of each

Outcome = Literal["answered", "acted", "clarifying", "declined", "handoff"]


class MalformedCases(TellonceError):
    """A file of cases that cannot be used; the message names the file, the place in it, the fault and the remedy."""

    code = "bad_frame"


def _check_pattern(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    if _is_pattern(text):
        try:
            re.compile(text[1:-1])
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
    return text


Wanted = Annotated[str, AfterValidator(_check_pattern)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectation(_Strict):
    """What an answer is held to; what is not given asks nothing."""

    outcome: Outcome | tuple[Outcome, ...] | None = None
    facts: tuple[Wanted, ...] = ()
    cites: tuple[str, ...] = ()
    never: tuple[Wanted, ...] = ()

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes that are right; empty when any is."""
        if self.outcome is None:
            return ()
        return (self.outcome,) if isinstance(self.outcome, str) else self.outcome


class Saying(_Strict):
    """One thing the customer says and what the answer to it is held to."""

    say: str = Field(min_length=1, max_length=8000)
    expect: Expectation = Expectation()


class Case(_Strict):
    """One conversation. `customer` None is an unsigned visitor."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    customer: str | None
    tags: tuple[str, ...]
    turns: tuple[Saying, ...] = Field(min_length=1)


class Topic(_Strict):
    """One file."""

    topic: str
    cases: tuple[Case, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Suite:
    """Named cases; a case id is unique in a suite."""

    name: str
    cases: tuple[Case, ...]


def load_suite(name: str) -> Suite:
    """The suite of that name: `demo`, `held-out`, one bundled topic, or a path to a YAML file or folder.

    Raises:
        MalformedCases: no such suite, or a file of it does not hold cases as `cases/README.md` says.
    """
    cases: dict[str, Case] = {}
    for file in _files_of(name):
        for case in read_topic(file).cases:
            if case.id in cases:
                raise MalformedCases(f"{file}: case id {case.id!r} is used twice. Give each case its own id.")
            cases[case.id] = case
    return Suite(Path(name).stem, tuple(cases.values()))


def load_companies(name: str) -> dict[Path, Suite]:
    """The documents of each company of that suite, and what is asked of them, tagged with the company's name."""
    loaded: dict[Path, Suite] = {}
    for folder in sorted((COMPANIES_FOLDER / COMPANY_SUITES[name]).iterdir()):
        cases = read_topic(folder / "cases.yaml").cases
        tagged = tuple(case.model_copy(update={"tags": (folder.name, *case.tags)}) for case in cases)
        loaded[folder / "docs"] = Suite(name, tagged)
    return loaded


def bundled_names() -> list[str]:
    """What speaks of the demo shop and can be named without a path: suites first, then topics."""
    suites = [DEMO_SUITE, *sorted(path.name for path in CASES_FOLDER.iterdir() if path.is_dir())]
    return [*suites, *(path.stem for path in sorted(CASES_FOLDER.rglob("*.yaml")))]


def _files_of(name: str) -> list[Path]:
    if name == DEMO_SUITE:
        return sorted(CASES_FOLDER.glob("*.yaml"))
    topics = [path for path in CASES_FOLDER.rglob("*.yaml") if path.stem == name]
    path = CASES_FOLDER / name if (CASES_FOLDER / name).is_dir() else Path(name)
    files = topics or ([path] if path.is_file() else sorted(path.rglob("*.yaml")) if path.is_dir() else [])
    if not files:
        raise MalformedCases(
            f"There is no suite {name!r}. Name {', '.join([*bundled_names(), *COMPANY_SUITES])}, saved, a YAML file or "
            "folder of cases, or the folder of a data set."
        )
    return files


def write_topic(topic: str, cases: Sequence[Case]) -> str:
    """A file of cases as YAML, such as `read_topic` reads back."""
    content = {
        "topic": topic,
        "cases": [
            {
                "id": case.id,
                "customer": case.customer,
                "tags": list(case.tags),
                "turns": [_written(saying) for saying in case.turns],
            }
            for case in cases
        ],
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


def _written(saying: Saying) -> dict[str, Any]:
    expect = saying.expect.model_dump(mode="json", exclude_defaults=True)
    return {"say": saying.say, **({"expect": expect} if expect else {})}


def read_topic(path: Path) -> Topic:
    """One file of cases, checked.

    Raises:
        MalformedCases: the message says where in the file and what would be right.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise MalformedCases(
            f"{path}{line}: not YAML ({getattr(error, 'problem', None) or error}). Correct it."
        ) from error
    try:
        return Topic.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = _place(content, first["loc"])
        raise MalformedCases(
            f"{path}: {where} {first['msg'].removeprefix('Value error, ')}. The shape is told in evals/cases/README.md."
        ) from error


def _place(content: Any, location: Sequence[int | str]) -> str:
    """Where in the file, in words: the case by its id, then the key."""
    words: list[str] = []
    value = content
    for step in location:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, (list, tuple)) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            break  # what follows are names of union members, no place in the file
        named = value.get("id") if isinstance(value, dict) else None
        words.append(f"{words.pop()[:-1]} {named or step + 1}:" if isinstance(step, int) and words else f"{step}:")
    return " ".join(words)


# --- checking an answer ---


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as the customer sees it. `sources` are those its citations point into, in order."""

    text: str
    outcome: str
    handed_over: bool = False
    quotes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()


_PHRASES = {
    "outcome": "the outcome is",
    "fact": "the answer tells",
    "cites": "it cites",
    "never": "it does not say",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation held against an answer. `wanted` is told in the report, with what was found instead."""

    kind: Literal["outcome", "fact", "cites", "never"]
    wanted: str
    passed: bool
    found: str = ""

    @property
    def phrase(self) -> str:
        """What is asked and, where it does not hold, what was there instead."""
        instead = f" (it was: {self.found})" if self.found and not self.passed else ""
        return f"{_PHRASES[self.kind]} {self.wanted}{instead}"


def check_answer(expected: Expectation, answer: Answer) -> list[Check]:
    """Every expectation of one turn, in the order outcome, facts, cites, never."""
    checks: list[Check] = []
    if expected.outcomes:
        outcomes = [answer.outcome, *(["handoff"] if answer.handed_over else [])]
        right = any(outcome in expected.outcomes for outcome in outcomes)
        checks.append(Check("outcome", " or ".join(expected.outcomes), right, " and ".join(outcomes)))
    checks += [Check("fact", fact, find(fact, [answer.text]) is not None) for fact in expected.facts]
    if expected.cites:
        cited = any(_same_source(source, wanted) for source in answer.sources for wanted in expected.cites)
        checks.append(Check("cites", " or ".join(expected.cites), cited, ", ".join(answer.sources) or "nothing"))
    everything = [answer.text, *answer.quotes, *answer.suggestions]
    for text in expected.never:
        said = find(text, everything)
        checks.append(Check("never", text, said is None, said or ""))
    return checks


def find(wanted: str, texts: Iterable[str]) -> str | None:
    """The words in one of `texts` that fit `wanted`, a literal or `/a pattern/`; case and spacing do not count."""
    pattern = wanted[1:-1] if _is_pattern(wanted) else re.escape(_fold(wanted))
    for text in texts:
        match = re.search(pattern, _fold(text), re.IGNORECASE)
        if match:
            return match.group()
    return None


def _is_pattern(wanted: str) -> bool:
    return len(wanted) > 2 and wanted.startswith("/") and wanted.endswith("/")


def _fold(text: str) -> str:
    return " ".join(text.split())


def _same_source(source: str, wanted: str) -> bool:
    return source == wanted or source.endswith(f"/{wanted}")
