"""Whether a release answers what a gap asks: its questions are asked again, as they were asked. Floor: use case."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from assistant.journal.events import Event
from assistant.studio.gap_store import Gap, GapStore, Kept
from assistant.studio.gap_views import LoadCustomer
from assistant.studio.happenings import question_at
from assistant.studio.journal_reading import JournalReading
from assistant.studio.rehearsing import Rehearsal, loading_nameless
from knowledge.errors import KnowledgeError
from knowledge.gaps import most_typical

if TYPE_CHECKING:
    from assistant.settings import Settings
    from knowledge.index import Progress as Tell
    from knowledge.library import Library

logger = structlog.get_logger(__name__)

REHEARSED = 3  # of a gap's questions


class Closing:
    """Closes gaps whose questions are answered now, and opens closed ones whose questions are not any more."""

    def __init__(
        self,
        library: Library,
        settings: Settings,
        journal: JournalReading,
        store: GapStore,
        load_customer: LoadCustomer | None = None,
    ) -> None:
        self._library = library
        self._settings = settings
        self._journal = journal
        self._store = store
        self._load_customer = load_customer

    def check(self, waiting: Sequence[tuple[Gap, Sequence[Kept]]], release: int, tell: Tell, rest_share: float) -> None:
        """Asks the questions of these gaps at this release. `rest_share`: see `Gaps.refresh`."""
        asyncio.run(self._check(waiting, release, tell, rest_share))

    async def _check(
        self, waiting: Sequence[tuple[Gap, Sequence[Kept]]], release: int, tell: Tell, rest_share: float
    ) -> None:
        rehearsal = Rehearsal(self._library, self._settings, load_customer=loading_nameless(self._load_customer))
        for done, (gap, questions) in enumerate(waiting, 1):
            began = time.perf_counter()
            try:
                solved = bool(questions) and await self._is_solved(rehearsal, questions, release)
            except KnowledgeError as error:  # the release is gone already; the next one is held against it then
                logger.info("gaps.check_failed", release=release, reason=str(error))
                return
            if solved and not gap.closed_at:
                logger.info("gaps.closed", gap=gap.id, release=release)
            if solved:
                self._store.close(gap.id, release)
            else:
                self._store.keep_open(gap.id, release, reopened=gap.closed_at is not None)
            tell(done, len(waiting), "asking the questions again")
            await asyncio.sleep((time.perf_counter() - began) * rest_share)

    async def _is_solved(self, rehearsal: Rehearsal, questions: Sequence[Kept], release: int) -> bool:
        """Whether this release answers the gap's most typical question and its newest ones."""
        typical = questions[most_typical([one.vector for one in questions])]
        chosen = dict.fromkeys((typical.place, *(one.place for one in reversed(questions[-REHEARSED:]))))
        for place in list(chosen)[:REHEARSED]:
            kept = next(one for one in questions if one.place == place)
            if kept.release == release or not await self._is_answered(rehearsal, kept, release):
                return False
        return True

    async def _is_answered(self, rehearsal: Rehearsal, kept: Kept, release: int) -> bool:
        """Whether it is answered from something that it was not answered from when it was asked.

        What was answered badly is not better for being said again; nor is what a model declined although the embedded
        way, which is what a rehearsal goes, had an answer to it at that time.
        """
        conversation, seq = kept.place
        events = self._journal.events(conversation)
        question = question_at(events, seq, self._journal.customer_of(conversation))
        if question is None:
            return False
        answer = await rehearsal.answer_question(question, release)
        if not answer.is_answered:
            return False
        told = _quotes(events, seq)
        with contextlib.suppress(KnowledgeError):  # the release it was asked at may be gone
            then = await rehearsal.answer_question(question, kept.release or release)
            told |= {citation.quote for citation in then.citations}
        return not {citation.quote for citation in answer.citations} <= told


def _quotes(events: Sequence[Event], seq: int) -> set[str]:
    """What the answer to this question quoted."""
    return {
        str(citation.get("quote"))
        for event in events
        if (event.data or {}).get("turn") == seq
        for citation in (event.data or {}).get("citations") or ()
    }
