"""All that cares for the knowledge, over one database and library, for a server to hold. Floor: use case.

Reading new conversations and asking gaps' questions again happens on a thread of its own, slowly: customers come first.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any

import structlog

from assistant.errors import NotFound
from assistant.profile.store import Profiles
from assistant.studio.drafts import Drafts
from assistant.studio.gaps import REST_SHARE, Gaps
from assistant.studio.health import Health
from assistant.studio.journal_reading import JournalReading
from assistant.studio.personal import personal_of
from assistant.studio.rehearsing import Rehearsal, RehearsedAnswer, loading_nameless
from assistant.studio.saved_questions import SavedQuestion, SavedQuestions
from knowledge.documents import Turn

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from assistant.settings import Settings
    from knowledge.library import Library

logger = structlog.get_logger(__name__)

NICENESS = 10


class Care:
    """Gaps, drafts, saved questions, their answers, and health. Thread-safe, synchronous."""

    def __init__(self, engine: Engine, library: Library, settings: Settings) -> None:
        profiles = Profiles(engine)
        self._journal = JournalReading(engine)
        self._load_customer = profiles.load
        self.gaps = Gaps(engine, library, settings, load_customer=profiles.load)
        self.drafts = Drafts(engine)
        self.questions = SavedQuestions(engine)
        self._library = library
        self._settings = settings
        self._rehearsing = threading.Lock()  # one at a time: customers come first
        self._health = Health(library, self.gaps.used_documents)
        self._starting = threading.Lock()
        self._catching_up: threading.Thread | None = None

    def catch_up(self, wait_seconds: float) -> bool:
        """Has the journal's news read, and waits that long for it. Whether it is all read."""
        with self._starting:
            if self._catching_up is None or not self._catching_up.is_alive():
                self._catching_up = threading.Thread(target=self._refresh, name="gaps", daemon=True)
                self._catching_up.start()
            running = self._catching_up
        running.join(wait_seconds)
        return not running.is_alive()

    def health(self, wait_seconds: float) -> dict[str, Any]:
        """As `GET /v1/knowledge/health` tells it, after that long at most."""
        return self._health.report(wait_seconds)

    def answer(self, question_id: str, release: int | None = None) -> RehearsedAnswer:
        """What a saved question would be answered, after what is said before it. Nothing of it is written.

        Args:
            release: None takes the one in service.

        Raises:
            NotFound: there is no such question.
            IndexMissing: nothing has been indexed yet.
            ReleaseUnknown: that release is not kept.
        """
        saved = self.questions.load(question_id)
        history = [Turn("customer", said.say) for said in saved.history]
        rehearsal = Rehearsal(self._library, self._settings, load_customer=loading_nameless(self._load_customer))
        with self._rehearsing:
            return asyncio.run(rehearsal.answer(saved.question, history, release, saved.customer))

    def save_from(self, conversation: str, seq: int, by: str) -> SavedQuestion:
        """Saves the question of a conversation; see `SavedQuestions.add_from`.

        Raises:
            NotFound: there is no such conversation, or no question in it there.
        """
        events = self._journal.events(conversation)
        if not events:
            raise NotFound("This conversation could not be found.")
        customer_id = self._journal.customer_of(conversation)
        customer = self._load_customer(customer_id) if customer_id else None
        return self.questions.add_from(events, seq, by, personal_of(customer))

    def _refresh(self) -> None:
        if hasattr(os, "setpriority") and hasattr(os, "PRIO_PROCESS") and os.uname().sysname == "Linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)  # there a thread has its own
        try:
            self.gaps.refresh(rest_share=REST_SHARE)
        except Exception as error:
            # what is kept is shown as it is; the next look at it tries again
            logger.warning("gaps.refresh_failed", error=repr(error), exc_info=error)
