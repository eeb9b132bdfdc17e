"""Who waits and who has whom: the fold, and the queue that keeps it current."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from desk_cast import ADA, ASSISTANT, BEN, MIA, asked_for_a_person, new_id, numbered, said
from hypothesis import given
from hypothesis import strategies as st

from assistant.desk.conduct import Conduct
from assistant.desk.queue import Change, Place, Queue, fold, fold_all, in_order
from assistant.journal.bus import LocalBus
from assistant.journal.events import Event, Kind, NewEvent
from assistant.journal.store import SqliteJournal

ACCEPTED = NewEvent(Kind.HANDOFF_ACCEPTED, MIA.author, {"agent": {"name": MIA.name}})
TRANSFERRED = NewEvent(Kind.HANDOFF_TRANSFERRED, MIA.author, {"agent": {"name": None}})
RETURNED = NewEvent(Kind.HANDOFF_RETURNED, MIA.author, {"agent": {"name": MIA.name}})
ENDED = NewEvent(Kind.CONVERSATION_ENDED, ADA, {"by": "customer"})
FOR_BEN = NewEvent(Kind.NOTE, MIA.author, {"text": "Yours.", "for": {"id": BEN.id, "name": BEN.name}})
NOTE = NewEvent(Kind.NOTE, BEN.author, {"text": "Seen before."})


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([said("Hi")], {"state": "elsewhere", "last_text": "Hi", "unread": 1}, id="only talks"),
        pytest.param(
            [said("Hi"), asked_for_a_person("Angry")],
            {"state": "waiting", "reason": "Angry", "since": "2026-11-23T10:02:00.000Z", "last_text": "Hi"},
            id="asked",
        ),
        pytest.param(
            [asked_for_a_person("First"), asked_for_a_person("Again")],
            {"state": "waiting", "reason": "First", "since": "2026-11-23T10:01:00.000Z"},
            id="asked twice keeps the place",
        ),
        pytest.param(
            [asked_for_a_person(), ACCEPTED], {"state": "taken", "agent_id": MIA.id, "agent_name": MIA.name}, id="taken"
        ),
        pytest.param(
            [asked_for_a_person(), ACCEPTED, said("Hello?")], {"state": "taken", "unread": 1}, id="waits for words"
        ),
        pytest.param(
            [said("Hi"), asked_for_a_person(), ACCEPTED, said("Hello", MIA.author)],
            {"state": "taken", "unread": 0, "last_role": "agent", "last_text": "Hello", "asked": "Hi"},
            id="answered",
        ),
        pytest.param(
            [asked_for_a_person(), ACCEPTED, TRANSFERRED],
            {"state": "waiting", "agent_id": None, "since": "2026-11-23T10:03:00.000Z", "meant_for": None},
            id="passed on",
        ),
        pytest.param(
            [asked_for_a_person(), ACCEPTED, TRANSFERRED, FOR_BEN, NOTE],
            {"state": "waiting", "meant_for": {"id": BEN.id, "name": BEN.name}},
            id="passed on to somebody",
        ),
        pytest.param(
            [asked_for_a_person(), ACCEPTED, RETURNED], {"state": "elsewhere", "agent_id": None}, id="returned"
        ),
        pytest.param([asked_for_a_person(), ENDED], {"state": "elsewhere", "since": ""}, id="left while waiting"),
        pytest.param(
            [NewEvent(Kind.IDENTIFIED, ASSISTANT, {"customer": "cus-1", "verified": True}), asked_for_a_person()],
            {"verified": True, "customer_id": "cus-1", "customer_name": "Ada Lowe"},
            id="known customer",
        ),
    ],
)
def test_the_fold_says_where_a_conversation_is(events: list[NewEvent], expected: dict[str, Any]) -> None:
    place = fold_all("c1", numbered(*events))
    assert {name: getattr(place, name) for name in expected} == expected
    assert place.seq == len(events)


ANY_EVENT = st.sampled_from(
    [said("Hi"), said("Hello", MIA.author), asked_for_a_person(), ACCEPTED, TRANSFERRED, FOR_BEN, RETURNED, ENDED, NOTE]
)


@given(st.lists(ANY_EVENT, max_size=12), st.data())
def test_stale_state_plus_events_equals_fresh_state(news: list[NewEvent], data: st.DataObject) -> None:
    events = numbered(*news)
    stale = fold_all("c1", events[: data.draw(st.integers(0, len(events)))])
    again_from = data.draw(st.integers(0, stale.seq))  # some arrive a second time
    for event in events[again_from:]:
        stale = fold(stale, event)
    assert stale == fold_all("c1", events)


@given(st.lists(ANY_EVENT, max_size=12))
def test_the_fold_agrees_with_the_journals_own_floor(news: list[NewEvent]) -> None:
    from assistant.journal.transcript import next_floor

    floor = "assistant"
    for event in news:
        floor = next_floor(floor, event)
    assert fold_all("c1", numbered(*news)).state == {"queue": "waiting", "agent": "taken"}.get(floor, "elsewhere")


def test_the_longest_wait_comes_first_and_taken_ones_last() -> None:
    places = [
        Place("taken", "taken", since="2026-11-23T09:00:00Z"),
        Place("late", "waiting", since="2026-11-23T10:05:00Z"),
        Place("early", "waiting", since="2026-11-23T10:00:00Z"),
    ]
    assert [place.conversation_id for place in in_order(places)] == ["early", "late", "taken"]


def test_a_long_message_is_shown_short_and_on_one_line() -> None:
    place = fold_all("c1", numbered(said("line\n" * 100)))
    assert len(place.last_text) == 140
    assert "\n" not in place.last_text


async def nobody(customer_id: str) -> str | None:
    return None


@pytest.fixture
async def queue(journal: SqliteJournal, bus: LocalBus) -> Any:
    queue = Queue(journal, bus, nobody)
    yield queue
    await queue.stop()


async def until(condition: Any) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen within five seconds")


async def test_a_queue_that_starts_late_knows_who_waits(queue: Queue, conduct: Conduct, waiting: str) -> None:
    await queue.start()
    assert [(p.conversation_id, p.state, p.last_text) for p in queue.places()] == [
        (waiting, "waiting", "My Lark 2 shows E4.")
    ]


async def test_a_running_queue_tells_each_step_of_a_conversation(
    queue: Queue, conduct: Conduct, journal: SqliteJournal
) -> None:
    await queue.start()
    changes: list[Change] = []
    queue.listen(changes.append)
    conversation = await journal.create_conversation(visitor_id="vis_1")
    await journal.append(conversation.id, [said("My Lark 2 shows E4.")])
    assert changes == []
    await journal.append(conversation.id, [asked_for_a_person()])
    await until(lambda: changes)
    assert queue.places()[0].last_text == "My Lark 2 shows E4."
    await conduct.accept(MIA, conversation.id, new_id())
    assert queue.has(conversation.id, MIA.id)
    assert not queue.has(conversation.id, BEN.id)
    await conduct.close(MIA, conversation.id, new_id())
    assert queue.places() == []
    assert [c if isinstance(c, str) else c.state for c in changes] == ["waiting", "taken", conversation.id]


async def test_what_happens_while_a_conversation_is_read_is_not_missed(
    queue: Queue, journal: SqliteJournal, conduct: Conduct
) -> None:
    await queue.start()
    conversation = await journal.create_conversation(visitor_id="vis_1")
    await journal.append(conversation.id, [said("Hi"), asked_for_a_person()])
    await asyncio.gather(
        conduct.accept(MIA, conversation.id, new_id()), journal.append(conversation.id, [said("Anybody?")])
    )
    await until(lambda: queue.places() and queue.places()[0].seq == 4)
    assert queue.places()[0].state == "taken"
    assert queue.places()[0].last_text == "Anybody?"


async def test_a_customer_who_gave_no_name_is_named_by_the_profile(journal: SqliteJournal, bus: LocalBus) -> None:
    async def load_name(customer_id: str) -> str | None:
        return {"cus-7": "Tomasz"}[customer_id]

    conversation = await journal.create_conversation(visitor_id="vis_1", customer_id="cus-7")
    identified = NewEvent(Kind.IDENTIFIED, ASSISTANT, {"customer": "cus-7", "verified": True})
    request = NewEvent(Kind.HANDOFF_REQUESTED, ASSISTANT, {"reason": "Not found."})
    await journal.append(conversation.id, [identified, request])
    queue = Queue(journal, bus, load_name)
    await queue.start()
    assert queue.places()[0].as_data()["customer"] == {"name": "Tomasz", "verified": True}
    await queue.stop()


async def test_what_is_erased_leaves_the_queue_and_the_conversation_stays_with_its_agent(
    journal: SqliteJournal, bus: LocalBus, conduct: Conduct
) -> None:
    conversation = await journal.create_conversation(visitor_id="vis_1")
    await journal.append(conversation.id, [said("My Lark 2 shows E4."), asked_for_a_person("Angry")])
    queue = Queue(journal, bus, nobody, look_for_erased_seconds=0.01)
    await queue.start()
    await conduct.accept(MIA, conversation.id, new_id())
    assert "Ada" in str(queue.places())

    await journal.erase(conversation.id)
    await until(lambda: "Ada" not in str(queue.places()))

    (place,) = queue.places()
    assert (place.state, place.agent_id, place.last_text, place.asked, place.reason) == ("taken", MIA.id, "", "", None)
    await journal.append(conversation.id, [said("Are you there?", MIA.author)])
    await asyncio.sleep(0.05)
    assert queue.places()[0].last_text == "Are you there?"
    await queue.stop()


def test_erased_events_fold_without_their_words() -> None:
    erased = Event("c1", 1, 0, "2026-11-23T10:01:00.000Z", Kind.HANDOFF_REQUESTED, ASSISTANT, None)
    assert fold_all("c1", [erased]).as_data()["reason"] is None
