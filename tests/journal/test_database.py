"""The one database file, opened by whoever needs it."""

from __future__ import annotations

import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from assistant import database
from assistant.settings import Settings


@pytest.fixture
def engine(path: Path) -> Engine:
    return database.open_engine(path)


def test_it_lives_in_the_data_folder(tmp_path: Path) -> None:
    assert database.database_path(Settings(data_dir=tmp_path)) == tmp_path / "tellonce.db"


def test_every_connection_of_an_engine_is_durable_and_keeps_foreign_keys(engine: Engine) -> None:
    with engine.connect() as connection:
        values = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in
                  ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")}  # fmt: skip
    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "secure_delete": 1,
    }
    engine.dispose()


def test_a_read_only_connection_cannot_write(path: Path) -> None:
    connection = database.connect(path, read_only=True)
    with pytest.raises(Exception, match="readonly"):
        connection.execute("UPDATE conversations SET floor = 'ended'")
    connection.close()


def test_an_event_needs_its_conversation(engine: Engine) -> None:
    orphan = "INSERT INTO events VALUES ('nowhere', 1, 0, '', 'note', 'staff', 'agent', NULL, x'', x'', '{}', x'')"
    with pytest.raises(DBAPIError, match="FOREIGN KEY"), engine.begin() as connection:
        connection.execute(text(orphan))
    engine.dispose()


def test_two_threads_that_read_and_then_write_wait_for_each_other(engine: Engine) -> None:
    """A transaction that began by reading would fail at once for a lock that another took in between."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counted (number INTEGER)"))
        connection.execute(text("INSERT INTO counted VALUES (0)"))
    failures: list[BaseException] = []

    def count() -> None:
        try:
            for _ in range(20):
                with engine.begin() as connection:
                    connection.execute(text("SELECT number FROM counted")).scalar()
                    connection.execute(text("UPDATE counted SET number = number + 1"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with engine.connect() as connection:
        assert connection.execute(text("SELECT number FROM counted")).scalar() == 80
    engine.dispose()


def test_only_its_owner_reads_what_customers_said(tmp_path):
    path = tmp_path / "data" / "tellonce.db"
    database.upgrade(path)
    with closing(database.connect(path)) as writer:
        writer.execute("CREATE TABLE more (x)")

        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (path.parent, *path.parent.iterdir())}

    assert modes.pop("data") == 0o700
    assert modes.keys() >= {"tellonce.db", "tellonce.db-wal"}
    assert set(modes.values()) == {0o600}
