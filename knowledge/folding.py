"""Passages that say the same are shown once. Floor: pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from knowledge.chunking import searchable
from knowledge.documents import Found, Passage
from knowledge.embedding import Vectors
from knowledge.lexical import terms

SAME_VECTOR, SAME_WORDS = 0.95, 0.9  # two passages so alike, with the same numbers, are one


def fold(found: Sequence[Found], vectors: Vectors, limit: int) -> list[int]:
    """Which of the passages found to keep: the best `limit`, without those that say the same as a better one.

    Args:
        found: best first.
        vectors: of their texts, one a row.
    """
    near = vectors @ vectors.T >= SAME_VECTOR
    kept: list[int] = []
    for i, one in enumerate(found):
        if len(kept) == limit:
            break
        if not any(near[i, k] and say_the_same(one.passage, found[k].passage) for k in kept):
            kept.append(i)
    return kept


def say_the_same(one: Passage, other: Passage) -> bool:
    """Whether two passages differ in hardly a word and in no number."""
    if one.products != other.products or one.question != other.question or one.audience != other.audience:
        return False
    a, b = _words(searchable(one)), _words(searchable(other))
    numbers = [{word for word in words if any(c.isdigit() for c in word)} for words in (a, b)]
    return numbers[0] == numbers[1] and len(a & b) >= SAME_WORDS * len(a | b)


@lru_cache(maxsize=2048)
def _words(text: str) -> frozenset[str]:
    return frozenset(terms(text))
