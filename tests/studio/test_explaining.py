"""Which words of a question stand in what was found."""

from __future__ import annotations

import pytest

from assistant.studio.explaining import shared_words
from knowledge.documents import Passage

TEXT = "Descale it every two months with citric acid. Code E-42 means that the tank is empty."
PASSAGE = Passage(
    "p1", "d1", "Fenwick kettle", ("Care",), TEXT, 0, len(TEXT), question="How is limescale removed?", lead=""
)


@pytest.mark.parametrize(
    ("question", "shared"),
    [
        ("How often is descaling needed?", ["descaling"]),
        ("What does e42 mean?", ["e42", "mean"]),
        ("the Fenwick's limescale, in Care", ["Fenwick's", "limescale", "Care"]),
        ("acid ACID acids", ["acid", "ACID", "acids"]),
        ("Where is my order?", []),
        ("", []),
    ],
)
def test_words_are_told_as_they_were_asked(question: str, shared: list[str]) -> None:
    assert shared_words(question, PASSAGE) == shared
