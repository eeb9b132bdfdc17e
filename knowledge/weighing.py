"""How much each word of a question matters: by how near the passages that hold it are to the question. Floor: store.

"I saved up for a trip": a corpus of bank articles holds "trip" rarely, which is why BM25 makes much of it, but the
passages that do are about travel insurance, far from the question's vector, which tells to make little of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from knowledge.embedding import Vectors
from knowledge.lexical import Lexical

SAMPLE = 32  # passages that stand for all those which hold a word
CENTRE_SAMPLE = 2048
KEPT_WORDS = 20_000  # 30 MB with 384 dimensions
LEAST = 0.05  # of a word that is far from the question, or that nothing is known of


class WordMeanings:
    """Words of one release as the mean vector of the passages that hold them. Computed when asked for, then kept."""

    def __init__(self, vectors: Any, lexical: Lexical) -> None:
        """
        Args:
            vectors: indexed by the passages' positions, rows of unit length.
        """
        self._vectors = vectors
        self._lexical = lexical
        self._centre: Vectors | None = None
        self._meanings: dict[str, Vectors] = {}

    def weigh(self, words: Iterable[str], vector: Vectors) -> dict[str, float]:
        """Each word with its weight, LEAST..1: the cosine of its meaning to the vector, both less the corpus's mean."""
        distinct = list(dict.fromkeys(words))
        if not distinct or not self._lexical.size:
            return dict.fromkeys(distinct, LEAST)
        meanings = self._known(distinct)
        leaning = _unit(vector - self._mean())
        return {word: max(LEAST, float(meanings[word] @ leaning)) if word in meanings else LEAST for word in distinct}

    def _known(self, words: Sequence[str]) -> Mapping[str, Vectors]:
        kept = {word: meaning for word in words if (meaning := self._meanings.get(word)) is not None}
        new = [word for word in words if word not in kept and self._lexical.frequency(word)]
        if new:
            made = self._made(new)
            if len(self._meanings) + len(made) > KEPT_WORDS:
                self._meanings = {}
            self._meanings.update(made)
            kept.update(made)
        return kept

    def _made(self, words: Sequence[str]) -> dict[str, Vectors]:
        samples = [_spread(self._lexical.holding(word), SAMPLE) for word in words]
        rows = np.asarray(self._vectors[np.concatenate(samples)], np.float32)
        ends = np.cumsum([len(sample) for sample in samples])
        sums = np.add.reduceat(rows, [0, *ends[:-1]], axis=0)
        centre = self._mean()
        return {word: _unit(sums[i] / len(samples[i]) - centre) for i, word in enumerate(words)}

    def _mean(self) -> Vectors:
        if self._centre is None:
            rows = _spread(np.arange(self._lexical.size), CENTRE_SAMPLE)
            self._centre = np.asarray(self._vectors[rows].mean(axis=0), np.float32)
        return self._centre


def _spread(rows: Any, most: int) -> Any:
    """At most so many of the rows, evenly spread over them."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _unit(vector: Vectors) -> Vectors:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
