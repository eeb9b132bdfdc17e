"""The database itself refuses to change what happened, whoever asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.journal.events import Author, Kind, NewEvent, Role
from assistant.journal.store import SqliteJournal

COLUMNS = "conversation_id, seq, prev, at, kind, audience, role, client_id, salt, digest, data, hash"


@pytest.fixture
async def written(path: Path) -> Path:
    journal = SqliteJournal(path)
    conversation = await journal.create_conversation(visitor_id="v")
    for number in (1, 2, 3):
        new = NewEvent(Kind.MESSAGE, Author(Role.CUSTOMER, "Ada"), {"text": "Hello"}, f"id-{number}")
        await journal.append(conversation.id, [new])
    await journal.close()
    return path


@pytest.fixture
def stranger(written: Path) -> Iterator[sqlite3.Connection]:
    """A connection with none of this product's pragmas, as any tool would open it."""
    with closing(sqlite3.connect(written, isolation_level=None)) as connection:
        yield connection


def contents(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    rows = connection.execute("SELECT * FROM events ORDER BY seq").fetchall()
    return rows + connection.execute("SELECT * FROM conversations").fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET data = '{}' WHERE seq = 2",
        "UPDATE events SET data = NULL WHERE seq = 2",
        "UPDATE events SET salt = NULL WHERE seq = 2",
        "UPDATE events SET data = NULL, salt = NULL, at = 'never' WHERE seq = 2",
        "UPDATE events SET data = NULL, salt = NULL, client_id = NULL WHERE seq = 2",
        "UPDATE events SET seq = 9 WHERE seq = 2",
        "UPDATE OR REPLACE events SET seq = 1 WHERE seq = 2",
        "UPDATE OR IGNORE events SET kind = 'note' WHERE seq = 2",
        "DELETE FROM events WHERE seq = 2",
        "DELETE FROM events",
        f"REPLACE INTO events SELECT {COLUMNS} FROM events WHERE seq = 2",
        "INSERT OR REPLACE INTO events SELECT conversation_id, seq, prev, at, kind, audience, role, 'new', salt, "
        "digest, '{}', hash FROM events WHERE seq = 2",
        "INSERT OR REPLACE INTO events SELECT conversation_id, 4, prev, at, kind, audience, role, client_id, salt, "
        "digest, data, hash FROM events WHERE seq = 2",
        "INSERT INTO events SELECT * FROM events WHERE seq = 2 ON CONFLICT DO UPDATE SET data = '{}'",
        "DELETE FROM conversations",
        "REPLACE INTO conversations SELECT * FROM conversations",
    ],
)
def test_a_change_is_refused(stranger: sqlite3.Connection, statement: str) -> None:
    before = contents(stranger)
    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|cannot be"):
        stranger.execute(statement)
    assert contents(stranger) == before


def test_a_refused_change_takes_its_whole_transaction_with_it(stranger: sqlite3.Connection) -> None:
    before = contents(stranger)
    stranger.execute("BEGIN")
    stranger.execute("UPDATE conversations SET customer_id = 'somebody'")
    with pytest.raises(sqlite3.IntegrityError):
        stranger.execute("DELETE FROM events")
    assert not stranger.in_transaction
    assert contents(stranger) == before


def test_only_erasure_is_let_through(stranger: sqlite3.Connection) -> None:
    stranger.execute("UPDATE events SET data = NULL, salt = NULL WHERE seq = 2")
    assert stranger.execute("SELECT seq FROM events WHERE data IS NULL AND salt IS NULL").fetchall() == [(2,)]


async def test_erased_words_are_gone_from_the_files(path: Path) -> None:
    secret = "the-number-is-4929-1234"
    journal = SqliteJournal(path)
    conversation = await journal.create_conversation(visitor_id="v")
    await journal.append(conversation.id, [NewEvent(Kind.MESSAGE, Author(Role.CUSTOMER), {"text": secret})])
    files = [path, path.with_name(path.name + "-wal")]
    assert any(secret.encode() in file.read_bytes() for file in files)
    await journal.erase(conversation.id)
    assert not any(secret.encode() in file.read_bytes() for file in files)
    await journal.close()


async def test_the_same_words_never_have_the_same_digest(path: Path) -> None:
    journal = SqliteJournal(path)
    conversation = await journal.create_conversation(visitor_id="v")
    await journal.append(conversation.id, [NewEvent(Kind.MESSAGE, Author(Role.CUSTOMER), {"text": "yes"})] * 600)
    await journal.close()
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT count(DISTINCT salt), count(DISTINCT digest), min(length(salt)) FROM events"
        assert connection.execute(query).fetchone() == (600, 600, 16)
