"""One batch of appends inside one transaction: repeats, conditions, numbers, hashes. Floor: store.

Everything is decided before the first row is written, so each append goes in whole or not at all without a savepoint.
"""

from __future__ import annotations

import functools
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain as joined
from typing import Any

import orjson

from assistant.errors import NotFound, Superseded, TellonceError
from assistant.journal import chain
from assistant.journal.events import Audience, Author, Event, Kind, NewEvent, Role
from assistant.journal.port import Appended, Unless
from assistant.journal.transcript import next_agent, next_floor, next_unanswered

Clock = Callable[[], float]  # seconds since the epoch
Outcome = Appended | TellonceError
Key = tuple[str, str | None]  # conversation id, client id
Row = tuple[Any, ...]

HEADS_KEPT = 10_000
SALTS_A_CALL = 256

# Each call of SQLite gives up the interpreter's lock and may wait 5 ms to have it back from a busy event loop, so calls
# are few: one for many rows. Beside a thread that never rests an append took 4,400 µs with a call a row, 66 so.
ROWS_A_CALL = (64, 32, 16, 8, 4, 2, 1)

SELECT_HEADS = """SELECT id, head_seq, head_hash, head_customer_seq, floor, agent_id, unanswered_seq, updated_at
    FROM conversations WHERE id IN (SELECT value FROM json_each(?))"""
EVENT_COLUMNS = "conversation_id, seq, prev, at, kind, role, client_id, data"
SELECT_BY_CLIENT_ID = f"""SELECT {EVENT_COLUMNS} FROM json_each(?) CROSS JOIN events
    ON conversation_id = json_extract(value, '$[0]') AND client_id = json_extract(value, '$[1]')"""  # noqa: S608
SELECT_KINDS_AFTER = "SELECT DISTINCT kind FROM events WHERE conversation_id = ? AND seq > ?"
INSERT_EVENTS = """INSERT OR ROLLBACK INTO events
    (conversation_id, seq, prev, at, kind, audience, role, client_id, salt, digest, data, hash) VALUES {values}"""
UPDATE_HEADS = """WITH new (id, seq, hash, customer_seq, floor, agent_id, unanswered_seq, at) AS (VALUES {values})
    UPDATE conversations SET head_seq = new.seq, head_hash = new.hash, head_customer_seq = new.customer_seq,
    floor = new.floor, agent_id = new.agent_id, unanswered_seq = new.unanswered_seq, updated_at = new.at
    FROM new WHERE conversations.id = new.id"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A new event with its content as bytes, salted and digested: the part that needs no knowledge of the chain."""

    event: NewEvent
    content: bytes
    salt: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """An append made ready for the writer thread. `keys`: conversation and client id of each event that has one."""

    conversation_id: str
    events: tuple[Sealed, ...]
    keys: tuple[Key, ...]
    unless: Unless | None


def salts() -> Iterator[bytes]:
    """Random salts without end, fetched many at a time: asking the system gives up the interpreter's lock each time."""
    while True:
        pool = secrets.token_bytes(SALTS_A_CALL * chain.SALT_BYTES)
        for start in range(0, len(pool), chain.SALT_BYTES):
            yield pool[start : start + chain.SALT_BYTES]


def seal(conversation_id: str, events: Sequence[NewEvent], unless: Unless | None, salt: Iterator[bytes]) -> Request:
    """An append made ready on the caller's side, so that the writer thread has less to do.

    Raises:
        TypeError: an event's data holds something JSON has no word for, or an id is no text (half a surrogate pair).
    """
    keys = tuple((conversation_id, event.client_id) for event in events if event.client_id is not None)
    assert events, "an append without events"
    assert len(keys) == len(set(keys)), "a client id twice in one append"
    _json((conversation_id, keys))  # raises here, for this caller alone, what would otherwise fail a whole batch
    return Request(conversation_id, tuple(_seal(event, next(salt)) for event in events), keys, unless)


def _seal(event: NewEvent, salt: bytes) -> Sealed:
    content = chain.seal(event.data, event.author)
    return Sealed(event, content, salt, chain.digest_of(salt, content))


@dataclass(slots=True)
class Head:
    """Where a conversation stands: what the next event follows."""

    seq: int
    hash: bytes
    customer_seq: int
    floor: str
    agent_id: str | None
    unanswered_seq: int | None
    at: str


@dataclass(slots=True)
class Batch:
    """What one transaction is about to write. `stored`: events under the client ids asked for, new ones included."""

    now: str
    stored: dict[Key, Event]
    rows: list[Row] = field(default_factory=list)
    fresh: dict[str, list[Event]] = field(default_factory=dict)  # by conversation


class Appender:
    """Appends batches through one connection. Heads are remembered for as long as nobody else commits."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._heads: dict[str, Head] = {}
        self._data_version: int | None = None

    def apply(self, requests: Sequence[Request]) -> list[Outcome]:
        """Decides every request in order, then writes all rows; called within a transaction that may write."""
        self._load_heads({request.conversation_id for request in requests})
        batch = Batch(format_time(self._clock()), self._load_stored([key for r in requests for key in r.keys]))
        outcomes = [self._decide(request, batch) for request in requests]
        self._write(INSERT_EVENTS, batch.rows)
        self._write(UPDATE_HEADS, [_head_row(id_, self._heads[id_]) for id_ in batch.fresh])
        return outcomes

    def forget(self) -> None:
        """Drops what was remembered; called after a rollback."""
        self._heads.clear()

    def _decide(self, request: Request, batch: Batch) -> Outcome:
        head = self._heads.get(request.conversation_id)
        if head is None:
            return NotFound("This conversation could not be found.")
        if repeated := [batch.stored[key] for key in request.keys if key in batch.stored]:
            return Appended(tuple(repeated), repeated=True)
        if request.unless is not None and self._happened(request.conversation_id, request.unless, batch):
            return Superseded()
        return _extend(head, request, batch)

    def _happened(self, conversation_id: str, unless: Unless, batch: Batch) -> bool:
        committed = self._connection.execute(SELECT_KINDS_AFTER, (conversation_id, unless.after))
        fresh = batch.fresh.get(conversation_id, ())
        kinds = {kind for (kind,) in committed} | {event.kind for event in fresh if event.seq > unless.after}
        return not kinds.isdisjoint(unless.kinds)

    def _load_heads(self, conversation_ids: set[str]) -> None:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._data_version or len(self._heads) > HEADS_KEPT:
            self._data_version = version
            self._heads.clear()
        if missing := conversation_ids - self._heads.keys():
            for id_, *head in self._connection.execute(SELECT_HEADS, (_json(list(missing)),)):
                self._heads[id_] = Head(*head)

    def _load_stored(self, keys: list[Key]) -> dict[Key, Event]:
        if not keys:
            return {}
        events = [event_of(row) for row in self._connection.execute(SELECT_BY_CLIENT_ID, (_json(keys),))]
        return {(event.conversation_id, event.client_id): event for event in events}

    def _write(self, statement: str, rows: list[Row]) -> None:
        start = 0
        for count in ROWS_A_CALL:
            while len(rows) - start >= count:
                values = [*joined.from_iterable(rows[start : start + count])]
                self._connection.execute(_for_rows(statement, count, len(rows[0])), values)
                start += count


@functools.cache
def _for_rows(statement: str, count: int, columns: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return statement.format(values=", ".join([row] * count))


def _extend(head: Head, request: Request, batch: Batch) -> Appended:
    """Chains the request's events to the head and moves it; a clock set back leaves the time standing still."""
    appended = []
    for sealed in request.events:
        new = sealed.event
        event = Event(
            request.conversation_id,
            head.seq + 1,
            head.customer_seq,
            max(batch.now, head.at),
            new.kind,
            new.author,
            orjson.loads(sealed.content)["data"],  # as every later reader will see it
            new.client_id,
        )
        batch.rows.append(_chain(head, event, sealed))
        _advance(head, event)
        appended.append(event)
    batch.stored.update(zip(request.keys, [event for event in appended if event.client_id is not None], strict=True))
    batch.fresh.setdefault(request.conversation_id, []).extend(appended)
    return Appended(tuple(appended))


def _chain(head: Head, event: Event, sealed: Sealed) -> Row:
    """The event's row; the head takes on its hash."""
    identity = (event.conversation_id, event.seq, event.prev, event.at, event.kind.value, event.audience.value)
    origin = (event.author.role.value, event.client_id)
    head.hash = chain.link(head.hash, *identity, *origin, sealed.digest)
    return (*identity, *origin, sealed.salt, sealed.digest, sealed.content.decode(), head.hash)


def _advance(head: Head, event: Event) -> None:
    head.seq = event.seq
    head.at = event.at
    if event.audience is Audience.EVERYONE:
        head.customer_seq = event.seq
    head.floor = next_floor(head.floor, event)
    head.agent_id = next_agent(head.agent_id, head.floor, event)
    head.unanswered_seq = next_unanswered(head.unanswered_seq, head.floor, event, event.seq)


def _head_row(conversation_id: str, head: Head) -> Row:
    folds = (head.floor, head.agent_id, head.unanswered_seq, head.at)
    return (conversation_id, head.seq, head.hash, head.customer_seq, *folds)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def event_of(row: tuple[Any, ...]) -> Event:
    """An event from a row of EVENT_COLUMNS."""
    conversation_id, seq, prev, at, kind, role, client_id, data = row
    content = orjson.loads(data) if data is not None else {}
    author = Author(Role(role), content.get("name"), content.get("id"))
    return Event(conversation_id, seq, prev, at, Kind(kind), author, content.get("data"), client_id)


def format_time(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds: text that sorts as the times do."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
