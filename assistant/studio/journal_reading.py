"""The journal as those who care for the knowledge read it: what is new, what was asked lately. Floor: store.

Reads alone, on the engine's own connections, so that the journal's writer and readers are never waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from assistant.database import reading
from assistant.journal.appending import EVENT_COLUMNS, event_of
from assistant.journal.events import Event, Kind

if TYPE_CHECKING:
    from sqlalchemy import Engine

WINDOW = 5_000  # events looked at in one query
# Events are never deleted, so that SQLite's own row numbers are the order in which they were committed.
_HEAD = "SELECT coalesce(max(rowid), 0) FROM events"
_CHANGED = "SELECT DISTINCT conversation_id FROM events WHERE rowid > :after AND rowid <= :until"
_ONE = f"SELECT {EVENT_COLUMNS} FROM events WHERE conversation_id = :conversation ORDER BY seq"  # noqa: S608
_NEWEST = f"""SELECT rowid, {EVENT_COLUMNS} FROM events WHERE rowid <= :until AND rowid > :after AND kind = :kind
    ORDER BY rowid DESC"""  # noqa: S608
_OLDEST_AT = "SELECT min(at) FROM events WHERE rowid <= :until AND rowid > :after"
_CUSTOMER = "SELECT customer_id FROM conversations WHERE id = :conversation"
_ERASED = "SELECT count(*) FROM events WHERE conversation_id = :conversation AND seq = :seq AND data IS NOT NULL"


@dataclass(frozen=True, slots=True)
class News:
    """Conversations in which something happened, and the position up to which that is known."""

    position: int
    conversations: tuple[str, ...]
    is_all: bool


class JournalReading:
    """Reads whole conversations, and finds which ones to read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def head(self) -> int:
        """The position of the newest event of all."""
        with reading(self._engine) as connection:
            return int(connection.execute(text(_HEAD)).scalar_one())

    def news(self, after: int) -> News:
        """What happened after that position, a bounded piece of it at a time."""
        head = self.head()
        until = min(head, after + WINDOW)
        with reading(self._engine) as connection:
            rows = connection.execute(text(_CHANGED), {"after": after, "until": until})
            return News(until, tuple(sorted(row[0] for row in rows)), until == head)

    def events(self, conversation_id: str) -> list[Event]:
        """Every event of one conversation, in order."""
        with reading(self._engine) as connection:
            rows = connection.execute(text(_ONE), {"conversation": conversation_id})
            return [event_of(tuple(row)) for row in rows]

    def customer_of(self, conversation_id: str) -> str | None:
        with reading(self._engine) as connection:
            found = connection.execute(text(_CUSTOMER), {"conversation": conversation_id}).scalar()
            return str(found) if found is not None else None

    def erased(self, places: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
        """Those of these (conversation, seq) whose words are erased, or were never there."""
        with reading(self._engine) as connection:
            return [
                (conversation, seq)
                for conversation, seq in places
                if not connection.execute(text(_ERASED), {"conversation": conversation, "seq": seq}).scalar()
            ]

    def newest_evidence(self, since: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(conversation, what its answer stood on) of answers since that time (RFC 3339), newest first."""
        until = self.head()
        while until > 0:
            after = max(0, until - WINDOW)
            bounds = {"until": until, "after": after}
            with reading(self._engine) as connection:
                rows = connection.execute(text(_NEWEST), {**bounds, "kind": Kind.EVIDENCE.value}).all()
                oldest = connection.execute(text(_OLDEST_AT), bounds).scalar()
            for row in rows:
                event = event_of(tuple(row)[1:])
                if event.at >= since and event.data is not None:
                    yield event.conversation_id, event.data
            if oldest is not None and oldest < since:
                return
            until = after
