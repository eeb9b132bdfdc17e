"""The words of a search: how they are cut, mended, weighed, and seen to follow each other."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.lexical import Lexical, build_lexical, canonical_code, terms
from knowledge.spelling import Speller, distance, is_one_slip
from knowledge.weighing import LEAST, WordMeanings

WORDS = st.text("abcdefghij", min_size=1, max_size=12)
VOCABULARY = {word: i + 2 for i, word in enumerate(terms("delivery receive refund strikethrough github credit card"))}


@pytest.fixture
def speller() -> Speller:
    return Speller(VOCABULARY, lambda word: VOCABULARY.get(word, 0))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("E-04", "e4"),
        ("E 04", "e4"),
        ("e4", "e4"),
        ("WX/300", "wx300"),
        ("0042", None),
        ("hello", None),
        ("E-4b", None),
    ],
)
def test_a_code_has_one_canonical_form(text: str, code: str | None) -> None:
    assert canonical_code(text) == code


def test_a_number_of_things_is_no_code() -> None:
    assert "in3" not in terms("It arrives in 3 days")


def test_words_are_stemmed_in_their_language() -> None:
    assert terms("Rechnungen", "de-AT") == terms("Rechnung", "de")
    assert terms("Rechnungen") != terms("Rechnung")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("delivary", ("deliveri",)),
        ("recieve", ("receiv",)),
        ("refnd", ("refund",)),
        ("rerund", ("refund",)),
        ("strikethru", ()),
        ("creditcard", ("credit", "card")),
        ("git hub", ("github",)),
        ("card", ()),
        ("e99", ()),
        ("12345", ()),
        ("cat", ()),
    ],
)
def test_a_slip_is_mended_and_another_word_is_not(speller: Speller, written: str, meant: tuple[str, ...]) -> None:
    corrections = speller.correct(written)

    assert corrections[0].meant if corrections else meant == ()
    assert {one.meant for one in corrections} == ({meant} if meant else set())


@given(WORDS, WORDS)
def test_the_cost_of_slips_is_the_same_both_ways_and_nothing_between_equals(one: str, other: str) -> None:
    assert distance(one, one) == 0
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert distance(one, other) <= max(len(one), len(other))


@given(st.sampled_from(sorted(VOCABULARY)), st.data())
def test_every_word_of_the_vocabulary_is_left_as_it_is(word: str, data: st.DataObject) -> None:
    speller = Speller(VOCABULARY, lambda word: VOCABULARY.get(word, 0))

    assert speller.correct(word, stems=lambda text: [text]) == []


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=8), min_size=1, max_size=6))
def test_pairs_of_words_are_counted_as_they_stand(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("words") / "lexical"
    build_lexical(folder, (" ".join(text) for text in texts), lambda text, _: text.split())
    lexical = Lexical(folder)

    scores = lexical.sequence_scores({("b", "c"): 1.0}, range(len(texts)))

    holding = [any(pair == ("b", "c") for pair in pairwise(text)) for text in texts]
    assert [score > 0 for score in scores.tolist()] == holding
    assert float(scores.max(initial=0)) < 1


def test_a_release_made_before_sequences_were_kept_is_searched_without(tmp_path: Path) -> None:
    build_lexical(tmp_path / "lexical", ["b c", "c b"])
    (tmp_path / "lexical" / "sequences.npy").unlink()

    assert Lexical(tmp_path / "lexical").sequence_scores({("b", "c"): 1.0}, [0, 1]).tolist() == [0, 0]


def test_a_word_counts_by_how_near_the_passages_that_hold_it_are(tmp_path: Path) -> None:
    build_lexical(tmp_path / "lexical", ["bank rate", "bank rate", "bank trip", "boat trip"])
    vectors = np.asarray([[1, 0], [1, 0], [0.8, 0.6], [0, 1]], np.float32)
    meanings = WordMeanings(vectors, Lexical(tmp_path / "lexical"))

    weights = meanings.weigh(["rate", "trip", "boat", "unknown"], np.asarray([1, 0], np.float32))

    assert weights["rate"] > 0.9
    assert weights["rate"] > weights["trip"]
    assert weights["boat"] == weights["unknown"] == LEAST


def test_weights_change_the_scores_in_proportion(tmp_path: Path) -> None:
    build_lexical(tmp_path / "lexical", ["bank rate", "boat trip", "nothing else"])
    lexical = Lexical(tmp_path / "lexical")

    even = lexical.scores(["rate", "trip"])
    uneven = lexical.scores({"rate": 1.0, "trip": 0.5})

    assert even[0] == pytest.approx(even[1])
    assert uneven[0] == pytest.approx(2 * uneven[1])
    assert uneven[2] == 0


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ("petrl", "petrel", True),
        ("petrle", "petrel", True),
        ("pettrel", "petrel", True),
        ("petral", "petrel", True),
        ("petrel", "petrel", False),
        ("ptral", "petrel", False),
    ],
)
def test_one_slip_is_a_letter_or_a_swap_of_neighbours(one: str, other: str, is_one: bool) -> None:
    assert is_one_slip(one, other) is is_one
