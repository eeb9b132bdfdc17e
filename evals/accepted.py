"""The agreed runs, kept with the project question by question, and whether a new run is worse than its one.

Floor: store, then pure rules. One file a suite in `evals/accepted/`: `tellonce evals run … --accept` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import TellonceError
from evals.cases import Check
from evals.certainty import auroc, auroc_test, holm, randomization_test, sign_test
from evals.compare import Side
from evals.earlier import Earlier
from evals.outcomes import FIGURE_NAMES, QUOTES_FIGURE, Result, decide_figures
from evals.sets import (
    AUROC_FIGURE,
    CONFIDENCE,
    RIGHT,
    TOKEN_F1,
    Asked,
    SetResult,
    decide_set_figures,
)

ACCEPTED_FOLDER = Path(__file__).parent / "accepted"
ACCEPTED_NAME = "the accepted run"

# Promises, not averages: one more breach is worse, however many there were to keep.
PROMISES = (FIGURE_NAMES["never"], QUOTES_FIGURE)
CONVERSATIONS_NOISE = 0.05
SET_NOISE = 0.01  # for all tests of one set together; there are several sets, and a change moves all of them
KEPT = {"recall@1": 1000, "recall@5": 1000, "ndcg@10": 1000, CONFIDENCE: 10_000, RIGHT: 1, TOKEN_F1: 1000}
COMPARED_BY_MEAN = ("recall@1", "recall@5", "ndcg@10", TOKEN_F1)


@dataclass(frozen=True, slots=True)
class AcceptedConversations:
    """An agreed run of written conversations: for each one, and for each check, whether it held."""

    figures: Mapping[str, float]
    cases: Mapping[str, bool]
    checks: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class AcceptedSet:
    """An agreed run of a data set. `values`: measure -> position of the question in the set -> value."""

    figures: Mapping[str, float]
    data: str
    values: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


Accepted = AcceptedConversations | AcceptedSet


def accepted_name(result: Result | SetResult) -> str:
    """Runs are held against runs of the same suite answered the same way."""
    return f"{result.suite}.{result.about.get('mode', 'embedded')}"


def summarise(result: Result | SetResult) -> Accepted:
    """What of a run is kept for later ones to be held against."""
    if isinstance(result, SetResult):
        values = {
            measure: {one.position: one.values[measure] for one in result.asked if measure in one.values}
            for measure in KEPT
        }
        return AcceptedSet(
            {name: round(figure.value, 4) for name, figure in decide_set_figures(result).items()},
            result.data,
            {measure: known for measure, known in values.items() if known},
        )
    return AcceptedConversations(
        {name: round(figure.value, 4) for name, figure in decide_figures(result).items() if figure.n},
        {case.case.id: case.passed for case in result.cases},
        {key: check.passed for key, check in _keyed_checks(result)},
    )


def _keyed_checks(result: Result) -> Iterator[tuple[str, Check]]:
    for case in result.cases:
        for number, turn in enumerate(case.turns, start=1):
            for check in turn.checks:
                yield f"{case.case.id} {number} {check.kind} {check.wanted}", check


# --- worse? ---


def decide_regressions(result: Result | SetResult, accepted: Accepted) -> list[str]:
    """What got worse beyond noise, each as a sentence; empty when nothing did, or when there is nothing to compare.

    A promise got worse when it is broken more often than it was. Everything else is compared question by question, over
    those that both runs have; see `_worse_conversations` and `_worse_measures`.
    """
    if isinstance(result, SetResult) and isinstance(accepted, AcceptedSet):
        if result.data != accepted.data:
            return []
        now = {name: figure.value for name, figure in decide_set_figures(result).items()}
        return [*_broken_promises(now, accepted.figures), *_worse_measures(result, accepted)]
    if isinstance(result, Result) and isinstance(accepted, AcceptedConversations):
        now = {name: figure.value for name, figure in decide_figures(result).items() if figure.n}
        return [*_broken_promises(now, accepted.figures), *_worse_conversations(result, accepted)]
    return []


def _broken_promises(now: Mapping[str, float], before: Mapping[str, float]) -> Iterator[str]:
    for name in PROMISES:
        was = before.get(name, 1.0)
        if name in now and now[name] < was - 5e-5:  # what is kept is rounded to four digits
            yield f"{name}: {now[name]:.1%}, accepted was {was:.1%}."


def _worse_conversations(result: Result, accepted: AcceptedConversations) -> Iterator[str]:
    """More fell than rose, by an exact sign test over conversations and one over checks."""
    now = summarise(result)
    assert isinstance(now, AcceptedConversations)
    for what, new, old in (("conversations", now.cases, accepted.cases), ("checks", now.checks, accepted.checks)):
        lost = [key for key in new if key in old and old[key] and not new[key]]
        won = [key for key in new if key in old and new[key] and not old[key]]
        if lost and sign_test(len(lost), len(won)) < CONVERSATIONS_NOISE:
            yield f"{what}: {len(lost)} fail that passed, {len(won)} pass that failed ({lost[0]}, …)."


def _worse_measures(result: SetResult, accepted: AcceptedSet) -> Iterator[str]:
    """Means by a randomization test, decisions by a sign test, AUROC by DeLong's; Holm's correction over all."""
    chances: dict[str, float] = {}
    told: dict[str, tuple[float, float, int]] = {}
    for measure in (*COMPARED_BY_MEAN, RIGHT):
        before, after = _pairs(result, accepted, measure)
        if not before:
            continue
        told[measure] = _mean(before), _mean(after), len(before)
        if measure == RIGHT:
            lost, won = sum(b > a for b, a in zip(before, after, strict=True)), sum(map(_rose, before, after))
            chances[measure] = sign_test(lost, won) if lost else 1.0
        else:
            chances[measure] = randomization_test(before, after)
    truth, before, after = _paired_confidence(result, accepted)
    if any(truth) and not all(truth):
        chances[AUROC_FIGURE] = auroc_test(truth, before, after)
        told[AUROC_FIGURE] = _area(truth, before), _area(truth, after), len(truth)
    for name in holm(chances, SET_NOISE):
        was, now, n = told[name]
        yield f"{name}: {now:.3f}, accepted was {was:.3f} over the same {n} questions (p = {chances[name]:.1g})."


def _pairs(result: SetResult, accepted: AcceptedSet, measure: str) -> tuple[list[float], list[float]]:
    old = accepted.values.get(measure, {})
    both = [one for one in result.asked if measure in one.values and one.position in old]
    return [old[one.position] for one in both], [_kept(one.values[measure], measure) for one in both]


def _paired_confidence(result: SetResult, accepted: AcceptedSet) -> tuple[list[bool], list[float], list[float]]:
    old = accepted.values.get(CONFIDENCE, {})
    both = [one for one in result.asked if one.answerable is not None and one.position in old]
    after = [_kept(one.values.get(CONFIDENCE, 0.0), CONFIDENCE) for one in both]
    return [bool(one.answerable) for one in both], [old[one.position] for one in both], after


def _kept(value: float, measure: str) -> float:
    """As precise as what is kept: rounding one side only would look like a change."""
    return round(value * KEPT[measure]) / KEPT[measure]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rose(before: float, after: float) -> bool:
    return after > before


def _area(truth: Sequence[bool], confidence: Sequence[float]) -> float:
    return auroc(truth, confidence) or 0.0


# --- keeping ---


def load_accepted(name: str, folder: Path = ACCEPTED_FOLDER) -> Accepted | None:
    """The agreed run of that `accepted_name`; None where none was agreed to.

    Raises:
        TellonceError: its file is spoilt.
    """
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        if "cases" in run:
            return AcceptedConversations(run["figures"], run["cases"], run["checks"])
        return AcceptedSet(run["figures"], run["data"], {m: _unpack(m, kept) for m, kept in run["values"].items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TellonceError(
            f"{path} is not the file of an accepted run. Write it anew with: tellonce evals run --accept"
        ) from error


def save_accepted(result: Result | SetResult, folder: Path = ACCEPTED_FOLDER) -> Path:
    """Makes this run the one that later runs of its suite and mode are held against; returns where it is kept.

    Raises:
        TellonceError: it is a sample, which would leave nothing to hold the other questions against.
    """
    kept = summarise(result)
    lines: dict[str, Any] = {"at": result.at, "about": dict(result.about), "figures": dict(kept.figures)}
    if isinstance(kept, AcceptedSet):
        assert isinstance(result, SetResult)
        if len(result.asked) < result.asked_of:
            raise TellonceError(f"Only a sample of {result.suite} was asked. Run it without --limit to accept it.")
        values = {measure: _pack(measure, known, result.asked_of) for measure, known in kept.values.items()}
        lines |= {"data": kept.data, "values": values}
    else:
        lines |= {"cases": dict(kept.cases), "checks": dict(kept.checks)}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{accepted_name(result)}.json"
    path.write_text(_layout(lines), encoding="utf-8")
    return path


def _pack(measure: str, known: Mapping[int, float], n: int) -> str:
    """One value a question in the order of the set, as whole numbers in base 36; `-` where there is none."""
    return " ".join(_base36(round(known[i] * KEPT[measure])) if i in known else "-" for i in range(n))


def _unpack(measure: str, packed: str) -> dict[int, float]:
    values = enumerate(packed.split())
    return {i: int(value, 36) / KEPT[measure] for i, value in values if value != "-"}


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
        if not number:
            return digits


def _layout(lines: Mapping[str, Any]) -> str:
    """JSON with one figure, case or check a line, so that a change of one is one line in a comparison."""
    return json.dumps(lines, indent=1, ensure_ascii=False) + "\n"


# --- for the report ---


def earlier_of_accepted(result: Result | SetResult, accepted: Accepted) -> Earlier:
    """The agreed run as one to compare with: how each question went, not its words."""
    if isinstance(result, SetResult) and isinstance(accepted, AcceptedSet):
        same = result.data == accepted.data
        sides = {one.id: _side(one, accepted) for one in result.asked} if same else {}
        return Earlier(ACCEPTED_NAME, sides, accepted.figures if same else {})
    if isinstance(accepted, AcceptedConversations):
        held: dict[str, bool] = {}
        for key, passed in accepted.checks.items():
            turn = " ".join(key.split(" ", 2)[:2])
            held[turn] = held.get(turn, True) and passed
        return Earlier(ACCEPTED_NAME, {turn: Side(passed) for turn, passed in held.items()}, accepted.figures)
    return Earlier(ACCEPTED_NAME, {})


def _side(one: Asked, accepted: AcceptedSet) -> Side:
    values = {name: known[one.position] for name, known in accepted.values.items() if one.position in known}
    right = values.get("recall@5", 1.0) > 0 and values.get(RIGHT, 1.0) > 0
    return Side(right, None, values=values)
