"""The one thread that writes: everything waiting goes into one commit. Floor: store.

A commit waits for the disk, and the disk takes as long for one row as for a thousand; so while it works, requests queue
up and share the next commit. Callers hear of the outcome on their event loop, one wake-up a batch.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import structlog

from assistant.errors import StorageUnavailable
from assistant.journal.appending import Appender, Clock, Request
from assistant.journal.events import Event
from assistant.journal.port import Appended

logger = structlog.get_logger(__name__)

QUEUE_BOUND = 20_000  # requests; beyond it callers are refused at once instead of waiting without end
BATCH_BOUND = 2_000  # requests in one commit

# The log is moved into the database after acknowledging, not within a commit as SQLite does by itself: no caller waits
# for it. An event dirties at most 5 pages of 4 KiB; SQLite's own bound (store.py) stays as a backstop.
CHECKPOINT_EVERY = 500  # requests

Work = Callable[[sqlite3.Connection], Any]
OnCommitted = Callable[[Sequence[Event]], None]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request and the caller who waits for it."""

    request: Request | Work
    future: asyncio.Future[Any]


class Writer:
    """Owns the writing connection and its thread. Submit from one event loop at a time."""

    def __init__(
        self,
        open_connection: Callable[[], sqlite3.Connection],
        clock: Clock,
        on_committed: OnCommitted | None = None,
    ) -> None:
        self._on_committed = on_committed
        self._open_connection = open_connection
        self._clock = clock
        self._connection = open_connection()
        self._appender = Appender(self._connection, clock)
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._waiting = 0
        self._since_checkpoint = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, request: Request | Work) -> asyncio.Future[Any]:
        """The outcome of the request once it is on disk.

        Raises:
            StorageUnavailable: closed, or too much is waiting already.
        """
        if self._closed:
            raise StorageUnavailable("The journal is closed.")
        if self._waiting >= QUEUE_BOUND:
            raise StorageUnavailable(retry_after_seconds=1.0)
        self._waiting += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put(Waiting(request, future))
        return future

    async def close(self) -> None:
        """Refuses what comes from now on, finishes what was submitted before."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        open_for_more = True
        while open_for_more:
            batch = [self._queue.get()]
            batch += [self._queue.get_nowait() for _ in range(min(self._queue.qsize(), BATCH_BOUND))]
            if None in batch:  # only ever last: nothing is submitted after closing
                open_for_more = False
            waiting = [item for item in batch if item is not None]
            if waiting:
                self._deliver(waiting, self._commit([item.request for item in waiting]))
                self._checkpoint_when_due(len(waiting))
        self._connection.close()

    def _commit(self, requests: Sequence[Request | Work]) -> list[Any]:
        """One transaction for all requests: their outcomes in order, or the same failure for each."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = self._apply(requests)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            logger.error("journal.storage_failed", requests=len(requests), error=str(error))
            self._recover()
            return [_unavailable(error) for _ in requests]
        except Exception as error:
            logger.exception("journal.commit_failed", requests=len(requests))
            self._recover()
            return [error] * len(requests)
        return outcomes

    def _apply(self, requests: Sequence[Request | Work]) -> list[Any]:
        appended = iter(self._appender.apply([request for request in requests if isinstance(request, Request)]))
        return [next(appended) if isinstance(request, Request) else self._work(request) for request in requests]

    def _work(self, work: Work) -> Any:
        """What one caller hears: a refusal or a bug is that caller's alone, a fault of the storage everybody's."""
        try:
            return work(self._connection)
        except sqlite3.Error:
            raise
        except Exception as error:
            return error

    def _recover(self) -> None:
        """Back to a clean connection after a failure; a connection that cannot even roll back is replaced."""
        self._appender.forget()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            with contextlib.suppress(StorageUnavailable, sqlite3.Error):
                replacement = self._open_connection()
                self._connection.close()
                self._connection, self._appender = replacement, Appender(replacement, self._clock)

    def _checkpoint_when_due(self, requests: int) -> None:
        self._since_checkpoint += requests
        if self._since_checkpoint < CHECKPOINT_EVERY:
            return
        self._since_checkpoint = 0
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error:  # nothing is lost: it stays in the log, and the next checkpoint takes it along
            logger.warning("journal.checkpoint_failed", exc_info=True)

    def _deliver(self, batch: Sequence[Waiting], outcomes: Sequence[Any]) -> None:
        loop = batch[0].future.get_loop()
        try:
            loop.call_soon_threadsafe(self._settle, batch, outcomes)
        except RuntimeError:  # the loop is closed: nobody is left to tell, what is committed stays committed
            logger.warning("journal.loop_closed", requests=len(batch))
            self._waiting -= len(batch)

    def _settle(self, batch: Sequence[Waiting], outcomes: Sequence[Any]) -> None:
        """On the event loop: readers first, then the callers, so that whoever is told finds it published."""
        self._waiting -= len(batch)
        events = [
            event
            for outcome in outcomes
            if isinstance(outcome, Appended) and not outcome.repeated
            for event in outcome.events
        ]
        if events and self._on_committed is not None:
            try:
                self._on_committed(events)
            except Exception:
                logger.exception("journal.on_committed_failed", events=len(events))
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.future.done():  # its caller gave up; the outcome stands
                continue
            if isinstance(outcome, Exception):
                waiting.future.set_exception(outcome)
            else:
                waiting.future.set_result(outcome)


def _unavailable(error: sqlite3.Error) -> StorageUnavailable:
    unavailable = StorageUnavailable(retry_after_seconds=1.0)
    unavailable.__cause__ = error
    return unavailable
