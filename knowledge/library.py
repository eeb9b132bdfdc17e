"""The knowledge house's front door: add, reindex, search, read a document. Thread-safe. Floor: use case.

Nothing heavy is imported before the first search or `warm()`: chromadb and onnxruntime cost a second and more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from knowledge.embedding import Embedder, default_model_folder, open_embedder
from knowledge.errors import DocumentUnknown, IndexMissing, SourceNotFound
from knowledge.index import PassageIndex, Progress
from knowledge.products import Catalogue
from knowledge.retrieval import Scope
from knowledge.serving import Serving

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from knowledge.releases import Release

logger = logging.getLogger(__name__)

TRIES = 3  # a release may be dropped between finding out its name and searching it, but not three times
KEPT_RELEASES = 10


class Library:
    """Everything we know, in releases. A search sees exactly one release, the newest in service when it begins."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        embedder: Embedder,
        *,
        chroma_url: str | None = None,
        kept: int = KEPT_RELEASES,
        opens: Callable[[str], Embedder] | None = None,
    ) -> None:
        """
        Args:
            engine: the database with the knowledge tables.
            folder: where this library keeps its releases (`releases`) and finds its own files (`uploads`).
            embedder: what new releases are made with.
            chroma_url: a Chroma server; None keeps the vectors in `folder`.
            kept: how many releases are kept to go back to, the one in service included.
            opens: another embedder by its name, for a release made with another; None opens it as `embedder` was.
        """
        from knowledge.building import ReleaseBuilder
        from knowledge.purges import Purges
        from knowledge.purging import Purger
        from knowledge.reindexing import Reindexer
        from knowledge.releases import Releases
        from knowledge.seen_files import SeenFiles
        from knowledge.store import KnowledgeStore

        self._folder = folder / "releases"
        self._embedder = embedder
        self._opens = opens or (lambda name: open_embedder(name, default_model_folder(folder.parent)))
        self._releases = Releases(engine)
        self._store = KnowledgeStore(engine)
        self._seen = SeenFiles(engine)
        self._purges = Purges(engine)
        index: PassageIndex = ServedChroma(chroma_url) if chroma_url else EmbeddedChroma(self._folder)
        self._serving = Serving(self._store, index, self._folder, embedder, self._opens)
        self._builder = ReleaseBuilder(self._releases, self._store, index, self._folder, embedder)
        self._purger = Purger(
            self._releases, self._store, self._purges, index, self._builder, self._folder, folder / "uploads", embedder
        )
        self._reindexer = Reindexer(
            self._releases, self._store, self._seen, self._purges, self._purger, self._builder, embedder, max(1, kept)
        )
        self._reindexing = threading.Lock()

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
        document: str | None = None,
        release: int | None = None,
    ) -> Findings:
        """The passages that most probably answer the question, best first, all of one release.

        Args:
            history: the conversation before the question, oldest first.
            product: the product or products the customer asks about, if known; others' passages fall behind.
            language: likewise, the customer's language.
            audience: who asks; passages for other audiences are not found. None finds those for everybody only,
                "*" finds all.
            document: the id of the only one that is looked into.
            release: a kept release instead of the one in service.

        Raises:
            IndexMissing: nothing has been indexed yet.
            ReleaseUnknown: that release is not kept.
            DocumentUnknown: that document is not in it.
        """
        products = (product,) if isinstance(product, str) else tuple(product or ())
        for attempt in range(TRIES):
            searched = self._live() if release is None else self._releases.get(release)
            rows = self._rows_of(document, searched.number) if document is not None else None
            scope = Scope(limit, products, language, self._serving.catalogue(searched), audience, rows)
            try:
                return self._serving.search(searched, question, history, scope)
            except IndexMissing:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _rows_of(self, document_id: str, release: int) -> tuple[int, ...]:
        if rows := self._store.document_rows(document_id, release):
            return rows
        raise DocumentUnknown(f"There is no passage of a document {document_id!r} in release {release}.")

    def check_free(self) -> None:
        """Raises ReindexRunning while a reindex, a purge or a change of the model is at work, in whatever process."""
        with self._builder.alone():
            pass

    def catalogue(self, release: int | None = None) -> Catalogue:
        """The products that a release's documents are about (default: the one in service); empty before the first."""
        found = self._releases.get(release) if release is not None else self._releases.live()
        return self._serving.catalogue(found) if found is not None else Catalogue()

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

        locations = [check_source(location) for location in paths_or_urls]
        known = set(self._store.locations())
        for location in locations:
            if location in known and Path(location).is_dir():
                continue  # a folder is added again by habit; what was purged comes back when it is named itself
            for root, name in self._purges.readmit(location):
                self._seen.forget(root, name)
        self._store.remember(locations)

    def sources(self) -> tuple[Source, ...]:
        """What is read at each reindex, in the order in which it was added."""
        return self._store.sources()

    def remove(self, location: str) -> None:
        """Forgets a source; its documents leave with the next reindex.

        Raises:
            SourceNotFound: it is none.
        """
        name = self.locate(location)
        if name is None or not self._store.forget_source(name):
            raise SourceNotFound(f"{location} is no source: `tellonce knowledge status` lists them.")

    def locate(self, name: str) -> str | None:
        """A source, or a file or page that was read, as it is remembered; None if it is none.

        Sources that are gone from the disk are found too.
        """
        from knowledge.reading.kinds import is_url

        absolute = name if is_url(name) else str(Path(name).expanduser().resolve())
        for location in (name, absolute):
            if location in self._store.locations() or self._purges.find(location):
                return location
        return None

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
            return self._reindexer.reindex(progress or _silent, publish=publish, by=by)

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
            return self._reindexer.publish_documents(documents, progress or _silent, publish=publish, by=by)

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
        self._serving.open(self._releases.get(number))
        self._releases.put_in_service(number, by, how)
        return self._releases.info(number)

    @contextmanager
    def hold(self, number: int) -> Iterator[None]:
        """Keeps a release from being dropped, by any process, while it is looked at: for a comparison that takes long.

        Raises:
            ReleaseUnknown: it is not kept.
        """
        with self._builder.held(self._releases.get(number).store):
            self._releases.get(number)  # it may have been dropped before the lock was had
            yield

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
        with self._reindexing:
            return self._purger.purge(documents, by, progress or _silent)

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
        self._serving.warm(self._releases.live())

    def is_outdated(self) -> bool:
        """Whether the release in service was made with another embedding model than new ones are."""
        live = self._releases.live()
        return live is not None and live.embedder != self._embedder.revision

    def embed_again(self, progress: Progress | None = None, *, by: str = "command") -> ReleaseInfo | None:
        """Embeds what is in service with the model of now and puts that in service; the old release answers meanwhile.

        None when the model of now made it already. What a run that was cut short has embedded is not embedded again.

        Raises:
            ReindexRunning: a reindex is at work; it uses the model of now, too.
            EmbedderUnavailable: the model cannot be used.
        """
        with self._reindexing:
            made = self._reindexer.embed_again(progress or _silent, by=by)
        return self._releases.info(made.number) if made else None

    def _live(self) -> Release:
        live = self._releases.live()
        if live is None:
            raise IndexMissing("Nothing has been indexed yet: run `tellonce knowledge add PATH`.")
        return live


def _silent(done: int, total: int, what: str) -> None:
    pass
