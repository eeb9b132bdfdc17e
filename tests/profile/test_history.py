"""Past conversations join a customer's journey when it is loaded, and are never copied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assistant.database import open_engine, upgrade
from assistant.journal.events import ASSISTANT, Author, Kind, NewEvent, Role
from assistant.journal.store import SqliteJournal
from assistant.profile.history import load_customer, past_touchpoints, shortened
from assistant.profile.store import Profiles

ADA = Author(Role.CUSTOMER, "Ada", "cus-1")
MIA = Author(Role.AGENT, "Mia", "agt_1")


def said(text: str) -> NewEvent:
    return NewEvent(Kind.MESSAGE, ADA, {"text": text})


def answered(outcome: str) -> NewEvent:
    return NewEvent(Kind.MESSAGE, ASSISTANT, {"text": "…", "outcome": outcome})


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    upgrade(tmp_path / "tellonce.db")
    journal = SqliteJournal(tmp_path / "tellonce.db")
    yield journal
    await journal.close()


async def talk(journal: SqliteJournal, *events: NewEvent, customer_id: str = "cus-1") -> str:
    conversation = await journal.create_conversation(visitor_id="vis_1", customer_id=customer_id)
    await journal.append(conversation.id, events)
    return conversation.id


@pytest.mark.parametrize(
    ("events", "summary", "outcome"),
    [
        pytest.param([said("Why E4?"), answered("answered")], "Why E4?", "answered", id="answered"),
        pytest.param([said("Why E4?"), answered("declined")], "Why E4?", "not answered", id="declined"),
        pytest.param([said("Why E4?")], "Why E4?", "left open", id="left"),
        pytest.param([said("Why E4?"), said("And E5?")], "Why E4? (and 1 more)", "left open", id="several"),
        pytest.param(
            [said("Why E4?"), NewEvent(Kind.HANDOFF_REQUESTED, ADA)], "Why E4?", "waiting for an agent", id="waiting"
        ),
        pytest.param(
            [said("Why E4?"), NewEvent(Kind.HANDOFF_ACCEPTED, MIA), NewEvent(Kind.CONVERSATION_ENDED, MIA)],
            "Why E4?",
            "ended with an agent",
            id="with a person",
        ),
        pytest.param(
            [said("Why E4?"), NewEvent(Kind.CONVERSATION_ENDED, ADA)], "Why E4?", "ended with the assistant", id="ended"
        ),
    ],
)
async def test_a_past_conversation_is_one_line(
    journal: SqliteJournal, events: list[NewEvent], summary: str, outcome: str
) -> None:
    conversation_id = await talk(journal, *events)
    (touchpoint,) = await past_touchpoints(journal, "cus-1")
    assert (touchpoint.summary, touchpoint.outcome, touchpoint.conversation_id) == (summary, outcome, conversation_id)


async def test_the_conversation_going_on_and_other_customers_are_left_out(journal: SqliteJournal) -> None:
    now = await talk(journal, said("Now"))
    await talk(journal, said("Somebody else's"), customer_id="cus-2")
    await talk(journal, NewEvent(Kind.CONTEXT, ADA, {"locale": "en"}))  # nothing was said
    past = await talk(journal, said("Before"))
    assert [t.conversation_id for t in await past_touchpoints(journal, "cus-1", but=now)] == [past]


async def test_they_stand_among_the_imported_contacts_newest_first(journal: SqliteJournal, tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "tellonce.db")
    profiles = Profiles(engine)
    contacts = [
        {"at": "2020-01-01T00:00:00Z", "channel": "phone", "summary": "Long ago."},
        {"at": "2999-01-01T00:00:00Z", "channel": "shop", "summary": "Far ahead."},
    ]
    profiles.import_customers([{"id": "cus-1", "touchpoints": contacts}])
    await talk(journal, said("Why E4?"))
    ada = await load_customer(profiles, journal, "cus-1")
    assert ada is not None
    assert [t.summary for t in ada.touchpoints] == ["Far ahead.", "Why E4?", "Long ago."]
    assert await load_customer(profiles, journal, "cus-404") is None
    engine.dispose()


async def test_what_the_journal_erases_is_gone_from_the_journey(journal: SqliteJournal) -> None:
    conversation_id = await talk(journal, said("My address is 4 Mill Lane."))
    await journal.erase(conversation_id)
    assert await past_touchpoints(journal, "cus-1") == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [("short", "short"), ("two\nlines", "two lines"), ("one two three four", "one two…"), ("x" * 30, "x" * 11 + "…")],
)
def test_long_words_are_cut_where_a_word_ends(text: str, shown: str) -> None:
    assert shortened(text, 12) == shown
