"""Questions that got no good answer, kept up with the journal, shown in order of urgency, closed once answered.

Floor: use case; `gap_store.py` keeps them, `happenings.py` finds them, `knowledge/gaps.py` groups them. Synchronous.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import structlog

from assistant.studio.closing import Closing
from assistant.studio.comparisons import Comparisons
from assistant.studio.drafts import Draft, Drafts
from assistant.studio.gap_store import GapStore, Kept, Place, Progress
from assistant.studio.gap_views import OPEN, GapViews, LoadCustomer, ShownGap, state_of
from assistant.studio.happenings import Unanswered, find_sources, find_unanswered
from assistant.studio.journal_reading import JournalReading
from assistant.studio.saved_questions import SavedQuestions
from knowledge.gaps import Subject, Vector

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from assistant.settings import Settings
    from knowledge.index import Progress as Tell
    from knowledge.library import Library

logger = structlog.get_logger(__name__)

ENCODED_AT_ONCE = 64
REST_SHARE = 1.0  # rest after a rehearsal as long as it took: answers to customers share the interpreter
_NO_VECTOR: Vector = np.zeros(0, np.float32)  # of a question that is known already, whose vector is kept


class Gaps:
    """The gaps of one library and journal. Thread-safe; `refresh` before showing them.

    Args:
        load_customer: (customer id) -> profile: whose name and numbers are left out of what is shown.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        engine: Engine,
        library: Library,
        settings: Settings,
        *,
        load_customer: LoadCustomer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._library = library
        self._journal = JournalReading(engine)
        self._store = GapStore(engine)
        self._views = GapViews(self._journal, load_customer, library.catalogue, clock)
        self._closing = Closing(library, settings, self._journal, self._store, load_customer)
        self._saved = SavedQuestions(engine)
        self._comparisons = Comparisons(engine)
        self._drafts = Drafts(engine)
        self._refreshing = threading.Lock()

    # keeping up

    def refresh(self, tell: Tell | None = None, *, rest_share: float = 0.0) -> None:
        """Reads what the journal holds since the last time, drops what was erased, closes what is answered now.

        Args:
            tell: called as (done, total, what).
            rest_share: how long to rest after each rehearsal, as a share of what it took (in a server: `REST_SHARE`).
        """
        with self._refreshing:
            self._store.forget_erased()
            self._saved.forget(self._journal.erased(self._saved.places()))
            self._comparisons.forget_erased()
            self._adopt_embedder()
            self._read_news(tell or _silent)
            self._check(tell or _silent, rest_share)

    def _adopt_embedder(self) -> None:
        revision, known = self._library.embedder.revision, self._store.progress()
        if known.embedder not in ("", revision):
            self._store.adopt(revision, lambda kept: self._encode([self._words_at(one.place) for one in kept]))

    def _read_news(self, tell: Tell) -> None:
        while True:
            before = self._store.progress()
            news = self._journal.news(before.position)
            if news.position == before.position and before.embedder:
                return
            found: list[tuple[Place, Unanswered]] = []
            used: dict[str, str] = {}
            for done, conversation in enumerate(news.conversations, 1):
                events = self._journal.events(conversation)
                found += [((conversation, one.seq), one) for one in find_unanswered(events)]
                for document, at in find_sources(events).items():
                    used[document] = max(at, used.get(document, ""))
                tell(done, len(news.conversations), "reading conversations")
            found.sort(key=lambda item: (item[1].at, item[0]))
            kept = self._with_vectors(found, self._store.known_places(news.conversations))
            after = Progress(news.position, self._library.embedder.revision)
            # where another process read the same meanwhile, its reading stands and ours goes on from there
            self._store.take(before, after, news.conversations, kept, used.items())
            if news.is_all:
                return

    def _with_vectors(self, found: Sequence[tuple[Place, Unanswered]], known: set[Place]) -> list[Kept]:
        """Ready to be kept; a question that is known already has its vector."""
        catalogue = self._library.catalogue()
        new = [(place, one.standalone) for place, one in found if place not in known]
        vectors = dict(zip((place for place, _ in new), self._encode([text for _, text in new]), strict=True))
        return [
            Kept(
                place=place,
                at=one.at,
                declined=one.declined,
                thumbed_down=one.thumbed_down,
                handed_over=one.handed_over,
                release=one.release,
                agent_seqs=one.agent_seqs,
                vector=vectors.get(place, _NO_VECTOR),
                subject=Subject.of(catalogue.unnamed(one.standalone), one.about or catalogue.named(one.standalone)),
            )
            for place, one in found
        ]

    def _encode(self, texts: Sequence[str]) -> list[Vector]:
        """Without names of products, which would make every question about one alike."""
        mask = self._library.catalogue().mask
        vectors: list[Vector] = []
        for start in range(0, len(texts), ENCODED_AT_ONCE):
            batch = texts[start : start + ENCODED_AT_ONCE]
            vectors.extend(self._library.embedder.encode([mask(text) for text in batch]))
        return vectors

    def _words_at(self, place: Place) -> str:
        found = find_unanswered(self._journal.events(place[0]))
        return next((one.standalone for one in found if one.seq == place[1]), "")

    # closing

    def _check(self, tell: Tell, rest_share: float) -> None:
        """Holds the release in service against the gaps that it has not been held against."""
        live = self._library.release
        if live is None:
            return
        waiting = [gap for gap in self._store.gaps() if not gap.dismissed_at and gap.checked_release != live]
        if waiting:
            questions = _by_gap(self._store.questions())
            self._closing.check([(gap, questions.get(gap.id, [])) for gap in waiting], live, tell, rest_share)

    # showing

    def shown(self, state: str | None = OPEN, *, since: str | None = None, limit: int = 50) -> list[ShownGap]:
        """The most urgent first. `state` None: all; `since` (RFC 3339): only those asked since then."""
        questions = _by_gap(self._store.questions())
        drafts = self._drafts.by_gap()
        chosen = [
            (gap, questions[gap.id])
            for gap in self._store.gaps()
            if gap.id in questions
            and state in (None, state_of(gap, drafts.get(gap.id)))
            and (since is None or questions[gap.id][-1].at >= since)
        ]
        ranked = sorted(chosen, key=lambda one: (-self._views.urgency_of(one[1]), one[0].id))
        return [self._views.show(gap, asked, drafts.get(gap.id)) for gap, asked in ranked[:limit]]

    def show(self, gap_id: int) -> ShownGap:
        """Raises NotFound where there is none of that number."""
        return self._views.show(
            self._store.gap(gap_id), self._store.questions(gap_id), self._drafts.by_gap().get(gap_id)
        )

    def dismiss(self, gap_id: int, by: str) -> ShownGap:
        """It is none of ours to answer: it is not shown among the open ones any more, however often it is asked."""
        self._store.dismiss(gap_id, by)
        logger.info("gaps.dismissed", gap=gap_id, by=by)
        return self.show(gap_id)

    def draft(self, gap_id: int, by: str) -> Draft:
        """A draft that answers this gap, prefilled from what a person answered; or the one there is."""
        shown = self.show(gap_id)
        if shown.draft is not None:
            return shown.draft
        solved = next((example for example in shown.examples if example.agent_answer), None)
        return self._drafts.make(
            gap_id,
            by,
            question=shown.label,
            answer=solved.agent_answer or "" if solved else "",
            products=shown.products,
            left_out=solved.left_out if solved else (),
        )

    def used_documents(self) -> dict[str, str]:
        """The documents that a customer was ever answered from, and when last."""
        return self._store.used_documents()


def _by_gap(questions: Sequence[Kept]) -> dict[int, list[Kept]]:
    found: dict[int, list[Kept]] = {}
    for one in questions:
        found.setdefault(one.gap_id, []).append(one)
    return found


def _silent(done: int, total: int, what: str) -> None:
    pass
