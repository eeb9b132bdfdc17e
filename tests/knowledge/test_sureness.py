"""How sure a search may be, sign by sign, on releases small enough to see through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pytest

from knowledge.documents import Found, Passage
from knowledge.sureness import WEIGHTS, Look, Signs, judge, read_signs, share_of, sureness

QUESTION = np.asarray([1.0, 0.0, 0.0], np.float32)


@dataclass
class Words:
    known: frozenset[str] = frozenset()

    def frequency(self, word: str) -> int:
        return int(word in self.known)


@dataclass
class Files:
    """A release whose vectors are given."""

    vectors: Any
    lexical: Words = field(default_factory=Words)

    def similarities(self, vector: Any, positions: Sequence[int], *, titles: bool = True) -> Any:
        assert not titles, "a title's nearness is a sign of its own"
        return self.vectors[list(positions)] @ vector


def near(cosine: float) -> Any:
    return np.asarray([cosine, np.sqrt(1 - cosine**2), 0], np.float32)


def passage(text: str, title: str = "", document: str | None = None, question: str | None = None) -> Passage:
    return Passage(text, document or text, title, (), text, 0, len(text), question=question)


def look(
    cosines: Sequence[float], encoded: dict[str, float] | None = None, words: Sequence[str] = (), share: float = 0.5
) -> Look:
    vectors = np.stack([near(cosine) for cosine in cosines])

    def encode(texts: Sequence[str]) -> list[Any]:
        return [near((encoded or {})[text]) for text in texts]

    files: Any = Files(vectors)
    return Look(
        files,
        "How do I?",
        QUESTION,
        words,
        np.full(len(cosines), share, np.float32),
        list(range(len(cosines))),
        vectors @ QUESTION,
        encode,
    )


def found(
    *passages: Passage, scores: Sequence[float] | None = None, why: Sequence[dict[str, float]] = ()
) -> list[tuple[Found, int]]:
    parts = [tuple(one.items()) for one in why] or [()] * len(passages)
    return [
        (Found(one, scores[i] if scores else 1 - i / 10, 0.5, why=parts[i]), position)
        for position, (i, one) in enumerate(enumerate(passages))
    ]


LONG = "A long paragraph says several things, one after the other, and then some. " * 4


def test_nothing_found_is_nothing_sure() -> None:
    judged = judge(look([0.5]), [])
    assert judged.sureness == 0
    assert judged.passages == {}


def test_weights_stand_beside_the_signs_they_weigh() -> None:
    assert len(WEIGHTS) == len(fields(Signs))


@pytest.mark.parametrize("sign", ["alike", "words", "bare", "given", "order"])
def test_each_sign_of_an_answer_makes_surer(sign: str) -> None:
    plain = Signs(alike=0.5, words=0.3, examples=0.0, bare=0.5, given=0.1, order=0.1)
    assert sureness(replace(plain, **{sign: 0.7})) > sureness(plain)


def test_sureness_stays_between_none_and_all() -> None:
    assert 0 <= sureness(Signs(alike=-1, words=0, examples=0, bare=-1, given=0, order=0)) < 0.01
    assert 0.99 < sureness(Signs(alike=1, words=1, examples=1, bare=1, given=0.3, order=0.3)) <= 1


def test_a_title_that_asks_is_alike_as_a_question_is() -> None:
    title = "How do I get a gold card?"
    asked = read_signs(look([0.6, 0.4], {title: 0.9}), found(passage(LONG, title), passage(LONG, "Other", "b")))
    further = read_signs(look([0.6, 0.4], {title: 0.3}), found(passage(LONG, title), passage(LONG, "Other", "b")))
    assert asked.alike == pytest.approx(0.9, abs=0.001)
    assert further.alike == pytest.approx(0.6, abs=0.001)


def test_a_title_that_does_not_ask_is_no_sign_and_not_encoded() -> None:
    named = read_signs(look([0.6, 0.4]), found(passage(LONG, "Gold card"), passage(LONG, "Other", "b")))
    assert named.alike == pytest.approx(0.6, abs=0.001)


def test_words_and_their_order_count_by_the_most_they_gave_one_of_the_best_three() -> None:
    passages = [passage(LONG + str(i), "Gold card", str(i)) for i in range(4)]
    why = [
        {"meaning": 0.6, "words": 0.1, "word order": 0.02},
        {"words": 0.08, "spelling": 0.05},
        {"word order": 0.04, "history": 0.3},
        {"words": 0.9, "word order": 0.9},
    ]
    signs = read_signs(look([0.6] * 4), found(*passages, why=why))
    assert signs.given == pytest.approx(0.13)
    assert signs.order == pytest.approx(0.04)


def test_examples_under_one_title_speak_together() -> None:
    titles = {"Where is my order": 0.7}
    several = read_signs(
        look([0.7, 0.6, 0.5], titles),
        found(*(passage(text, "ORDERS") for text in ("Where is my order", "Track my order", "My parcel"))),
    )
    alone = read_signs(
        look([0.7, 0.6, 0.5], titles),
        found(*(passage(t, title) for t, title in (("Where is my order", "ORDERS"), ("Track", "X"), ("Parcel", "Y")))),
    )
    assert (several.examples, alone.examples) == (1, 0)
    assert several.alike != alone.alike


def test_a_code_that_stands_nowhere_halves_it() -> None:
    passages = found(passage(LONG, "A", "a"))
    known = judge(look([0.7]), passages).sureness
    unknown = judge(look([0.7], words=["e99"]), passages).sureness
    assert unknown == pytest.approx(known / 2)


def test_no_passage_is_surer_than_the_search_and_the_best_is_the_surest() -> None:
    passages = found(passage(LONG, "A", "a"), passage(LONG, "B", "b"), scores=(0.9, 0.8))
    judged = judge(look([0.7, 0.5]), passages)
    assert 0 < judged.passages[1] < judged.passages[0] <= judged.sureness


def test_share_falls_with_the_score() -> None:
    assert share_of(0.0) > share_of(0.1) > share_of(1.0) >= 0
