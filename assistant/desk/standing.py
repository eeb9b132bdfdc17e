"""What a customer who waits is told of their place while the queue moves. Floor: use case, fed by the queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from assistant.desk.queue import Change, Queue, in_order
from assistant.journal.bus import Bus, Standing

# position in the queue -> seconds that it takes from asking until an agent comes; None when nothing is known
EstimateWait = Callable[[int], int | None]


class Standings:
    """Places by conversation. Each move is published on the bus; the first place stands in `handoff.requested`, and is
    published where an agent passed the conversation on, for `handoff.transferred` holds none.

    `clock`: seconds since the epoch.
    """

    def __init__(
        self, queue: Queue, bus: Bus, estimate_wait: EstimateWait, clock: Callable[[], float] = time.time
    ) -> None:
        self._queue = queue
        self._bus = bus
        self._estimate_wait = estimate_wait
        self._clock = clock
        self._places: dict[str, tuple[int, str]] = {}  # conversation -> position from 1, waiting since
        self._taken: set[str] = set()  # conversations that an agent has

    def start(self) -> None:
        """Counts who waits; from then on the queue tells."""
        self._places = self._count()
        self._taken = {place.conversation_id for place in self._queue.places() if place.state == "taken"}
        self._queue.listen(self._take)

    def of(self, conversation_id: str) -> Standing | None:
        """Where this conversation stands now; None when it does not wait."""
        if (place := self._places.get(conversation_id)) is None:
            return None
        position, since = place
        return Standing(conversation_id, position, self._left(position, since))

    def _take(self, change: Change) -> None:
        conversation_id = change if isinstance(change, str) else change.conversation_id
        waits = not isinstance(change, str) and change.state == "waiting"
        was_taken = conversation_id in self._taken
        if waits or isinstance(change, str):
            self._taken.discard(conversation_id)
        else:
            self._taken.add(conversation_id)
        if waits == (conversation_id in self._places):
            return  # words were said: nobody moved
        before, self._places = self._places, self._count()
        moved = [one for one, (position, _) in self._places.items() if one in before and before[one][0] != position]
        for one in [*moved, conversation_id] if waits and was_taken else moved:
            if standing := self.of(one):
                self._bus.publish(standing)

    def _count(self) -> dict[str, tuple[int, str]]:
        waiting = (place for place in in_order(self._queue.places()) if place.state == "waiting")
        return {place.conversation_id: (position, place.since) for position, place in enumerate(waiting, 1)}

    def _left(self, position: int, since: str) -> int | None:
        """What is left of the estimate, in whole minutes; None once it is used up, for then it was wrong."""
        if (estimate := self._estimate_wait(position)) is None:
            return None
        left = estimate - (self._clock() - datetime.fromisoformat(since).timestamp())
        return -(-int(left) // 60) * 60 if left >= 1 else None
