"""Migrations and models say the same, on the database of today and on that of tomorrow."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from assistant import database
from assistant.migrations.tables import all_metadata

ROOT = Path(__file__).parents[2]


def test_models_and_migrations_agree(migrated: Path) -> None:
    engine = database.open_engine(migrated)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, all_metadata()) == []
    engine.dispose()


def test_models_and_migrations_make_the_same_tables_keys_and_indexes(migrated: Path, tmp_path: Path) -> None:
    """Beyond what Alembic compares: conditions of partial indexes, foreign keys' deferral, tables without rowid."""
    modelled = database.open_engine(tmp_path / "modelled.db")
    for metadata in all_metadata():
        metadata.create_all(modelled)
    modelled.dispose()
    ours = "('events', 'conversations')"
    indexes = f"SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {ours}"
    without_rowid = f"SELECT name, wr FROM pragma_table_list WHERE name IN {ours}"
    deferred = "SELECT sql LIKE '%DEFERRABLE INITIALLY DEFERRED%' FROM sqlite_master WHERE name = 'events'"
    with closing(sqlite3.connect(migrated)) as one, closing(sqlite3.connect(tmp_path / "modelled.db")) as other:
        for sql in (indexes, without_rowid, deferred):
            assert sorted(one.execute(sql).fetchall()) == sorted(other.execute(sql).fetchall())


def test_upgrading_again_changes_nothing_and_needs_no_alembic(migrated: Path) -> None:
    before = migrated.read_bytes()
    script = (
        "import sys; from pathlib import Path; from assistant import database; "
        f"database.upgrade(Path({str(migrated)!r})); "
        "sys.exit(int('alembic' in sys.modules or 'sqlalchemy' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
    assert migrated.read_bytes() == before
    assert database.current_revision(migrated) == database.head_revision()


def test_an_engine_is_upgraded_as_a_path_is(tmp_path: Path) -> None:
    engine = database.open_engine(tmp_path / "folder" / "tellonce.db")
    database.upgrade(engine)
    assert database.current_revision(tmp_path / "folder" / "tellonce.db") == database.head_revision()
    engine.dispose()


def test_processes_that_start_together_upgrade_once(tmp_path: Path) -> None:
    path = tmp_path / "tellonce.db"
    script = f"from pathlib import Path; from assistant import database; database.upgrade(Path({str(path)!r}))"
    processes = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert database.current_revision(path) == database.head_revision()


def test_an_interrupted_upgrade_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All migrations are one transaction: a table that stands in the way of a later one takes the first back too."""
    path = tmp_path / "tellonce.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE events (in_the_way TEXT)")
    with pytest.raises(Exception, match="already exists"):
        database.upgrade(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("events",)]


def render_postgresql() -> str:
    config = database.migration_config()
    config.output_buffer = io.StringIO()
    command.upgrade(config, "head", sql=True)
    return config.output_buffer.getvalue()


def test_the_same_migrations_render_for_postgresql() -> None:
    sql = render_postgresql()
    assert "salt BYTEA" in sql
    assert "WITHOUT ROWID" not in sql
    assert "WHERE client_id IS NOT NULL" in sql
    assert "RAISE(ROLLBACK" not in sql
    assert sql.rstrip().endswith("COMMIT;")


POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) if os.geteuid() == 0 else []


@pytest.fixture(scope="module")
def psql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """A command that feeds SQL to a PostgreSQL server of our own, reached by a socket in a folder of its own."""
    if not POSTGRESQL or not shutil.which("runuser"):
        pytest.skip("no PostgreSQL here (Debian: apt-get install postgresql), or not root")
    binaries = POSTGRESQL[-1].parent
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/tellonce-pg-XXXXXX"], text=True).strip())
    shutil.chown(folder, "postgres")
    as_postgres = ["runuser", "-u", "postgres", "--"]
    control = [*as_postgres, str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-w", "-l", str(folder / "log")]
    subprocess.run([*as_postgres, str(binaries / "initdb"), "-D", str(folder / "data"), "-A", "trust"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    subprocess.run([*control, "-o", f"-k {folder} -c listen_addresses=''", "start"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    yield [*as_postgres, str(binaries / "psql"), "-h", str(folder), "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-q"]
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder)


def test_postgresql_takes_the_schema_and_refuses_what_sqlite_refuses(psql: list[str]) -> None:
    def run(sql: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(psql, input=sql, text=True, capture_output=True, check=False, cwd="/")

    migrated = run(render_postgresql())
    assert migrated.returncode == 0, migrated.stderr
    written = run(
        "INSERT INTO conversations VALUES ('c', 'v', NULL, 'web', '', '', 1, '', 1, 'assistant', NULL, NULL);"
        "INSERT INTO events VALUES ('c', 1, 0, '', 'message', 'everyone', 'customer', 'a', 's', 'd', '{}', 'h');"
    )
    assert written.returncode == 0, written.stderr
    for refused in ("UPDATE events SET data = '[]'", "UPDATE events SET data = NULL", "DELETE FROM events",
                    "TRUNCATE events, conversations CASCADE", "DELETE FROM conversations"):  # fmt: skip
        assert "is append-only" in run(f"{refused};").stderr
    assert run("UPDATE events SET data = NULL, salt = NULL;").returncode == 0
