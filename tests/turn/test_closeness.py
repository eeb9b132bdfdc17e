"""What is said of a passage that tells of several things: the stretch itself has to be near."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from assistant.turn.candidates import Asked, Candidate
from assistant.turn.closeness import CLOSE_ENOUGH, MOST_LEAD, Signs, closeness, read_signs, tells_of_several
from assistant.turn.scoring import Scored
from assistant.turn.sentences import split_units
from knowledge.documents import Passage

SEVERAL = "We take cards, no cash.\n\nRing the bell for the ramp.\n\n| Care | Price |\n| --- | --- |\n| Crown | £720 |"


def passage(text: str) -> Passage:
    return Passage("p", "d", "Paying", (), text, 0, len(text), None, None)


def candidate(text: str, at: int = 0) -> Candidate:
    return Candidate(0, at, split_units(text)[at], passage(text), frozenset())


def encode_letters(texts: Sequence[str]) -> Any:
    """Vectors of the letters a text holds: what is spelt alike is alike."""
    rows = [[float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
    vectors = np.asarray(rows) + 1e-6
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("One paragraph. Of two sentences.", False),
        ("One paragraph.\n\nAnd another.", True),
        ("| Care | Price |\n| --- | --- |\n| Crown | £720 |\n| Filling | £110 |", True),
        ("1. Open it.\n2. Close it.", False),
    ],
)
def test_paragraphs_lists_and_rows_are_several_things(text: str, several: bool) -> None:
    assert tells_of_several(candidate(text)) is several


def test_the_least_told_word_of_the_question_is_what_counts() -> None:
    best = Scored(candidate(SEVERAL), 0.6, None, 0.5, 1.0)

    def least(question: str) -> float:
        return read_signs(Asked(question, question), best, 0.1, encode_letters, named=False).least

    assert least("Do you take cards?") == pytest.approx(1.0)
    assert least("Do you take cards on Xylo?") < 0.9


def test_a_lead_counts_up_to_a_bound_and_only_the_last_question_is_looked_at() -> None:
    best = Scored(candidate(SEVERAL), 0.6, None, 0.5, 1.0)
    text = "I lost my qqqq yesterday. Do you take cards?"
    signs = read_signs(Asked(text, text), best, 5.0, encode_letters, named=True)

    assert signs.lead == MOST_LEAD
    assert (signs.named, signs.yes_or_no) == (1.0, 0.0)
    assert signs.least == pytest.approx(1.0)


def test_every_sign_but_a_yes_or_no_makes_it_closer() -> None:
    middling = Signs(0.4, 0.45, 0.5, 0.05, 0.0, 0.0)
    much = Signs(0.8, 0.8, 0.9, 0.3, 1.0, 0.0)

    assert closeness(Signs(0.3, 0.3, 0.2, 0.0, 0.0, 1.0)) < closeness(middling) < CLOSE_ENOUGH < closeness(much)
