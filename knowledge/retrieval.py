"""A question and the conversation before it -> ranked passages, and how sure we are. Floor: use case; rules are pure.

score = cosine + LEXICAL_WEIGHT * words + bonus. The cosine is that of the text or, where an article or FAQ entry has
one, of its question or title, whichever is nearer. The figures behind each constant are in docs/decisions/0003.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.chunking import searchable
from knowledge.documents import Findings, Found, Passage, Turn
from knowledge.embedding import Embedder, Vectors
from knowledge.lexical import Lexical, terms
from knowledge.products import Catalogue
from knowledge.release_files import ReleaseFiles
from knowledge.sureness import CODE, Look, judge

CANDIDATES = 60  # from each of meaning and words
SPARE = 20  # more than asked for are loaded: product and language reorder them, near-duplicates fold
LEXICAL_WEIGHT = 0.25
# 1 would give the best passage the full weight however few of the question's words it holds, 0 only what it earns
LEXICAL_SCALING = 0.75
IDENTIFIER_BONUS = 0.3  # for a passage with the very error code or part number that is asked for
IDENTIFIER_SHARE = 0.02  # a number that stands in more of the passages than this tells nothing
CODE_SHARE = 0.05  # an error code stands in the manual of every product
PRODUCT_BONUS = 0.06
OTHER_PRODUCT_PENALTY = 0.2
OTHER_LANGUAGE_PENALTY = 0.15
FOLLOW_UP_WEIGHT = 0.2  # of the newest earlier turn of each side, beside the question's own 1
EARLIER = 0.5  # each turn further back counts this much of the one after it
TURNS = 3  # earlier turns of each side that are looked at
SELF_CONTAINED_WEIGHT = 0.5  # of a question that stands alone: its history counts half
FEW_WORDS = 4
SAME_VECTOR, SAME_WORDS = 0.95, 0.9  # two passages so alike, with the same numbers, are one
REFERRING = re.compile(
    r"\b(?:it|its|they|them|their|theirs|this|that|these|those|he|him|his|she|her|one|ones|there|same|such|above|"
    r"instead|another|other|else|too|also)\b|^\s*(?:and|or|but|so|then|what about|how about)\b",
    re.I,
)

LoadPassages = Callable[[Sequence[int]], dict[int, Passage]]


EVERYTHING = Catalogue()  # without products, nothing is told apart


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the release is wanted: how many passages, preferably for which products and in which language.

    `catalogue` tells products apart by the names in a passage's question and headings.
    """

    limit: int = 5
    products: tuple[str, ...] = ()
    language: str | None = None
    catalogue: Catalogue = EVERYTHING


class QuestionEncoder:
    """Encodes questions and earlier turns, each text once: a conversation brings back all its turns every time."""

    SIZE = 2048

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> list[Vectors]:
        """A vector for each text, in order."""
        with self._lock:
            known = {text: self._vectors[text] for text in texts if text in self._vectors}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            made = self._embedder.encode(new)
            known.update({text: made[i] for i, text in enumerate(new)})
        with self._lock:
            for text in texts:
                self._vectors[text] = known[text]
                self._vectors.move_to_end(text)
            while len(self._vectors) > self.SIZE:
                self._vectors.popitem(last=False)
        return [known[text] for text in texts]


def is_follow_up(question: str) -> bool:
    """Whether a question probably leans on what was said before: it refers to something, or says little itself."""
    return bool(REFERRING.search(question)) or len(set(terms(question))) <= FEW_WORDS


def weigh_turns(question: str, history: Sequence[Turn]) -> list[tuple[float, str]]:
    """Earlier turns that tell what the question is about, with their weights beside the question's 1.

    On mtrag-cloud this raises recall@5 from .25 to .31; concatenating the turns' words lowers it.
    """
    scale = FOLLOW_UP_WEIGHT if is_follow_up(question) else FOLLOW_UP_WEIGHT * SELF_CONTAINED_WEIGHT
    weighed = []
    for role in ("customer", "assistant"):
        said = [turn.text for turn in history if turn.role == role and turn.text.strip()][-TURNS:]
        weighed += [(scale * EARLIER**age, text) for age, text in enumerate(reversed(said))]
    return weighed


def question_vector(encoder: QuestionEncoder, question: str, history: Sequence[Turn]) -> Vectors:
    """The unit vector of the question, leaning towards the turns before it."""
    weighed = weigh_turns(question, history)
    vectors = encoder.encode([question, *(text for _, text in weighed)])
    mixed = vectors[0] + sum((w * v for (w, _), v in zip(weighed, vectors[1:], strict=True)), np.zeros_like(vectors[0]))
    return np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-12), np.float32)


def search_release(
    number: int,
    files: ReleaseFiles,
    nearest: Callable[[Vectors, int], list[int]],
    load: LoadPassages,
    encoder: QuestionEncoder,
    question: str,
    history: Sequence[Turn],
    scope: Scope,
) -> Findings:
    """The best passages of one release for a question.

    Args:
        nearest: the entries of the release nearest to a vector, best first.
        load: passages by their row ids.
    """
    if not files.size or not question.strip():
        return Findings(question, number, (), 0.0)
    words = terms(question)
    vector = question_vector(encoder, question, history)
    by_words = files.lexical.scores(words)
    rows = nearest(vector, min(max(CANDIDATES, 3 * scope.limit), len(files.owners)))
    positions = _candidates(files, rows, by_words, max(CANDIDATES, 3 * scope.limit))
    similar = files.similarities(vector, positions)
    scores = similar + _lexical_part(by_words)[positions] + _identifier_part(files.lexical, words, positions)
    order = [int(i) for i in np.argsort(-scores, kind="stable")[: scope.limit + SPARE]]
    passages = load([int(files.passage_rows[positions[i]]) for i in order])
    found = []
    for i in order:
        passage = passages.get(int(files.passage_rows[positions[i]]))
        if passage is not None:
            score = float(scores[i]) + scope_part(passage, scope)
            found.append((Found(passage, score, float(similar[i])), positions[i]))
    found.sort(key=lambda pair: -pair[0].score)
    # what is told of another product makes no surer of the one that is asked about
    own = [(one, position) for one, position in found if scope_part(one.passage, scope) >= 0]
    judged = judge(Look(files, question, vector, words, by_words, positions, similar, encoder.encode), own)
    kept = _folded(found, files, scope.limit)
    sure = tuple(replace(one, sureness=judged.passages.get(position, 0.0)) for one, position in kept)
    return Findings(question, number, sure, judged.sureness)


def scope_part(passage: Passage, scope: Scope) -> float:
    """What a passage gains or loses by the product and language that are asked for; neutral ones keep their score."""
    part = 0.0
    if scope.products and (subjects := scope.catalogue.subjects(passage)):
        own = not subjects.isdisjoint(product.casefold() for product in scope.products)
        part += PRODUCT_BONUS if own else -OTHER_PRODUCT_PENALTY
    if scope.language and passage.language and _spoken(scope.language) != _spoken(passage.language):
        part -= OTHER_LANGUAGE_PENALTY
    return part


def _spoken(language: str) -> str:
    return re.split(r"[-_]", language.casefold())[0]


def _candidates(files: ReleaseFiles, rows: Sequence[int], by_words: NDArray[np.float32], limit: int) -> list[int]:
    limit = min(limit, len(by_words))
    top = np.argpartition(-by_words, limit - 1)[:limit]
    return sorted({int(files.owners[row]) for row in rows} | {int(p) for p in top if by_words[p] > 0})


def _lexical_part(by_words: NDArray[np.float32]) -> NDArray[np.float32]:
    best = float(by_words.max(initial=0.0))
    return by_words * np.float32(LEXICAL_WEIGHT / best**LEXICAL_SCALING if best > 0 else 0.0)


def _identifier_part(lexical: Lexical, words: Sequence[str], positions: Sequence[int]) -> NDArray[np.float32]:
    """The bonus for passages that hold a code of the question: letters with digits, or a number of four or more."""
    part = np.zeros(len(positions), np.float32)
    for word in {w for w in words if is_identifier(w)}:
        share = CODE_SHARE if CODE.fullmatch(word) else IDENTIFIER_SHARE
        if 0 < lexical.frequency(word) <= max(3, share * lexical.size):
            part[np.isin(positions, lexical.holding(word))] = IDENTIFIER_BONUS
    return part


def is_identifier(word: str) -> bool:
    """Whether a word is a code: it cannot be meant otherwise, and the embedding knows nothing of it."""
    digits = sum(c.isdigit() for c in word)
    return digits >= 4 or (digits >= 1 and any(c.isalpha() for c in word) and len(word) >= 2)


def _folded(found: Sequence[tuple[Found, int]], files: ReleaseFiles, limit: int) -> list[tuple[Found, int]]:
    """The best `limit`, without those that say the same as a better one."""
    kept: list[tuple[Found, int]] = []
    for one, position in found:
        if len(kept) == limit:
            break
        near = [other for other, p in kept if float(files.vectors[position] @ files.vectors[p]) >= SAME_VECTOR]
        if not any(say_the_same(one.passage, other.passage) for other in near):
            kept.append((one, position))
    return kept


def say_the_same(one: Passage, other: Passage) -> bool:
    """Whether two passages differ in hardly a word and in no number."""
    if one.products != other.products or one.question != other.question:
        return False
    a, b = set(terms(searchable(one))), set(terms(searchable(other)))
    numbers = [{word for word in words if any(c.isdigit() for c in word)} for words in (a, b)]
    return numbers[0] == numbers[1] and len(a & b) >= SAME_WORDS * len(a | b)
