"""The health of the release in service, worked out once a release. Floor: use case; `knowledge/health.py` finds."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from knowledge.health import Contradiction, find_contradictions, find_stale, find_unused

if TYPE_CHECKING:
    from knowledge.documents import Passage
    from knowledge.library import Library


class Health:
    """Tells what may need care. Thread-safe.

    Args:
        used: ids of the documents that a customer was ever answered from.
    """

    def __init__(self, library: Library, used: Callable[[], Collection[str]]) -> None:
        self._library = library
        self._used = used
        self._working = threading.Lock()
        self._found: tuple[int, list[Contradiction]] | None = None

    def report(self, today: datetime.date | None = None) -> dict[str, Any]:
        """As `GET /v1/knowledge/health` tells it. The first one of a release reads all of it."""
        release = self._library.release
        if release is None:
            return {"release": None, "unused": [], "contradictions": [], "stale": []}
        documents = self._library.documents(release)
        stale = find_stale(documents, self._passages(release), today or datetime.date.today())
        return {
            "release": release,
            "unused": [asdict(document) for document in find_unused(documents, self._used())],
            "contradictions": [
                {"what": one.what, "passages": [asdict(claim) for claim in one.claims]}
                for one in self._contradictions(release)
            ],
            "stale": [{**asdict(one.document), "days": one.days, "why": one.why} for one in stale],
        }

    def _contradictions(self, release: int) -> list[Contradiction]:
        with self._working:
            if self._found is None or self._found[0] != release:
                encode, catalogue = self._library.embedder.encode, self._library.catalogue(release)
                self._found = (release, find_contradictions(self._passages(release), encode, catalogue))
            return self._found[1]

    def _passages(self, release: int) -> Iterator[Passage]:
        for document in self._library.documents(release):
            yield from self._library.passages(document.id, release)
