"""A question that two releases are compared on, wherever it comes from. Floor: pure."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.turn.conversation import Question
from knowledge.documents import Turn

SAVED, RECENT, CASES = "saved", "recent", "cases"  # its origin


@dataclass(frozen=True, slots=True)
class Comparable:
    """A question to be answered twice.

    Args:
        live: as the journal holds it, with the conversation before it.
        place: the conversation and seq where it was asked, if it was.
        file: the file of cases it is written in, if it is.
    """

    id: str
    question: str
    origin: str
    history: tuple[Turn, ...] = ()
    customer: str | None = None
    product: str | None = None
    live: Question | None = None
    place: tuple[str, int] | None = None
    file: str | None = None
