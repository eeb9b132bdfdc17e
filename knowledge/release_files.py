"""What a release keeps on disk: vectors, which passage owns each, words. Floor: store.

The vectors of a *base* lie in a folder of their own, with their index, and serve many releases: a release made after
few changes names the base of the one before, and holds only the vectors that the base lacks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.errors import IndexMissing
from knowledge.index import nearest_rows
from knowledge.lexical import Lexical
from knowledge.spelling import Speller
from knowledge.weighing import WordMeanings

Rows = NDArray[np.int32]
KEY = np.dtype("V16")
EVERYBODY = "*"
TITLE_SHARE = 0.4  # how much of its title's vector is taken off a text's


@dataclass(frozen=True, slots=True)
class Titles:
    """The vectors of distinct titles, and for each passage the row of the one that is taken off; -1 where none is."""

    vectors: Vectors
    rows: Rows

    def of(self, passages: NDArray[np.bool_]) -> Titles:
        """Those of some of the passages alone."""
        rows = self.rows[passages]
        used = np.unique(rows[rows >= 0])
        moved = np.where(rows >= 0, np.searchsorted(used, rows), -1)
        return Titles(np.asarray(self.vectors[used], np.float32), moved.astype(np.int32))


@dataclass(frozen=True, slots=True)
class Layout:
    """What is written of a release beside its words.

    Entry i leads to the passage at `owners[i]` and has the vector at `rows[i]`: of the base, or, counting on, of
    `overlay`. The first len(passage_rows) entries are the passages' own texts, in order.
    """

    base: str
    passage_rows: NDArray[np.int64]  # for each passage its row id in the passages table
    owners: Rows
    discounts: NDArray[np.float32]
    rows: Rows
    overlay: Vectors
    overlay_keys: Sequence[bytes]
    audiences: Sequence[str | None]  # of each passage
    titles: Titles | None  # None: a copy of a release made before they were kept


def write_base(folder: Path, vectors: Vectors, keys: Sequence[bytes]) -> None:
    """Writes the vectors of a base into its folder, with the `embedding.content_key` of the text of each."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "keys.npy", _as_array(keys))
    np.save(folder / "vectors.npy", np.asarray(vectors, np.float32))


def write_release(folder: Path, layout: Layout) -> None:
    """Writes a release's files, its words excepted, into `folder`; the manifest last."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "passages.npy", layout.passage_rows)
    np.save(folder / "owners.npy", layout.owners)
    np.save(folder / "discounts.npy", layout.discounts)
    np.save(folder / "rows.npy", layout.rows)
    np.save(folder / "keys.npy", _as_array(layout.overlay_keys))
    np.save(folder / "overlay.npy", layout.overlay)
    if layout.titles:
        np.save(folder / "titles.npy", layout.titles.vectors)
        np.save(folder / "title-rows.npy", layout.titles.rows)
    names = sorted({audience for audience in layout.audiences if audience is not None})
    if names:
        codes = {name: i for i, name in enumerate(names, 1)}
        found = [codes[audience] if audience is not None else 0 for audience in layout.audiences]
        np.save(folder / "audiences.npy", np.asarray(found, np.int32))
    manifest = {"base": layout.base, "audiences": names}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def read_keys(folder: Path) -> list[bytes]:
    """The keys of the vectors that lie in a folder.

    Raises:
        FileNotFoundError: they were written before keys were kept.
    """
    return [key.tobytes() for key in np.load(folder / "keys.npy")]


def _as_array(keys: Sequence[bytes]) -> NDArray[np.void]:
    return np.frombuffer(b"".join(keys), KEY)


def base_of(folder: Path) -> str:
    """The base of the release in this folder. Releases of the first format are a base of their own."""
    return str(_manifest(folder)["base"])


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "manifest.json").read_text("utf-8")))
    except FileNotFoundError:
        if (folder / "vectors.npy").exists():
            return {"base": folder.name, "audiences": []}
        raise


def has_titles(folder: Path) -> bool:
    """Whether the release in this folder keeps its titles' vectors; those made before they were kept do without."""
    return (folder / "title-rows.npy").exists()


class VectorPool:
    """The vectors of a base, then those beside it: indexed like one array, and multiplied like one."""

    def __init__(self, base: Vectors, overlay: Vectors) -> None:
        self._base, self._overlay = base, overlay

    def __len__(self) -> int:
        return len(self._base) + len(self._overlay)

    def __getitem__(self, rows: Any) -> Vectors:
        rows = np.asarray(rows)
        size = len(self._base)
        if not rows.ndim:
            return np.asarray(self._base[rows] if rows < size else self._overlay[rows - size], np.float32)
        found = np.empty((len(rows), self._base.shape[1]), np.float32)
        within = rows < size
        found[within] = self._base[rows[within]]
        found[~within] = self._overlay[rows[~within] - size]
        return found

    def __matmul__(self, vector: Vectors) -> Vectors:
        return np.concatenate([self._base @ vector, self._overlay @ vector])


class EntryVectors:
    """The vectors of a release's entries, wherever in the pool they lie."""

    def __init__(self, pool: VectorPool, rows: Rows) -> None:
        self._pool, self._rows = pool, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, entries: Any) -> Vectors:
        return self._pool[self._rows[entries]]

    def __matmul__(self, vector: Vectors) -> Vectors:
        return np.asarray((self._pool @ vector)[self._rows], np.float32)


class ReleaseFiles:
    """A release opened for searching. `size` counts its passages."""

    def __init__(self, folder: Path) -> None:
        try:
            manifest = _manifest(folder)
            self.base = str(manifest["base"])
            self.passage_rows: Any = _mapped(folder / "passages.npy")
            self.owners: Any = np.load(folder / "owners.npy")
            self.discounts: Any = np.load(folder / "discounts.npy")
            self._base: Any = _mapped(folder.parent / self.base / "vectors.npy")
            self.lexical = Lexical(folder / "lexical")
            self._open_overlay(folder)
            self.titles: Titles | None = None
            if has_titles(folder):
                self.titles = Titles(_mapped(folder / "titles.npy"), np.load(folder / "title-rows.npy"))
            self._audience_names: list[str] = manifest["audiences"]
            self._audiences: Any = np.load(folder / "audiences.npy") if self._audience_names else None
        except OSError as error:
            raise IndexMissing("This release's files are gone: run `tellonce knowledge reindex`.") from error
        self.size = len(self.passage_rows)
        self.meanings = WordMeanings(self.vectors, self.lexical)
        # entries beyond the passages' own texts, by passage: questions and titles
        self._extra: dict[int, list[int]] = {}
        for entry in range(self.size, len(self.owners)):
            self._extra.setdefault(int(self.owners[entry]), []).append(entry)

    @cached_property
    def speller(self) -> Speller:
        """Mends words that this release does not know; made at the first search."""
        return Speller(self.lexical.vocabulary, self.lexical.frequency)

    def _open_overlay(self, folder: Path) -> None:
        self.rows: Any = None
        self.overlay: Any = np.zeros((0, self._base.shape[1]), np.float32)
        if (folder / "rows.npy").exists():
            self.rows = np.load(folder / "rows.npy")
            self.overlay = np.load(folder / "overlay.npy")
        self.pool = VectorPool(self._base, self.overlay)
        size = len(self._base)
        if self.rows is None or (len(self.rows) == size and np.array_equal(self.rows, np.arange(size))):
            self.rows = None
            self.vectors: Any = self._base
            return
        self.vectors = EntryVectors(self.pool, self.rows)
        self._entries = np.full(size + len(self.overlay), -1, np.int32)
        self._entries[self.rows] = np.arange(len(self.rows), dtype=np.int32)
        self._gone = int(np.count_nonzero(self._entries[:size] < 0))

    @property
    def entry_rows(self) -> Rows:
        """The pool row of each entry."""
        return np.arange(len(self.owners), dtype=np.int32) if self.rows is None else np.asarray(self.rows, np.int32)

    def audiences(self) -> list[str | None]:
        """Whom each passage is for, None: everybody."""
        if self._audiences is None:
            return [None] * self.size
        return [self._audience_names[code - 1] if code else None for code in self._audiences.tolist()]

    def nearest(self, search_base: Callable[[Vectors, int], list[int]], vector: Vectors, limit: int) -> list[int]:
        """The entries nearest to a vector, best first.

        Args:
            search_base: the rows of the base nearest to a vector, best first, at most so many.
        """
        if self.rows is None:
            return search_base(vector, limit)
        found = self._nearest_of_base(search_base, vector, limit)
        size = len(self._base)
        found += [int(self._entries[size + row]) for row in nearest_rows(self.overlay, vector, limit)]
        cosines = self.vectors[np.asarray(found, np.int32)] @ vector if found else np.zeros(0, np.float32)
        return [found[i] for i in np.argsort(-cosines, kind="stable")[:limit]]

    def _nearest_of_base(
        self, search_base: Callable[[Vectors, int], list[int]], vector: Vectors, limit: int
    ) -> list[int]:
        """Rows that this release has no entry for are passed over, and more are asked for when too few are left."""
        size = len(self._base)
        living = size - self._gone
        wanted = min(size, limit + -(-limit * self._gone // max(living, 1)))
        while True:
            entries = self._entries[search_base(vector, wanted)] if wanted else np.zeros(0, np.int32)
            found = [int(entry) for entry in entries[entries >= 0][:limit]]
            if len(found) >= min(limit, living) or wanted >= size:
                return found
            wanted = min(size, wanted * 4)

    def visible(self, audience: str | None) -> NDArray[np.bool_] | None:
        """Which passages an audience may see: those for everybody, and its own. None: all, as "*" asks for.

        Who belongs to several is named by commas, as a page for several is.
        """
        if self._audiences is None or audience == EVERYBODY:
            return None
        wanted = _names(audience)
        codes = [code for code, name in enumerate(self._audience_names, 1) if not wanted.isdisjoint(_names(name))]
        return np.isin(self._audiences, [0, *codes])

    def positions_of(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """The positions of passages, by their row ids, in ascending order."""
        return np.flatnonzero(np.isin(self.passage_rows, np.asarray(rows, np.int64)))

    def similarities(self, vector: Vectors, positions: Sequence[int], *, titles: bool = True) -> NDArray[np.float32]:
        """The cosine of each passage to the vector: of its text, question or title, whichever is nearer."""
        entries = list(positions)
        groups = list(range(len(entries)))
        for i, position in enumerate(positions):
            for entry in self._extra.get(int(position), ()):
                if not titles and self.discounts[entry] > 0:
                    continue
                entries.append(entry)
                groups.append(i)
        cosines = np.asarray(self.vectors[entries] @ vector - self.discounts[entries], np.float32)
        best = np.full(len(positions), -1.0, np.float32)
        np.maximum.at(best, groups, cosines)
        return best

    def text_similarities(
        self, vector: Vectors, positions: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The cosine of each passage's text to the vector; and that, or the one without what its title tells if nearer.

        A text is embedded below its title, which draws all that stands below it to one place. With part of the title's
        vector taken off, what this passage tells beside it is seen too.
        """
        places = np.asarray(positions, np.int64)
        texts = self.vectors[places]
        cosines = np.asarray(texts @ vector, np.float32)
        if self.titles is None:
            return cosines, cosines
        rows = self.titles.rows[places]
        titled = rows >= 0
        bare = texts[titled] - TITLE_SHARE * self.titles.vectors[rows[titled]]
        nearer = cosines.copy()
        nearer[titled] = np.maximum(cosines[titled], (bare @ vector) / np.linalg.norm(bare, axis=1))
        return cosines, nearer


def _names(audience: str | None) -> set[str]:
    return {name.strip().casefold() for name in (audience or "").split(",") if name.strip()}


def _mapped(file: Path) -> Any:
    return np.load(file, mmap_mode="r").view(np.ndarray)
