"""What a customer who waits is told while the queue moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import pytest
from desk_cast import MIA, asked_for_a_person, said

from assistant.desk.queue import Queue
from assistant.desk.standing import Standings
from assistant.journal.bus import Item, LocalBus, Standing
from assistant.journal.events import Kind, NewEvent
from assistant.journal.store import SqliteJournal

PASSED_ON = NewEvent(Kind.HANDOFF_TRANSFERRED, MIA.author, {"agent": {"name": None}, "from": {"name": MIA.name}})
ACCEPTED = NewEvent(Kind.HANDOFF_ACCEPTED, MIA.author, {"agent": {"name": MIA.name}})


async def nobody(customer_id: str) -> str | None:
    return None


async def ask_for_a_person(journal: SqliteJournal, visitor: str) -> str:
    conversation = await journal.create_conversation(visitor_id=visitor)
    await journal.append(conversation.id, [asked_for_a_person()])
    await asyncio.sleep(0.002)  # who asks next asks later, by a clock of milliseconds
    return conversation.id


async def watch(
    journal: SqliteJournal, bus: LocalBus, estimate: Callable[[int], int | None], waited_seconds: float = 0
) -> tuple[Standings, list[Standing], Queue]:
    told: list[Standing] = []

    def hear(item: Item) -> None:
        if isinstance(item, Standing):
            told.append(item)

    bus.subscribe_all(hear)
    queue = Queue(journal, bus, nobody)
    await queue.start()
    newest = max((datetime.fromisoformat(place.since).timestamp() for place in queue.places()), default=0)
    standings = Standings(queue, bus, estimate, clock=lambda: newest + waited_seconds)
    standings.start()
    return standings, told, queue


async def test_those_behind_who_left_move_up_and_others_hear_nothing(journal: SqliteJournal, bus: LocalBus) -> None:
    first, second, third = [await ask_for_a_person(journal, name) for name in ("one", "two", "three")]
    standings, told, queue = await watch(journal, bus, lambda position: None)

    await journal.append(third, [said("Still there?")])
    assert told == []
    await journal.append(second, [ACCEPTED])
    assert told == [Standing(third, 2, None)]
    assert standings.of(first) == Standing(first, 1, None)
    assert standings.of(second) is None
    await queue.stop()


async def test_who_is_passed_on_is_told_their_place_at_once(journal: SqliteJournal, bus: LocalBus) -> None:
    first, second = [await ask_for_a_person(journal, name) for name in ("one", "two")]
    await journal.append(first, [ACCEPTED])
    standings, told, queue = await watch(journal, bus, lambda position: None)

    await journal.append(first, [PASSED_ON, NewEvent(Kind.NOTE, MIA.author, {"text": "A hard one."})])
    assert told == [Standing(first, 2, None)]
    await journal.append(first, [said("Hello?")])
    assert told == [Standing(first, 2, None)]
    await journal.append(second, [ACCEPTED])
    await journal.append(second, [PASSED_ON])
    assert told[1:] == [Standing(first, 1, None), Standing(second, 2, None)]
    assert standings.of(first) == Standing(first, 1, None)
    await queue.stop()


@pytest.mark.parametrize(
    ("waited_seconds", "left"), [(0, 300), (59, 300), (61, 240), (299, 60), (300, None), (900, None)]
)
async def test_the_time_that_was_waited_is_taken_off_the_estimate(
    journal: SqliteJournal, bus: LocalBus, waited_seconds: float, left: int | None
) -> None:
    conversation = await ask_for_a_person(journal, "one")
    standings, _, queue = await watch(journal, bus, lambda position: 300, waited_seconds)

    assert standings.of(conversation) == Standing(conversation, 1, left)
    await queue.stop()
