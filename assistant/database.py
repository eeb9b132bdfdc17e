"""The one database: where it is, how it is opened, how its schema is brought up to date. Floor: store.

SQLAlchemy and Alembic are imported only when called for: a server whose database is up to date starts without either.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import SettingsError, StorageUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, MetaData

    from assistant.settings import Settings

    metadata: MetaData

BUSY_TIMEOUT_SECONDS = 5.0
MIGRATIONS = Path(__file__).parent / "migrations"

# WAL lets readers and the one writer work at once; synchronous=FULL puts each commit on disk before it returns;
# fullfsync is what makes that true on macOS (no effect elsewhere); secure_delete overwrites what is erased.
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=ON",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA secure_delete=ON",
    f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_SECONDS * 1000)}",
)

# Names that Alembic can find again, on SQLite as on PostgreSQL.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def __getattr__(name: str) -> Any:
    if name == "metadata":
        return _metadata()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.cache
def _metadata() -> MetaData:
    from sqlalchemy import MetaData

    return MetaData(naming_convention=NAMING_CONVENTION)


def database_path(settings: Settings) -> Path:
    """Where the embedded database lives: `tellonce.db` in the data folder."""
    return settings.data_dir / "tellonce.db"


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A raw connection in autocommit mode with this product's pragmas; any one thread at a time may use it.

    Raises:
        StorageUnavailable: the file cannot be opened.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        for pragma in PRAGMAS[1:] if read_only else PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error as error:
        raise StorageUnavailable(_opening_sentence(error)) from error
    return connection


def _opening_sentence(error: sqlite3.Error) -> str:
    match error.sqlite_errorcode & 0xFF:  # the lower byte is the primary code, the rest its variety
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return "The database is damaged, or is no database: stop the server and restore the newest backup."
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "The database is locked by another process: wait for it, or stop it."
        case sqlite3.SQLITE_FULL:
            return "The disk is full: free some space."
    return "The database cannot be opened. Check that its folder can be written."


def make_folder(folder: Path) -> None:
    """Makes the data folder where it is missing, closed to the machine's other users: it holds what customers said.

    Raises:
        SettingsError: it cannot be made, is no folder or is not ours to write; the sentence says what to do.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The data folder {folder} cannot be made: {error.strerror}. Name another in TELLONCE_DATA_DIR."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(
            f"The data folder {folder} cannot be written: give it to the user that runs Tellonce, "
            "or name another in TELLONCE_DATA_DIR."
        )


def open_engine(url_or_path: str | Path) -> Engine:
    """An engine on the database; a path means SQLite, with this product's pragmas on every connection.

    Transactions begin at the first write and take the write lock at once, so that none fails half-way for the lock.
    """
    from sqlalchemy import create_engine, event

    url = str(url_or_path)
    if "://" not in url:
        make_folder(Path(url).parent)
        url = f"sqlite:///{url}"
    if not url.startswith("sqlite"):
        return create_engine(url, hide_parameters=True)
    options = {"timeout": BUSY_TIMEOUT_SECONDS, "isolation_level": "IMMEDIATE"}
    # What a statement was about to write is somebody's data: an error, and so the log, names the statement alone.
    engine = create_engine(url, connect_args=options, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, record: object) -> None:
        for pragma in PRAGMAS:
            connection.execute(pragma)

    return engine


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read with. Raises StorageUnavailable in the database's stead."""
    from sqlalchemy.exc import OperationalError

    try:
        with engine.connect() as connection:
            yield connection
    except OperationalError as error:
        raise StorageUnavailable("The database can not be read right now. Please try again shortly.") from error


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction, committed at its end. Raises StorageUnavailable in the database's stead."""
    from sqlalchemy.exc import OperationalError

    try:
        with engine.begin() as connection:
            yield connection
    except OperationalError as error:
        raise StorageUnavailable("Nothing can be saved right now. Please try again shortly.") from error


def head_revision() -> str:
    """The newest revision, read off the names of the migration files (`0001_journal.py`, …)."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def current_revision(path: Path) -> str | None:
    """The revision a SQLite file is at; None when it is missing or new."""
    if not path.exists():
        return None
    connection = connect(path)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:  # no such table: a new file
        return None
    finally:
        connection.close()
    return row[0] if row else None


def upgrade(database: Engine | Path) -> None:
    """Brings the schema to the newest revision; costs under a millisecond when it is there already.

    Processes that start together wait for each other: the whole upgrade is one transaction under the write lock.
    """
    path = database if isinstance(database, Path) else _file_of(database)
    if path is not None:
        make_folder(path.parent)
        if current_revision(path) == head_revision():
            return
        _make_private(path)
    engine = open_engine(database) if isinstance(database, Path) else database
    try:
        _run_migrations(engine)
    finally:
        if isinstance(database, Path):
            engine.dispose()


def _make_private(path: Path) -> None:
    """Lets only its owner read the database, which SQLite would make for everybody; its log takes the mode over."""
    with contextlib.suppress(OSError):  # it is there already, or SQLite tells better why it cannot be made
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _file_of(engine: Engine) -> Path | None:
    is_file = engine.dialect.name == "sqlite" and engine.url.database not in (None, "", ":memory:")
    return Path(str(engine.url.database)) if is_file else None


def _run_migrations(engine: Engine) -> None:
    from alembic import command

    config = migration_config()
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver itself would leave DDL outside of a transaction
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def migration_config() -> Any:
    """Alembic's configuration for this product's migrations; no ini file is involved."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
