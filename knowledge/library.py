"""The knowledge house's front door: add, reindex, search, read a document. Thread-safe. Floor: use case.

Nothing heavy is imported before the first search or `warm()`: chromadb and onnxruntime cost a second and more.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.chroma import EmbeddedChroma, ServedChroma
from knowledge.documents import (
    Document,
    DocumentSummary,
    Findings,
    IndexReport,
    LibraryStatus,
    Passage,
    Purged,
    ReadingFault,
    ReleaseChanges,
    ReleaseInfo,
    Source,
    Turn,
)
from knowledge.embedding import Embedder, Vectors
from knowledge.errors import IndexMissing, KnowledgeError, SourceNotFound
from knowledge.index import PassageIndex, Progress, nearest_rows
from knowledge.products import Catalogue
from knowledge.release_files import ReleaseFiles
from knowledge.retrieval import QuestionEncoder, Scope, search_release

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from knowledge.releases import Release

KEPT_CATALOGUES = 4
TRIES = 3  # a release may be dropped between finding out its name and searching it, but not three times


class Library:
    """Everything we know, in releases. A search sees exactly one release, the newest in service when it begins."""

    def __init__(self, engine: Engine, folder: Path, embedder: Embedder, *, chroma_url: str | None = None) -> None:
        """
        Args:
            engine: the database with the knowledge tables.
            folder: where this library keeps its releases.
            chroma_url: a Chroma server; None keeps the vectors in `folder`.
        """
        from knowledge.reindexing import Reindexer
        from knowledge.releases import Releases
        from knowledge.store import KnowledgeStore

        self._folder = folder / "releases"
        self._embedder = embedder
        self._releases = Releases(engine)
        self._store = KnowledgeStore(engine)
        self._index: PassageIndex = ServedChroma(chroma_url) if chroma_url else EmbeddedChroma(self._folder)
        self._encoder = QuestionEncoder(embedder)
        self._loaded = threading.Event()  # set once chromadb is imported and has been asked something
        self._loading: threading.Thread | None = None
        self._reindexer = Reindexer(self._releases, self._store, self._index, self._folder, embedder)
        self._reindexing = threading.Lock()
        self._opening = threading.Lock()
        self._open: tuple[str, ReleaseFiles] | None = None
        self._catalogues: dict[int, Catalogue] = {}  # replaced whole, so that threads need no lock

    @property
    def release(self) -> int | None:
        """The number of the release in service, None before the first reindex."""
        live = self._releases.live()
        return live.number if live else None

    @property
    def embedder(self) -> Embedder:
        return self._embedder

    def search(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        limit: int = 5,
        product: str | Sequence[str] | None = None,
        language: str | None = None,
        audience: str | None = None,
        release: int | None = None,
    ) -> Findings:
        """The passages that most probably answer the question, best first, all of one release.

        Args:
            history: the conversation before the question, oldest first.
            product: the product or products the customer asks about, if known; others' passages fall behind.
            language: likewise, the customer's language.
            audience: who asks; passages for other audiences are not found. None finds those for everybody only,
                "*" finds all.
            release: a kept release instead of the one in service.

        Raises:
            IndexMissing: nothing has been indexed yet.
            ReleaseUnknown: that release is not kept.
        """
        products = (product,) if isinstance(product, str) else tuple(product or ())
        for attempt in range(TRIES):
            searched = self._live() if release is None else self._releases.get(release)
            scope = Scope(limit, products, language, self._catalogue_of(searched.number))
            try:
                return self._search(searched, question, history, scope)
            except IndexMissing:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def catalogue(self, release: int | None = None) -> Catalogue:
        """The products that a release's documents are about (default: the one in service); empty before the first."""
        number = release if release is not None else self.release
        return self._catalogue_of(number) if number is not None else Catalogue()

    def _catalogue_of(self, release: int) -> Catalogue:
        """Of the last few releases that were asked about: a comparison asks about two in turns."""
        known = self._catalogues.get(release)
        if known is None:
            known = Catalogue.of(self._store.titles_and_products(release))
            kept = list(self._catalogues.items())[1 - KEPT_CATALOGUES :]
            self._catalogues = {**dict(kept), release: known}
        return known

    def document(self, document_id: str, release: int | None = None) -> Document | None:
        """The document with the text it had in that release (default: the one in service); None if it had none."""
        number = release if release is not None else self.release
        return self._store.document(document_id, number) if number is not None else None

    def add(self, paths_or_urls: Sequence[str]) -> None:
        """Remembers sources; `reindex` reads them.

        Raises:
            SourceNotFound: one of them is not there; none is remembered then.
        """
        from knowledge.reading.files import check_source

        self._store.remember([check_source(location) for location in paths_or_urls])

    def sources(self) -> tuple[Source, ...]:
        """What is read at each reindex, in the order in which it was added."""
        return self._store.sources()

    def remove(self, location: str) -> None:
        """Forgets a source; its documents leave with the next reindex.

        Raises:
            SourceNotFound: it is none.
        """
        from knowledge.reading.files import is_url

        name = location if is_url(location) else str(Path(location).expanduser().resolve())
        if not (self._store.forget_source(location) or self._store.forget_source(name)):
            raise SourceNotFound(f"{location} is no source: `tellonce knowledge status` lists them.")

    def reindex(self, progress: Progress | None = None, *, publish: bool = True, by: str = "command") -> IndexReport:
        """Reads every source again, embeds what changed and puts a new release in service.

        When nothing changed, the release that holds it all is reported, and no new one is made.

        Args:
            progress: called as (done, total, what) from the calling thread.
            publish: False leaves the new release a candidate, to be looked at before `publish`.
            by: who asked for it: an agent's e-mail address, or "command".

        Raises:
            ReindexRunning: another one is at work, here or in another process.
        """
        with self._reindexing:
            return self._reindexer.reindex(progress, publish=publish, by=by)

    def publish_documents(
        self,
        documents: Sequence[Document],
        progress: Progress | None = None,
        *,
        publish: bool = True,
        by: str = "command",
    ) -> IndexReport:
        """A release of exactly these documents, without sources: for evaluations and documents from elsewhere."""
        with self._reindexing:
            return self._reindexer.publish_documents(documents, progress, publish=publish, by=by)

    def faults(self) -> tuple[ReadingFault, ...]:
        """What the newest reindex could not read."""
        return self._store.faults()

    def releases(self) -> tuple[ReleaseInfo, ...]:
        """All kept releases, newest first."""
        return self._releases.infos()

    def changes(self, number: int, against: int | None = None) -> ReleaseChanges:
        """What differs between two kept releases, document by document.

        Args:
            against: None is the one in service; for that one itself, the kept one before it, or nothing.

        Raises:
            ReleaseUnknown: one of them is not kept.
        """
        return self._releases.changes(number, against)

    def publish(self, number: int, by: str = "command") -> ReleaseInfo:
        """Puts a kept release in service, on every process, from its next search on.

        Raises:
            ReleaseUnknown: it is not kept.
            IndexMissing: its files are gone.
        """
        return self._switch(number, by, "publish")

    def rollback(self, number: int, by: str = "command") -> ReleaseInfo:
        """The same switch, told as going back."""
        return self._switch(number, by, "rollback")

    def _switch(self, number: int, by: str, how: str) -> ReleaseInfo:
        self._files(self._releases.get(number))
        self._releases.put_in_service(number, by, how)
        return self._releases.info(number)

    def documents(self, release: int | None = None) -> tuple[DocumentSummary, ...]:
        """The documents of a release (default: the one in service) in the order of their titles."""
        number = self.release if release is None else self._releases.get(release).number
        return self._releases.documents(number) if number is not None else ()

    def passages(self, document_id: str, release: int | None = None) -> tuple[Passage, ...]:
        """The passages of a document as of a release (default: the one in service); none when it was not in it."""
        number = self.release if release is None else release
        return self._store.document_passages(document_id, number) if number is not None else ()

    def purge(self, documents: Sequence[str] | str, by: str = "command", progress: Progress | None = None) -> Purged:
        """Deletes documents for good: from every release, from vectors, words, index and the data folder's files.

        Args:
            documents: document ids, or one source's location.

        Raises:
            DocumentUnknown: no kept release holds one of them.
            ReindexRunning: a reindex is at work.
        """
        raise NotImplementedError

    def status(self) -> LibraryStatus:
        """What is in service and what it was made of."""
        live = self._releases.live()
        files = (path for path in self._folder.rglob("*") if path.is_file()) if self._folder.exists() else ()
        return LibraryStatus(
            release=live.number if live else None,
            made_at=live.made_at if live else None,
            documents=live.documents if live else 0,
            passages=live.passages if live else 0,
            embedder=self._embedder.name,
            sources=tuple(self._store.locations()),
            size_bytes=sum(path.stat().st_size for path in files),
            releases_kept=tuple(release.number for release in self._releases.ready()),
        )

    def warm(self) -> None:
        """Loads the model and the release in service, and begins to load Chroma: the next search is a quick one."""
        live = self._releases.live()
        if live is None:
            self._encoder.encode(["warm"])
            return
        self._load_index(self._files(live).base)
        self.search("warm", limit=1)

    def _search(self, release: Release, question: str, history: Sequence[Turn], scope: Scope) -> Findings:
        files = self._files(release)

        def nearest(vector: Vectors, limit: int) -> list[int]:
            return self._nearest(files, vector, limit)

        return search_release(
            release.number, files, nearest, self._store.load_passages, self._encoder, question, history, scope
        )

    def _nearest(self, files: ReleaseFiles, vector: Vectors, limit: int) -> list[int]:
        """From Chroma; until it is loaded (1.5 s after the start, on a thread of its own) by an exact scan."""
        if self._loaded.is_set():
            return files.nearest(lambda v, most: self._index.nearest(files.base, v, most), vector, limit)
        self._load_index(files.base)
        return nearest_rows(files.vectors, vector, limit)

    def _load_index(self, name: str) -> None:
        with self._opening:
            if self._loading is None:
                self._loading = threading.Thread(target=self._warm_index, args=(name,), name="chroma", daemon=True)
                self._loading.start()

    def _warm_index(self, name: str) -> None:
        # whatever fails here fails again, and is told, at the first search that asks Chroma
        with contextlib.suppress(KnowledgeError):
            self._index.warm(name)
        self._loaded.set()

    def _live(self) -> Release:
        live = self._releases.live()
        if live is None:
            raise IndexMissing("Nothing has been indexed yet: run `tellonce knowledge add PATH`.")
        return live

    def _files(self, release: Release) -> ReleaseFiles:
        with self._opening:
            if self._open is None or self._open[0] != release.store:
                self._open = (release.store, ReleaseFiles(self._folder / release.store))
            return self._open[1]
