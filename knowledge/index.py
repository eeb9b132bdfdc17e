"""PassageIndex: the port to wherever vectors are searched, and the exact scan beside it. Floor: store.

`chroma.py` has the adapters for embedded and served Chroma; `tests/contracts` holds them all to this page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from knowledge.embedding import Vectors

Progress = Callable[[int, int, str], None]


class PassageIndex(Protocol):
    """Vectors by name, each name written once and whole, then only read, then dropped. Thread-safe."""

    def build(self, name: str, vectors: Vectors, progress: Progress | None = None) -> None:
        """Stores unit vectors under a new name; row i is found as i. A build cut short is invisible or droppable.

        Raises:
            IndexUnavailable: the store does not answer.
        """
        ...

    def nearest(self, name: str, vector: Vectors, limit: int) -> list[int]:
        """The rows whose vectors are nearest by cosine, best first, at most `limit`.

        Raises:
            IndexMissing: there is nothing of that name, or not any more.
            IndexUnavailable: the store does not answer.
        """
        ...

    def names(self) -> list[str]:
        """What is stored, unfinished builds included."""
        ...

    def drop(self, name: str) -> None:
        """Deletes it; nothing happens when it is gone already."""
        ...

    def warm(self, name: str) -> None:
        """Loads what the first search would load."""
        ...


def nearest_rows(vectors: Vectors, vector: Vectors, limit: int) -> list[int]:
    """The exact answer: rows of highest dot product, best first; ties in row order."""
    scores = vectors @ vector
    limit = min(limit, len(scores))
    if limit <= 0:
        return []
    rows = np.argpartition(-scores, limit - 1)[:limit]
    return [int(row) for row in rows[np.lexsort((rows, -scores[rows]))]]
