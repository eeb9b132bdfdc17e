"""The same questions answered twice, told apart question by question. Floor: pure.

`earlier.py` and `accepted.py` bring the answers of before, `report.py` draws the difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Literal

from evals.outcomes import Result, TurnResult
from evals.sets import CONFIDENCE, RIGHT, TOKEN_F1, Asked, SetResult

Change = Literal["same", "wording", "sources", "outcome"]
Verdict = Literal["", "better", "worse"]
Piece = tuple[Literal["same", "gone", "new"], str]

LONGEST_COMPARED_WORDS = 600
SMALLEST_CHANGE = 0.02  # of a measure: less is not worth a reader's look
_WORD = re.compile(r"\s+|[\w’']+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Side:
    """One answer. `passed` None: nothing was expected of it; `text` None: only how it went was kept, not its words."""

    passed: bool | None
    text: str | None = None
    outcome: str = ""
    sources: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As an entry of a file of results holds it."""
        return {
            "passed": self.passed,
            "text": self.text,
            "outcome": self.outcome,
            "sources": list(self.sources),
            "quotes": list(self.quotes),
            "faults": list(self.faults),
            "values": {name: round(value, 4) for name, value in self.values.items()},
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Side:
        """The reverse of `as_json`. Raises KeyError or TypeError where it is none."""
        lists = {name: tuple(map(str, entry[name])) for name in ("sources", "quotes", "faults")}
        values = {str(name): float(value) for name, value in entry["values"].items()}
        return cls(entry["passed"], entry["text"], str(entry["outcome"]), **lists, values=values)


def sides_of(result: Result | SetResult) -> dict[str, Side]:
    """Every answer of a run: by case and number of the turn, or by the question's id."""
    if isinstance(result, SetResult):
        return {one.id: side_of_question(one) for one in result.asked}
    return {
        turn_key(case.case.id, number): side_of_turn(turn)
        for case in result.cases
        for number, turn in enumerate(case.turns, start=1)
    }


def turn_key(case_id: str, number: int) -> str:
    return f"{case_id} {number}"


def side_of_turn(turn: TurnResult) -> Side:
    faults = [check.phrase for check in turn.checks if not check.passed]
    faults += [f"quote [{quote.n}] does not stand in {quote.source}" for quote in turn.quotes if not quote.verified]
    return Side(
        passed=turn.passed if turn.checks or faults else None,
        text=turn.text,
        outcome=turn.outcome,
        sources=tuple(dict.fromkeys(quote.source for quote in turn.quotes)),
        quotes=tuple(quote.text for quote in turn.quotes),
        faults=tuple(faults),
        values={} if turn.sureness is None else {CONFIDENCE: turn.sureness},
    )


def side_of_question(one: Asked) -> Side:
    answered = one.values.get("answered")
    return Side(
        passed=not one.is_failing,
        text=one.text or None,
        outcome="" if answered is None else "answered" if answered else "declined",
        sources=one.found,
        quotes=one.quotes,
        values=one.values,
    )


def decide_change(before: Side, after: Side) -> Change:
    """What of an answer is different, the gravest first. Where its words were not kept, its measures speak."""
    if before.text is None or after.text is None:
        return "outcome" if before.passed != after.passed else "sources" if _moved(before, after) else "same"
    if before.outcome != after.outcome:
        return "outcome"
    if before.sources != after.sources:
        return "sources"
    return "same" if _bare(before.text) == _bare(after.text) else "wording"


def decide_verdict(before: Side, after: Side) -> Verdict:
    """Better or worse, where that can be told: by what was expected, else by how near it came to the reference."""
    if before.passed is not None and after.passed is not None and before.passed != after.passed:
        return "better" if after.passed else "worse"
    faults = len(before.faults) - len(after.faults)
    if before.faults and after.faults and faults:
        return "better" if faults > 0 else "worse"
    moved = _moved(before, after)
    return "" if not moved else "better" if moved > 0 else "worse"


def _moved(before: Side, after: Side) -> float:
    """By how much the measures rose, the most telling one first; 0 for next to nothing."""
    for name in (RIGHT, "ndcg@10", TOKEN_F1):
        if name in before.values and name in after.values:
            difference = after.values[name] - before.values[name]
            if abs(difference) >= SMALLEST_CHANGE:
                return difference
    return 0.0


def tell_words_apart(before: str, after: str) -> list[Piece]:
    """Both texts as one run of pieces: what stayed, what is gone, what is new, by whole words."""
    old, new = (_WORD.findall(text)[:LONGEST_COMPARED_WORDS] for text in (before, after))
    pieces: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(("same", "".join(old[a:b])))
            continue
        if b > a:
            pieces.append(("gone", "".join(old[a:b])))
        if d > c:
            pieces.append(("new", "".join(new[c:d])))
    return list(_joined(pieces))


def shared_part(pieces: Iterable[Piece]) -> float:
    """How much of both texts together stayed, by characters, 0..1."""
    stayed = changed = 0
    for kind, text in pieces:
        if kind == "same":
            stayed += 2 * len(text)
        else:
            changed += len(text)
    return stayed / (stayed + changed) if stayed + changed else 1.0


def _joined(pieces: Iterable[Piece]) -> Iterable[Piece]:
    """A lone blank between two changes belongs to them: strokes should not break at every word."""
    gone, new = "", ""
    for kind, text in pieces:
        if kind == "same" and (text.strip() or not (gone or new)):
            yield from (piece for piece in (("gone", gone), ("new", new)) if piece[1])
            gone = new = ""
            yield kind, text
        else:
            gone += text if kind != "new" else ""
            new += text if kind != "gone" else ""
    yield from (piece for piece in (("gone", gone), ("new", new)) if piece[1])


def _bare(text: str) -> str:
    return " ".join(text.split())
