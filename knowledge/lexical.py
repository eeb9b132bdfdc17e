"""Words -> passages: BM25 with stems, where error codes and part numbers count as words. Floor: store.

bm25s builds the matrix; searching reads its arrays memory-mapped, without importing bm25s (1.3 s, for scipy).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
WORD = re.compile(r"[^\W_]+(?:[-._/'’][^\W_]+)*")
PART = re.compile(r"[^\W_]+")
STOPWORDS = frozenset(
    """
    a about after again all also am an and any are as at be because been before being but by can could d did do does
    doing don down during each few for from further get had has have having he her here hers him his how i if in
    into is it its just ll m me more most my no nor not now of off on once only or other our ours out over own
    please re s same she should so some such t than that the their theirs them then there these they this those
    through to too under until up ve very was we were what when where which while who whom why will with would you
    your yours
    """.split()  # noqa: SIM905 - a list of 150 literals is not read by anybody
)


def terms(text: str) -> list[str]:
    """The words of a text as they are indexed: lower case, stemmed, without stop words.

    What holds a digit and a mark ("E-42", "WX/300.b") counts whole, without its marks, and in its parts.
    """
    found: list[str] = []
    for match in WORD.finditer(text.lower()):
        word = match.group(0)
        parts = PART.findall(word)
        if len(parts) > 1 and any(c.isdigit() for c in word):
            found.append("".join(parts))
        found.extend(part for part in parts if part not in STOPWORDS)
    return _stems(found)


_stemming = threading.local()


def _stems(words: list[str]) -> list[str]:
    stemmer = getattr(_stemming, "stemmer", None)  # a PyStemmer belongs to one thread
    if stemmer is None:
        import Stemmer

        stemmer = _stemming.stemmer = Stemmer.Stemmer("english")
    return list(stemmer.stemWords(words))


def build_lexical(folder: Path, texts: Iterable[str], cut: Callable[[str], Sequence[str]] = terms) -> None:
    """Writes the index of the texts, in their order, into a new folder.

    Args:
        cut: what `terms` tells of a text, or told earlier: cutting is most of the work, and few texts change.
    """
    import bm25s

    vocabulary: dict[str, int] = {}
    ids = [[vocabulary.setdefault(term, len(vocabulary)) for term in cut(text)] for text in texts]
    folder.mkdir(parents=True)
    if vocabulary:
        matrix = bm25s.BM25(k1=K1, b=B, method="lucene")
        matrix.index(
            bm25s.tokenization.Tokenized(ids=ids, vocab=vocabulary), create_empty_token=False, show_progress=False
        )
        for name in ("data", "indices", "indptr"):
            np.save(folder / f"{name}.npy", np.asarray(matrix.scores[name]))
    else:
        np.save(folder / "data.npy", np.zeros(0, np.float32))
        np.save(folder / "indices.npy", np.zeros(0, np.int32))
        np.save(folder / "indptr.npy", np.zeros(1, np.int64))
    (folder / "vocabulary.json").write_text(json.dumps({"texts": len(ids), "words": list(vocabulary)}), "utf-8")


class Lexical:
    """A lexical index opened for searching; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        vocabulary = json.loads((folder / "vocabulary.json").read_text("utf-8"))
        self.size = int(vocabulary["texts"])
        self._ids = {word: i for i, word in enumerate(vocabulary["words"])}
        self._data: Any = np.load(folder / "data.npy", mmap_mode="r").view(np.ndarray)
        self._indices: Any = np.load(folder / "indices.npy", mmap_mode="r").view(np.ndarray)
        self._indptr: Any = np.load(folder / "indptr.npy")

    def scores(self, words: Sequence[str]) -> NDArray[np.float32]:
        """How well each text fits the words, 0..1: the BM25 score over the most that these words could reach.

        Words that no text holds count as reachable too, as rare ones: a question of unknown words fits nothing well.
        """
        total = np.zeros(self.size, np.float32)
        ceiling = 0.0
        for word in dict.fromkeys(words):
            i = self._ids.get(word)
            begin, end = (int(self._indptr[i]), int(self._indptr[i + 1])) if i is not None else (0, 0)
            if end > begin:
                total[self._indices[begin:end]] += self._data[begin:end]
            ceiling += rarity(self.size, end - begin)
        return total / np.float32(ceiling) if ceiling else total

    def holding(self, word: str) -> NDArray[np.int32]:
        """The texts in which the word stands."""
        i = self._ids.get(word)
        begin, end = (int(self._indptr[i]), int(self._indptr[i + 1])) if i is not None else (0, 0)
        return np.asarray(self._indices[begin:end])

    def frequency(self, word: str) -> int:
        """In how many texts the word stands."""
        i = self._ids.get(word)
        return 0 if i is None else int(self._indptr[i + 1] - self._indptr[i])


@lru_cache(maxsize=65536)
def rarity(texts: int, frequency: int) -> float:
    """The inverse document frequency of a word, as Lucene's BM25 counts it; its score nears this as it repeats."""
    return float(np.log1p((texts - frequency + 0.5) / (frequency + 0.5)))
