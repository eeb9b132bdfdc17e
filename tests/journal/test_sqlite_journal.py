"""The journal's promises, held by SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assistant.journal.port import Journal
from assistant.journal.store import SqliteJournal
from tests.contracts.journal_contract import Committed, FixedClock, JournalContract


class TestSqliteJournal(JournalContract):
    @pytest.fixture
    def clock(self) -> FixedClock:
        return FixedClock()

    @pytest.fixture
    def committed(self) -> Committed:
        return Committed()

    @pytest.fixture
    async def journal(self, path: Path, clock: FixedClock, committed: Committed) -> AsyncIterator[Journal]:
        journal = SqliteJournal(path, on_committed=committed, clock=clock)
        yield journal
        await journal.close()
