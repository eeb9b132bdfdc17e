"""What a search found -> how probably the answer is in it, and in each passage. Floor: pure, over a release's files.

`retrieval.py` asks once a search. The coefficients and what they were measured on: docs/decisions/0016.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.documents import Found
from knowledge.embedding import Vectors
from knowledge.release_files import ReleaseFiles

LOOKED_AT = 17  # the best passages that are judged, however many are asked for
# logistic regression on clapnq, hint3-curekart and clinc150, each set and class weighing the same
SURENESS = (-6.80, 12.05, 1.21)  # intercept, best cosine, share of the question's words in the best passages
CODE = re.compile(r"[a-z]{1,4}\d+")
UNKNOWN_CODE_FACTOR = 0.5  # an error code that no passage holds is hardly answered by those of its neighbours


@dataclass(frozen=True, slots=True)
class Look:
    """One search's view of a release: the question as it was searched for, and how its words fit each passage.

    `by_words`: how well each passage of the release holds the question's words, by rarity, 0..1, shape (passages,).
    `positions`, `similar`: every passage that was compared, and its cosine. `encode`: texts -> unit vectors.
    """

    files: ReleaseFiles
    question: str
    vector: Vectors
    words: Sequence[str]
    by_words: NDArray[np.float32]
    positions: Sequence[int]
    similar: NDArray[np.float32]
    encode: Callable[[Sequence[str]], list[Vectors]]


@dataclass(frozen=True, slots=True)
class Judged:
    """`sureness`: how probably the answer is in what was found, 0..1; `passages`: in this one, by its position."""

    sureness: float
    passages: dict[int, float]


def judge(look: Look, found: Sequence[tuple[Found, int]]) -> Judged:
    """How sure a search may be of what it found.

    Titles do not count: "Gold card" is near to every question about it, and answers none.

    Args:
        found: passages with their positions in the release, best first, without those of other products.
    """
    found = found[:LOOKED_AT]
    if not found:
        return Judged(0.0, {})
    positions = [position for _, position in found]
    similar = look.files.similarities(look.vector, positions, titles=False)
    shares = [float(look.by_words[position]) for position in positions]
    is_unknown = any(CODE.fullmatch(word) and not look.files.lexical.frequency(word) for word in look.words)
    factor = UNKNOWN_CODE_FACTOR if is_unknown else 1.0
    each = {position: factor * sureness(float(similar[i]), shares[i]) for i, position in enumerate(positions)}
    return Judged(factor * sureness(float(similar.max()), max(shares[:3])), each)


def sureness(similarity: float, share: float) -> float:
    """How probably the answer is in what was found, 0..1.

    Args:
        similarity: the best cosine.
        share: how much of the question's words, by rarity, the best passages hold, 0..1.
    """
    intercept, by_similarity, by_share = SURENESS
    return 1.0 / (1.0 + math.exp(-(intercept + by_similarity * similarity + by_share * share)))
