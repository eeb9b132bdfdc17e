"""What was typed wrong is read as it was meant; what could be another word stays."""

from __future__ import annotations

import pytest

from assistant.turn.mending import mend, mend_asking, without_anger
from knowledge.products import Catalogue

BIRDS = Catalogue.of([("Petrel Mini purifier: manual", ["Petrel Mini"]), ("Lark 2 machine: manual", ["Lark 2"])])


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("wen is it open", "when is it open"),
        ("howlong does it take", "how long does it take"),
        ("wheres the plate", "where is the plate"),
        ("how oftn and how mutch", "how often and how much"),
        ("however it howls", "however it howls"),
        ("whose is it", "whose is it"),
        ("do u open n close it pls", "do you open and close it please"),
        ("the 1st gen and model R", "the first generation and model R"),
    ],
)
def test_the_words_that_ask_are_put_right_and_no_others(typed: str, read: str) -> None:
    assert mend_asking(typed) == read


def test_a_name_in_one_word_is_the_product() -> None:
    assert mend("howloud is the petrelmini or lark2", BIRDS) == "how loud is the Petrel Mini or Lark 2"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("This is ridiculous! The lid leaks.", "The lid leaks."),
        ("damn thing, the display is dark, I have had enough", "the display is dark,"),
        ("I am writing for the third time, the damn tank leaks again", "the tank leaks again"),
        ("this is a joke", "this is a joke"),
        ("Is this the third time it was recalled?", "Is this the third time it was recalled?"),
    ],
)
def test_anger_is_no_part_of_the_question_and_a_message_is_never_emptied(typed: str, asked: str) -> None:
    assert without_anger(typed) == asked
