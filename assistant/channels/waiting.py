"""How long the queue takes, learned from who was waiting and when an agent came. Floor: pure, fed by the bus."""

from __future__ import annotations

import statistics
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from assistant.journal.bus import Item
from assistant.journal.events import Event, Kind

WAITS_REMEMBERED = 20
WAITS_NEEDED = 3  # with fewer there is nothing to say, and saying nothing beats a wrong promise
WAITING_REMEMBERED = 10_000


class QueueClock:
    """Times the waits of this process's life. A sink for the bus: see `observe`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: OrderedDict[str, float] = OrderedDict()
        self._waits: deque[float] = deque(maxlen=WAITS_REMEMBERED)

    def observe(self, item: Item) -> None:
        if not isinstance(item, Event):
            return
        if item.kind in (Kind.HANDOFF_REQUESTED, Kind.HANDOFF_TRANSFERRED):
            self._since.setdefault(item.conversation_id, self._clock())
            if len(self._since) > WAITING_REMEMBERED:
                self._since.popitem(last=False)
        elif item.kind is Kind.HANDOFF_ACCEPTED:
            if (since := self._since.pop(item.conversation_id, None)) is not None:
                self._waits.append(self._clock() - since)
        elif item.kind in (Kind.CONVERSATION_ENDED, Kind.HANDOFF_RETURNED):
            self._since.pop(item.conversation_id, None)

    def estimate_seconds(self, position: int) -> int | None:
        """The median of recent waits, rounded up to whole minutes; None while too few are known.

        The position does not multiply it: each of those waits was itself spent behind others.
        """
        if len(self._waits) < WAITS_NEEDED or position < 1:
            return None
        return -(-int(statistics.median(self._waits)) // 60) * 60 or 60
