"""Durable acknowledgements: how many a second, how soon; beside one row a commit and the disk's own fsync.

Alone: `python -m evals.speed.ack`
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from assistant import database
from assistant.journal.events import Author, Kind, NewEvent, Role
from assistant.journal.store import SqliteJournal
from evals.speed.figures import Figure

WRITERS = 64
CONVERSATION_EVENTS = 40
TEXT = "My kettle shows error E4 since this morning, although I descaled it last week. What should I do now?"

Append = Callable[[int, str], Awaitable[object]]  # writer number, client id


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of every append, sorted, and of the whole."""

    latencies: list[float]
    elapsed: float

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.elapsed

    def at(self, fraction: float) -> float:
        """The latency in milliseconds below which this fraction of appends stays."""
        return self.latencies[min(int(len(self.latencies) * fraction), len(self.latencies) - 1)] * 1000


def measure(quick: bool = False) -> list[Figure]:
    """Throughput with 64 writers, latency with one and with 64; each writer waits for its ack before it goes on."""
    seconds = 1.0 if quick else 5.0
    with tempfile.TemporaryDirectory(prefix="tellonce-ack-", dir=Path.cwd()) as folder:
        fsync = _fsync_run(Path(folder), 300 if quick else 1500)
        baseline = asyncio.run(_aiosqlite(Path(folder), seconds))
        one, many = asyncio.run(_journal(Path(folder), seconds))
    beside = "one row a commit through aiosqlite"
    return [
        Figure("acks a second, 64 writers", many.per_second, "1/s", beside, baseline.per_second, "at least 10,000/s",
               many.per_second >= 10_000),
        Figure("ack with 64 writers, p50", many.at(0.5), "ms", beside, baseline.at(0.5)),
        Figure("ack with 64 writers, p95", many.at(0.95), "ms", beside, baseline.at(0.95)),
        Figure("ack with one writer, p50", one.at(0.5), "ms", "the disk's fsync", fsync.at(0.5), "under 1 ms",
               one.at(0.5) < 1),
        Figure("ack with one writer, p95", one.at(0.95), "ms", "the disk's fsync", fsync.at(0.95)),
    ]  # fmt: skip


async def _drive(append: Append, writers: int, seconds: float) -> Run:
    """Writers in a closed loop: each sends its next message when the one before is acknowledged."""
    latencies: list[float] = []
    begin = time.perf_counter()
    end = begin + seconds

    async def write(number: int) -> None:
        while (sent := time.perf_counter()) < end:
            await append(number, str(uuid.uuid4()))
            latencies.append(time.perf_counter() - sent)

    async with asyncio.TaskGroup() as group:
        for number in range(writers):
            group.create_task(write(number))
    return Run(sorted(latencies), time.perf_counter() - begin)


async def _journal(folder: Path, seconds: float) -> tuple[Run, Run]:
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

    try:
        one = await _drive(append, 1, seconds / 2)
        return one, await _drive(append, WRITERS, seconds)
    finally:
        await journal.close()


async def _aiosqlite(folder: Path, seconds: float) -> Run:
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

        return await _drive(append, WRITERS, seconds)


def _fsync_run(folder: Path, times: int) -> Run:
    """The disk's own share: append one page to a file and wait for it."""
    latencies = []
    begin = time.perf_counter()
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(4096))
            before = time.perf_counter()
            os.fsync(file.fileno())
            latencies.append(time.perf_counter() - before)
    return Run(sorted(latencies), time.perf_counter() - begin)


if __name__ == "__main__":
    for figure in measure(quick="--quick" in sys.argv):
        sys.stdout.write(f"{figure}\n")
