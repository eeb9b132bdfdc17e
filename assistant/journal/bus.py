"""Who is told of what happens now. Floor: port with its in-process adapter; the Redis one comes beside it.

Sinks are plain callables called on the event loop: they must return at once and never raise. A reader that needs every
event reads the journal after subscribing; the bus itself promises nothing across a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from assistant.journal.events import Author, Event

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Draft:
    """More of an answer being written. `turn` is the seq of the customer message it answers; `n` counts from 0."""

    conversation_id: str
    turn: int
    n: int
    text: str


@dataclass(frozen=True, slots=True)
class Typing:
    """Somebody began or stopped writing."""

    conversation_id: str
    author: Author
    on: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The place in the queue of a customer who waits: `position` from 1; `wait_seconds` None when nothing is known."""

    conversation_id: str
    position: int
    wait_seconds: int | None


Item = Event | Draft | Typing | Standing
Sink = Callable[[Item], None]
Unsubscribe = Callable[[], None]


class Bus(Protocol):
    def subscribe(self, conversation_id: str, sink: Sink) -> Unsubscribe:
        """Calls `sink` with everything published for this conversation from now on."""
        ...

    def subscribe_all(self, sink: Sink) -> Unsubscribe:
        """Calls `sink` with everything published for any conversation."""
        ...

    def publish(self, item: Item) -> None:
        """Tells every sink. Called on the event loop."""
        ...


class LocalBus:
    """One process, no queue: publishing is a loop over callables."""

    def __init__(self) -> None:
        self._sinks: dict[str, tuple[Sink, ...]] = {}
        self._all: tuple[Sink, ...] = ()

    def subscribe(self, conversation_id: str, sink: Sink) -> Unsubscribe:
        self._sinks[conversation_id] = (*self._sinks.get(conversation_id, ()), sink)

        def unsubscribe() -> None:
            rest = tuple(s for s in self._sinks.get(conversation_id, ()) if s is not sink)
            if rest:
                self._sinks[conversation_id] = rest
            else:
                self._sinks.pop(conversation_id, None)

        return unsubscribe

    def subscribe_all(self, sink: Sink) -> Unsubscribe:
        self._all = (*self._all, sink)

        def unsubscribe() -> None:
            self._all = tuple(s for s in self._all if s is not sink)

        return unsubscribe

    def publish(self, item: Item) -> None:
        for sink in (*self._sinks.get(item.conversation_id, ()), *self._all):
            try:
                sink(item)
            except Exception:
                logger.exception("bus.sink_failed", conversation=item.conversation_id)
