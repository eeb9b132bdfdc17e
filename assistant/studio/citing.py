"""How often customers were answered from each document, folded from the journal. Floor: store; synchronous.

The journal is append-only, so a count once made stays true: each look reads only the events committed since the last,
and the first one only those of the window, found by halving as row numbers rise with time.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assistant import database

WINDOW_DAYS = 90
SLICE_ROWS = 20_000  # a read transaction that lasts keeps the write-ahead log from being cleared

# `rowid` counts commits: events are never deleted, and a VACUUM numbers a table without holes as it was.
_COUNT = """
    SELECT json_extract(citation.value, '$.document') AS document, substr(events.at, 1, 10) AS day,
        count(DISTINCT events.rowid)
    FROM events, json_each(events.data, '$.data.citations') AS citation
    WHERE events.rowid > ? AND events.rowid <= ? AND events.kind = 'message' AND events.role = 'assistant'
    GROUP BY document, day
"""


class CitationCounts:
    """Counts of the last 90 days, kept in memory. Thread-safe.

    Args:
        path: the database.
        clock: seconds since the epoch.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._counting = threading.Lock()
        self._seen = 0  # the row up to which events are counted
        self._by_day: dict[str, Counter[str]] = {}
        self._all_days: Counter[str] = Counter()

    def load(self) -> Counter[str]:
        """Document id -> how many times an answer cited it; brought up to date first.

        Raises:
            StorageUnavailable: the database cannot be read.
        """
        with self._counting:
            oldest = datetime.fromtimestamp(self._clock(), UTC) - timedelta(days=WINDOW_DAYS)
            first_day = oldest.date().isoformat()
            with closing(database.connect(self._path, read_only=True)) as connection:
                self._read_on(connection, oldest.isoformat())
            for day in [day for day in self._by_day if day < first_day]:
                self._all_days.subtract(self._by_day.pop(day))
            return +self._all_days

    def _read_on(self, connection: sqlite3.Connection, since: str) -> None:
        (newest,) = connection.execute("SELECT coalesce(max(rowid), 0) FROM events").fetchone()
        if newest < self._seen:  # another database was put in this one's place
            self._seen, self._by_day, self._all_days = 0, {}, Counter()
        if not self._seen:
            self._seen = _last_row_before(connection, since, newest)
        while self._seen < newest:
            upto = min(self._seen + SLICE_ROWS, newest)
            for document, day, times in connection.execute(_COUNT, (self._seen, upto)):
                self._by_day.setdefault(day, Counter())[document] += times
                self._all_days[document] += times
            self._seen = upto


def _last_row_before(connection: sqlite3.Connection, at: str, newest: int) -> int:
    """The row of the last event before a time; 0 where there is none."""
    low, high = 0, newest
    while low < high:
        middle = (low + high + 1) // 2
        row = connection.execute("SELECT at FROM events WHERE rowid >= ? ORDER BY rowid LIMIT 1", (middle,)).fetchone()
        if row is not None and row[0] < at:
            low = middle
        else:
            high = middle - 1
    return low
