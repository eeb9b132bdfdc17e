"""Content that must go for good: out of every release, vectors, words, index, cache and our own files. Floor: use case.

What is to go is written down first, so that a purge that is cut short is finished by the next run. Releases keep their
numbers: each is swapped, in one commit, for a copy without it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.building import Earlier, ReleaseBuilder, new_name
from knowledge.chunking import searchable
from knowledge.cut_words import WordCutter, copy_words
from knowledge.documents import Purged
from knowledge.embedding import Embedder
from knowledge.entries import keys_of
from knowledge.errors import DocumentUnknown, IndexMissing
from knowledge.index import PassageIndex, Progress
from knowledge.lexical import build_lexical
from knowledge.purges import Doomed, Purges
from knowledge.reading.kinds import is_url
from knowledge.release_files import Layout, ReleaseFiles, write_base, write_release
from knowledge.releases import Counts, Release, Releases
from knowledge.store import KnowledgeStore


class Purger:
    """Deletes documents for good."""

    def __init__(
        self,
        releases: Releases,
        store: KnowledgeStore,
        purges: Purges,
        index: PassageIndex,
        builder: ReleaseBuilder,
        folder: Path,
        own_files: Path,
        embedder: Embedder,
    ) -> None:
        """
        Args:
            own_files: files below this folder are ours to delete; all others are left where they are.
        """
        self._releases = releases
        self._store = store
        self._purges = purges
        self._index = index
        self._folder = folder
        self._own_files = own_files.resolve()
        self._embedder = embedder
        self._builder = builder

    def purge(self, documents: Sequence[str] | str, by: str, progress: Progress) -> Purged:
        """Deletes documents by their ids, or all that were read from one location, and forgets that source.

        Raises:
            DocumentUnknown: nothing of that id or location is kept.
            ReindexRunning: a reindex is at work.
        """
        with self._builder.alone():
            self._builder.clean()
            self.finish(progress)
            doomed = self._purges.find(documents)
            missing = set() if isinstance(documents, str) else set(documents) - {one.document_id for one in doomed}
            if missing or not doomed:
                name = documents if isinstance(documents, str) else ", ".join(sorted(missing)) or "that id"
                raise DocumentUnknown(f"Nothing is kept of {name}: `tellonce knowledge releases` lists what is kept.")
            self._purges.begin(
                [replace(one, digest=digest_of(physical_file(one.root, one.source))) for one in doomed], by
            )
            if isinstance(documents, str):
                self._store.forget_source(documents)
            return self._carry_out(progress)

    def finish(self, progress: Progress) -> None:
        """Carries out what an earlier purge began."""
        if self._purges.pending():
            self._carry_out(progress)

    def _carry_out(self, progress: Progress) -> Purged:
        doomed = self._purges.pending()
        ids = [one.document_id for one in doomed]
        purged = Purged(self._purges.summaries(ids), self._purges.holders(ids))
        versions, rows = self._purges.versions_and_passages(ids)
        keys = keys_of(self._store.load_all(rows))
        self._drop_unreadable(purged.releases, versions, progress)
        keys -= self._needed_elsewhere(rows)
        self._swap_releases(set(purged.releases), versions, rows, keys, progress)
        vectors = self._purges.delete_cached(keys)
        files, left = self._delete_files(doomed)
        self._purges.delete_contents(doomed, versions)
        self._purges.scrub()
        returning = [one for one in doomed if is_url(one.root) or str(physical_file(one.root, one.source)) in left]
        self._purges.finish(staying_out=[one.id for one in returning])
        return replace(purged, passages=len(rows), vectors=vectors, files=files, left=left)

    def _drop_unreadable(self, holders: Sequence[int], versions: Sequence[int], progress: Progress) -> None:
        """Releases that no copy can be made of, being of an older format or damaged: only the live one is made anew."""
        live = self._releases.live()
        for release in self._releases.ready():
            if release.number not in holders or self._open(release) is not None:
                continue
            if live is None or release.number != live.number:
                self._releases.forget(release.number)
                continue
            name = new_name()
            staying = [v.id for v in self._store.versions_of(release.number) if v.id not in set(versions)]
            size = self._builder.write(name, staying, progress)
            self._releases.replace_store(release.number, name, versions, Counts(len(staying), size), self._embedder)

    def _needed_elsewhere(self, rows: Sequence[int]) -> set[bytes]:
        """The keys of texts that documents which stay have as well."""
        needed: set[bytes] = set()
        for release in self._releases.ready():
            if opened := self._open(release):
                files, earlier = opened
                staying = ~np.isin(files.passage_rows, rows)[files.owners]
                keys = earlier.keys
                needed.update(keys[row] for row in files.entry_rows[staying].tolist())
        return needed

    def _swap_releases(
        self, holders: set[int], versions: Sequence[int], rows: Sequence[int], keys: set[bytes], progress: Progress
    ) -> None:
        bases: dict[str, tuple[str, NDArray[np.int32]]] = {}
        ready = self._releases.ready()
        for done, release in enumerate(ready):
            progress(done, len(ready), "purging")
            opened = self._open(release)
            if opened is None:
                continue
            files, earlier = opened
            if files.base not in bases:
                bases[files.base] = self._base_without(files.base, earlier, keys, progress)
            base, moved = bases[files.base]
            if release.number in holders or base != files.base or not keys.isdisjoint(earlier.rows):
                name, size = self._copy_without(release, files, earlier, base, moved, rows)
                documents = release.documents - self._purges.count_listed(release.number, versions)
                self._releases.replace_store(release.number, name, versions, Counts(documents, size))
        self._builder.clean()
        progress(len(ready), len(ready), "purging")

    def _base_without(
        self, base: str, earlier: Earlier, keys: set[bytes], progress: Progress
    ) -> tuple[str, NDArray[np.int32]]:
        """A base without the vectors of these keys, and where each of its rows went (-1: nowhere)."""
        stays = np.asarray([key not in keys for key in earlier.base_keys], np.bool_)
        moved = np.where(stays, np.cumsum(stays) - 1, -1).astype(np.int32)
        if stays.all():
            return base, moved
        name, kept = new_name(), np.flatnonzero(stays)
        vectors = earlier.pool[kept]
        write_base(self._folder / name, vectors, [earlier.base_keys[row] for row in kept.tolist()])
        copy_words(self._folder / base, self._folder / name, kept)
        self._index.build(name, vectors, progress)
        return name, moved

    def _copy_without(
        self,
        release: Release,
        files: ReleaseFiles,
        earlier: Earlier,
        base: str,
        moved: NDArray[np.int32],
        rows: Sequence[int],
    ) -> tuple[str, int]:
        """A copy of a release without these passages, on another base: its name and how many passages it holds."""
        name, size = new_name(), len(earlier.base_keys)
        stays = ~np.isin(files.passage_rows, rows)
        entries = stays[files.owners]
        positions = np.cumsum(stays, dtype=np.int32) - 1
        used = files.entry_rows[entries]
        beside = np.unique(used[used >= size])
        lifted = np.full(len(earlier.keys) - size, -1, np.int32)
        lifted[beside - size] = np.arange(len(beside), dtype=np.int32) + int(moved.max(initial=-1)) + 1
        new_rows = np.where(used < size, moved[np.minimum(used, size - 1)], -1) if size else np.full(len(used), -1)
        new_rows[used >= size] = lifted[used[used >= size] - size]
        target = self._folder / name
        if stays.all():
            shutil.copytree(self._folder / release.store / "lexical", target / "lexical", copy_function=os.link)
        else:
            self._write_lexical(target / "lexical", files.passage_rows[stays].tolist(), earlier)
        copy_words(self._folder / release.store, target, beside - size)
        audiences = files.audiences()
        layout = Layout(
            base=base,
            passage_rows=files.passage_rows[stays],
            owners=positions[files.owners[entries]],
            discounts=files.discounts[entries],
            rows=np.asarray(new_rows, np.int32),
            overlay=earlier.pool[beside],
            overlay_keys=[earlier.keys[row] for row in beside.tolist()],
            audiences=[audiences[i] for i in np.flatnonzero(stays).tolist()],
            titles=files.titles.of(stays) if files.titles else None,
        )
        write_release(target, layout)
        return name, int(stays.sum())

    def _write_lexical(self, folder: Path, rows: Sequence[int], earlier: Earlier) -> None:
        texts = (searchable(passage) for passage in self._store.load_all(rows))
        folder.parent.mkdir(parents=True, exist_ok=True)
        build_lexical(folder, texts, WordCutter(earlier.words))

    def _open(self, release: Release) -> tuple[ReleaseFiles, Earlier] | None:
        try:
            return ReleaseFiles(self._folder / release.store), Earlier(self._folder, release.store)
        except (IndexMissing, FileNotFoundError):
            return None

    # files

    def _delete_files(self, doomed: Sequence[Doomed]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Our own files are deleted where no document that stays was read from them; those that are left are told."""
        deleted: list[str] = []
        left: list[str] = []
        for path in dict.fromkeys(physical_file(one.root, one.source) for one in doomed):
            if path is None:
                continue
            if path.is_relative_to(self._own_files) and not self._purges.others_in(path, doomed):
                path.unlink(missing_ok=True)
                deleted.append(str(path))
            else:
                left.append(str(path))
        return tuple(deleted), tuple(left)


def physical_file(root: str, source: str) -> Path | None:
    """The file that a document was read from: itself, or the archive that it lies in; None for a page, or if gone."""
    if is_url(root):
        return None
    path = Path(root)
    if path.is_file():
        return path.resolve()
    for part in Path(source).parts:
        path = path / part
        if path.is_file():
            return path.resolve()
    return None


def digest_of(path: Path | None) -> str | None:
    """What tells that a file is the one that was purged; None for a page or a file that is gone."""
    if path is None:
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()
