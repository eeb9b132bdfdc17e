"""A real journal in a file, a bus that hears it, and a conversation that waits."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from desk_cast import asked_for_a_person, said

from assistant.database import upgrade
from assistant.desk.conduct import Conduct
from assistant.journal.bus import LocalBus
from assistant.journal.events import Event
from assistant.journal.store import SqliteJournal
from assistant.turn.blocks import parse_blocks


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with today's schema and nothing in it, made once and copied for each test."""
    path = tmp_path_factory.mktemp("made") / "tellonce.db"
    upgrade(path)
    return path


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus()


@pytest.fixture
async def journal(tmp_path: Path, bus: LocalBus, made_database: Path) -> AsyncIterator[SqliteJournal]:
    path = tmp_path / "tellonce.db"
    shutil.copyfile(made_database, path)

    def tell(events: Sequence[Event]) -> None:
        for event in events:
            bus.publish(event)

    journal = SqliteJournal(path, on_committed=tell)
    yield journal
    await journal.close()


@pytest.fixture
def conduct(journal: SqliteJournal) -> Conduct:
    return Conduct(journal, parse_blocks=parse_blocks, ces_scale=7)


@pytest.fixture
async def waiting(journal: SqliteJournal) -> str:
    """A conversation in which Ada asked something and now waits for a person."""
    conversation = await journal.create_conversation(visitor_id="vis_1")
    await journal.append(conversation.id, [said("My Lark 2 shows E4."), asked_for_a_person()])
    return conversation.id
