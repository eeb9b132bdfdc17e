"""What a run of written conversations found, in figures. Floor: pure.

`suites.py` makes a Result, `accepted.py` holds it against the agreed one, `report.py` shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evals.cases import Case, Check
from evals.certainty import Interval, bootstrap_share, percentile, wilson

# the share of right ones among all checks of a kind; the keys are those of `Check.kind`
FIGURE_NAMES = {
    "outcome": "outcome right",
    "fact": "facts told",
    "cites": "right source cited",
    "never": "kept from saying",
}
CASES_FIGURE = "conversations passed"
QUOTES_FIGURE = "quotes verified"


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


def join_results(results: Iterable[Result]) -> dict[str, Result]:
    """One result of each suite by its name: conversations about several bodies of knowledge go together."""
    joined: dict[str, Result] = {}
    for result in results:
        first = joined.get(result.suite)
        joined[result.suite] = replace(first, cases=(*first.cases, *result.cases)) if first else result
    return joined


def decide_figures(result: Result) -> dict[str, Interval]:
    """Each figure by its name, as a share with its interval: of conversations Wilson's, of checks the bootstrap's."""
    figures = {CASES_FIGURE: _share([case.passed for case in result.cases])}
    for kind, name in FIGURE_NAMES.items():
        figures[name] = bootstrap_share(
            [
                [check.passed for turn in case.turns for check in turn.checks if check.kind == kind]
                for case in result.cases
            ]
        )
    figures[QUOTES_FIGURE] = bootstrap_share(
        [[quote.verified for turn in case.turns for quote in turn.quotes] for case in result.cases]
    )
    return figures


def decide_by_tag(result: Result) -> dict[str, Interval]:
    """The share of conversations passed by tag, worst first."""
    tags = {tag for case in result.cases for tag in case.case.tags}
    shares = {tag: _share([case.passed for case in result.cases if tag in case.case.tags]) for tag in tags}
    return dict(sorted(shares.items(), key=lambda item: (item[1].value, item[0])))


def _share(passed: Sequence[bool]) -> Interval:
    return wilson(sum(passed), len(passed))
