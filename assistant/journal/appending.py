"""One batch of appends inside one transaction: repeats, conditions, numbers, hashes. Floor: store.

Everything is decided before the first row is written, so each append goes in whole or not at all without a savepoint.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from assistant.errors import NotFound, Superseded, TellonceError
from assistant.journal import chain
from assistant.journal.events import Audience, Author, Event, Kind, NewEvent, Role
from assistant.journal.port import Appended, Unless
from assistant.journal.transcript import next_agent, next_floor, next_unanswered

Clock = Callable[[], float]  # seconds since the epoch
Outcome = Appended | TellonceError

HEADS_KEPT = 10_000

SELECT_HEAD = """SELECT head_seq, head_hash, head_customer_seq, floor, agent_id, unanswered_seq, updated_at
    FROM conversations WHERE id = ?"""
EVENT_COLUMNS = "conversation_id, seq, prev, at, kind, role, client_id, data"
SELECT_BY_CLIENT_ID = f"SELECT {EVENT_COLUMNS} FROM events WHERE conversation_id = ? AND client_id = ?"  # noqa: S608
SELECT_KINDS_AFTER = "SELECT DISTINCT kind FROM events WHERE conversation_id = ? AND seq > ?"
INSERT_EVENT = """INSERT INTO events
    (conversation_id, seq, prev, at, kind, audience, role, client_id, salt, digest, data, hash)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
UPDATE_HEAD = """UPDATE conversations SET head_seq = ?, head_hash = ?, head_customer_seq = ?, floor = ?, agent_id = ?,
    unanswered_seq = ?, updated_at = ? WHERE id = ?"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A new event with its content as bytes, salted and digested: the part that needs no knowledge of the chain."""

    event: NewEvent
    content: bytes
    salt: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Request:
    conversation_id: str
    events: tuple[Sealed, ...]
    unless: Unless | None


def seal(conversation_id: str, events: Sequence[NewEvent], unless: Unless | None) -> Request:
    """An append made ready on the caller's side, so that the writer thread has less to do.

    Raises:
        TypeError: an event's data holds something JSON has no word for.
    """
    client_ids = [event.client_id for event in events if event.client_id is not None]
    assert events, "an append without events"
    assert len(client_ids) == len(set(client_ids)), "a client id twice in one append"
    return Request(conversation_id, tuple(_seal(event) for event in events), unless)


def _seal(event: NewEvent) -> Sealed:
    content = chain.seal(event.data, event.author)
    salt = secrets.token_bytes(chain.SALT_BYTES)
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
    fresh: list[Event] = field(default_factory=list)  # appended in this transaction, not written yet


class Appender:
    """Appends batches through one connection. Heads are remembered for as long as nobody else commits."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._heads: dict[str, Head] = {}
        self._data_version: int | None = None

    def apply(self, requests: Sequence[Request]) -> list[Outcome]:
        """Decides every request in order, then writes all rows; called within a transaction that has the write lock."""
        self._refresh()
        now = format_time(self._clock())
        rows: list[tuple[Any, ...]] = []
        outcomes: list[Outcome] = []
        touched: dict[str, Head] = {}
        for request in requests:
            head = self._head(request.conversation_id)
            if head is None:
                outcomes.append(NotFound("This conversation could not be found."))
                continue
            refusal = self._repeat(request, head) or self._superseded(request, head)
            if refusal is None:
                touched[request.conversation_id] = head
                outcomes.append(_extend(head, request, now, rows))
            else:
                outcomes.append(refusal)
        self._write(rows, touched)
        return outcomes

    def forget(self) -> None:
        """Drops what was remembered; called after a rollback."""
        self._heads.clear()

    def _refresh(self) -> None:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._data_version or len(self._heads) > HEADS_KEPT:
            self._data_version = version
            self._heads.clear()

    def _head(self, conversation_id: str) -> Head | None:
        head = self._heads.get(conversation_id)
        if head is None:
            row = self._connection.execute(SELECT_HEAD, (conversation_id,)).fetchone()
            if row is None:
                return None
            head = self._heads[conversation_id] = Head(*row)
        return head

    def _repeat(self, request: Request, head: Head) -> Appended | None:
        """What is stored under the request's client ids; None when they are new."""
        wanted = [sealed.event.client_id for sealed in request.events if sealed.event.client_id is not None]
        if not wanted:
            return None
        stored = [event for event in head.fresh if event.client_id in wanted]
        for client_id in wanted:
            row = self._connection.execute(SELECT_BY_CLIENT_ID, (request.conversation_id, client_id)).fetchone()
            if row is not None:
                stored.append(event_of(row))
        return Appended(tuple(stored), repeated=True) if stored else None

    def _superseded(self, request: Request, head: Head) -> Superseded | None:
        unless = request.unless
        if unless is None:
            return None
        since = self._connection.execute(SELECT_KINDS_AFTER, (request.conversation_id, unless.after))
        kinds = {kind for (kind,) in since} | {event.kind for event in head.fresh if event.seq > unless.after}
        return None if kinds.isdisjoint(unless.kinds) else Superseded()

    def _write(self, rows: Iterable[tuple[Any, ...]], touched: dict[str, Head]) -> None:
        self._connection.executemany(INSERT_EVENT, rows)
        self._connection.executemany(UPDATE_HEAD, [_head_row(name, head) for name, head in touched.items()])
        for head in touched.values():
            head.fresh.clear()


def _extend(head: Head, request: Request, now: str, rows: list[tuple[Any, ...]]) -> Appended:
    """Chains the request's events to the head and moves it; a clock set back leaves the time standing still."""
    at = max(now, head.at)
    appended = []
    for sealed in request.events:
        new = sealed.event
        event = Event(
            request.conversation_id,
            head.seq + 1,
            head.customer_seq,
            at,
            new.kind,
            new.author,
            orjson.loads(sealed.content)["data"],  # as every later reader will see it
            new.client_id,
        )
        rows.append(_chain(head, event, sealed))
        _advance(head, event)
        appended.append(event)
    return Appended(tuple(appended))


def _chain(head: Head, event: Event, sealed: Sealed) -> tuple[Any, ...]:
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
    head.fresh.append(event)


def _head_row(conversation_id: str, head: Head) -> tuple[Any, ...]:
    return (
        head.seq,
        head.hash,
        head.customer_seq,
        head.floor,
        head.agent_id,
        head.unanswered_seq,
        head.at,
        conversation_id,
    )


def event_of(row: tuple[Any, ...]) -> Event:
    """An event from a row of EVENT_COLUMNS."""
    conversation_id, seq, prev, at, kind, role, client_id, data = row
    content = orjson.loads(data) if data is not None else {}
    author = Author(Role(role), content.get("name"), content.get("id"))
    return Event(conversation_id, seq, prev, at, Kind(kind), author, content.get("data"), client_id)


def format_time(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds: text that sorts as the times do."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
