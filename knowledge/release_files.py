"""What a release keeps on disk beside the vector index: exact vectors, which passage owns each, words. Floor: store.

Everything is memory-mapped: opening costs milliseconds, and processes share the pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.entries import Entry
from knowledge.errors import IndexMissing
from knowledge.lexical import Lexical, build_lexical


def write_release(folder: Path, entries: Sequence[Entry], vectors: Vectors, passage_rows: Sequence[int]) -> None:
    """Writes a release's files into `folder`.

    Args:
        entries: what is searched; the first len(passage_rows) are the passages' own texts, in order.
        vectors: the entries' unit vectors.
        passage_rows: for each passage of the release, in order, its row id in the passages table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "passages.npy", np.asarray(passage_rows, np.int64))
    np.save(folder / "owners.npy", np.asarray([entry.owner for entry in entries], np.int32))
    np.save(folder / "discounts.npy", np.asarray([entry.discount for entry in entries], np.float32))
    np.save(folder / "vectors.npy", np.asarray(vectors, np.float32))
    build_lexical(folder / "lexical", (entry.text for entry in entries[: len(passage_rows)]))


class ReleaseFiles:
    """A release opened for searching. `size` counts its passages."""

    def __init__(self, folder: Path) -> None:
        try:
            self.passage_rows: Any = np.load(folder / "passages.npy", mmap_mode="r").view(np.ndarray)
            self.owners: Any = np.load(folder / "owners.npy")
            self._discounts: Any = np.load(folder / "discounts.npy")
            self.vectors: Any = np.load(folder / "vectors.npy", mmap_mode="r").view(np.ndarray)
            self.lexical = Lexical(folder / "lexical")
        except OSError as error:
            raise IndexMissing("This release's files are gone: run `tellonce knowledge reindex`.") from error
        self.size = len(self.passage_rows)
        # entries beyond the passages' own texts, by passage: questions and titles
        self._extra: dict[int, list[int]] = {}
        for entry in range(self.size, len(self.owners)):
            self._extra.setdefault(int(self.owners[entry]), []).append(entry)

    def similarities(self, vector: Vectors, positions: Sequence[int], *, titles: bool = True) -> NDArray[np.float32]:
        """The cosine of each passage to the vector: of its text, question or title, whichever is nearer."""
        entries = list(positions)
        groups = list(range(len(entries)))
        for i, position in enumerate(positions):
            for entry in self._extra.get(int(position), ()):
                if not titles and self._discounts[entry] > 0:
                    continue
                entries.append(entry)
                groups.append(i)
        cosines = np.asarray(self.vectors[entries] @ vector - self._discounts[entries], np.float32)
        best = np.full(len(positions), -1.0, np.float32)
        np.maximum.at(best, groups, cosines)
        return best
