"""What the conversation was about until now, read from its events: what "it", "and the Mini?" and "the radio" mean.

Floor: pure. `answering.py` writes the notes that are read here into each turn's evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.journal.events import Event, Kind, Role


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a document that an answer quoted; the same wherever it is told, whatever the quote."""

    document: str
    start: int
    end: int
    quote: str = field(default="", compare=False)

    def overlaps(self, document: str, start: int, end: int) -> bool:
        return document == self.document and start < self.end and self.start < end


@dataclass(frozen=True, slots=True)
class Before:
    """The subject so far.

    `products`, `cited` and `asked` are those of the last answer from the knowledge; `record` and `orders` tell that it
    was one from the customer's own records, and of which orders. `pending` is a question of the customer's that waits
    for an answer to ours: which of `choices` is it?
    """

    products: tuple[str, ...] = ()
    cited: tuple[Place, ...] = ()
    asked: str | None = None
    record: str | None = None
    orders: tuple[str, ...] = ()
    pending: str | None = None
    choices: tuple[str, ...] = ()

    @property
    def quoted(self) -> str:
        """What the last answer quoted, in one text."""
        return "\n".join(place.quote for place in self.cited)


NOTHING_BEFORE = Before()
TELLING = ("about", "record", "pending")  # an answer's notes that say what it was about


def before_of(events: Sequence[Event]) -> Before:
    """From a conversation's recent events, oldest first. Small talk in between changes no subject."""
    notes: Mapping[str, Any] | None = None
    cited: tuple[Place, ...] = ()
    newest = True
    for event in reversed(events):
        data = event.data or {}
        if event.kind is Kind.CONVERSATION_ENDED:
            break
        if event.kind is Kind.MESSAGE and event.author.role is Role.ASSISTANT:
            cited = _places(data["citations"]) if data.get("citations") else ()
        elif event.kind is Kind.EVIDENCE and event.author.role is Role.ASSISTANT:
            if cited or any(map(data.get, TELLING)):
                notes = data
                break
            newest = False
    if notes is None:
        return NOTHING_BEFORE
    return Before(
        products=tuple(notes.get("about") or ()),
        cited=cited,
        asked=notes.get("standalone"),
        record=notes.get("record"),
        orders=tuple(notes.get("orders") or ()),
        pending=notes.get("pending") if newest else None,
        choices=tuple(notes.get("choices") or ()) if newest else (),
    )


def _places(citations: Sequence[Mapping[str, Any]]) -> tuple[Place, ...]:
    return tuple(Place(c["document"], c["start"], c["end"], c.get("quote") or "") for c in citations)
