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

    def __call__(self, text: str) -> list[str]:
        key = content_key(text)
        words = self._known(key)
        words = terms(text) if words is None else words
        begin = len(self._ids)
        self._ids.extend(self._vocabulary.setdefault(word, len(self._vocabulary)) for word in words)
        self._places[key] = begin, len(self._ids)
        return words

    def write(self, folder: Path, keys: Sequence[bytes]) -> None:
        """Keeps the words of the texts with these keys, one row a key, in a folder; none for texts never cut."""
        ids = np.frombuffer(self._ids, np.int32) if self._ids else np.zeros(0, np.int32)
        places = [self._places.get(key, (0, 0)) for key in keys]
        parts = [ids[begin:end] for begin, end in places]
        np.save(folder / "words.npy", np.concatenate([*parts, np.zeros(0, np.int32)]))
        np.save(folder / "word-offsets.npy", np.cumsum([0, *(end - begin for begin, end in places)], dtype=np.int64))
        kept = {"cut_by": cutter(), "words": list(self._vocabulary)}
        (folder / "words.json").write_text(json.dumps(kept), "utf-8")
