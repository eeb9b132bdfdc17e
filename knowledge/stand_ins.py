"""Stand-ins that ship with the house: an embedder without a model, an index without Chroma. Floor: store.

For tests, and for trying something out where no model can be loaded. Both keep the promises of their ports.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence

import numpy as np

from knowledge.embedding import Vectors
from knowledge.errors import IndexMissing
from knowledge.index import Progress, nearest_rows
from knowledge.lexical import terms


class WordEmbedder:
    """Texts that share words have near vectors. `encoded` tells every text it was asked to encode, in order."""

    def __init__(self, dimensions: int = 256, revision: str = "words:1") -> None:
        self._dimensions = dimensions
        self._revision = revision
        self.encoded: list[str] = []

    @property
    def name(self) -> str:
        return "words"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def revision(self) -> str:
        return self._revision

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded.extend(texts)
        vectors = np.zeros((len(texts), self._dimensions), np.float32)
        for row, text in enumerate(texts):
            for word in terms(text):
                vectors[row, zlib.crc32(word.encode()) % self._dimensions] += 1.0
            vectors[row, 0] += 0.01  # no text is without direction
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


class MemoryIndex:
    """Vectors kept in memory and scanned."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Vectors] = {}

    def build(self, name: str, vectors: Vectors, progress: Progress | None = None) -> None:
        with self._lock:
            self._kept[name] = np.array(vectors, np.float32)
        if progress:
            progress(len(vectors), len(vectors), "indexing")

    def nearest(self, name: str, vector: Vectors, limit: int) -> list[int]:
        with self._lock:
            if name not in self._kept:
                raise IndexMissing(f"The index {name} is not there.")
            vectors = self._kept[name]
        return nearest_rows(vectors, vector, limit)

    def names(self) -> list[str]:
        with self._lock:
            return sorted(self._kept)

    def drop(self, name: str) -> None:
        with self._lock:
            self._kept.pop(name, None)

    def warm(self, name: str) -> None:
        """Nothing is to be loaded."""
