"""The journal as its users see it. Floor: port; `store.py` holds the adapter, `bus.py` tells readers of new events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from assistant.journal.events import Audience, Event, Kind, NewEvent


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is known of a conversation outside its events.

    `floor` and `unanswered_seq` are folds of the journal kept by the writer in the same commit
    (`transcript.next_floor`, `transcript.next_unanswered`): who speaks next (`assistant`, `queue`, `agent`, `ended`),
    and the seq of the newest customer message that the assistant still owes an answer to.
    """

    id: str
    visitor_id: str
    customer_id: str | None
    channel: str
    created_at: str
    head_seq: int
    head_customer_seq: int
    floor: str
    agent_id: str | None
    unanswered_seq: int | None
    updated_at: str


@dataclass(frozen=True, slots=True)
class Unless:
    """A condition on an append: refused if any event of `kinds` was committed after seq `after`."""

    kinds: frozenset[Kind]
    after: int


@dataclass(frozen=True, slots=True)
class Appended:
    """The committed events. `repeated`: the first one's client id was known; what is stored comes back, nothing new."""

    events: tuple[Event, ...]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class ChainReport:
    """One conversation's verified chain. `broken_seq` is the first event that does not fit, `reason` says how."""

    conversation_id: str
    events: int
    erased: int
    broken_seq: int | None = None
    reason: str | None = None


class Journal(Protocol):
    """Append-only, gapless, hash-chained. Every method may raise StorageUnavailable."""

    async def create_conversation(
        self, *, visitor_id: str, customer_id: str | None = None, channel: str = "web"
    ) -> Conversation:
        """A new, empty conversation, durable when this returns."""
        ...

    async def load_conversation(self, conversation_id: str) -> Conversation | None: ...

    async def list_conversations(
        self,
        *,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        floors: Sequence[str] = (),
        unanswered: bool = False,
        empty: bool = False,
        limit: int | None = 100,
    ) -> list[Conversation]:
        """Newest first; only those that fit every given filter. `empty`: also those without events; limit None: all."""
        ...

    async def attach_customer(self, conversation_id: str, customer_id: str) -> None:
        """The conversation belongs to this customer from now on; doing so again changes nothing.

        Raises:
            NotFound: no such conversation.
            Forbidden: it belongs to another customer already.
        """
        ...

    async def append(
        self, conversation_id: str, events: Sequence[NewEvent], *, unless: Unless | None = None
    ) -> Appended:
        """Commits all of `events` or none, numbered in order; returns once they are on disk.

        Raises:
            NotFound: no such conversation.
            Superseded: `unless` does not hold any more; nothing was written.
        """
        ...

    async def read(
        self, conversation_id: str, *, after: int = 0, audience: Audience = Audience.STAFF, limit: int = 500
    ) -> list[Event]:
        """Events with seq > after in order, at most `limit`. Audience EVERYONE leaves internal kinds out."""
        ...

    async def newest(self, conversation_id: str, kind: Kind) -> Event | None:
        """The newest event of this kind in one conversation; None where there is none."""
        ...

    def verify(self, conversation_id: str | None = None) -> AsyncIterator[ChainReport]:
        """Recomputes one chain, or every chain."""
        ...

    async def erase(self, conversation_id: str, seqs: Sequence[int] | None = None) -> int:
        """Erases the data (not the fact) of these events, or of all; returns how many. The chain stays verifiable."""
        ...

    async def erased(self, conversation_ids: Sequence[str]) -> dict[str, frozenset[int]]:
        """The seqs of erased events, of those of these conversations that have any; whichever process erased them."""
        ...

    async def close(self) -> None: ...


PAGE_EVENTS = 500


async def read_whole(journal: Journal, conversation_id: str, *, audience: Audience = Audience.STAFF) -> list[Event]:
    """Every event of one conversation that this audience may see, in order."""
    events: list[Event] = []
    while True:
        after = events[-1].seq if events else 0
        page = await journal.read(conversation_id, after=after, audience=audience, limit=PAGE_EVENTS)
        events += page
        if len(page) < PAGE_EVENTS:
            return events
