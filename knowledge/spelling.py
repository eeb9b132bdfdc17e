"""Misspelt words of a question -> the words that the release knows. Floor: pure.

Only words that no passage holds are mended, never codes and numbers, and what was written is searched for as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowledge.lexical import terms

LEAST_LETTERS = 4  # a shorter word is one slip away from too many others
LONG_LETTERS = 8  # from here on two slips are mended
SLIP, NEAR_SLIP = 1.0, 0.6  # of any kind; of a neighbouring key, a doubled letter, or two letters changed round
FIRST_LETTER = 0.5  # more: the first letter is seldom wrong
DEAREST = 1.6  # what the slips of a word may cost together
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
NEIGHBOURS = frozenset(
    (a, b)
    for y, row in enumerate(ROWS)
    for x, a in enumerate(row)
    for other in (y - 1, y, y + 1)
    if 0 <= other < len(ROWS)
    for b in ROWS[other][max(0, x - 1) : x + 2]
    if a != b
)
LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Correction:
    """`written` as the customer has it, lower case; `meant` the stems that are searched for as well."""

    written: str
    meant: tuple[str, ...]


class Speller:
    """Finds the words of one vocabulary that a misspelt word may be. Thread-safe: nothing changes once it is made."""

    def __init__(self, vocabulary: Iterable[str], frequency: Callable[[str], int]) -> None:
        """
        Args:
            vocabulary: stems. Those that are not letters alone are left out.
            frequency: in how many passages a stem stands.
        """
        self._words = [word for word in vocabulary if len(word) >= LEAST_LETTERS - 1 and LETTERS.fullmatch(word)]
        self._frequency = frequency
        self._lengths = np.asarray([len(word) for word in self._words], np.int32)
        self._signs = np.asarray([_sign(word) for word in self._words], np.uint64)
        self._near = lru_cache(maxsize=4096)(self._nearest)

    def correct(
        self,
        question: str,
        is_word: Callable[[str], bool] = lambda word: False,
        stems: Callable[[str], Sequence[str]] = terms,
    ) -> list[Correction]:
        """What the question's unknown words probably mean, in its order.

        Args:
            is_word: tells ordinary words that the vocabulary happens to lack; they are left alone.
            stems: the words of a text as the vocabulary may have them.
        """
        found: dict[str, Correction] = {}
        written = [match.group(0).lower() for match in re.finditer(r"[^\W_]+", question)]
        for i, word in enumerate(written):
            if self._is_known(stems(word)) or not LETTERS.fullmatch(word):
                continue
            meant = self._joined(written, i)
            if not meant and len(word) >= LEAST_LETTERS and not is_word(word):
                meant = self._apart(word) or self._near(terms(word)[0])
            if meant:
                found.setdefault(word, Correction(word, meant))
        return list(found.values())

    def _is_known(self, stems: Sequence[str]) -> bool:
        return not stems or any(self._frequency(stem) for stem in stems)

    def _apart(self, word: str) -> tuple[str, ...]:
        """Two known words that were written as one: "creditcard"."""
        best: tuple[int, tuple[str, ...]] = (0, ())
        for cut in range(LEAST_LETTERS, len(word) - LEAST_LETTERS + 1):
            halves = (*terms(word[:cut]), *terms(word[cut:]))
            if len(halves) == 2:
                best = max(best, (min(map(self._frequency, halves)), halves))
        return best[1] if best[0] else ()

    def _joined(self, written: Sequence[str], i: int) -> tuple[str, ...]:
        """A known word that was written as two: "strike through"."""
        for first in (i, i - 1):
            if 0 <= first < len(written) - 1:
                whole = terms(written[first] + written[first + 1])
                if len(whole) == 1 and len(whole[0]) > LEAST_LETTERS and self._frequency(whole[0]):
                    return (whole[0],)
        return ()

    def _nearest(self, stem: str) -> tuple[str, ...]:
        """The known word that slips make this one of; the most frequent of those that are equally near."""
        slips = 2 if len(stem) >= LONG_LETTERS else 1
        close = np.abs(self._lengths - len(stem)) <= slips
        # a slip changes at most two of the letters that stand in a word
        differing = _bits(self._signs ^ np.uint64(_sign(stem)))
        places = np.flatnonzero(close & (differing <= 2 * slips))
        priced = [(self._price(stem, self._words[i], slips), self._words[i]) for i in places.tolist()]
        fitting = [(price, -self._frequency(word), word) for price, word in priced if price is not None]
        return (min(fitting)[2],) if fitting else ()

    @staticmethod
    def _price(written: str, word: str, slips: int) -> float | None:
        price = distance(written, word)
        if written[0] != word[0] and set(written[:2]) != set(word[:2]):
            price += FIRST_LETTER
        return price if price <= min(DEAREST, slips) else None


def distance(one: str, other: str) -> float:
    """What it costs to come from one word to the other: letters too many, missing, wrong, or changed round.

    Optimal string alignment, where what fingers do easily costs less.
    """
    before: list[float] = []
    line = [float(i) * SLIP for i in range(len(other) + 1)]
    for i, a in enumerate(one, 1):
        last, before, line = before, line, [i * SLIP]
        for j, b in enumerate(other, 1):
            if a == b:
                cost = before[j - 1]
            else:
                cost = min(
                    before[j - 1] + (NEAR_SLIP if (a, b) in NEIGHBOURS else SLIP),
                    before[j] + (NEAR_SLIP if i > 1 and one[i - 2] == a else SLIP),
                    line[j - 1] + (NEAR_SLIP if j > 1 and other[j - 2] == b else SLIP),
                )
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, last[j - 2] + NEAR_SLIP)
            line.append(cost)
    return line[-1]


def is_one_slip(one: str, other: str) -> bool:
    """Whether one letter more, less or different, or two neighbours changed round, lead from one to the other."""
    return abs(len(one) - len(other)) <= 1 and 0 < distance(one, other) <= SLIP


def _sign(word: str) -> int:
    """One bit for each letter that stands in the word."""
    sign = 0
    for letter in word:
        sign |= 1 << (ord(letter) % 64)
    return sign


def _bits(signs: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return np.bitwise_count(signs)
