"""Whatever happens at once, the journal is gapless and whole; whatever is changed afterwards is named."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assistant.journal.events import Audience, Author, Event, Kind, NewEvent, Role
from assistant.journal.port import Appended, ChainReport
from assistant.journal.store import SqliteJournal

PER_EXAMPLE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

authors = st.builds(
    Author, st.sampled_from(Role), st.none() | st.text(max_size=5), st.none() | st.text("ab", max_size=3)
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
events = st.builds(
    NewEvent,
    st.sampled_from(Kind),
    authors,
    st.dictionaries(st.text(max_size=4), json_values, max_size=3),
    st.none() | st.sampled_from(["a", "b", "c", "d"]),
)
appends = st.tuples(
    st.integers(0, 1),  # which conversation
    st.lists(events, min_size=1, max_size=3, unique_by=lambda event: event.client_id or object()),
)
tasks = st.lists(st.lists(appends, max_size=5), min_size=1, max_size=5)


@contextmanager
def copied(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copy(path, folder))


async def write_interleaved(journal: SqliteJournal, plan: list[list[Any]]) -> dict[str, list[list[Appended]]]:
    """Runs each task's appends one after another, all tasks at once; outcomes by conversation, task by task."""
    ids = [(await journal.create_conversation(visitor_id="v")).id for _ in range(2)]
    outcomes: dict[str, list[list[Appended]]] = {id_: [[] for _ in plan] for id_ in ids}

    async def run(number: int, steps: list[Any]) -> None:
        for which, new in steps:
            outcomes[ids[which]][number].append(await journal.append(ids[which], new))

    await asyncio.gather(*(run(number, steps) for number, steps in enumerate(plan)))
    return outcomes


@PER_EXAMPLE
@given(plan=tasks)
def test_any_interleaving_is_gapless_idempotent_and_whole(migrated: Path, plan: list[list[Any]]) -> None:
    async def run(path: Path) -> None:
        journal = SqliteJournal(path)
        try:
            for conversation_id, by_task in (await write_interleaved(journal, plan)).items():
                stored = await journal.read(conversation_id)
                check_numbers(stored)
                check_outcomes(stored, by_task)
                reports = [report async for report in journal.verify(conversation_id)]
                assert reports == [ChainReport(conversation_id, len(stored), 0)]
        finally:
            await journal.close()

    with copied(migrated) as path:
        asyncio.run(run(path))


def check_numbers(stored: list[Event]) -> None:
    assert [event.seq for event in stored] == list(range(1, len(stored) + 1))
    visible = 0
    for event in stored:
        assert event.prev == visible
        visible = event.seq if event.audience is Audience.EVERYONE else visible
    client_ids = [event.client_id for event in stored if event.client_id is not None]
    assert len(client_ids) == len(set(client_ids))


def check_outcomes(stored: list[Event], by_task: list[list[Appended]]) -> None:
    """Every stored event was acknowledged once as new; repeats gave back what is stored; tasks keep their order."""
    new = [event for outcomes in by_task for outcome in outcomes if not outcome.repeated for event in outcome.events]
    assert sorted(new, key=lambda event: event.seq) == stored
    for outcomes in by_task:
        firsts = [outcome.events[0].seq for outcome in outcomes if not outcome.repeated]
        assert firsts == sorted(firsts)
        assert all(event in stored for outcome in outcomes if outcome.repeated for event in outcome.events)


# One journal of eight events (internal ones, repeats of an author, one erased), tampered with in many ways.

LENGTH = 8
ERASED = 5


@pytest.fixture(scope="module")
def written(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copy(migrated, tmp_path_factory.mktemp("written") / "tellonce.db"))

    async def write() -> None:
        journal = SqliteJournal(path)
        for _ in range(2):
            conversation = await journal.create_conversation(visitor_id="v")
            for number in range(1, LENGTH + 1):
                kind = Kind.NOTE if number in (3, 4) else Kind.MESSAGE
                new = NewEvent(kind, Author(Role.CUSTOMER, "Ada", "v"), {"text": f"line {number}"}, f"id-{number}")
                await journal.append(conversation.id, [new])
            await journal.erase(conversation.id, [ERASED])
        await journal.close()

    asyncio.run(write())
    with closing(sqlite3.connect(path)) as connection:  # who tampers has the file, and drops the triggers first
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.commit()
    return path


def verify(path: Path) -> dict[str, ChainReport]:
    async def run() -> dict[str, ChainReport]:
        journal = SqliteJournal(path)
        try:
            return {report.conversation_id: report async for report in journal.verify()}
        finally:
            await journal.close()

    return asyncio.run(run())


def change(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        changed = connection.execute(statement, values).rowcount
        assert changed > 0


def first_conversation(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (id_,) = connection.execute("SELECT min(id) FROM conversations").fetchone()
    return str(id_)


def test_the_untouched_journal_is_whole(written: Path) -> None:
    assert {(report.events, report.erased, report.broken_seq) for report in verify(written).values()} == {
        (LENGTH, 1, None)
    }


anything = st.none() | st.text(max_size=8) | st.binary(max_size=40) | st.integers(-9, 99) | st.floats(allow_nan=False)
COLUMNS = [
    "conversation_id",
    "seq",
    "prev",
    "at",
    "kind",
    "audience",
    "role",
    "client_id",
    "salt",
    "digest",
    "data",
    "hash",
]
NOT_NULL = {"conversation_id", "seq", "prev", "at", "kind", "audience", "role", "digest", "hash"}


@settings(PER_EXAMPLE, max_examples=150)
@example(seq=2, column="seq", value=float(-(2**63)))  # the lowest number a column of integers holds
@given(seq=st.integers(1, LENGTH), column=st.sampled_from(COLUMNS), value=anything)
def test_a_change_of_any_column_is_named(written: Path, seq: int, column: str, value: Any) -> None:
    with copied(written) as path:
        id_ = first_conversation(path)
        stored = tamper(path, id_, seq, column, value)
        if stored is UNCHANGED:
            return
        report = verify(path)[id_]
    assert (report.broken_seq, bool(report.reason)) == (expected_seq(seq, column, stored), True)


def expected_seq(seq: int, column: str, stored: Any) -> int:
    """The event itself, unless it was moved before all others: then that is where the first fault stands."""
    if column != "seq" or isinstance(stored, str | bytes) or stored >= 1:
        return seq
    return stored if isinstance(stored, int) else 1


UNCHANGED = object()


def tamper(path: Path, id_: str, seq: int, column: str, value: Any) -> Any:
    """Changes one column of one event; what is stored then, or UNCHANGED (refused, or the same)."""
    where = "WHERE conversation_id = ? AND seq = ?"
    with closing(sqlite3.connect(path)) as connection:
        (before,) = connection.execute(f"SELECT {column} FROM events {where}", (id_, seq)).fetchone()
        try:
            connection.execute(f"UPDATE events SET {column} = ? {where}", (value, id_, seq))
        except (sqlite3.IntegrityError, OverflowError):
            return UNCHANGED
        moved = (value if column == "conversation_id" else id_, value if column == "seq" else seq)
        (after,) = connection.execute(f"SELECT {column} FROM events {where}", moved).fetchone()
        connection.commit()
    return after if after != before else UNCHANGED


@settings(PER_EXAMPLE, max_examples=60)
@given(removed=st.sets(st.integers(1, LENGTH), min_size=1))
def test_removed_events_are_named_wherever_they_stood(written: Path, removed: set[int]) -> None:
    with copied(written) as path:
        id_ = first_conversation(path)
        for seq in removed:
            change(path, "DELETE FROM events WHERE conversation_id = ? AND seq = ?", id_, seq)
        assert verify(path)[id_].broken_seq == min(removed)


@settings(PER_EXAMPLE, max_examples=20)
@given(one=st.integers(1, LENGTH), other=st.integers(1, LENGTH))
def test_words_put_into_another_event_are_named(written: Path, one: int, other: int) -> None:
    if one == other:
        return
    with copied(written) as path:
        id_ = first_conversation(path)
        source = "(SELECT salt, digest, data FROM events WHERE conversation_id = ? AND seq = ?)"
        update = f"UPDATE events SET (salt, digest, data) = {source} WHERE conversation_id = ? AND seq = ?"
        change(path, update, id_, other, id_, one)
        assert verify(path)[id_].broken_seq == one


@pytest.mark.parametrize(
    ("statement", "broken_seq"),
    [
        ("UPDATE conversations SET head_seq = 7 WHERE id = ?", LENGTH),
        ("UPDATE conversations SET head_seq = 9 WHERE id = ?", LENGTH + 1),
        ("UPDATE conversations SET head_hash = x'00' WHERE id = ?", LENGTH),
        ("UPDATE conversations SET head_customer_seq = 1 WHERE id = ?", LENGTH),
        ("DELETE FROM conversations WHERE id = ?", 1),
        ("DELETE FROM events WHERE conversation_id = ?", 1),
        ("INSERT INTO events SELECT conversation_id, 0, 0, at, kind, audience, role, NULL, salt, digest, data, hash "
         "FROM events WHERE conversation_id = ? AND seq = 1", 0),
    ],
    ids=["head early", "head late", "head hash", "customer's head", "no conversation", "no events", "before all"],
)  # fmt: skip
def test_a_conversation_that_does_not_fit_its_events_is_named(written: Path, statement: str, broken_seq: int) -> None:
    with copied(written) as path:
        id_ = first_conversation(path)
        change(path, statement, id_)
        reports = verify(path)
        assert reports[id_].broken_seq == broken_seq
        assert [report.broken_seq for report in reports.values()].count(None) == 1  # the other conversation is whole


def test_a_chain_can_be_recomputed_from_its_description_alone(written: Path) -> None:
    """Independently of `chain.py`, with the standard library: what its docstring says is all there is to know."""
    with closing(sqlite3.connect(written)) as connection:
        rows = connection.execute("SELECT * FROM events ORDER BY conversation_id, seq").fetchall()
        heads = dict(connection.execute("SELECT id, head_hash FROM conversations").fetchall())
    hashes: dict[str, bytes] = {}
    for id_, seq, prev, at, kind, audience, role, client_id, salt, digest, data, stored in rows:
        if data is not None:
            content = json.dumps(json.loads(data), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            assert hashlib.sha256(salt + content.encode()).digest() == digest
        before = hashes.get(id_) or hashlib.sha256(b"tellonce journal 1\n" + id_.encode()).digest()
        fields = [id_, seq, prev, at, kind, audience, role, client_id, digest.hex()]
        header = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        hashes[id_] = hashlib.sha256(before + header).digest()
        assert hashes[id_] == stored
    assert hashes == heads
