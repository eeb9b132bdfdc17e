"""Which product is meant, and that nothing about another product or code may answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.profile.customer import Customer, OwnedProduct
from assistant.turn.before import Before, Place
from assistant.turn.candidates import Asked
from assistant.turn.embedded import Composed, WhichProduct, compose
from assistant.turn.mending import mend_names
from assistant.turn.subject import Subject, decide_subject
from assistant.turn.understanding import split_parts, understand
from knowledge.documents import Document
from knowledge.products import Catalogue
from tests.turn.conftest import encode, found, passage

SHOP = Catalogue.of(
    [("Lark 2 machine: manual", ["Lark 2"]), ("Lark machine: manual", ["Lark"]), ("Wren grinder: manual", ["Wren"])]
)
LARK = passage("| Code | Meaning |\n|---|---|\n| E2 | Boiler cold |\n| E4 | Pump dry |", products=("Lark 2",))
WREN = passage("| Code | Meaning |\n|---|---|\n| E2 | Burrs jammed |", products=("Wren",))
OWNER = Customer("c", products=(OwnedProduct("Lark"),))


def answer(question: str, subject: Subject) -> Composed | WhichProduct | None:
    return compose(question, found(LARK, WREN), encode, Asked(question, question, subject, SHOP))


@pytest.mark.parametrize(
    ("question", "customer", "before", "products"),
    [
        pytest.param("my Wren", None, Before(), ("Wren",), id="named"),
        pytest.param("my machine", None, Before(), ("Lark", "Lark 2"), id="kind, of several"),
        pytest.param("my machine", OWNER, Before(), ("Lark",), id="kind, owned"),
        pytest.param("my Lark leaks", None, Before(), ("Lark", "Lark 2"), id="generation open"),
        pytest.param("how heavy is it?", None, Before(products=("Wren",)), ("Wren",), id="spoken of before"),
        pytest.param("how heavy is it?", OWNER, Before(), ("Lark",), id="the only one owned"),
    ],
)
def test_the_product_meant(question: str, customer: Customer | None, before: Before, products: tuple[str, ...]) -> None:
    assert decide_subject(question, SHOP, customer=customer, before=before).products == products


def test_a_code_is_answered_for_its_product_and_never_by_another_code() -> None:
    wren = answer("My Wren shows E2", Subject(("Wren",), True))

    assert isinstance(wren, Composed)
    assert "Burrs jammed" in wren.text
    assert answer("My Wren shows E4", Subject(("Wren",), True)) is None


def test_a_code_that_several_products_have_is_asked_about_unless_one_is_owned() -> None:
    asked = answer("What does E2 mean?", Subject())
    owned = answer("What does E2 mean?", Subject(("Wren",), False, ("Wren",)))

    assert isinstance(asked, WhichProduct)
    assert set(asked.products) == {"Lark 2", "Wren"}
    assert isinstance(owned, Composed)
    assert "Burrs jammed" in owned.text


def test_the_product_chosen_is_put_with_the_pending_question() -> None:
    before = Before(pending="what does E2 mean?", choices=("Lark 2", "Wren"))

    understood = understand("the grinder", catalogue=SHOP, before=before)

    assert understood.standalone == "what does E2 mean (Wren)?"
    assert understood.product == "Wren"


def test_several_questions_are_taken_apart_and_one_is_left_whole() -> None:
    assert len(split_parts("How often do I change it, what does it cost and how do I reset the light?")) == 3
    assert split_parts("What is the price and weight?") == ["What is the price and weight?"]


BIRDS = Catalogue.of([("Petrel purifier: manual", ["Petrel"]), ("Plover humidifier: manual", ["Plover"])])


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        pytest.param("my petrl hums", "my Petrel hums", id="a letter less"),
        pytest.param("my Pettrel hums", "my Petrel hums", id="a letter more"),
        pytest.param("my petral hums", "my Petrel hums", id="another letter"),
        pytest.param("my petrle hums", "my Petrel hums", id="two swapped"),
        pytest.param("two petrels and a clover", "two petrels and a clover", id="a plural and another word"),
        pytest.param("my petal is lovr", "my petal is lovr", id="two slips"),
    ],
)
def test_a_product_name_with_one_slip_is_read_as_it_was_meant(typed: str, read: str) -> None:
    assert mend_names(typed, BIRDS) == read


def test_a_short_name_is_not_mended() -> None:
    assert mend_names("my dark roast", SHOP) == "my dark roast"


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        pytest.param("can I return it?", set(), id="something else"),
        pytest.param("how much is it?", set(), id="a price"),
        pytest.param("how do I fix it?", {"e2"}, id="its remedy"),
        pytest.param("what about E4?", {"e4"}, id="another code"),
    ],
)
def test_a_question_after_a_code_is_about_the_code_only_where_it_says_so(words: str, codes: set[str]) -> None:
    asked = Asked(f"What does E2 mean? {words}", words, leans_back=True, cited=(Place("doc-1", 0, 9),))

    assert asked.codes == codes


def test_a_code_of_one_generation_is_not_told_as_the_others() -> None:
    both = answer("my Lark shows E4", Subject(("Lark", "Lark 2"), True))

    assert isinstance(both, WhichProduct)
    assert both.products == ("Lark", "Lark 2")
    assert isinstance(answer("my Lark 2 shows E4", Subject(("Lark 2",), True)), Composed)


def test_entries_for_several_countries_are_told_together() -> None:
    costs = {"Germany": "It takes 5 days.", "Ireland": "It takes 3 days.", "Norway": "It takes 8 days."}
    entries = [
        passage(
            text,
            document=Document(place, place, "Delivery", text, "text/markdown", "h"),
            question=f"How long is delivery to {place}?",
        )
        for place, text in costs.items()
    ]
    entries = [replace(entry, document_id="delivery.md") for entry in entries]
    question = "How long is delivery?"

    told = compose(question, found(*entries), encode, Asked(question, question))
    one = compose("How long is delivery to Ireland?", found(*entries), encode)

    assert isinstance(told, Composed)
    assert isinstance(one, Composed)
    assert all(place in told.text for place in costs)
    assert "3 days" in one.text
    assert "8 days" not in one.text
