"""Releases opened for searching, each with the embedder that made it. Thread-safe. Floor: use case.

Nothing here belongs to the release in service alone: a search names the release that it sees from beginning to end.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.documents import Findings, Turn
from knowledge.embedding import Embedder, Vectors, name_of_revision
from knowledge.errors import KnowledgeError
from knowledge.index import PassageIndex, nearest_rows
from knowledge.products import Catalogue
from knowledge.release_files import ReleaseFiles
from knowledge.retrieval import QuestionEncoder, Scope, search_release

if TYPE_CHECKING:
    from knowledge.releases import Release
    from knowledge.store import KnowledgeStore

logger = logging.getLogger(__name__)

# Up to here vectors are scanned, exactly: 10,000 take .1 ms on two idle cores, Chroma's graph takes 1.8, and the graph
# misses some that are much alike: of 600 short texts and titles, one in six was not found by its own vector.
EXACT_MOST = 20_000
KEPT_OPEN = 4  # the one in service, the one before it, and two that are being compared

OpenEmbedder = Callable[[str], Embedder]


class Serving:
    """Searches releases."""

    def __init__(
        self, store: KnowledgeStore, index: PassageIndex, folder: Path, embedder: Embedder, opens: OpenEmbedder
    ) -> None:
        """
        Args:
            embedder: the one that releases are made with now.
            opens: another one by its name, for a release that was made with another.
        """
        self._store = store
        self._index = index
        self._folder = folder
        self._embedder = embedder
        self._opens = opens
        self._lock = threading.Lock()
        self._files: OrderedDict[str, ReleaseFiles] = OrderedDict()
        self._catalogues: OrderedDict[str, Catalogue] = OrderedDict()
        self._encoders: dict[str, QuestionEncoder] = {embedder.revision: QuestionEncoder(embedder)}
        self._loaded = threading.Event()  # set once chromadb is imported and has been asked something
        self._loading: threading.Thread | None = None

    def search(self, release: Release, question: str, history: Sequence[Turn], scope: Scope) -> Findings:
        """What `retrieval.search_release` finds in a release.

        Raises:
            IndexMissing: its files are gone.
            EmbedderUnavailable: the embedder that made it is.
        """
        files = self.open(release)

        def nearest(vector: Vectors, limit: int) -> list[int]:
            return self._nearest(files, vector, limit)

        encoder = self.encoder(release)
        return search_release(
            release.number, files, nearest, self._store.load_passages, encoder, question, history, scope
        )

    def open(self, release: Release) -> ReleaseFiles:
        """The files of a release, opened once."""
        with self._lock:
            if release.store not in self._files:
                self._files[release.store] = ReleaseFiles(self._folder / release.store)
                if len(self._files) > KEPT_OPEN:
                    self._files.popitem(last=False)
            self._files.move_to_end(release.store)
            return self._files[release.store]

    def catalogue(self, release: Release) -> Catalogue:
        """The products that the documents of a release are about."""
        with self._lock:
            known = self._catalogues.get(release.store)
        if known is None:
            known = Catalogue.of(self._store.titles_and_products(release.number))
            with self._lock:
                self._catalogues[release.store] = known
                if len(self._catalogues) > KEPT_OPEN:
                    self._catalogues.popitem(last=False)
        return known

    def encoder(self, release: Release) -> QuestionEncoder:
        """What encodes questions to a release: the model that its vectors were made with."""
        with self._lock:
            if release.embedder not in self._encoders:
                opened = self._opens(release.embedder_name or name_of_revision(release.embedder))
                if opened.revision != release.embedder:
                    logger.warning(
                        "knowledge.embedder_differs", extra={"made": release.embedder, "now": opened.revision}
                    )
                self._encoders[release.embedder] = QuestionEncoder(opened)
            return self._encoders[release.embedder]

    def warm(self, release: Release | None) -> None:
        """Loads the embedder of a release and its files, and begins to load Chroma."""
        if release is None:
            QuestionEncoder(self._embedder).encode(["warm"])
            return
        files = self.open(release)
        if len(files.owners) > EXACT_MOST:
            self._load_index(files.base)
        self.encoder(release).encode(["warm"])

    def _nearest(self, files: ReleaseFiles, vector: Vectors, limit: int) -> list[int]:
        """From Chroma where there are many; until it is loaded (1.5 s, on a thread of its own) by an exact scan."""
        if len(files.owners) <= EXACT_MOST:
            return nearest_rows(files.vectors, vector, limit)
        if self._loaded.is_set():
            return files.nearest(lambda v, most: self._index.nearest(files.base, v, most), vector, limit)
        self._load_index(files.base)
        return nearest_rows(files.vectors, vector, limit)

    def _load_index(self, base: str) -> None:
        with self._lock:
            if self._loading is None:
                self._loading = threading.Thread(target=self._warm_index, args=(base,), name="chroma", daemon=True)
                self._loading.start()

    def _warm_index(self, base: str) -> None:
        # whatever fails here fails again, and is told, at the first search that asks Chroma
        with contextlib.suppress(KnowledgeError):
            self._index.warm(base)
        self._loaded.set()
