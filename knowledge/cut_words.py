"""The words of passages as they were cut, kept beside their vectors: stemming is done once a text. Floor: store."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge import lexical
from knowledge.embedding import content_key
from knowledge.lexical import terms


class CutWords:
    """The words of the texts that have vectors in one folder, by their rows there. Empty where none were kept."""

    def __init__(self, folder: Path) -> None:
        self._offsets: Any = np.zeros(1, np.int64)
        self._ids: Any = np.zeros(0, np.int32)
        self._words: list[str] = []
        try:
            kept = json.loads((folder / "words.json").read_text("utf-8"))
            if kept["cut_by"] == cutter():
                self._words = kept["words"]
                self._ids = np.load(folder / "words.npy", mmap_mode="r")
                self._offsets = np.load(folder / "word-offsets.npy")
        except FileNotFoundError:
            pass  # made before words were kept: they are cut again

    def of(self, row: int) -> list[str] | None:
        """The words at a row, None when they are not kept."""
        if row + 1 >= len(self._offsets):
            return None
        begin, end = int(self._offsets[row]), int(self._offsets[row + 1])
        if begin == end:  # a title or question, whose words nobody asked for
            return None
        return [self._words[i] for i in self._ids[begin:end].tolist()]


def copy_words(source: Path, target: Path, rows: NDArray[np.integer[Any]]) -> None:
    """Keeps of one folder's words those at these rows, in a folder that may be new; nothing where none were kept."""
    try:
        kept = json.loads((source / "words.json").read_text("utf-8"))
    except FileNotFoundError:
        return
    ids, offsets = np.load(source / "words.npy"), np.load(source / "word-offsets.npy")
    parts = [ids[offsets[row] : offsets[row + 1]] for row in rows.tolist()]
    used, renamed = np.unique(np.concatenate([*parts, ids[:0]]), return_inverse=True)
    _write(target, renamed, [len(part) for part in parts], [kept["words"][i] for i in used.tolist()], kept["cut_by"])


def _write(
    folder: Path, ids: NDArray[np.integer[Any]], sizes: Sequence[int], words: Sequence[str], cut_by: str
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "words.npy", ids.astype(np.int32))
    np.save(folder / "word-offsets.npy", np.cumsum([0, *sizes], dtype=np.int64))
    (folder / "words.json").write_text(json.dumps({"cut_by": cut_by, "words": list(words)}), "utf-8")


@cache
def cutter() -> str:
    """What tells words cut by other code from these: a digest of the code that cuts."""
    return hashlib.blake2b(Path(str(lexical.__file__)).read_bytes(), digest_size=8).hexdigest()


class WordCutter:
    """`terms`, each text once: asks what earlier releases kept first, and keeps what it told for the next one."""

    def __init__(self, known: Callable[[bytes], list[str] | None]) -> None:
        """
        Args:
            known: words kept under a text's `embedding.content_key`.
        """
        self._known = known
        self._vocabulary: dict[str, int] = {}
        self._ids = array("i")
        self._places: dict[bytes, tuple[int, int]] = {}

    def __call__(self, text: str, language: str | None = None) -> list[str]:
        key = content_key(text)
        words = self._known(key)
        if words is None:
            words = terms(text)
            self._keep(key, words)
        return words

    def _keep(self, key: bytes, words: Sequence[str]) -> tuple[int, int]:
        begin = len(self._ids)
        self._ids.extend([self._vocabulary.setdefault(word, len(self._vocabulary)) for word in words])
        self._places[key] = begin, len(self._ids)
        return self._places[key]

    def write(self, folder: Path, keys: Sequence[bytes]) -> None:
        """Keeps the words of the texts with these keys, one row a key, in a folder; none for texts never cut."""
        places = [self._places.get(key) or self._keep(key, self._known(key) or ()) for key in keys]
        ids = np.frombuffer(self._ids, np.int32) if self._ids else np.zeros(0, np.int32)
        found = np.concatenate([*(ids[begin:end] for begin, end in places), ids[:0]])
        _write(folder, found, [end - begin for begin, end in places], list(self._vocabulary), cutter())
