"""Sources -> a new release, made from what changed only, while the old one serves. Floor: use case.

Read -> cut -> embed what is new -> write files and vectors under a new name -> one commit puts it in service. A crash
before that commit leaves the old release as it was; the next run removes what was left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from knowledge.building import ReleaseBuilder, new_name
from knowledge.documents import Document, IndexReport, ReadingFault
from knowledge.embedding import Embedder
from knowledge.index import PassageIndex, Progress
from knowledge.reading.faults import Unreachable, Unreadable
from knowledge.reading.files import SourceFile, content_hash, find_files, read_file
from knowledge.releases import Counts, Release, Releases
from knowledge.store import KnowledgeStore, Version

KEPT_RELEASES = 10
SAVE_BATCH = 20  # documents a transaction: a commit costs a disk's fsync, and must still end within milliseconds


@dataclass
class Shelf:
    """What the new release will hold, while it is being read."""

    versions: list[int] = field(default_factory=list)
    unsaved: list[tuple[Document, str]] = field(default_factory=list)  # with their roots
    documents: set[str] = field(default_factory=set)
    faults: list[ReadingFault] = field(default_factory=list)
    added: int = 0
    changed: int = 0
    unchanged: int = 0


class Reindexer:
    """Builds releases; one at a time over all processes that share the folder."""

    def __init__(
        self, releases: Releases, store: KnowledgeStore, index: PassageIndex, folder: Path, embedder: Embedder
    ) -> None:
        self._releases = releases
        self._store = store
        self._embedder = embedder
        self._builder = ReleaseBuilder(releases, store, index, folder, embedder)

    def reindex(self, progress: Progress | None = None, *, publish: bool = True, by: str = "command") -> IndexReport:
        """A release of every source as it is now; the one in service when nothing changed.

        Raises:
            ReindexRunning: another process is at it.
        """
        with self._builder.alone():
            self._clear_unfinished()
            before = self._versions_in_service()
            shelf = self._read_sources(before, progress or _silent)
            self._store.save_faults(shelf.faults)
            return self._finish(shelf, before, progress or _silent, publish, by)

    def publish_documents(
        self,
        documents: Sequence[Document],
        progress: Progress | None = None,
        *,
        publish: bool = True,
        by: str = "command",
    ) -> IndexReport:
        """A release of exactly these documents, whatever the sources say: for evaluations and for other readers."""
        with self._builder.alone():
            self._clear_unfinished()
            before = self._versions_in_service()
            shelf = Shelf()
            known = {(v.document_id, v.content_hash): v for v in before}
            earlier = {v.document_id for v in before}
            for document in documents:
                version = known.get((document.id, document.content_hash))
                self._shelve(shelf, document, "", version, earlier)
            return self._finish(shelf, before, progress or _silent, publish, by)

    def _versions_in_service(self) -> list[Version]:
        release = self._releases.live()
        return self._store.versions_of(release.number) if release else []

    def _read_sources(self, before: Sequence[Version], progress: Progress) -> Shelf:
        shelf = Shelf()
        known: dict[tuple[str, str], list[Version]] = {}
        for version in before:
            known.setdefault((version.root, version.source), []).append(version)
        earlier = {version.document_id for version in before}
        files = [found for location in self._store.locations() for found in find_files(location)]
        for done, file in enumerate(files, 1):
            if isinstance(file, ReadingFault):
                shelf.faults.append(file)
            else:
                self._read_one(shelf, file, known.get((file.root, file.name), []), earlier)
            progress(done, len(files), file.source if isinstance(file, ReadingFault) else file.name)
        return shelf

    def _read_one(self, shelf: Shelf, file: SourceFile, known: Sequence[Version], earlier: set[str]) -> None:
        try:
            data = file.load()
            digest = content_hash(data, file)
            same = [version for version in known if version.content_hash == digest]
            if same:
                for version in same:
                    self._keep(shelf, version)
                return
            for document in read_file(file, data):
                self._shelve(shelf, document, file.root, None, earlier)
        except Unreachable as error:
            for version in known:
                self._keep(shelf, version)
            stays = ": what was read before stays in service" if known else ": check the address"
            shelf.faults.append(ReadingFault(file.name, f"{error}{stays}"))
        except Unreadable as error:
            shelf.faults.append(ReadingFault(file.name, str(error)))
        except OSError as error:
            shelf.faults.append(ReadingFault(file.name, f"it cannot be opened ({error.strerror or error})"))

    def _keep(self, shelf: Shelf, version: Version) -> None:
        if version.document_id not in shelf.documents:
            shelf.documents.add(version.document_id)
            shelf.versions.append(version.id)
            shelf.unchanged += 1

    def _shelve(self, shelf: Shelf, document: Document, root: str, same: Version | None, earlier: set[str]) -> None:
        if document.id in shelf.documents:
            shelf.faults.append(ReadingFault(document.source, "it is there twice: the first one found is used"))
        elif same is not None:
            self._keep(shelf, same)
        else:
            shelf.documents.add(document.id)
            shelf.unsaved.append((document, root))
            if len(shelf.unsaved) >= SAVE_BATCH:
                self._save(shelf)
            if document.id in earlier:
                shelf.changed += 1
            else:
                shelf.added += 1

    def _save(self, shelf: Shelf) -> None:
        shelf.versions += self._store.save_versions(shelf.unsaved)
        shelf.unsaved.clear()

    def _finish(
        self, shelf: Shelf, before: Sequence[Version], progress: Progress, publish: bool, by: str
    ) -> IndexReport:
        self._save(shelf)
        removed = len({version.document_id for version in before} - shelf.documents)
        release = self._same_as(shelf) or self._build(shelf, removed, progress, by)
        if publish:
            self._releases.put_in_service(release.number, by)
        self._drop_old()
        return IndexReport(
            release=release.number,
            added=shelf.added,
            changed=shelf.changed,
            removed=removed,
            unchanged=shelf.unchanged,
            passages=release.passages,
            faults=tuple(shelf.faults),
        )

    def _same_as(self, shelf: Shelf) -> Release | None:
        """The kept release that holds exactly this already: the one in service, else the newest."""
        live = self._releases.live()
        kept = sorted(self._releases.ready(), key=lambda one: (one.number == (live and live.number), one.number))
        wanted = sorted(shelf.versions)
        for one in reversed(kept):
            same = one.embedder == self._embedder.revision and one.documents == len(wanted)
            if same and sorted(v.id for v in self._store.versions_of(one.number)) == wanted:
                return one if self._builder.is_whole(one.store) else None
        return None

    def _build(self, shelf: Shelf, removed: int, progress: Progress, by: str) -> Release:
        name = new_name()
        base = self._releases.live()
        number = self._releases.begin(
            self._embedder.revision, self._embedder.name, name, by, base.number if base else None
        )
        self._releases.list_versions(number, shelf.versions)
        size = self._builder.write(name, shelf.versions, progress)
        self._releases.finish(number, Counts(len(shelf.documents), size, shelf.added, shelf.changed, removed))
        return self._releases.get(number)

    def _clear_unfinished(self) -> None:
        """Removes what a run that was cut short left behind."""
        for release in self._releases.unfinished():
            self._releases.forget(release.number)
        self._builder.clean()

    def _drop_old(self) -> None:
        for release in self._releases.ready()[:-KEPT_RELEASES]:
            self._releases.forget(release.number)
        self._builder.clean()
        self._store.delete_unlisted()
        self._store.delete_vectors(keep_embedders={r.embedder for r in self._releases.ready()})


def _silent(done: int, total: int, what: str) -> None:
    pass
