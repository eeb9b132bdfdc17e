"""Messages that go on about the answer before."""

from __future__ import annotations

import pytest

from assistant.turn.before import Before, Place
from assistant.turn.candidates import Asked, list_candidates
from assistant.turn.continuing import asks_why, parts_meant, was_tried, what_then, why_asked
from assistant.turn.embedded import Composed, compose
from assistant.turn.understanding import understand
from knowledge.documents import Turn
from knowledge.products import Catalogue
from tests.turn.conftest import encode, found, passage

SAID = Before(asked="The lid drips", cited=(Place("doc-1", 0, 20, "Press the seal in; change it (P-0903). E4."),))
SHOP = Catalogue.of([("Wren grinder: manual", ["Wren"]), ("Robin lamp: manual", ["Robin"])])
HISTORY = [Turn("customer", "How heavy is the Robin?"), Turn("assistant", "0.9 kg")]


def going_on(words: str) -> Asked:
    return Asked(f"{SAID.asked} {words}", words, leans_back=True)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("how much is that?", ("p-0903",)),
        ("what does that part cost?", ("p-0903",)),
        ("what does the seal cost?", ("p-0903",)),
        ("what does delivery cost?", ()),
        ("how much is P-0901?", ()),
        ("where is it?", ()),
    ],
)
def test_the_part_that_was_named_is_meant_where_its_price_is_asked(words: str, parts: tuple[str, ...]) -> None:
    assert parts_meant(going_on(words), SAID) == parts


@pytest.mark.parametrize(
    ("words", "tried"),
    [
        ("I did all that and it is back", True),
        ("tried that, still nothing", True),
        ("no change", True),
        ("I tried that, how do I reset it?", False),
        ("when is it back?", False),
        ("How do I clean it", False),
    ],
)
def test_advice_that_was_followed_in_vain_is_told_from_a_question(words: str, tried: bool) -> None:
    assert was_tried(words, SAID) is tried
    assert not was_tried(words, Before())


def test_what_comes_then_is_of_the_same_code() -> None:
    codes = passage("If E2 comes back twice, book a repair.\n\nIf E3 comes back, let it cool.")
    candidates = list_candidates(going_on("it is back"), found(codes).found)[0]

    assert [one.unit.shown for one in what_then(candidates, SAID, ["e2"])] == ["If E2 comes back twice, book a repair."]
    assert what_then(candidates, Before(), ["e9"]) == []


def test_why_is_answered_by_what_was_not_said() -> None:
    manual = passage("No vinegar in the kettle. Vinegar in the kettle attacks the seal.")
    before = Before(asked="Can I put vinegar in the kettle?", cited=(Place(manual.document_id, 0, 25),))
    asked = Asked("Can I put vinegar in the kettle? why not?", "why not?", leans_back=True)

    why = why_asked(asked, before)
    told = compose(why.question, found(manual), encode, why)

    assert asks_why(asked, before)
    assert not asks_why(going_on("why is it so loud?"), before)
    assert isinstance(told, Composed)
    assert told.text.startswith("Vinegar in the kettle attacks the seal.")


def test_a_question_that_only_changes_the_product_by_its_kind_is_the_one_before() -> None:
    before = Before(products=("Robin",), asked="How heavy is the Robin?", cited=(Place("doc-1", 0, 5),))

    understood = understand("and the grinder?", HISTORY, catalogue=SHOP, before=before)

    assert understood.question == "How heavy is the Wren?"
    assert understood.product == "Wren"


def test_what_kind_of_fact_is_wanted_is_no_topic_of_its_own() -> None:
    assert going_on("how much time do I have for that?").is_bare
    assert not going_on("how much time do I have to return it?").is_bare


def test_a_number_alone_may_be_a_part() -> None:
    assert understand("P-1102").only_number
    assert not understand("where is my order A-104877?").only_number
