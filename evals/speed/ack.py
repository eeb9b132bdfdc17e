"""Durable acknowledgements: how many a second, how soon; beside one row a commit and the disk's own fsync.

Alone: `python -m evals.speed.ack`. Candidates take turns in short rounds, so that a busy disk is busy for all of them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from assistant import database
from assistant.journal.events import Author, Kind, NewEvent, Role
from assistant.journal.store import SqliteJournal
from evals.speed.figures import Figure, print_figures

WRITERS = 64
CONVERSATION_EVENTS = 40
ROUNDS = 5
TEXT = "My kettle shows error E4 since this morning, although I descaled it last week. What should I do now?"

Append = Callable[[int, str], Awaitable[object]]  # writer number, client id


@dataclass(slots=True)
class Run:
    """Seconds of every append, and of the whole."""

    latencies: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.elapsed

    def at(self, fraction: float) -> float:
        """The latency in milliseconds below which this fraction of appends stays."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * fraction), len(ordered) - 1)] * 1000


def measure(quick: bool = False) -> list[Figure]:
    """Throughput with 64 writers, latency with one and with 64; each writer waits for its ack before it goes on."""
    with tempfile.TemporaryDirectory(prefix="tellonce-ack-", dir=Path.cwd()) as folder:
        return asyncio.run(_measure(Path(folder), seconds=0.2 if quick else 1.0))


async def _measure(folder: Path, seconds: float) -> list[Figure]:
    fsync, one, many, theirs = Run(), Run(), Run(), Run()
    async with _journal(folder) as append, _aiosqlite(folder) as append_theirs:
        for _ in range(ROUNDS):
            _fsync(fsync, folder, seconds / 2)
            await _drive(one, append, 1, seconds / 2)
            await _drive(many, append, WRITERS, seconds)
            await _drive(theirs, append_theirs, WRITERS, seconds)
    row, disk = "one row a commit through aiosqlite", "the disk's fsync"
    enough, soon = many.per_second >= 10_000, one.at(0.5) < 1
    return [
        Figure("acks, 64 writers", many.per_second, "1/s", row, theirs.per_second, "at least 10,000/s", enough),
        Figure("ack, 64 writers, p50", many.at(0.5), "ms", row, theirs.at(0.5)),
        Figure("ack, 64 writers, p95", many.at(0.95), "ms", row, theirs.at(0.95)),
        Figure("ack, one writer, p50", one.at(0.5), "ms", disk, fsync.at(0.5), "under 1 ms", soon),
        Figure("ack, one writer, p95", one.at(0.95), "ms", disk, fsync.at(0.95)),
    ]


async def _drive(run: Run, append: Append, writers: int, seconds: float) -> None:
    """Writers in a closed loop: each sends its next message when the one before is acknowledged."""
    begin = time.perf_counter()

    async def write(number: int) -> None:
        while (sent := time.perf_counter()) < begin + seconds:
            await append(number, str(uuid.uuid4()))
            run.latencies.append(time.perf_counter() - sent)

    async with asyncio.TaskGroup() as group:
        for number in range(writers):
            group.create_task(write(number))
    run.elapsed += time.perf_counter() - begin


@asynccontextmanager
async def _journal(folder: Path) -> AsyncIterator[Append]:
    """The journal as the server uses it: its own schema, triggers and hash chain; a new conversation now and then."""
    path = folder / "journal.db"
    database.upgrade(path)
    journal = SqliteJournal(path)
    author = Author(Role.CUSTOMER, "Ada", "visitor")
    ids = [""] * WRITERS
    written = [0] * WRITERS

    async def append(number: int, client_id: str) -> object:
        if written[number] % CONVERSATION_EVENTS == 0:
            ids[number] = (await journal.create_conversation(visitor_id=f"visitor-{number}")).id
        written[number] += 1
        return await journal.append(ids[number], [NewEvent(Kind.MESSAGE, author, {"text": TEXT}, client_id)])

    yield append
    await journal.close()


@asynccontextmanager
async def _aiosqlite(folder: Path) -> AsyncIterator[Append]:
    """What most projects do: one shared connection, one insert and one commit a message; no chain, no check."""
    import aiosqlite

    async with aiosqlite.connect(folder / "baseline.db") as connection:
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=FULL")
        await connection.execute("CREATE TABLE messages (id TEXT PRIMARY KEY, conversation INTEGER, text TEXT)")
        lock = asyncio.Lock()  # without it one task's commit would end another's transaction

        async def append(number: int, client_id: str) -> object:
            async with lock:
                await connection.execute("INSERT INTO messages VALUES (?, ?, ?)", (client_id, number, TEXT))
                await connection.commit()
            return None

        yield append


def _fsync(run: Run, folder: Path, seconds: float) -> None:
    """The disk's own share: append one page to a file and wait for it."""
    begin = time.perf_counter()
    with (folder / "fsync").open("ab", buffering=0) as file:
        while time.perf_counter() < begin + seconds:
            file.write(bytes(4096))
            before = time.perf_counter()
            os.fsync(file.fileno())
            run.latencies.append(time.perf_counter() - before)
    run.elapsed += time.perf_counter() - begin


if __name__ == "__main__":
    print_figures(measure(quick="--quick" in sys.argv))
