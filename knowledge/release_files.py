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
from knowledge.errors import IndexMissing
from knowledge.lexical import Lexical, build_lexical


def write_release(
    folder: Path, *, passage_rows: Sequence[int], texts: Sequence[str], vectors: Vectors, owners: Sequence[int]
) -> None:
    """Writes a release's files into `folder`.

    Args:
        passage_rows: for each passage of the release, in order, its row id in the passages table.
        texts: for each passage what is searched by words.
        vectors: for each entry its unit vector; the first len(texts) entries are the passages themselves.
        owners: for each entry the passage it leads to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "passages.npy", np.asarray(passage_rows, np.int64))
    np.save(folder / "owners.npy", np.asarray(owners, np.int32))
    np.save(folder / "vectors.npy", np.asarray(vectors, np.float32))
    build_lexical(folder / "lexical", texts)


class ReleaseFiles:
    """A release opened for searching. `size` counts its passages."""

    def __init__(self, folder: Path) -> None:
        try:
            self.passage_rows: Any = np.load(folder / "passages.npy", mmap_mode="r")
            self.owners: Any = np.load(folder / "owners.npy")
            self.vectors: Any = np.load(folder / "vectors.npy", mmap_mode="r")
            self.lexical = Lexical(folder / "lexical")
        except OSError as error:
            raise IndexMissing("This release's files are gone: run `tellonce knowledge reindex`.") from error
        self.size = len(self.passage_rows)
        # entries beyond the passages themselves, by passage: FAQ questions
        self._extra: dict[int, list[int]] = {}
        for entry in range(self.size, len(self.owners)):
            self._extra.setdefault(int(self.owners[entry]), []).append(entry)

    def similarities(self, vector: Vectors, positions: Sequence[int]) -> NDArray[np.float32]:
        """The cosine of each passage to the vector: of its text or of its question, whichever is nearer."""
        entries = list(positions)
        groups = list(range(len(entries)))
        for i, position in enumerate(positions):
            for entry in self._extra.get(int(position), ()):
                entries.append(entry)
                groups.append(i)
        cosines = np.asarray(self.vectors[entries] @ vector, np.float32)
        best = np.full(len(positions), -1.0, np.float32)
        np.maximum.at(best, groups, cosines)
        return best
