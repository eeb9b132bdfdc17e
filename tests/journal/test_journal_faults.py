"""What must survive: a killed writer, a full disk, a locked database, other processes, a careless reader."""

from __future__ import annotations

import asyncio
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from assistant import database
from assistant.errors import StorageUnavailable
from assistant.journal.events import Author, Event, Kind, NewEvent, Role
from assistant.journal.port import ChainReport
from assistant.journal.store import SqliteJournal

WRITING_PROCESS = Path(__file__).with_name("writing_process.py")
ROOT = Path(__file__).parents[2]
ADA = Author(Role.CUSTOMER, "Ada", "visitor")


def says(text: str, client_id: str | None = None) -> NewEvent:
    return NewEvent(Kind.MESSAGE, ADA, {"text": text}, client_id)


def start_process(path: Path, conversation_id: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(WRITING_PROCESS), str(path), conversation_id, *arguments]
    return subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)


async def read_all(journal: SqliteJournal, conversation_id: str) -> list[Event]:
    events: list[Event] = []
    while page := await journal.read(conversation_id, after=len(events)):
        events += page
    return events


async def verified(journal: SqliteJournal) -> list[ChainReport]:
    return [report async for report in journal.verify()]


async def test_after_a_kill_every_acknowledged_event_is_there_and_the_chain_is_whole(path: Path) -> None:
    journal = SqliteJournal(path)
    conversation = await journal.create_conversation(visitor_id="v")
    acknowledged: dict[str, int] = {}
    for round_, acks in enumerate((1, 40, 333)):
        process = start_process(path, conversation.id, "24", "100000", f"{round_}-")
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(acks)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
        process.wait()
        process.stdout.close()
        for line in lines:
            if line.endswith("\n"):  # the last may be cut
                seq, client_id, repeated = line.split()
                assert repeated == "0"
                acknowledged[client_id] = int(seq)
    events = await read_all(journal, conversation.id)
    stored = {event.client_id: event.seq for event in events if event.client_id is not None}
    assert len(acknowledged) >= 374
    assert acknowledged.items() <= stored.items()
    assert [event.kind for event in events] == [Kind.MESSAGE, Kind.NOTE] * (len(events) // 2)  # no half append
    assert await verified(journal) == [ChainReport(conversation.id, len(events), 0)]
    await journal.close()


async def test_two_processes_write_one_conversation_and_share_client_ids(path: Path) -> None:
    journal = SqliteJournal(path)
    conversation = await journal.create_conversation(visitor_id="v")
    process = start_process(path, conversation.id, "8", "25", "shared-")
    assert process.stdout is not None
    first_line = await asyncio.to_thread(process.stdout.readline)

    async def run(task: int) -> int:
        new = 0
        for number in range(25):
            appended = await journal.append(conversation.id, [says("hello", f"shared-{task}-{number}"), says("more")])
            new += not appended.repeated
        return new

    new_here = sum(await asyncio.gather(*(run(task) for task in range(8))))
    lines = [first_line, *(await asyncio.to_thread(process.stdout.readlines))]
    process.stdout.close()
    assert process.wait() == 0
    new_there = sum(line.split()[2] == "0" for line in lines)
    events = await read_all(journal, conversation.id)
    assert new_here + new_there == 200
    assert new_there > 0
    assert [event.seq for event in events] == list(range(1, 401))
    assert await verified(journal) == [ChainReport(conversation.id, 400, 0)]
    await journal.close()


@contextmanager
def no_file_may_grow_beyond(size_bytes: int) -> Iterator[None]:
    """The disk as good as full: writing past this size fails (Python ignores the signal that comes along)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_acknowledges_nothing_and_writing_resumes_once_there_is_room(path: Path) -> None:
    committed: list[Event] = []
    journal = SqliteJournal(path, on_committed=committed.extend)
    conversation = await journal.create_conversation(visitor_id="v")
    await journal.append(conversation.id, [says("before", "a")])
    wal_bytes = path.with_name(path.name + "-wal").stat().st_size
    with no_file_may_grow_beyond(wal_bytes + 10_000):
        big = [journal.append(conversation.id, [says("x" * 30_000, f"big-{n}")]) for n in range(5)]
        outcomes = await asyncio.gather(*big, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 5
    assert len({id(outcome) for outcome in outcomes}) == 5
    again = await journal.append(conversation.id, [says("x" * 30_000, "big-0")])
    assert (again.repeated, again.events[0].seq) == (False, 2)
    assert [event.seq for event in committed] == [1, 2]
    assert await verified(journal) == [ChainReport(conversation.id, 2, 0)]
    await journal.close()


async def test_a_database_out_of_pages_is_unavailable_and_stays_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    monkeypatch.setattr(database, "PRAGMAS", (*database.PRAGMAS, f"PRAGMA max_page_count = {pages + 10}"))
    journal = SqliteJournal(path)
    conversation = await journal.create_conversation(visitor_id="v")
    outcomes: list[object] = []
    for number in range(30):
        append = journal.append(conversation.id, [says("x" * 3_000, f"id-{number}")])
        outcomes += await asyncio.gather(append, return_exceptions=True)
    stored = await journal.read(conversation.id)
    refused = [outcome for outcome in outcomes if isinstance(outcome, StorageUnavailable)]
    assert 0 < len(stored) == 30 - len(refused) < 30
    assert all(isinstance(outcome.__cause__, sqlite3.Error) for outcome in refused)
    assert await verified(journal) == [ChainReport(conversation.id, len(stored), 0)]
    await journal.close()


async def test_a_locked_database_is_unavailable_and_recovers_when_the_lock_goes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PRAGMAS", (*database.PRAGMAS, "PRAGMA busy_timeout = 30"))
    journal = SqliteJournal(path)
    conversation = await journal.create_conversation(visitor_id="v")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable) as caught:
            await journal.append(conversation.id, [says("Hello", "a")])
        with pytest.raises(StorageUnavailable):
            await journal.create_conversation(visitor_id="v")
        assert await journal.read(conversation.id) == []  # reading goes on
        other.execute("ROLLBACK")
    assert caught.value.retry_after_seconds is not None
    assert not (await journal.append(conversation.id, [says("Hello", "a")])).repeated
    await journal.close()


async def test_a_missing_folder_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="folder"):
        SqliteJournal(tmp_path / "nowhere" / "tellonce.db")


async def test_a_reader_that_fails_does_not_keep_writers_from_their_acknowledgement(path: Path) -> None:
    def fail(events: object) -> None:
        raise ValueError("a careless reader")

    journal = SqliteJournal(path, on_committed=fail)
    conversation = await journal.create_conversation(visitor_id="v")
    assert (await journal.append(conversation.id, [says("Hello")])).events[0].seq == 1
    await journal.close()


async def test_too_many_waiting_appends_are_refused_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.journal.writer.QUEUE_BOUND", 100)
    journal = SqliteJournal(path)
    conversation = await journal.create_conversation(visitor_id="v")
    appends = [journal.append(conversation.id, [says(str(number))]) for number in range(150)]
    outcomes = await asyncio.gather(*appends, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, StorageUnavailable)]
    assert len(refused) == 50
    assert [event.seq for event in await journal.read(conversation.id)] == list(range(1, 101))
    await journal.close()


async def test_the_write_ahead_log_stays_small_beside_steady_writing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.journal.writer.CHECKPOINT_EVERY", 10)
    journal = SqliteJournal(path)
    ids = [(await journal.create_conversation(visitor_id="v")).id for _ in range(10)]
    for _ in range(20):
        await asyncio.gather(*(journal.append(id_, [says("x" * 5_000)]) for id_ in ids))
    assert path.with_name(path.name + "-wal").stat().st_size < 1_000_000  # 200 events of 5 KB: 1 MB in themselves
    await journal.close()


async def test_a_chain_longer_than_a_page_is_verified(path: Path) -> None:
    journal = SqliteJournal(path)
    conversation = await journal.create_conversation(visitor_id="v")
    for _ in range(5):
        await asyncio.gather(*(journal.append(conversation.id, [says("Hello")] * 50) for _ in range(10)))
    assert await verified(journal) == [ChainReport(conversation.id, 2_500, 0)]
    await journal.close()
