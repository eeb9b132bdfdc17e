"""What a run of written conversations found, in figures, and whether it is worse than what was accepted. Floor: pure.

`suites.py` makes a Result, `report.py` shows it; `accepted.json` keeps the last one that was agreed to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import TellonceError
from evals.cases import Case, Check
from evals.scoring import Interval, percentile, sign_test, wilson

ACCEPTED_FILE = Path(__file__).parent / "accepted.json"

# the share of right ones among all checks of a kind; the keys are those of `Check.kind`
FIGURE_NAMES = {
    "outcome": "outcome right",
    "fact": "facts told",
    "cites": "right source cited",
    "never": "kept from saying",
}
CASES_FIGURE = "conversations passed"
QUOTES_FIGURE = "quotes verified"
# These two are promises, not averages: one more breach is worse, however many there were to keep.
PROMISES = (FIGURE_NAMES["never"], QUOTES_FIGURE)
NOISE = 0.05


@dataclass(frozen=True, slots=True)
class Quote:
    """A citation as the customer sees it. `verified`: the quote stands, character for character, in the document."""

    n: int
    title: str
    section: str
    source: str
    text: str
    verified: bool


@dataclass(frozen=True, slots=True)
class TurnResult:
    """One saying and the answer to it. `latency_ms`: from handing the message in to the saved answer."""

    say: str
    text: str
    outcome: str
    mode: str
    quotes: tuple[Quote, ...]
    suggestions: tuple[str, ...]
    checks: tuple[Check, ...]
    latency_ms: float
    searched: str = ""  # the question, standing alone
    sureness: float | None = None

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks) and all(quote.verified for quote in self.quotes)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One conversation."""

    case: Case
    turns: tuple[TurnResult, ...]

    @property
    def passed(self) -> bool:
        return all(turn.passed for turn in self.turns)

    @property
    def faults(self) -> list[str]:
        """What did not hold, one phrase each."""
        phrases = []
        for number, turn in enumerate(self.turns, start=1):
            where = f"turn {number}, " if len(self.turns) > 1 else ""
            phrases += [f"{where}{check.phrase}" for check in turn.checks if not check.passed]
            phrases += [f"{where}quote [{q.n}] does not stand in {q.source}" for q in turn.quotes if not q.verified]
        return phrases


@dataclass(frozen=True, slots=True)
class Result:
    """One suite, run once. `about` tells what it was run with: version, mode, release, embedding model."""

    suite: str
    cases: tuple[CaseResult, ...]
    at: str  # RFC 3339
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def turns(self) -> Iterator[TurnResult]:
        return (turn for case in self.cases for turn in case.turns)

    @property
    def latency_ms(self) -> dict[str, float]:
        """Median and 95th percentile of an answer's time."""
        values = [turn.latency_ms for turn in self.turns]
        return {"p50": percentile(values, 50), "p95": percentile(values, 95)}


def decide_figures(result: Result) -> dict[str, Interval]:
    """Each figure by its name, as a share with its 95 % Wilson interval."""
    figures = {CASES_FIGURE: _share([case.passed for case in result.cases])}
    for kind, name in FIGURE_NAMES.items():
        figures[name] = _share([check.passed for turn in result.turns for check in turn.checks if check.kind == kind])
    figures[QUOTES_FIGURE] = _share([quote.verified for turn in result.turns for quote in turn.quotes])
    return figures


def decide_by_tag(result: Result) -> dict[str, Interval]:
    """The share of conversations passed by tag, worst first."""
    tags = {tag for case in result.cases for tag in case.case.tags}
    shares = {tag: _share([case.passed for case in result.cases if tag in case.case.tags]) for tag in tags}
    return dict(sorted(shares.items(), key=lambda item: (item[1].value, item[0])))


def _share(passed: Sequence[bool]) -> Interval:
    return wilson(sum(passed), len(passed))


# --- against what was accepted ---


@dataclass(frozen=True, slots=True)
class Accepted:
    """An agreed run: its figures, and for each check whether it held."""

    figures: Mapping[str, float]
    cases: Mapping[str, bool]
    checks: Mapping[str, bool]


def accepted_key(result: Result) -> str:
    """Runs are held against runs of the same suite answered the same way."""
    return f"{result.suite}/{result.about.get('mode', 'embedded')}"


def summarise(result: Result) -> Accepted:
    """What of a run is kept for later ones to be held against."""
    return Accepted(
        {name: round(figure.value, 4) for name, figure in decide_figures(result).items()},
        {case.case.id: case.passed for case in result.cases},
        {key: check.passed for key, check in _keyed_checks(result)},
    )


def _keyed_checks(result: Result) -> Iterator[tuple[str, Check]]:
    for case in result.cases:
        for number, turn in enumerate(case.turns, start=1):
            for check in turn.checks:
                yield f"{case.case.id} {number} {check.kind} {check.wanted}", check


def decide_regressions(result: Result, accepted: Accepted) -> list[str]:
    """What got worse beyond noise, each as a sentence; empty when nothing did.

    A promise got worse when it is broken more often than it was. Everything else is compared case by case and check by
    check, over those that both runs have: worse when an exact sign test puts the flips at less than 5 % by chance.
    """
    now = summarise(result)
    sentences = []
    for name in PROMISES:
        before, value = accepted.figures.get(name, 1.0), now.figures[name]
        if decide_figures(result)[name].n and value < before - 1e-9:
            sentences.append(f"{name}: {value:.1%}, accepted was {before:.1%}.")
    for what, new, old in (("conversations", now.cases, accepted.cases), ("checks", now.checks, accepted.checks)):
        lost = [key for key in new if key in old and old[key] and not new[key]]
        won = [key for key in new if key in old and new[key] and not old[key]]
        if lost and sign_test(len(lost), len(won)) < NOISE:
            sentences.append(f"{what}: {len(lost)} fail that passed, {len(won)} pass that failed ({lost[0]}, …).")
    return sentences


def load_accepted(path: Path = ACCEPTED_FILE) -> dict[str, Accepted]:
    """The agreed runs by `accepted_key`; none where the file is not there."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {key: Accepted(run["figures"], run["cases"], run["checks"]) for key, run in content.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TellonceError(
            f"{path} is not a file of accepted runs. Write it anew with: tellonce evals run --accept"
        ) from error


def save_accepted(result: Result, path: Path = ACCEPTED_FILE) -> None:
    """Makes this run the one that later runs of its suite and mode are held against."""
    runs: dict[str, Any] = {
        key: {"figures": dict(run.figures), "cases": dict(run.cases), "checks": dict(run.checks)}
        for key, run in {**load_accepted(path), accepted_key(result): summarise(result)}.items()
    }
    path.write_text(json.dumps(runs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
