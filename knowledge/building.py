"""Versions of documents -> a release's folder, of new vectors or of those of an earlier release. Floor: use case.

After few changes only what is new is written, beside the base of the release before. `reindexing.py` and `purging.py`
decide what a release holds.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.chunking import searchable
from knowledge.cut_words import CutWords, WordCutter
from knowledge.documents import Passage
from knowledge.embedding import Embedder, Vectors, content_key
from knowledge.entries import Entry, entries_of, titles_taken_off
from knowledge.errors import IndexMissing, ReindexRunning
from knowledge.index import PassageIndex, Progress
from knowledge.lexical import build_lexical
from knowledge.release_files import (
    Layout,
    ReleaseFiles,
    Rows,
    Titles,
    base_of,
    has_titles,
    read_keys,
    write_base,
    write_release,
)
from knowledge.releases import Releases
from knowledge.store import KnowledgeStore

HELD = "held"  # a file in a release's folder, locked by those who need the release
ENCODE_BATCH = 512  # texts between two short write transactions and two words to the progress bar
# Vectors beside a base are scanned one by one: 1,000 cost .05 ms, 20,000 cost 3 ms (one core with AVX512). Past these
# the base is made anew, as it is when searches would have to pass over too many of its rows.
OVERLAY_LEAST, OVERLAY_SHARE, OVERLAY_MOST = 1_000, 0.1, 20_000
GONE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Contents:
    """What a release holds, and how it is searched."""

    passage_rows: list[int]
    passages: list[Passage]
    entries: list[Entry]
    keys: list[bytes]


class ReleaseBuilder:
    """Writes the folders of releases; one process at a time."""

    def __init__(
        self, releases: Releases, store: KnowledgeStore, index: PassageIndex, folder: Path, embedder: Embedder
    ) -> None:
        self._releases = releases
        self._store = store
        self._index = index
        self._folder = folder
        self._embedder = embedder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A lock that the system lets go when this process ends, however it ends.

        Raises:
            ReindexRunning: another process has it.
        """
        import fcntl

        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "reindex.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ReindexRunning(
                    "Another reindex is running, here or on the command line: wait until it has finished."
                ) from error
            yield

    def write(self, name: str, version_ids: Sequence[int], progress: Progress) -> int:
        """Writes a release of these versions into the folder `name`; how many passages it holds."""
        contents = self._contents(version_ids)
        earlier = self._earlier()
        vectors = self._vectors([entry.text for entry in contents.entries], contents.keys, earlier, progress)
        titles = self._titles(contents.passages, earlier, progress)
        progress(0, len(contents.keys), "indexing")
        (self._folder / name).mkdir(parents=True, exist_ok=True)
        cutter = WordCutter(earlier.words if earlier else _no_words)
        texts = (searchable(passage) for passage in contents.passages)
        spoken = [passage.language for passage in contents.passages]
        build_lexical(self._folder / name / "lexical", texts, cutter, spoken)
        placed = place(contents.keys, earlier.base_keys) if earlier and self._is_whole(earlier.base) else None
        if earlier is None or placed is None:
            base, beyond = new_name(), list[int]()
            rows = np.arange(len(vectors), dtype=np.int32)
            self._write_base(base, contents.keys, vectors, cutter, progress)
        else:
            base, (rows, beyond) = earlier.base, placed
            cutter.write(self._folder / name, [contents.keys[i] for i in beyond])
        layout = Layout(
            base=base,
            passage_rows=np.asarray(contents.passage_rows, np.int64),
            owners=np.asarray([entry.owner for entry in contents.entries], np.int32),
            discounts=np.asarray([entry.discount for entry in contents.entries], np.float32),
            rows=rows,
            overlay=vectors[beyond],
            overlay_keys=[contents.keys[i] for i in beyond],
            audiences=[passage.audience for passage in contents.passages],
            titles=titles,
        )
        write_release(self._folder / name, layout)
        return len(contents.passages)

    def _contents(self, version_ids: Sequence[int]) -> Contents:
        rows: list[int] = []
        passages: list[Passage] = []
        for row, passage in self._store.passages_of(version_ids):
            rows.append(row)
            passages.append(passage)
        entries = entries_of(passages)
        return Contents(rows, passages, entries, [content_key(entry.text) for entry in entries])

    def _earlier(self) -> Earlier | None:
        """The release whose vectors can serve again: the one in service, if this embedder made it, else the newest."""
        live = self._releases.live()
        kept = [one for one in self._releases.ready() if one.embedder == self._embedder.revision]
        kept.sort(key=lambda one: (live is not None and one.number == live.number, one.number))
        for one in reversed(kept):
            with suppress(IndexMissing, FileNotFoundError):
                return Earlier(self._folder, one.store)
        return None

    def _titles(self, passages: Sequence[Passage], earlier: Earlier | None, progress: Progress) -> Titles:
        titles, rows = titles_taken_off(passages)
        vectors = self._vectors(titles, [content_key(title) for title in titles], earlier, progress)
        return Titles(vectors, np.asarray(rows, np.int32))

    def _vectors(
        self, texts: Sequence[str], keys: Sequence[bytes], earlier: Earlier | None, progress: Progress
    ) -> Vectors:
        """A vector for each text, embedding only those that no release and no run before has embedded."""
        known = earlier.rows if earlier else {}
        old = [i for i, key in enumerate(keys) if key in known]
        fresh = [i for i, key in enumerate(keys) if key not in known]
        made = self._embedded({keys[i]: texts[i] for i in fresh}, progress)
        vectors = np.empty((len(keys), self._embedder.dimensions), np.float32)
        if fresh:
            vectors[fresh] = [made[keys[i]] for i in fresh]
        if earlier and old:
            vectors[old] = earlier.pool[[known[keys[i]] for i in old]]
        return vectors

    def _embedded(self, texts: dict[bytes, str], progress: Progress) -> dict[bytes, Vectors]:
        revision = self._embedder.revision
        made = self._store.cached_vectors(revision, list(texts))
        missing = [(key, text) for key, text in texts.items() if key not in made]
        missing.sort(key=lambda item: -len(item[1]))  # like lengths together: less padding
        for start in range(0, len(missing), ENCODE_BATCH):
            batch = missing[start : start + ENCODE_BATCH]
            vectors = self._embedder.encode([text for _, text in batch])
            new = {key: vectors[i] for i, (key, _) in enumerate(batch)}
            self._store.cache_vectors(revision, new)
            made.update(new)
            progress(start + len(batch), len(missing), "embedding")
        return made

    def _write_base(
        self, base: str, keys: Sequence[bytes], vectors: Vectors, cutter: WordCutter, progress: Progress
    ) -> None:
        write_base(self._folder / base, vectors, keys)
        cutter.write(self._folder / base, keys)
        self._index.build(base, vectors, progress)

    # what is there

    def is_current(self, name: str) -> bool:
        """Whether a release is as one made now would be: it can be searched, and keeps its titles' vectors."""
        try:
            return has_titles(self._folder / name) and self._is_whole(ReleaseFiles(self._folder / name).base)
        except IndexMissing:
            return False

    def _is_whole(self, base: str) -> bool:
        return (self._folder / base / "vectors.npy").exists() and base in self._index.names()

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Keeps a release from being dropped, by whatever process, until the block ends or this process does."""
        import fcntl

        with (self._folder / name / HELD).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield

    def is_held(self, name: str) -> bool:
        """Whether somebody, in whatever process, holds it just now."""
        import fcntl

        try:
            with (self._folder / name / HELD).open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def clean(self) -> None:
        """Deletes every folder and index that no kept release needs: of dropped releases, and of runs cut short."""
        needed: set[str] = set()
        for release in self._releases.ready():
            needed.add(release.store)
            with suppress(FileNotFoundError):
                needed.add(base_of(self._folder / release.store))
        folders = {path.name for path in self._folder.iterdir() if path.is_dir()}
        for name in (folders | set(self._index.names())) - needed:
            self._index.drop(name)
            shutil.rmtree(self._folder / name, ignore_errors=True)


class Earlier:
    """A release whose vectors and words can serve the next one."""

    def __init__(self, folder: Path, name: str) -> None:
        """
        Raises:
            IndexMissing, FileNotFoundError: it is not whole, or was made before keys were kept.
        """
        files = ReleaseFiles(folder / name)
        self.base = files.base
        self.base_keys = read_keys(folder / files.base)
        self.pool = files.pool
        self.keys = self.base_keys + (read_keys(folder / name) if name != files.base else [])
        self.rows = {key: row for row, key in enumerate(self.keys)}
        self._words = CutWords(folder / files.base), CutWords(folder / name)

    def words(self, key: bytes) -> list[str] | None:
        """The words of the text with this key, None when they are not kept."""
        row = self.rows.get(key)
        if row is None:
            return None
        size = len(self.base_keys)
        return self._words[0].of(row) if row < size else self._words[1].of(row - size)


def place(keys: Sequence[bytes], base_keys: Sequence[bytes]) -> tuple[Rows, list[int]] | None:
    """Where the vectors of entries lie: the pool row of each, and which entries go beside the base, in order.

    No two entries share a row. None: too many would lie beside the base, or be gone from it, and a new one is due.
    """
    free: dict[bytes, list[int]] = {}
    for row in range(len(base_keys) - 1, -1, -1):
        free.setdefault(base_keys[row], []).append(row)
    size = len(base_keys)
    rows = np.empty(len(keys), np.int32)
    beyond: list[int] = []
    for i, key in enumerate(keys):
        if free.get(key):
            rows[i] = free[key].pop()
        else:
            rows[i] = size + len(beyond)
            beyond.append(i)
    gone = size - (len(keys) - len(beyond))
    if gone > GONE_SHARE * size or len(beyond) > overlay_limit(size):
        return None
    return rows, beyond


def overlay_limit(base_size: int) -> int:
    """How many vectors may lie beside a base: none beside an empty one."""
    if not base_size:
        return 0
    return int(max(min(OVERLAY_LEAST, base_size), min(OVERLAY_SHARE * base_size, OVERLAY_MOST)))


def new_name() -> str:
    """A name that no folder has."""
    return uuid.uuid4().hex[:12]


def _no_words(key: bytes) -> None:
    return None
