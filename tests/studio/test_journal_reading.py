"""The journal read in pieces: every conversation that changed, once a change, and no further back than asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import database
from assistant.journal.events import ASSISTANT, Author, Kind, NewEvent, Role
from assistant.journal.store import SqliteJournal
from assistant.studio import journal_reading
from assistant.studio.journal_reading import JournalReading

CUSTOMER = Author(Role.CUSTOMER, None, "vis_1")


@pytest.fixture
async def house(tmp_path: Path):
    """A journal with a clock that the test sets, and who reads it."""
    path = tmp_path / "tellonce.db"
    database.upgrade(path)
    now = [1_700_000_000.0]
    journal = SqliteJournal(path, clock=lambda: now[0])
    engine = database.open_engine(path)
    yield journal, JournalReading(engine), now
    await journal.close()
    engine.dispose()


async def say(journal, conversation, text="hi", kind=Kind.MESSAGE, author=CUSTOMER):
    return (await journal.append(conversation, [NewEvent(kind, author, {"text": text})])).events[0]


async def test_news_are_the_conversations_that_changed_since_and_nothing_is_read_twice(house):
    journal, reading, _ = house
    one = (await journal.create_conversation(visitor_id="v")).id
    two = (await journal.create_conversation(visitor_id="v")).id
    assert reading.news(0).conversations == ()
    await say(journal, one)
    await say(journal, two)

    first = reading.news(0)
    await say(journal, two)
    second = reading.news(first.position)

    assert (first.conversations, first.is_all) == (tuple(sorted((one, two))), True)
    assert (second.conversations, reading.news(second.position).conversations) == ((two,), ())


async def test_a_long_journal_is_read_a_bounded_piece_at_a_time(house, monkeypatch):
    journal, reading, _ = house
    monkeypatch.setattr(journal_reading, "WINDOW", 4)
    conversations = [(await journal.create_conversation(visitor_id="v")).id for _ in range(10)]
    for conversation in conversations:
        await say(journal, conversation)

    position, seen, pieces = 0, [], 0
    while not (news := reading.news(position)).is_all:
        assert len(news.conversations) <= 4
        seen += news.conversations
        position, pieces = news.position, pieces + 1
    seen += news.conversations

    assert (sorted(seen), pieces) == (sorted(conversations), 2)


async def test_evidence_comes_newest_first_and_stops_at_the_day_asked_for(house, monkeypatch):
    journal, reading, now = house
    monkeypatch.setattr(journal_reading, "WINDOW", 3)
    conversation = (await journal.create_conversation(visitor_id="v")).id
    for n in range(8):
        now[0] += 86_400
        await say(journal, conversation, f"q{n}")
        await say(journal, conversation, f"e{n}", Kind.EVIDENCE, ASSISTANT)
    events = {event.text: event for event in reading.events(conversation)}
    await journal.erase(conversation, [events["e6"].seq])

    since = events["q4"].at
    found = [data["text"] for _, data in reading.newest_evidence(since)]

    assert found == ["e7", "e5", "e4"]


async def test_what_is_erased_or_was_never_there_is_told(house):
    journal, reading, _ = house
    conversation = (await journal.create_conversation(visitor_id="v", customer_id="cus_1")).id
    await say(journal, conversation)
    await say(journal, conversation)
    await journal.erase(conversation, [1])

    places = [(conversation, 1), (conversation, 2), ("nowhere", 1)]

    assert reading.erased(places) == [(conversation, 1), ("nowhere", 1)]
    assert (reading.customer_of(conversation), reading.customer_of("nowhere")) == ("cus_1", None)
