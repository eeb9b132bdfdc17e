"""Who waits for a person, and who has whom: a fold of the journal, kept current by the bus. Floor: use case.

`fold` is the whole rule, and pure: stale state plus events equals fresh state. `Queue` feeds it: conversations that
wait or are taken are read once at the start, then events move them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import structlog

from assistant.desk.handoff import plain_line
from assistant.errors import StorageUnavailable
from assistant.journal.bus import Bus, Item, Unsubscribe
from assistant.journal.events import Event, Kind, Role
from assistant.journal.port import Journal, read_whole
from assistant.journal.transcript import AGENT_FLOOR, QUEUE_FLOOR

logger = structlog.get_logger(__name__)

LAST_TEXT_MAX_CHARS = 140
START_LIMIT = 10_000
LOOK_FOR_ERASED_SECONDS = 5.0
ENTERING = frozenset({Kind.HANDOFF_REQUESTED, Kind.HANDOFF_TRANSFERRED, Kind.HANDOFF_ACCEPTED})


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation as the queue shows it. `state` elsewhere: with the assistant or ended, so not in the queue."""

    conversation_id: str
    state: Literal["elsewhere", "waiting", "taken"] = "elsewhere"
    seq: int = 0  # of the newest event folded in
    since: str = ""  # when the customer asked, or was passed on; RFC 3339
    reason: str | None = None
    agent_id: str | None = None
    agent_name: str | None = None
    meant_for: dict[str, str] | None = None  # the agent a colleague passed it on to: {"id", "name"}
    customer_id: str | None = None
    customer_name: str | None = None
    verified: bool = False
    last_text: str = ""
    last_role: str = ""  # whose words `last_text` are
    last_at: str = ""
    asked: str = ""  # the customer's newest words, whoever spoke since
    unread: int = 0  # the customer's messages since anybody answered

    @property
    def is_in_queue(self) -> bool:
        return self.state != "elsewhere"

    def as_data(self) -> dict[str, Any]:
        """The item of a `queue` frame."""
        return {
            "conversation": self.conversation_id,
            "state": self.state,
            "agent": {"id": self.agent_id, "name": self.agent_name} if self.state == "taken" else None,
            "for": self.meant_for,
            "customer": {"name": self.customer_name, "verified": self.verified},
            "reason": self.reason,
            "since": self.since,
            "last_text": self.last_text,
            "last_role": self.last_role,
            "last_at": self.last_at,
            "asked": self.asked,
            "unread": self.unread,
            "seq": self.seq,
        }


def fold(place: Place, event: Event) -> Place:
    """The place after this event; an event that is folded in already changes nothing."""
    if event.seq <= place.seq:
        return place
    moved = _fold_kind(place, event)
    if event.author.role is Role.CUSTOMER and event.author.name:
        moved = replace(moved, customer_name=event.author.name)
    return replace(moved, seq=event.seq)


def _fold_kind(place: Place, event: Event) -> Place:
    data = event.data or {}
    match event.kind:
        case Kind.MESSAGE:
            return _with_message(place, event)
        case Kind.HANDOFF_REQUESTED if place.state == "waiting":
            return place
        case Kind.HANDOFF_REQUESTED:
            reason = str(data.get("reason") or "") or None
            return replace(_freed(place), state="waiting", since=event.at, reason=reason)
        case Kind.HANDOFF_TRANSFERRED:
            reason = f"Passed on by {event.author.name or 'a colleague'}"
            return replace(_freed(place), state="waiting", since=event.at, reason=reason)
        case Kind.NOTE if place.state == "waiting" and isinstance(data.get("for"), dict):
            return replace(place, meant_for=data["for"])
        case Kind.HANDOFF_ACCEPTED:
            taker = event.author
            return replace(place, state="taken", meant_for=None, agent_id=taker.id, agent_name=taker.name)
        case Kind.HANDOFF_RETURNED | Kind.CONVERSATION_ENDED:
            return _freed(place)
        case Kind.IDENTIFIED:
            return replace(place, customer_id=data.get("customer"), verified=bool(data.get("verified")))
    return place


def _with_message(place: Place, event: Event) -> Place:
    from_customer = event.author.role is Role.CUSTOMER
    shown = plain_line(event.text, LAST_TEXT_MAX_CHARS)
    unread = place.unread + 1 if from_customer else 0
    asked = shown if from_customer else place.asked
    return replace(
        place, last_text=shown, last_role=event.author.role.value, last_at=event.at, asked=asked, unread=unread
    )


def _freed(place: Place) -> Place:
    return replace(place, state="elsewhere", since="", reason=None, agent_id=None, agent_name=None, meant_for=None)


def forgotten(place: Place) -> Place:
    """The place without who the customer was and what was said; who waits waits on, and whoever has it keeps it."""
    return replace(
        place, customer_id=None, customer_name=None, verified=False, reason=None, last_text="", last_role="", asked=""
    )


def fold_all(conversation_id: str, events: Iterable[Event]) -> Place:
    """The place of a conversation from its whole journal."""
    place = Place(conversation_id)
    for event in events:
        place = fold(place, event)
    return place


def in_order(places: Iterable[Place]) -> list[Place]:
    """Waiting ones first, the longest wait first; then those that somebody has."""
    return sorted(places, key=lambda p: (p.state != "waiting", p.since, p.conversation_id))


Change = Place | str  # the place as it is now, or the id of a conversation that left the queue
Listener = Callable[[Change], None]
LoadName = Callable[[str], Awaitable[str | None]]


class Queue:
    """The queue of this deployment. `load_name`: customer id -> name, for conversations whose words carry none."""

    def __init__(
        self,
        journal: Journal,
        bus: Bus,
        load_name: LoadName,
        *,
        look_for_erased_seconds: float = LOOK_FOR_ERASED_SECONDS,
    ) -> None:
        self._journal = journal
        self._bus = bus
        self._load_name = load_name
        self._look_for_erased_seconds = look_for_erased_seconds
        self._erased: dict[str, frozenset[int]] = {}  # conversation -> seqs that its place knows to be erased
        self._places: dict[str, Place] = {}
        self._entering: dict[str, list[Event]] = {}  # being read from the journal; what happens meanwhile waits here
        self._listeners: tuple[Listener, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe: Unsubscribe | None = None

    async def start(self) -> None:
        """Reads who waits and who is taken; from then on the bus tells."""
        self._unsubscribe = self._bus.subscribe_all(self._take)
        conversations = await self._journal.list_conversations(floors=(QUEUE_FLOOR, AGENT_FLOOR), limit=START_LIMIT)
        for conversation in conversations:
            if conversation.id not in self._places and conversation.id not in self._entering:
                self._entering[conversation.id] = []
                await self._enter(conversation.id)
        self._own(self._watch_erased())

    async def stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def places(self) -> list[Place]:
        return in_order(self._places.values())

    def has(self, conversation_id: str, agent_id: str) -> bool:
        """Whether this agent has this conversation."""
        place = self._places.get(conversation_id)
        return place is not None and place.state == "taken" and place.agent_id == agent_id

    def listen(self, listener: Listener) -> Unsubscribe:
        """Calls `listener` on the event loop with every change from now on."""
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(known for known in self._listeners if known is not listener)

        return unsubscribe

    def _take(self, item: Item) -> None:
        if not isinstance(item, Event):
            return
        conversation_id = item.conversation_id
        if conversation_id in self._entering:
            self._entering[conversation_id].append(item)
        elif conversation_id in self._places:
            self._put(fold(self._places[conversation_id], item))
        elif item.kind in ENTERING:
            self._entering[conversation_id] = []
            self._own(self._enter(conversation_id))

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch_erased(self) -> None:
        """Lets go of what was erased in the journal, by whichever process: no name and no words of it stay here."""
        while True:
            await asyncio.sleep(self._look_for_erased_seconds)
            try:
                erased = await self._journal.erased([*self._places]) if self._places else {}
            except StorageUnavailable as error:
                logger.warning("queue.erased_unknown", error=str(error))
                continue
            for conversation_id, seqs in erased.items():
                if seqs - self._erased.get(conversation_id, frozenset()) and conversation_id in self._places:
                    self._put(forgotten(self._places[conversation_id]))
            self._erased = erased

    async def _enter(self, conversation_id: str) -> None:
        """Folds the whole conversation, then what happened while it was read."""
        try:
            events = await read_whole(self._journal, conversation_id)
            self._erased[conversation_id] = frozenset(event.seq for event in events if event.data is None)
            place = fold_all(conversation_id, events)
            if place.customer_id and not place.customer_name:
                place = replace(place, customer_name=await self._load_name(place.customer_id))
            for event in self._entering[conversation_id]:
                place = fold(place, event)
            self._put(place)
        except Exception:
            # the journal still has it: the next event of a handoff, or the next start, brings it in
            logger.exception("queue.entry_failed", conversation=conversation_id)
        finally:
            self._entering.pop(conversation_id, None)

    def _put(self, place: Place) -> None:
        known = self._places.get(place.conversation_id)
        if place == known or (known is None and not place.is_in_queue):
            return
        if place.is_in_queue:
            self._places[place.conversation_id] = place
        else:
            del self._places[place.conversation_id]
        for listener in self._listeners:
            listener(place if place.is_in_queue else place.conversation_id)
