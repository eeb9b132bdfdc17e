"""The health of the release in service, worked out once a release. Floor: use case; `knowledge/health.py` finds."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from knowledge.health import Contradiction, find_contradictions, find_past_futures, find_stale, find_unused

if TYPE_CHECKING:
    from knowledge.documents import Passage
    from knowledge.library import Library

logger = structlog.get_logger(__name__)

STRETCH_SECONDS = 0.01  # of work before as long a rest: customers' answers share the interpreter


@dataclass(slots=True)
class Findings:
    """What reading one release found. `ready` once all of it is read."""

    release: int
    contradictions: list[Contradiction] = field(default_factory=list)
    past_futures: dict[str, str] = field(default_factory=dict)
    ready: threading.Event = field(default_factory=threading.Event)


class Health:
    """Tells what may need care. Thread-safe.

    Args:
        used: ids of the documents that a customer was ever answered from.
        today: the day from which ages are counted.
    """

    def __init__(
        self,
        library: Library,
        used: Callable[[], Collection[str]],
        today: Callable[[], datetime.date] = datetime.date.today,
    ) -> None:
        self._library = library
        self._used = used
        self._today = today
        self._starting = threading.Lock()
        self._findings: Findings | None = None

    def report(self, wait_seconds: float) -> dict[str, Any]:
        """As `GET /v1/knowledge/health` tells it; a release that is still being read has no contradictions yet."""
        release = self._library.release
        if release is None:
            return {"release": None, "unused": [], "contradictions": [], "stale": [], "up_to_date": True}
        findings = self._find(release)
        up_to_date = findings.ready.wait(wait_seconds)
        documents = self._library.documents(release)
        stale = find_stale(documents, self._today(), findings.past_futures)
        return {
            "release": release,
            "unused": [asdict(document) for document in find_unused(documents, self._used())],
            "contradictions": [
                {"what": one.what, "passages": [asdict(claim) for claim in one.claims]}
                for one in findings.contradictions
            ],
            "stale": [{**asdict(one.document), "days": one.days, "why": one.why} for one in stale],
            "up_to_date": up_to_date,
        }

    def _find(self, release: int) -> Findings:
        """What is known of this release; the first one who asks has it read, on a thread of its own."""
        with self._starting:
            if self._findings is None or self._findings.release != release:
                self._findings = Findings(release)
                threading.Thread(target=self._read, args=(self._findings,), name="health", daemon=True).start()
            return self._findings

    def _read(self, findings: Findings) -> None:
        release, encode = findings.release, self._library.embedder.encode
        try:
            findings.past_futures = find_past_futures(self._passages(release), self._today().year)
            catalogue = self._library.catalogue(release)
            findings.contradictions = find_contradictions(lambda: self._passages(release), encode, catalogue)
            findings.ready.set()
        except Exception as error:
            # the next look tries again: the release may have been dropped meanwhile
            logger.warning("health.failed", release=release, error=repr(error), exc_info=error)
            with self._starting:
                if self._findings is findings:
                    self._findings = None

    def _passages(self, release: int) -> Iterator[Passage]:
        """Every passage, with a rest after each stretch of what the caller does with them."""
        began = time.perf_counter()
        for document in self._library.documents(release):
            for passage in self._library.passages(document.id, release):
                yield passage
                if (worked := time.perf_counter() - began) > STRETCH_SECONDS:
                    time.sleep(worked)
                    began = time.perf_counter()
