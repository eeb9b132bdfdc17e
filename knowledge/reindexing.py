"""Sources -> a new release, made from what changed only, while the old one serves. Floor: use case.

Read -> cut -> `building.py` writes it under a new name -> one commit puts it in service. A crash before that commit
leaves the old release as it was; the next run removes what was left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from knowledge.building import ReleaseBuilder, new_name
from knowledge.documents import Document, IndexReport, ReadingFault
from knowledge.embedding import Embedder
from knowledge.fetches import NotModified
from knowledge.index import Progress
from knowledge.purges import Purges
from knowledge.purging import Purger, digest_of, physical_file
from knowledge.reading.faults import Unreachable, Unreadable
from knowledge.reading.files import READER_VERSION, SourceFile, SourceSilent, content_hash, find_files, read_file
from knowledge.reading.kinds import is_url
from knowledge.reading.web import Web
from knowledge.releases import Counts, Release, Releases
from knowledge.seen_files import SeenFile, SeenFiles, stamp_of
from knowledge.store import KnowledgeStore, Version

SAVE_BATCH = 50  # documents a transaction: a commit costs a disk's fsync, and must still end within milliseconds


@dataclass
class Shelf:
    """What the new release will hold, while it is being read."""

    versions: dict[str, tuple[int, str]] = field(default_factory=dict)  # by document: row id and content hash
    unsaved: list[tuple[Document, str]] = field(default_factory=list)  # with their roots
    documents: set[str] = field(default_factory=set)
    faults: list[ReadingFault] = field(default_factory=list)
    seen: list[SeenFile] = field(default_factory=list)


class Known:
    """What is stored already: of files, of documents, and what must not come back."""

    def __init__(self, store: KnowledgeStore, seen: SeenFiles, purges: Purges, live: Sequence[Version]) -> None:
        self.files = seen.load()
        self.kept_out = purges.kept_out()
        self.served: dict[tuple[str, str], list[Version]] = {}
        for version in live:
            self.served.setdefault((version.root, version.source), []).append(version)
        self.stored: dict[tuple[str, str, str], list[Version]] = {}
        for version in store.stored_versions():
            self.stored.setdefault((version.root, version.source, version.content_hash), []).append(version)


class Reindexer:
    """Makes releases; one at a time over all processes that share the folder."""

    def __init__(
        self,
        releases: Releases,
        store: KnowledgeStore,
        seen: SeenFiles,
        purges: Purges,
        purger: Purger,
        builder: ReleaseBuilder,
        embedder: Embedder,
        kept: int,
    ) -> None:
        self._releases = releases
        self._store = store
        self._seen = seen
        self._purges = purges
        self._purger = purger
        self._builder = builder
        self._embedder = embedder
        self._kept = kept

    def reindex(self, progress: Progress, *, publish: bool, by: str) -> IndexReport:
        """A release of every source as it is now, or the kept one that holds just that.

        Raises:
            ReindexRunning: another process is at it.
        """
        with self._builder.alone():
            self._clear_unfinished(progress)
            before = self._versions_in_service()
            shelf = self._read_sources(before, progress)
            self._save(shelf)
            self._seen.save(shelf.seen)
            self._store.save_faults(shelf.faults)
            return self._finish(shelf, before, progress, publish=publish, by=by)

    def publish_documents(
        self, documents: Sequence[Document], progress: Progress, *, publish: bool, by: str
    ) -> IndexReport:
        """A release of exactly these documents, whatever the sources say: for evaluations and for other readers."""
        with self._builder.alone():
            self._clear_unfinished(progress)
            shelf = Shelf()
            known = {(v.document_id, v.content_hash): v for v in self._store.stored_versions()}
            for document in documents:
                self._shelve(shelf, document, "", known.get((document.id, document.content_hash)))
            self._save(shelf)
            return self._finish(shelf, self._versions_in_service(), progress, publish=publish, by=by)

    def embed_again(self, progress: Progress, *, by: str) -> Release | None:
        """What is in service, embedded by the embedder of now; None when that made it already.

        It goes in service itself unless somebody has put another release there meanwhile.
        """
        with self._builder.alone():
            self._clear_unfinished(progress)
            live = self._releases.live()
            if live is None or live.embedder == self._embedder.revision:
                return None
            versions = self._store.versions_of(live.number)
            made = self._build([version.id for version in versions], (0, 0, 0), progress, by)
            self._releases.put_in_service(made.number, by, instead_of=live.number)
            self._drop_old()
            return made

    # reading

    def _versions_in_service(self) -> list[Version]:
        release = self._releases.live()
        return self._store.versions_of(release.number) if release else []

    def _read_sources(self, before: Sequence[Version], progress: Progress) -> Shelf:
        shelf = Shelf()
        known = Known(self._store, self._seen, self._purges, before)
        web = Web(self._store)
        files = [found for location in self._store.locations() for found in find_files(location, web)]
        for done, file in enumerate(files, 1):
            if isinstance(file, ReadingFault):
                shelf.faults.append(file)
                if isinstance(file, SourceSilent):
                    self._take_all_served(shelf, file.source, known)
            else:
                self._read_one(shelf, file, known)
            progress(done, len(files), file.source if isinstance(file, ReadingFault) else file.name)
        web.close()
        return shelf

    def _read_one(self, shelf: Shelf, file: SourceFile, known: Known) -> None:
        seen = known.files.get((file.root, file.name))
        stamp = stamp_of(file.root, file.name)
        if seen is not None and stamp and seen.stamp == stamp and self._take_as_seen(shelf, file, seen, known):
            return
        try:
            if (data := self._load(shelf, file, known)) is None:
                shelf.seen.extend([seen] if seen else [])
                return
            digest = content_hash(data, file)
            if not (seen and seen.content_hash == digest and self._take_stored(shelf, file, digest, known)):
                for document in read_file(file, data):
                    self._admit(shelf, document, file.root, known)
            shelf.seen.append(SeenFile(file.root, file.name, stamp, READER_VERSION, digest, None))
        except Unreachable as error:
            stays = self._take_served(shelf, file, known)
            rest = ": what was read before stays in service" if stays else ": check the address"
            shelf.faults.append(ReadingFault(file.name, f"{error}{rest}"))
            shelf.seen.extend([seen] if seen else [])
        except Unreadable as error:
            shelf.faults.append(ReadingFault(file.name, str(error)))
            shelf.seen.append(SeenFile(file.root, file.name, stamp, READER_VERSION, None, str(error)))
        except OSError as error:
            shelf.faults.append(ReadingFault(file.name, f"it cannot be opened ({error.strerror or error})"))

    def _load(self, shelf: Shelf, file: SourceFile, known: Known) -> bytes | None:
        """A file's bytes; None for a page that did not change and whose documents were taken as they are stored."""
        try:
            return file.load()
        except NotModified as unchanged:
            return None if self._take_stored(shelf, file, str(unchanged), known) else file.load_whole()

    def _take_as_seen(self, shelf: Shelf, file: SourceFile, seen: SeenFile, known: Known) -> bool:
        """A file that looks as it did is not opened: what was made of it, or what was wrong with it, holds."""
        if seen.reader != READER_VERSION:
            return False
        if seen.fault is not None:
            shelf.faults.append(ReadingFault(file.name, seen.fault))
        elif seen.content_hash is None or not self._take_stored(shelf, file, seen.content_hash, known):
            return False
        shelf.seen.append(seen)
        return True

    def _take_stored(self, shelf: Shelf, file: SourceFile, digest: str, known: Known) -> bool:
        same = known.stored.get((file.root, file.name, digest), [])
        for version in same:
            self._keep(shelf, version)
        return bool(same)

    def _take_served(self, shelf: Shelf, file: SourceFile, known: Known) -> bool:
        served = known.served.get((file.root, file.name), [])
        for version in served:
            self._keep(shelf, version)
        return bool(served)

    def _take_all_served(self, shelf: Shelf, root: str, known: Known) -> None:
        for (place, _), served in known.served.items():
            for version in served if place == root else ():
                self._keep(shelf, version)

    def _admit(self, shelf: Shelf, document: Document, root: str, known: Known) -> None:
        """Shelves a document unless it was purged and its file is still the same."""
        purged = known.kept_out.get(document.id)
        if purged is None:
            self._shelve(shelf, document, root, None)
        elif is_url(root) or purged.digest == digest_of(physical_file(root, document.source)):
            remedy = (
                f"`tellonce knowledge add` names it again, or remove it from {'the site' if is_url(root) else root}"
            )
            shelf.faults.append(ReadingFault(document.source, f"it was purged and stays out: {remedy}"))
        else:
            self._shelve(shelf, document, root, None)

    def _keep(self, shelf: Shelf, version: Version) -> None:
        if version.document_id not in shelf.documents:
            shelf.documents.add(version.document_id)
            shelf.versions[version.document_id] = version.id, version.content_hash

    def _shelve(self, shelf: Shelf, document: Document, root: str, same: Version | None) -> None:
        if document.id in shelf.documents:
            shelf.faults.append(ReadingFault(document.source, "it is there twice: the first one found is used"))
        elif same is not None:
            self._keep(shelf, same)
        else:
            shelf.documents.add(document.id)
            shelf.unsaved.append((document, root))
            if len(shelf.unsaved) >= SAVE_BATCH:
                self._save(shelf)

    def _save(self, shelf: Shelf) -> None:
        ids = self._store.save_versions(shelf.unsaved)
        for (document, _), number in zip(shelf.unsaved, ids, strict=True):
            shelf.versions[document.id] = number, document.content_hash
        shelf.unsaved.clear()

    # releasing

    def _finish(
        self, shelf: Shelf, before: Sequence[Version], progress: Progress, *, publish: bool, by: str
    ) -> IndexReport:
        earlier = {version.document_id: version.content_hash for version in before}
        added = sum(document not in earlier for document in shelf.versions)
        changed = sum(earlier.get(document, mark) != mark for document, (_, mark) in shelf.versions.items())
        removed = sum(document not in shelf.versions for document in earlier)
        ids = [number for number, _ in shelf.versions.values()]
        release = self._same_as(ids) or self._build(ids, (added, changed, removed), progress, by)
        if publish:
            self._releases.put_in_service(release.number, by)
        self._drop_old()
        return IndexReport(
            release=release.number,
            added=added,
            changed=changed,
            removed=removed,
            unchanged=len(ids) - added - changed,
            passages=release.passages,
            faults=tuple(shelf.faults),
        )

    def _same_as(self, version_ids: Sequence[int]) -> Release | None:
        """The kept release that holds exactly this already: the one in service, else the newest."""
        live = self._releases.live()
        kept = sorted(
            self._releases.ready(), key=lambda one: (live is not None and one.number == live.number, one.number)
        )
        wanted = sorted(version_ids)
        for one in reversed(kept):
            alike = one.embedder == self._embedder.revision and one.documents == len(wanted)
            if alike and sorted(v.id for v in self._store.versions_of(one.number)) == wanted:
                return one if self._builder.is_current(one.store) else None
        return None

    def _build(self, version_ids: Sequence[int], counts: tuple[int, int, int], progress: Progress, by: str) -> Release:
        name = new_name()
        live = self._releases.live()
        base = live.number if live else None
        number = self._releases.begin(self._embedder, name, by, base)
        self._releases.list_versions(number, version_ids)
        size = self._builder.write(name, version_ids, progress)
        self._releases.finish(number, Counts(len(version_ids), size, *counts))
        return self._releases.get(number)

    def _clear_unfinished(self, progress: Progress) -> None:
        """Finishes the purge and removes the release that a run that was cut short left behind."""
        for release in self._releases.unfinished():
            self._releases.forget(release.number)
        self._builder.clean()
        self._purger.finish(progress)

    def _drop_old(self) -> None:
        """Lets go of all but the newest releases; never of the one in service, nor of one that somebody holds."""
        for release in self._releases.ready()[: -self._kept]:
            if not self._builder.is_held(release.store):
                self._releases.forget(release.number)
        self._builder.clean()
        self._store.delete_unlisted()
        self._store.delete_vectors(keep_embedders={one.embedder for one in self._releases.ready()})
