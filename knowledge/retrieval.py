"""A question and the conversation before it -> ranked passages, and how sure we are. Floor: use case; rules are pure.

score = cosine + scale * (words + pairs) + bonuses; `asking.py` tells what to look for. The cosine is that of the text,
with or without what its title tells, or of its question or title, whichever is nearest. The figures behind each
constant are in docs/decisions/0011.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.asking import Asked, QuestionEncoder, ask
from knowledge.documents import Findings, Found, Passage, Turn
from knowledge.embedding import Vectors
from knowledge.folding import fold
from knowledge.lexical import Lexical
from knowledge.products import Catalogue
from knowledge.release_files import ReleaseFiles
from knowledge.sureness import CODE, Look, judge

__all__ = ["QuestionEncoder", "Scope", "search_release"]

CANDIDATES = 60  # from each of meaning and words
SPARE = 20  # more than asked for are loaded: product and language reorder them, near-duplicates fold
LEXICAL_WEIGHT = 0.5
# 1 would give the best passage the full weight however few of the question's words it holds, 0 only what it earns
LEXICAL_SCALING = 0.75
SURE_DISTANCE = 0.5  # words count less in proportion as the nearest passage comes nearer than this
QUESTION_FOUND = 0.1  # words count this much where a question asked before, or a title, is what is nearest
IDENTIFIER_BONUS = 0.3  # for a passage with the very error code or part number that is asked for
IDENTIFIER_SHARE = 0.02  # a number that stands in more of the passages than this tells nothing
CODE_SHARE = 0.05  # an error code stands in the manual of every product
PRODUCT_BONUS = 0.06
OTHER_PRODUCT_PENALTY = 0.2
OTHER_LANGUAGE_PENALTY = 0.15
WIDEST = 20  # times the candidates are asked for where most passages are for other audiences

LoadPassages = Callable[[Sequence[int]], dict[int, Passage]]
Scores = NDArray[np.float32]
EVERYTHING = Catalogue()  # without products, nothing is told apart


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the release is wanted: how many passages, preferably for which products and in which language.

    `catalogue` tells products apart by the names in a passage's question and headings. `audience` is strict: passages
    for another one are not found; None finds those for everybody only, "*" all. `rows` are those of the passages that
    alone are looked at; None: all.
    """

    limit: int = 5
    products: tuple[str, ...] = ()
    language: str | None = None
    catalogue: Catalogue = EVERYTHING
    audience: str | None = None
    rows: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passages that are compared, by their positions in the release, and the named parts of their scores."""

    positions: list[int]
    similar: Scores
    parts: Mapping[str, Scores]

    @property
    def scores(self) -> Scores:
        return np.asarray(np.sum(list(self.parts.values()), axis=0), np.float32)


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
    asked = ask(question, history, encoder, files.lexical, files.meanings, files.speller, scope.language)
    candidates = _compare(files, nearest, asked, scope)
    found = _load(files, load, candidates, scope)
    # what is told of another product makes no surer of the one that is asked about
    own = [(one, position) for one, position in found if product_part(one.passage, scope) >= 0]
    by_words = files.lexical.scores(asked.words)
    look = Look(
        files, question, asked.vector, asked.words, by_words, candidates.positions, candidates.similar, encoder.encode
    )
    judged = judge(look, own)
    kept = [found[i] for i in fold([one for one, _ in found], _vectors(files, found), scope.limit)]
    sure = tuple(replace(one, sureness=judged.passages.get(position, 0.0)) for one, position in kept)
    corrections = tuple((one.written, " ".join(one.meant)) for one in asked.corrections)
    return Findings(question, number, sure, judged.sureness, corrections)


def _compare(
    files: ReleaseFiles, nearest: Callable[[Vectors, int], list[int]], asked: Asked, scope: Scope
) -> Candidates:
    visible = files.visible(scope.audience)
    words = _by_words(files.lexical, asked)
    if scope.rows is not None:
        either = files.positions_of(scope.rows)
    else:
        total = np.sum(list(words.values()), axis=0)
        either = _promising(files, nearest, asked, total, scope.limit, visible)
    positions: list[int] = (either if visible is None else either[visible[either]]).tolist()
    similar = files.similarities(asked.vector, positions)
    # the nearer ranks alone: sureness and scale are fitted to the whole
    texts, own = files.text_similarities(asked.vector, positions)
    parts = {name: scores[positions] for name, scores in words.items()}
    parts["word order"] = files.lexical.sequence_scores(asked.pairs, positions)
    scale = _scale(similar, texts, np.sum(list(parts.values()), axis=0))
    parts = {name: scale * part for name, part in parts.items()}
    reached = similar > own
    parts = {"meaning": np.where(reached, 0, own), "question": np.where(reached, similar, 0), **parts}
    parts["code"] = _identifier_part(files.lexical, asked.words, positions)
    return Candidates(positions, similar, parts)


def _promising(
    files: ReleaseFiles,
    nearest: Callable[[Vectors, int], list[int]],
    asked: Asked,
    by_words: Scores,
    limit: int,
    visible: NDArray[np.bool_] | None,
) -> NDArray[np.int64]:
    """The positions of what is nearest by meaning or best by words; more where few passages are for this audience."""
    wanted = max(CANDIDATES, 3 * limit)
    share = 1.0 if visible is None else max(float(visible.mean()), 1 / WIDEST)
    near = files.owners[nearest(asked.vector, min(int(wanted / share), len(files.owners)))]
    best = np.argpartition(-by_words, min(wanted, files.size) - 1)[: int(wanted / share)]
    return np.union1d(near, best[by_words[best] > 0]).astype(np.int64)


def _by_words(lexical: Lexical, asked: Asked) -> dict[str, Scores]:
    """How well each passage of the release holds the words, by where those come from; together 0..1."""
    groups = {"words": asked.own, "spelling": asked.mended, "history": asked.lent}
    reach = {name: lexical.reach(weights) for name, weights in groups.items() if weights}
    whole = max(sum(reach.values()), 1e-9)
    return {name: lexical.scores(groups[name]) * np.float32(part / whole) for name, part in reach.items()} or {
        "words": np.zeros(lexical.size, np.float32)
    }


def _scale(similar: Scores, own: Scores, words: Scores) -> np.float32:
    """What words count beside the cosine in this search.

    The nearer the nearest passage, the less is left for words to tell; and where a question asked before is nearest,
    who asks it in other words means the same.
    """
    most = float(words.max(initial=0.0))
    if not len(similar) or most <= 0:
        return np.float32(0)
    first = int(similar.argmax())
    weight = LEXICAL_WEIGHT * min(1.0, max(0.0, 1 - float(similar[first])) / SURE_DISTANCE)
    if similar[first] > own[first]:
        weight *= QUESTION_FOUND
    return np.float32(weight / most**LEXICAL_SCALING)


def _load(files: ReleaseFiles, load: LoadPassages, candidates: Candidates, scope: Scope) -> list[tuple[Found, int]]:
    """The best candidates as passages with their positions, best first, judged by product and language too."""
    scores = candidates.scores
    order = np.argsort(-scores, kind="stable")[: scope.limit + SPARE].tolist()
    rows = {i: int(files.passage_rows[candidates.positions[i]]) for i in order}
    passages = load(list(rows.values()))
    found = []
    for i in order:
        if (passage := passages.get(rows[i])) is None:
            continue
        parts = {name: float(part[i]) for name, part in candidates.parts.items()}
        parts["product"] = product_part(passage, scope)
        parts["language"] = language_part(passage, scope)
        why = tuple((name, value) for name, value in parts.items() if value)
        one = Found(passage, sum(parts.values()), float(candidates.similar[i]), why=why)
        found.append((one, candidates.positions[i]))
    found.sort(key=lambda pair: -pair[0].score)
    return found


def _vectors(files: ReleaseFiles, found: Sequence[tuple[Found, int]]) -> Vectors:
    if not found:
        return np.zeros((0, 1), np.float32)
    return np.asarray(files.vectors[np.asarray([position for _, position in found])], np.float32)


def product_part(passage: Passage, scope: Scope) -> float:
    """What a passage gains or loses by the products that are asked for; neutral ones keep their score."""
    if not scope.products or not (subjects := scope.catalogue.subjects(passage)):
        return 0.0
    own = not subjects.isdisjoint(product.casefold() for product in scope.products)
    return PRODUCT_BONUS if own else -OTHER_PRODUCT_PENALTY


def language_part(passage: Passage, scope: Scope) -> float:
    """What a passage loses by being in another language than the one asked for."""
    if scope.language and passage.language and _spoken(scope.language) != _spoken(passage.language):
        return -OTHER_LANGUAGE_PENALTY
    return 0.0


def _spoken(language: str) -> str:
    return re.split(r"[-_]", language.casefold())[0]


def _identifier_part(lexical: Lexical, words: Sequence[str], positions: Sequence[int]) -> Scores:
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
