"""How often each document was cited: counted from the journal, each answer once, news only."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant import database
from assistant.journal.events import ASSISTANT, Author, Kind, NewEvent, Role
from assistant.journal.store import SqliteJournal
from assistant.studio import citing
from assistant.studio.citing import CitationCounts

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AGENT = Author(Role.AGENT, "Sam", "agt_1")


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tellonce.db"
    database.upgrade(path)
    return path


@pytest.fixture
async def journal(path: Path, clock: Clock) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(path, clock=clock)
    yield journal
    await journal.close()


@pytest.fixture
def counts(path: Path, clock: Clock) -> CitationCounts:
    return CitationCounts(path, clock)


async def answer(journal: SqliteJournal, *documents: str, author: Author = ASSISTANT) -> str:
    conversation = await journal.create_conversation(visitor_id="v1")
    citations = [{"n": n, "document": document} for n, document in enumerate(documents, 1)]
    event = NewEvent(Kind.MESSAGE, author, {"text": "So it is.", "citations": citations})
    await journal.append(conversation.id, [event])
    return conversation.id


async def test_each_answer_counts_once_for_each_document(journal: SqliteJournal, counts: CitationCounts) -> None:
    await answer(journal, "kettle", "kettle", "shipping")
    await answer(journal, "kettle")
    await answer(journal)
    await answer(journal, "kettle", author=AGENT)

    assert counts.load() == {"kettle": 2, "shipping": 1}


async def test_only_news_is_read(
    journal: SqliteJournal, counts: CitationCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await answer(journal, "kettle")
    counts.load()
    read: list[str] = []
    connect = database.connect

    def tracing(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
        connection = connect(path, read_only=read_only)
        connection.set_trace_callback(read.append)
        return connection

    monkeypatch.setattr(citing.database, "connect", tracing)
    unchanged = counts.load()
    await answer(journal, "kettle")
    changed = counts.load()

    assert (unchanged["kettle"], changed["kettle"]) == (1, 2)
    assert sum("json_each" in statement for statement in read) == 1


async def test_what_is_older_than_the_window_does_not_count(
    journal: SqliteJournal, counts: CitationCounts, clock: Clock
) -> None:
    clock.at = NOW - timedelta(days=citing.WINDOW_DAYS + 2)
    for _ in range(5):
        await answer(journal, "old")
    clock.at = NOW - timedelta(days=citing.WINDOW_DAYS - 1)
    await answer(journal, "old")
    clock.at = NOW

    at_first = counts.load()
    clock.at = NOW + timedelta(days=3)
    later = counts.load()

    assert (at_first["old"], later["old"]) == (1, 0)


async def test_everything_too_old_and_nothing_at_all_count_nothing(
    journal: SqliteJournal, counts: CitationCounts, clock: Clock
) -> None:
    at_first = counts.load()
    clock.at = NOW - timedelta(days=400)
    await answer(journal, "old")
    clock.at = NOW

    assert at_first == {}
    assert counts.load() == {}


async def test_a_journal_longer_than_a_slice_is_counted_whole(
    journal: SqliteJournal, counts: CitationCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(citing, "SLICE_ROWS", 2)
    for _ in range(7):
        await answer(journal, "kettle")

    assert counts.load() == {"kettle": 7}


async def test_erased_words_do_not_disturb(journal: SqliteJournal, counts: CitationCounts) -> None:
    await answer(journal, "kettle")
    await journal.erase(await answer(journal, "kettle"))

    assert counts.load() == {"kettle": 1}
