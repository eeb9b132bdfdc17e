"""Which product is meant, and that nothing about another product or code may answer."""

from __future__ import annotations

import pytest

from assistant.profile.customer import Customer, OwnedProduct
from assistant.turn.before import Before
from assistant.turn.candidates import Asked
from assistant.turn.embedded import Composed, WhichProduct, compose
from assistant.turn.subject import Subject, decide_subject
from assistant.turn.understanding import split_parts, understand
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
