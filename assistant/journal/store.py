"""The journal on SQLite: the port's one adapter today. Floor: store.

Writes go through `writer.py`'s single thread, reads through a few read-only connections on threads of their own. The
SQL is written by hand: `schema.py` describes the same tables for migrations; importing it would cost the start 0.5 s.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from assistant import database
from assistant.errors import Forbidden, NotFound, StorageUnavailable
from assistant.journal import appending, chain
from assistant.journal.appending import EVENT_COLUMNS, Clock, event_of, format_time
from assistant.journal.events import Audience, Event, Kind, NewEvent
from assistant.journal.port import Appended, ChainReport, Conversation, Unless
from assistant.journal.transcript import ASSISTANT_FLOOR
from assistant.journal.writer import OnCommitted, Work, Writer

T = TypeVar("T")

READERS = 4
AUTOMATIC_CHECKPOINT_PAGES = 8_000
VERIFY_PAGE = 1_000  # events held at once while verifying
VERIFY_SLICE = 50  # reports handed over at once
CONVERSATION_COLUMNS = """id, visitor_id, customer_id, channel, created_at, head_seq, head_customer_seq, floor,
    agent_id, unanswered_seq, updated_at"""

# Conversations with a row of their own, and those that only events still tell of.
SELECT_IDS = """SELECT id FROM (
        SELECT id FROM (SELECT id FROM conversations WHERE id > ? ORDER BY id LIMIT 500)
        UNION
        SELECT conversation_id FROM (SELECT DISTINCT conversation_id FROM events
            WHERE conversation_id > ? ORDER BY conversation_id LIMIT 500)
    ) ORDER BY id LIMIT 500"""
SELECT_CHAIN = """SELECT seq, prev, at, kind, audience, role, client_id, salt, digest, CAST(data AS BLOB), hash
    FROM events WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?"""
NO_ID = "this is not the id of a conversation"
BEFORE_ALL = float("-inf")  # less than any number that somebody could have put in a `seq`
SELECT_VERDICT = "SELECT head_seq, head_hash, head_customer_seq FROM conversations WHERE id = ?"


class SqliteJournal:
    """`port.Journal` in one SQLite file, which `database.upgrade` has brought up to date.

    `on_committed` is called on the event loop after each commit, before the appends in it return. `clock` gives seconds
    since the epoch. Any number of processes may write to the same file.
    """

    def __init__(self, path: Path | str, *, on_committed: OnCommitted | None = None, clock: Clock = time.time) -> None:
        self._path = Path(path)
        self._clock = clock
        self._salts = appending.salts()
        self._writer = Writer(lambda: _open_for_writing(self._path), clock, on_committed)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="journal-reader")
        self._per_thread = threading.local()
        self._connections: list[sqlite3.Connection] = []

    async def create_conversation(
        self, *, visitor_id: str, customer_id: str | None = None, channel: str = "web"
    ) -> Conversation:
        """A new, empty conversation, durable when this returns."""
        now = self._clock()
        conversation = _new_conversation(now, visitor_id, customer_id, channel)
        await self._write(lambda connection: _insert_conversation(connection, conversation))
        return conversation

    async def load_conversation(self, conversation_id: str) -> Conversation | None:
        query = f"SELECT {CONVERSATION_COLUMNS} FROM conversations WHERE id = ?"  # noqa: S608
        rows = await self._fetch(query, (conversation_id,))
        return Conversation(*rows[0]) if rows else None

    async def list_conversations(
        self,
        *,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        floors: Sequence[str] = (),
        unanswered: bool = False,
        empty: bool = False,
        limit: int | None = 100,
    ) -> list[Conversation]:
        """Newest first; only those that fit every given filter. `empty`: also those without events; limit None: all."""
        conditions, values = ["head_seq >= 0" if empty else "head_seq > 0"], list[Any]()
        for column, value in (("visitor_id", visitor_id), ("customer_id", customer_id)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if floors:
            conditions.append(f"floor IN ({', '.join('?' * len(floors))})")
            values += floors
        if unanswered:
            conditions.append("unanswered_seq IS NOT NULL")
        where = " AND ".join(conditions)
        order = "ORDER BY updated_at DESC, id DESC LIMIT ?"
        query = f"SELECT {CONVERSATION_COLUMNS} FROM conversations WHERE {where} {order}"  # noqa: S608
        return [Conversation(*row) for row in await self._fetch(query, (*values, -1 if limit is None else limit))]

    async def attach_customer(self, conversation_id: str, customer_id: str) -> None:
        """The conversation belongs to this customer from now on."""
        await self._write(lambda connection: _attach(connection, conversation_id, customer_id))

    async def append(
        self, conversation_id: str, events: Sequence[NewEvent], *, unless: Unless | None = None
    ) -> Appended:
        """Commits all of `events` or none; see `port.Journal.append`. A client id known already makes it a repeat."""
        outcome: Appended = await self._writer.submit(appending.seal(conversation_id, events, unless, self._salts))
        return outcome

    async def read(
        self, conversation_id: str, *, after: int = 0, audience: Audience = Audience.STAFF, limit: int = 500
    ) -> list[Event]:
        """Events with seq > after in order, at most `limit`. Audience EVERYONE leaves internal kinds out."""
        seen = "AND audience = 'everyone'" if audience is Audience.EVERYONE else ""
        query = f"""SELECT {EVENT_COLUMNS} FROM events WHERE conversation_id = ? AND seq > ? {seen}
            ORDER BY seq LIMIT ?"""  # noqa: S608
        return [event_of(row) for row in await self._fetch(query, (conversation_id, after, limit))]

    async def newest(self, conversation_id: str, kind: Kind) -> Event | None:
        """The newest event of this kind in one conversation; None where there is none."""
        query = f"""SELECT {EVENT_COLUMNS} FROM events WHERE conversation_id = ? AND kind = ?
            ORDER BY seq DESC LIMIT 1"""  # noqa: S608
        rows = await self._fetch(query, (conversation_id, kind.value))
        return event_of(rows[0]) if rows else None

    async def verify(self, conversation_id: str | None = None) -> AsyncIterator[ChainReport]:
        """Recomputes one chain, or every chain, in bounded memory while writing goes on."""
        reports = _verify(lambda: self._reader(exact=True), conversation_id)
        while found := await self._read(lambda: list(islice(reports, VERIFY_SLICE))):
            for report in found:
                yield report

    async def count_events(self) -> int:
        """How many events every conversation together has: the length of a whole verification."""
        ((count,),) = await self._fetch("SELECT coalesce(sum(head_seq), 0) FROM conversations", ())
        return int(count)

    async def erase(self, conversation_id: str, seqs: Sequence[int] | None = None) -> int:
        """Erases the data (not the fact) of these events, or of all; returns how many. The chain stays verifiable."""
        erased: int = await self._write(lambda connection: _erase(connection, conversation_id, seqs))
        if erased:
            await self._read(self._checkpoint)
        return erased

    async def erased(self, conversation_ids: Sequence[str]) -> dict[str, frozenset[int]]:
        """The seqs of erased events, of those of these conversations that have any; whichever process erased them."""
        query = """SELECT conversation_id, json_group_array(seq) FROM events WHERE data IS NULL
            AND conversation_id IN (SELECT value FROM json_each(?)) GROUP BY conversation_id"""
        rows = await self._fetch(query, (json.dumps(list(conversation_ids)),))
        return {conversation_id: frozenset(json.loads(seqs)) for conversation_id, seqs in rows}

    async def close(self) -> None:
        """Finishes what was submitted; whatever is submitted later is refused."""
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)
        while self._connections:
            self._connections.pop().close()

    async def _write(self, work: Work) -> Any:
        return await self._writer.submit(work)

    async def _fetch(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            return await self._read(lambda: self._reader().execute(query, values).fetchall())
        except UnicodeEncodeError:  # half a surrogate pair in an id from outside: no row has it
            return []

    async def _read(self, work: Callable[[], T]) -> T:
        """Runs `work` on a reader thread."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, work)
        except sqlite3.Error as error:
            raise StorageUnavailable("Nothing can be read right now. Please try again shortly.") from error
        except RuntimeError as error:
            if "after shutdown" not in str(error):
                raise
            raise StorageUnavailable("The journal is closed.") from error

    def _reader(self, *, exact: bool = False) -> sqlite3.Connection:
        """This thread's read-only connection. `exact` keeps bytes that are no text, instead of failing on them."""
        connection: sqlite3.Connection | None = getattr(self._per_thread, "connection", None)
        if connection is None:
            connection = self._per_thread.connection = database.connect(self._path, read_only=True)
            self._connections.append(connection)
        connection.text_factory = _exact_text if exact else str
        return connection

    def _checkpoint(self) -> None:
        """Moves what was overwritten out of the write-ahead log, as far as other readers let it."""
        connection = database.connect(self._path)
        try:
            connection.execute("PRAGMA busy_timeout = 200")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


def _open_for_writing(path: Path) -> sqlite3.Connection:
    connection = database.connect(path)
    connection.execute(f"PRAGMA wal_autocheckpoint = {AUTOMATIC_CHECKPOINT_PAGES}")
    return connection


def _exact_text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _new_conversation(now: float, visitor_id: str, customer_id: str | None, channel: str) -> Conversation:
    """Ids begin with the time, so that conversations of the same day lie together on disk, and end unguessable."""
    at = format_time(now)
    return Conversation(
        id=f"{int(now * 1000):012x}{secrets.token_hex(10)}",
        visitor_id=visitor_id,
        customer_id=customer_id,
        channel=channel,
        created_at=at,
        head_seq=0,
        head_customer_seq=0,
        floor=ASSISTANT_FLOOR,
        agent_id=None,
        unanswered_seq=None,
        updated_at=at,
    )


def _insert_conversation(connection: sqlite3.Connection, new: Conversation) -> None:
    connection.execute(
        """INSERT INTO conversations (id, visitor_id, customer_id, channel, created_at, updated_at, head_seq, head_hash,
           head_customer_seq, floor) VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, ?)""",
        (
            new.id,
            new.visitor_id,
            new.customer_id,
            new.channel,
            new.created_at,
            new.updated_at,
            chain.genesis(new.id),
            new.floor,
        ),
    )


def _attach(connection: sqlite3.Connection, conversation_id: str, customer_id: str) -> None:
    """Once and for all: a conversation never moves from one customer to another."""
    found = connection.execute("SELECT customer_id FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
    if found is None:
        raise NotFound("This conversation could not be found.")
    if found[0] not in (None, customer_id):
        raise Forbidden("This conversation belongs to another customer.")
    connection.execute("UPDATE conversations SET customer_id = ? WHERE id = ?", (customer_id, conversation_id))


def _erase(connection: sqlite3.Connection, conversation_id: str, seqs: Sequence[int] | None) -> int:
    """The one change to an event that the triggers let through."""
    erase = "UPDATE events SET data = NULL, salt = NULL WHERE conversation_id = ? AND data IS NOT NULL"
    if seqs is None:
        return connection.execute(erase, (conversation_id,)).rowcount
    changed = connection.executemany(f"{erase} AND seq = ?", [(conversation_id, seq) for seq in seqs])
    return max(changed.rowcount, 0)


def _verify(reader: Callable[[], sqlite3.Connection], conversation_id: str | None) -> Iterator[ChainReport]:
    """Reports chain after chain; `reader` is asked anew for each query, as the thread may be another by then."""
    if conversation_id is not None:
        yield _verify_one(reader, conversation_id)
        return
    after = ""
    while ids := reader().execute(SELECT_IDS, (after, after)).fetchall():
        for (after,) in ids:
            yield _verify_one(reader, after) if isinstance(after, str) else ChainReport(repr(after), 0, 0, 1, NO_ID)


def _verify_one(reader: Callable[[], sqlite3.Connection], conversation_id: str) -> ChainReport:
    """One chain, page by page. The head is read last: events appended meanwhile are then read as well."""
    verification = chain.Verification(conversation_id)
    after = BEFORE_ALL
    while True:
        before = after
        while page := reader().execute(SELECT_CHAIN, (conversation_id, after, VERIFY_PAGE)).fetchall():
            for row in page:
                verification.add(*row)
            after = page[-1][0]
        head = reader().execute(SELECT_VERDICT, (conversation_id,)).fetchone() or (0, b"", 0)
        if head[0] == verification.last_seq or after == before:
            return verification.finish(*head)
