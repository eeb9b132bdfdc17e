"""Words -> passages: BM25 with stems, where error codes and part numbers count as words. Floor: store.

bm25s builds the matrix; searching reads its arrays memory-mapped, without importing bm25s (1.3 s, for scipy). Beside
it stands every text as the numbers of its words, so that a search sees which of them follow each other.
"""

from __future__ import annotations

import json
import re
import threading
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
WORD = re.compile(r"[^\W_]+(?:[-._/'’][^\W_]+)*")
PART = re.compile(r"[^\W_]+")
# "E-04", "E 04", "E04": capitals before a blank, or it would be "in 3 days"
CODE = re.compile(r"(?<![^\W_])(?:([A-Za-z]{1,4})[-._/]?|([A-Z]{1,4}) )(\d{1,6})(?![^\W_])")
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
ENGLISH = "english"
STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "nb": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip


def terms(text: str, language: str | None = None) -> list[str]:
    """The words of a text as they are indexed: lower case, stemmed, without stop words.

    What holds a digit and a mark ("E-42", "WX/300.b") counts whole, without its marks, and in its parts. A code counts
    as `canonical_code` has it besides, so that "E-4", "E 04" and "E04" meet.

    Args:
        language: of the text, as "de" or "de-AT"; English where it is None or not known to the stemmer.
    """
    codes = {match.start(): code for match in CODE.finditer(text) if (code := canonical_code(match[0]))}
    found: list[str] = []
    for match in WORD.finditer(text):
        word = match.group(0).lower()
        parts = PART.findall(word)
        whole = ["".join(parts)] if len(parts) > 1 and any(c.isdigit() for c in word) else []
        found += [*whole, *(part for part in parts if part not in STOPWORDS)]
        code = codes.get(match.start())
        if code and code not in (*whole, *parts):
            found.append(code)
    return _stems(found, stemmer_name(language))


def canonical_code(text: str) -> str | None:
    """A code of letters and a number with neither marks nor leading zeros, as "e4" for "E-04"; None for other texts."""
    match = re.fullmatch(r"([a-z]{1,4})[-._/ ]?0*(\d+)", text.lower())
    return f"{match[1]}{match[2]}" if match else None


def stemmer_name(language: str | None) -> str:
    """The stemmer for a language tag."""
    return STEMMERS.get(re.split(r"[-_]", (language or "").lower())[0], ENGLISH)


_stemming = threading.local()


def _stems(words: list[str], name: str) -> list[str]:
    stemmers = _stemming.__dict__.setdefault("stemmers", {})  # a PyStemmer belongs to one thread
    if name not in stemmers:
        import Stemmer

        stemmers[name] = Stemmer.Stemmer(name)
    return list(stemmers[name].stemWords(words))


def build_lexical(
    folder: Path,
    texts: Iterable[str],
    cut: Callable[[str, str | None], Sequence[str]] = terms,
    languages: Sequence[str | None] | None = None,
) -> None:
    """Writes the index of the texts, in their order, into a new folder.

    Args:
        cut: what `terms` tells of a text in a language, or told earlier: cutting is most of the work, and few texts
            change.
        languages: of each text, where that is known.
    """
    import bm25s

    vocabulary: dict[str, int] = {}
    spoken = languages if languages is not None else repeat(None)
    ids = [
        [vocabulary.setdefault(term, len(vocabulary)) for term in cut(text, language)]
        for text, language in zip(texts, spoken, strict=False)
    ]
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
    _write_sequences(folder, ids)
    kept = {"texts": len(ids), "words": list(vocabulary), "languages": _one_a_stemmer(languages or ())}
    (folder / "vocabulary.json").write_text(json.dumps(kept), "utf-8")


def _one_a_stemmer(languages: Iterable[str | None]) -> list[str]:
    """The languages that are told apart, the most frequent first."""
    named = Counter(language for language in languages if language)
    first: dict[str, str] = {}
    for language, _ in named.most_common():
        first.setdefault(stemmer_name(language), language)
    return list(first.values())


def _write_sequences(folder: Path, ids: Sequence[Sequence[int]]) -> None:
    flat = array("i")
    for one in ids:
        flat.extend(one)
    np.save(folder / "sequences.npy", np.frombuffer(flat, np.int32) if flat else np.zeros(0, np.int32))
    np.save(folder / "sequence-offsets.npy", np.cumsum([0, *(len(one) for one in ids)], dtype=np.int64))


class Lexical:
    """A lexical index opened for searching; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        vocabulary = json.loads((folder / "vocabulary.json").read_text("utf-8"))
        self.size = int(vocabulary["texts"])
        self.languages: tuple[str, ...] = tuple(vocabulary.get("languages", ()))
        self._ids = {word: i for i, word in enumerate(vocabulary["words"])}
        self._data: Any = np.load(folder / "data.npy", mmap_mode="r").view(np.ndarray)
        self._indices: Any = np.load(folder / "indices.npy", mmap_mode="r").view(np.ndarray)
        self._indptr: Any = np.load(folder / "indptr.npy")
        self._sequences: Any = np.zeros(0, np.int32)
        self._offsets: Any = np.zeros(self.size + 1, np.int64)
        if (folder / "sequences.npy").exists():  # releases made before sequences were kept do without
            self._sequences = np.load(folder / "sequences.npy", mmap_mode="r").view(np.ndarray)
            self._offsets = np.load(folder / "sequence-offsets.npy")

    @property
    def vocabulary(self) -> Iterable[str]:
        """Every word that stands in a text."""
        return self._ids.keys()

    def scores(self, words: Iterable[str] | Mapping[str, float]) -> NDArray[np.float32]:
        """How well each text fits the words, 0..1: the BM25 score over the most that these words could reach.

        Words that no text holds count as reachable too, as rare ones: a question of unknown words fits nothing well.

        Args:
            words: how much each counts; without such weights each counts the same, once.
        """
        weights = words if isinstance(words, Mapping) else dict.fromkeys(words, 1.0)
        total = np.zeros(self.size, np.float32)
        ceiling = 0.0
        for word, weight in weights.items():
            begin, end = self._span(word)
            if end > begin:
                total[self._indices[begin:end]] += np.float32(weight) * self._data[begin:end]
            ceiling += weight * rarity(self.size, end - begin)
        return total / np.float32(ceiling) if ceiling else total

    def reach(self, weights: Mapping[str, float]) -> float:
        """The most that a text could score with these words, before `scores` divides by it."""
        return sum(weight * rarity(self.size, self.frequency(word)) for word, weight in weights.items())

    def sequence_scores(self, pairs: Mapping[tuple[str, str], float], positions: Sequence[int]) -> NDArray[np.float32]:
        """How well these texts hold pairs of words one right after the other, 0..1, as `scores` counts words.

        This is the ordered part of a sequential dependence model (Metzler and Croft, SIGIR 2005); how rare a pair is
        is taken to be the mean of how rare its words are, so that no index of pairs is needed.
        """
        known = {pair: weight for pair, weight in pairs.items() if pair[0] in self._ids and pair[1] in self._ids}
        if not known or not len(self._sequences) or not len(positions):
            return np.zeros(len(positions), np.float32)
        values = np.asarray([weight * self._rarity_of(pair) for pair, weight in known.items()], np.float32)
        keys = np.asarray([self._key(self._ids[a], self._ids[b]) for a, b in known], np.int64)
        order = np.argsort(keys)
        counts = self._count(keys[order], positions).astype(np.float32)
        return np.asarray((counts / (counts + K1)) @ values[order] / max(float(values.sum()), 1e-9), np.float32)

    def _count(self, keys: NDArray[np.int64], positions: Sequence[int]) -> NDArray[np.int64]:
        """How often each pair stands in each text, shape (positions, keys). `keys` are sorted."""
        spans = [(int(self._offsets[p]), int(self._offsets[p + 1])) for p in positions]
        words = np.concatenate([self._sequences[begin:end] for begin, end in spans]).astype(np.int64)
        owners = np.repeat(np.arange(len(spans)), [end - begin for begin, end in spans])
        if len(words) < 2:
            return np.zeros((len(spans), len(keys)), np.int64)
        seen = self._key(words[:-1], words[1:])
        places = np.minimum(np.searchsorted(keys, seen), len(keys) - 1)
        hit = (keys[places] == seen) & (owners[:-1] == owners[1:])
        cells = owners[:-1][hit] * len(keys) + places[hit]
        return np.bincount(cells, minlength=len(spans) * len(keys)).reshape(len(spans), len(keys))

    def _key(self, first: Any, second: Any) -> Any:
        return first * (len(self._ids) + 1) + second

    def _rarity_of(self, pair: tuple[str, str]) -> float:
        return sum(rarity(self.size, self.frequency(word)) for word in pair) / 2

    def _span(self, word: str) -> tuple[int, int]:
        i = self._ids.get(word)
        return (int(self._indptr[i]), int(self._indptr[i + 1])) if i is not None else (0, 0)

    def holding(self, word: str) -> NDArray[np.int32]:
        """The texts in which the word stands."""
        begin, end = self._span(word)
        return np.asarray(self._indices[begin:end])

    def frequency(self, word: str) -> int:
        """In how many texts the word stands."""
        begin, end = self._span(word)
        return end - begin


@lru_cache(maxsize=65536)
def rarity(texts: int, frequency: int) -> float:
    """The inverse document frequency of a word, as Lucene's BM25 counts it; its score nears this as it repeats."""
    return float(np.log1p((texts - frequency + 0.5) / (frequency + 0.5)))
