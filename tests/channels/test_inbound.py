"""The verbs of every customer's door, on a real journal."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from assistant import database
from assistant.channels.frames import Page
from assistant.channels.inbound import Inbound, context_event, plain_blocks
from assistant.channels.waiting import QueueClock
from assistant.errors import Conflict, NotFound
from assistant.journal.bus import LocalBus
from assistant.journal.events import Author, Event, Kind, NewEvent, Role
from assistant.journal.port import read_whole
from assistant.journal.store import SqliteJournal

ADA = Author(Role.CUSTOMER, "Ada", "vis_1")


def new_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture
async def journal(tmp_path):
    database.upgrade(tmp_path / "tellonce.db")
    journal = SqliteJournal(tmp_path / "tellonce.db")
    yield journal
    await journal.close()


@pytest.fixture
def inbound(journal) -> Inbound:
    return Inbound(journal, ces_scale=5, estimate_wait=lambda position: 60 * position)


@pytest.fixture
async def conversation(journal) -> str:
    return (await journal.create_conversation(visitor_id="vis_1")).id


async def kinds(journal, conversation) -> list[Kind]:
    return [event.kind for event in await read_whole(journal, conversation)]


async def test_what_is_known_of_a_visitor_is_stored_with_the_first_words(journal, inbound, conversation):
    context = context_event(ADA, Page("https://shop.example", "Shop", None), "en-GB")
    frame_id = new_id()

    first = await inbound.say(conversation, ADA, "Hello", frame_id, also=[context])
    again = await inbound.say(conversation, ADA, "Hello", frame_id, also=[context])

    assert (first.repeated, again.repeated) == (False, True)
    assert await kinds(journal, conversation) == [Kind.MESSAGE, Kind.CONTEXT]


async def test_an_id_that_was_used_for_something_else_is_told_and_not_acknowledged(journal, inbound, conversation):
    frame_id = new_id()
    await inbound.say(conversation, ADA, "Hello", frame_id)

    for act in (
        inbound.end(conversation, ADA, frame_id),
        inbound.ask_human(conversation, ADA, None, frame_id),
    ):
        with pytest.raises(Conflict):
            await act

    assert await kinds(journal, conversation) == [Kind.MESSAGE]


async def test_two_requests_for_a_person_at_once_make_one(journal, inbound, conversation):
    both = await asyncio.gather(*(inbound.ask_human(conversation, ADA, None, new_id()) for _ in range(2)))

    assert {appended.events[0].seq for appended in both} == {1}
    assert await kinds(journal, conversation) == [Kind.HANDOFF_REQUESTED]


async def test_the_position_counts_who_waits_already(journal, inbound, conversation):
    other = (await journal.create_conversation(visitor_id="vis_2")).id
    await inbound.ask_human(other, Author(Role.CUSTOMER, None, "vis_2"), "angry", new_id())

    asked = await inbound.ask_human(conversation, ADA, None, new_id())

    assert asked.events[0].data is not None
    assert (asked.events[0].data["position"], asked.events[0].data["wait_seconds"]) == (2, 120)


async def test_two_ends_at_once_are_one_with_one_prompt(journal, inbound, conversation):
    await asyncio.gather(*(inbound.end(conversation, ADA, new_id()) for _ in range(3)))

    assert await kinds(journal, conversation) == [Kind.CONVERSATION_ENDED, Kind.SURVEY_OFFERED]


async def test_a_second_end_without_a_word_in_between_asks_nothing(journal, inbound, conversation):
    await inbound.end(conversation, ADA, new_id())
    await journal.append(conversation, [NewEvent(Kind.HANDOFF_RETURNED, Author(Role.AGENT, "Sam", "a1"), {})])
    await inbound.end(conversation, ADA, new_id())

    assert (await kinds(journal, conversation)).count(Kind.SURVEY_OFFERED) == 1


async def test_two_scores_at_once_keep_one(journal, inbound, conversation):
    ended = await inbound.end(conversation, ADA, new_id())
    survey = ended.events[1].data["survey"]

    outcomes = await asyncio.gather(
        *(inbound.answer_survey(conversation, ADA, survey, score, new_id()) for score in (1, 5)), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Appended", "Conflict"]
    assert isinstance(next(o for o in outcomes if isinstance(o, Exception)), Conflict)
    assert (await kinds(journal, conversation)).count(Kind.SURVEY_ANSWERED) == 1


async def test_a_verb_on_no_conversation_is_not_found(inbound):
    for attempt in (
        inbound.say("none", ADA, "x", new_id()),
        inbound.ask_human("none", ADA, None, new_id()),
        inbound.end("none", ADA, new_id()),
        inbound.rate("none", ADA, 1, True),
        inbound.answer_survey("none", ADA, "ces-1", 1, new_id()),
    ):
        with pytest.raises(NotFound):
            await attempt


def test_a_persons_words_stay_as_typed():
    assert plain_blocks("# not a *heading*\nsecond line\n\n\n<b>next</b>") == [
        {
            "t": "p",
            "c": [{"t": "text", "text": "# not a *heading*"}, {"t": "br"}, {"t": "text", "text": "second line"}],
        },
        {"t": "p", "c": [{"t": "text", "text": "<b>next</b>"}]},
    ]


def event(conversation: str, kind: Kind) -> Event:
    return Event(conversation, 1, 0, "2026-01-01T00:00:00.000Z", kind, ADA, {})


def test_the_wait_is_the_median_of_real_ones_in_whole_minutes():
    now = 0.0
    clock = QueueClock(lambda: now)
    bus = LocalBus()
    bus.subscribe_all(clock.observe)
    for number, wait_seconds in enumerate((30, 100, 500)):
        assert clock.estimate_seconds(1) is None
        bus.publish(event(str(number), Kind.HANDOFF_REQUESTED))
        now += wait_seconds
        bus.publish(event(str(number), Kind.HANDOFF_ACCEPTED))

    assert clock.estimate_seconds(1) == 120


def test_who_gave_up_waiting_is_no_wait():
    clock = QueueClock(lambda: 0.0)
    for number in range(5):
        clock.observe(event(str(number), Kind.HANDOFF_REQUESTED))
        clock.observe(event(str(number), Kind.CONVERSATION_ENDED))
        clock.observe(event(str(number), Kind.HANDOFF_ACCEPTED))

    assert clock.estimate_seconds(1) is None
