"""What a search found -> how probably the answer is in it, and in each passage. Floor: pure, over a release's files.

`retrieval.py` asks once a search; `evals/fitting.py` fits the coefficients. Figures and reasons: docs/decisions/0016.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.documents import Found, Passage
from knowledge.embedding import Vectors
from knowledge.release_files import ReleaseFiles

LOOKED_AT = 34  # the best passages that are judged, however many are asked for
EXAMPLE_CHARS = 200  # a text so short says one thing
BEST = 3  # passages of which one must hold the words
INTERCEPT = -9.98
WEIGHTS = (10.45, 1.99, 1.18, 4.15, 4.27, 8.37)  # of the signs, in their order
FIRST_IS_RIGHT = 0.98  # how often the best passage is the one, where the answer is there at all
DECAY = 0.11  # a passage that scores so much less than the best is 1/e as probably the one
CODE = re.compile(r"[a-z]{1,4}\d+")
UNKNOWN_CODE_FACTOR = 0.5  # an error code that no passage holds is hardly answered by those of its neighbours
_ASKS = re.compile(r"\?\s*$|^(?:how|what|why|when|where|who|which|can|is|do|does|are|should)\b", re.IGNORECASE)


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
    positions: Sequence[int] | NDArray[np.int64]
    similar: NDArray[np.float32]
    encode: Callable[[Sequence[str]], Sequence[Vectors]]


@dataclass(frozen=True, slots=True)
class Judged:
    """`sureness`: how probably the answer is in what was found, 0..1; `passages`: in this one, by its position."""

    sureness: float
    passages: dict[int, float]


@dataclass(frozen=True, slots=True)
class Signs:
    """What sureness is told by.

    `alike`: the cosine of the best passage; of the middle of its examples where several short texts share its title.
    `words`: the share of the question's words, by rarity, that one of the three best passages holds. `examples`: 1 for
    such examples, else 0. `bare`: the cosine of a short text without its title; an answer alone is not like its
    question. `given` and `order`: the most that the question's words, as written or as probably meant, and their order
    gave one of the three best. That is much only where meaning left something open, words that matter to it are there,
    and they stand together.
    """

    alike: float
    words: float
    examples: float
    bare: float
    given: float
    order: float


def judge(look: Look, found: Sequence[tuple[Found, int]]) -> Judged:
    """How sure a search may be of what it found.

    Args:
        found: passages with their positions in the release, best first, without those of other products.
    """
    if not found:
        return Judged(0.0, {})
    sure = sureness(read_signs(look, found))
    if any(CODE.fullmatch(word) and not look.files.lexical.frequency(word) for word in look.words):
        sure *= UNKNOWN_CODE_FACTOR
    best = found[0][0].score
    return Judged(sure, {position: sure * share_of(best - one.score) for one, position in found})


def sureness(signs: Signs) -> float:
    """How probably the answer is in what was found, 0..1."""
    return logistic(INTERCEPT, WEIGHTS, astuple(signs))


def logistic(intercept: float, weights: Sequence[float], signs: Sequence[float]) -> float:
    """What a fitted regression makes of its signs: a probability, 0..1."""
    weighed = sum(weight * sign for weight, sign in zip(weights, signs, strict=True))
    return 1.0 / (1.0 + math.exp(-(intercept + weighed)))


def share_of(behind: float) -> float:
    """How probably a passage holds the answer that is in what was found.

    Args:
        behind: how much less than the best it scored, 0 or more.
    """
    return FIRST_IS_RIGHT * math.exp(-max(behind, 0.0) / DECAY)


def read_signs(look: Look, found: Sequence[tuple[Found, int]]) -> Signs:
    """The signs in what was found, best first, at least one."""
    found = found[:LOOKED_AT]
    passages = [one.passage for one, _ in found]
    positions = [position for _, position in found]
    similar = look.files.similarities(look.vector, positions, titles=False)
    alike = float(similar[0])
    if examples := _examples(passages, similar):
        middle = look.files.vectors[np.asarray([positions[i] for i in examples])].mean(axis=0)
        alike = float(middle @ look.vector / max(float(np.linalg.norm(middle)), 1e-12))
    is_alone = sum(passage.title == passages[0].title for passage in _one_a_document(passages)) == 1
    asked, bare = _near_parts(look, passages[0], is_alone=is_alone)
    parts = [dict(one.why) for one, _ in found[:BEST]]
    return Signs(
        alike=alike if asked is None else max(alike, asked),
        words=max(float(look.by_words[position]) for position in positions[:BEST]),
        examples=0.0 if is_alone else 1.0,
        bare=float(similar[0]) if bare is None else bare,
        given=max(part.get("words", 0.0) + part.get("spelling", 0.0) for part in parts),
        order=max(part.get("word order", 0.0) for part in parts),
    )


def _near_parts(look: Look, first: Passage, *, is_alone: bool) -> tuple[float | None, float | None]:
    """The cosines of the best passage's title, where it asks and is one document's, and of its text where short."""
    texts = {}
    if first.title and not first.question:
        if is_alone and _ASKS.search(first.title):
            texts["title"] = first.title
        if len(first.text) <= EXAMPLE_CHARS:
            texts["bare"] = first.text
    if not texts:
        return None, None
    vectors = dict(zip(texts, look.encode(list(texts.values())), strict=True))
    near = {name: float(np.asarray(vector) @ look.vector) for name, vector in vectors.items()}
    return near.get("title"), near.get("bare")


def _examples(passages: Sequence[Passage], similar: NDArray[np.float32]) -> list[int]:
    """Of the title that weighs most, its passages, where they are short texts of several documents; else none."""
    weight: dict[str, float] = {}
    for passage, near in zip(passages, similar, strict=True):
        weight[passage.title] = weight.get(passage.title, 0.0) + float(near)
    title = max(weight, key=lambda name: weight[name])
    those = [i for i, passage in enumerate(passages) if passage.title == title]
    is_example = title and all(len(passages[i].text) <= EXAMPLE_CHARS for i in those[:3])
    return those if is_example and len({passages[i].document_id for i in those}) > 1 else []


def _one_a_document(passages: Sequence[Passage]) -> list[Passage]:
    return list({passage.document_id: passage for passage in reversed(passages)}.values())
