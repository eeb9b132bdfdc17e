"""A conversation as a turn needs it: recent events, who has the floor, what is owed. Floor: pure.

Kept in memory while a conversation is lively, so that a turn starts without reading the journal again; folded with the
journal's own rules, and dropped and read anew whenever an event is missing.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.journal.events import Event, Kind, NewEvent, Role, answered_seq
from assistant.journal.port import Conversation
from assistant.journal.transcript import next_floor, next_unanswered
from knowledge.documents import Turn

KEPT_EVENTS = 160
SETTLING = frozenset({Kind.CONVERSATION_ENDED, Kind.HANDOFF_RETURNED})


@dataclass(slots=True)
class Line:
    """One conversation's recent events and their fold. `head` is the seq of the newest.

    `settled`: no customer message up to this seq waits for us any more. `client_ids` and `turns`, each with its seq,
    are those of the recent events.
    """

    conversation_id: str
    customer_id: str | None
    floor: str
    unanswered: int | None
    head: int
    events: list[Event] = field(default_factory=list)
    page: dict[str, Any] = field(default_factory=dict)
    settled: int = 0
    client_ids: set[str] = field(default_factory=set)
    turns: list[tuple[int, Turn]] = field(default_factory=list)

    @classmethod
    def of(cls, conversation: Conversation, events: Sequence[Event]) -> Line:
        """The line of a conversation as loaded, with `events` read at the same time or later."""
        line = cls(
            conversation.id,
            conversation.customer_id,
            conversation.floor,
            conversation.unanswered_seq,
            conversation.head_seq,
        )
        for event in events:
            if event.seq <= conversation.head_seq:
                line._note(event)
            else:
                line.fold(event)
        return line

    def fold(self, event: Event) -> bool:
        """Takes the next event in; False if one before it is missing. A known one changes nothing."""
        if event.seq <= self.head:
            return True
        if event.seq != self.head + 1:
            return False
        self.head = event.seq
        self.floor = next_floor(self.floor, event)
        self.unanswered = next_unanswered(self.unanswered, self.floor, event, event.seq)
        self._note(event)
        return True

    def _note(self, event: Event) -> None:
        self.events.append(event)
        if event.client_id:
            self.client_ids.add(event.client_id)
        if len(self.events) > 2 * KEPT_EVENTS:
            del self.events[:KEPT_EVENTS]
            self.client_ids = {event.client_id for event in self.events if event.client_id}
            self.turns = [(seq, turn) for seq, turn in self.turns if seq >= self.events[0].seq]
        self.turns += [(event.seq, turn) for turn in turns_of((event,))]
        if (answered := answered_seq(event)) is not None:
            self.settled = max(self.settled, answered)
        elif event.kind in SETTLING or event.author.role is Role.AGENT:
            self.settled = max(self.settled, event.seq)
        data = event.data or {}
        if event.kind is Kind.IDENTIFIED and data.get("customer"):
            self.customer_id = str(data["customer"])
        if event.kind is Kind.CONTEXT and isinstance(data.get("page"), dict):
            self.page = data["page"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered now: `text` joins the customer's messages that no answer has settled, up to `seq`.

    `events` are the recent events before the first of them, `earlier` the same as turns, oldest first.
    """

    conversation_id: str
    seq: int
    text: str
    floor: str
    customer_id: str | None = None
    page: dict[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    turns: tuple[Turn, ...] | None = None  # of `events`, where they were kept as they came

    @property
    def earlier(self) -> list[Turn]:
        return turns_of(self.events) if self.turns is None else list(self.turns)

    @property
    def page_product(self) -> str | None:
        product = self.page.get("product")
        return product if isinstance(product, str) and product.strip() else None


def begins_here(event: Event) -> bool:
    """Whether a conversation can be followed from this event on without reading it: its first, said by a known author.

    Doors that know the author write whom it belongs to (`customer.identified`) in the commit of the first message.
    """
    return event.seq == 1 and is_customers(event) and event.author.id is not None


def question_of(line: Line) -> Question | None:
    """What the assistant owes an answer to; None when it owes none."""
    if line.unanswered is None:
        return None
    recent = list(itertools.takewhile(lambda event: event.seq > line.settled, reversed(line.events)))
    open_messages = [e for e in reversed(recent) if is_customers(e) and e.seq <= line.unanswered]
    if not open_messages:
        open_messages = [e for e in line.events if is_customers(e) and e.seq == line.unanswered]
    first = open_messages[0].seq if open_messages else line.unanswered
    begin = bisect.bisect_left(line.events, first, key=lambda event: event.seq)
    answers = [event for event in line.events[begin:] if answered_seq(event) is not None]
    return Question(
        conversation_id=line.conversation_id,
        seq=line.unanswered,
        text="\n".join(event.text for event in open_messages if event.text.strip())[-8000:],
        floor=line.floor,
        customer_id=line.customer_id,
        page=dict(line.page),
        events=(*line.events[:begin], *answers),
        turns=(*(turn for seq, turn in line.turns if seq < first), *turns_of(answers)),
    )


def foreseen_question(line: Line, coming: Sequence[NewEvent]) -> Question | None:
    """What will be owed once `coming` is committed, if nothing comes before it; None when nothing, or for a repeat."""
    if any(new.client_id in line.client_ids for new in coming if new.client_id):
        return None
    ahead = replace(line, events=[*line.events], turns=[*line.turns], client_ids=set())
    for new in coming:
        ahead.fold(Event(line.conversation_id, ahead.head + 1, 0, "", new.kind, new.author, new.data, new.client_id))
    return question_of(ahead)


def turns_of(events: Sequence[Event]) -> list[Turn]:
    """The messages among `events` as turns; an agent's count as ours."""
    turns = []
    for event in events:
        if event.kind is Kind.MESSAGE and event.author.role is not Role.SYSTEM:
            text = event.text
            if text and not text.isspace():
                turns.append(Turn("customer" if event.author.role is Role.CUSTOMER else "assistant", text))
    return turns


def is_customers(event: Event) -> bool:
    """Whether this is something the customer wrote."""
    return event.kind is Kind.MESSAGE and event.author.role is Role.CUSTOMER
