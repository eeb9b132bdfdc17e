"""What customers mean, as a table."""

from __future__ import annotations

import pytest

from assistant.profile.customer import Customer, OwnedProduct
from assistant.turn.understanding import (
    Intent,
    decide_intent,
    find_order_number,
    needs_context,
    split_parts,
    stand_alone,
    strip_greeting,
    understand,
)
from knowledge.documents import Turn
from knowledge.products import Catalogue

HISTORY = [Turn("customer", "How do I descale the Lark 2?"), Turn("assistant", "With one bottle of descaler.")]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("hi", Intent.GREETING),
        ("Good morning!", Intent.GREETING),
        ("hey, how are you?", Intent.GREETING),
        ("thanks!", Intent.THANKS),
        ("great, that helped, thank you", Intent.THANKS),
        ("bye", Intent.FAREWELL),
        ("no thanks", Intent.FAREWELL),
        ("that's all", Intent.FAREWELL),
        ("Are you a bot?", Intent.ARE_YOU_A_BOT),
        ("am I talking to a human?", Intent.ARE_YOU_A_BOT),
        ("Talk to a person", Intent.ASK_HUMAN),
        ("I want to talk to a human", Intent.ASK_HUMAN),
        ("can I speak with someone?", Intent.ASK_HUMAN),
        ("agent", Intent.ASK_HUMAN),
        ("connect me to support", Intent.ASK_HUMAN),
        ("can someone call me back", Intent.ASK_HUMAN),
        ("I don't want to talk to a human", Intent.QUESTION),
        ("smoke is coming out of my kettle!", Intent.REPORTS_URGENT),
        ("does it smoke?", Intent.QUESTION),
        ("what should I do if it catches fire?", Intent.QUESTION),
        ("that didn't help", Intent.UNHAPPY),
        ("This is useless", Intent.UNHAPPY),
        ("Where is my order?", Intent.ORDER_STATUS),
        ("when will my order arrive if I order at 3 pm on a Monday?", Intent.QUESTION),
        ("Hi, where's my parcel", Intent.ORDER_STATUS),
        ("Has my order shipped yet?", Intent.ORDER_STATUS),
        ("when will my Lark 2 arrive?", Intent.ORDER_STATUS),
        ("What's the status of order 10234?", Intent.ORDER_STATUS),
        ("AM-20311", Intent.ORDER_STATUS),
        ("How do I track my order?", Intent.QUESTION),
        ("How do I return my order?", Intent.QUESTION),
        ("my order arrived broken", Intent.QUESTION),
        ("How long does shipping take?", Intent.QUESTION),
        ("when is my appointment?", Intent.APPOINTMENT),
        ("how do I book an appointment?", Intent.QUESTION),
        ("which products do I own?", Intent.MY_PRODUCTS),
        ("Is my Lark still under warranty?", Intent.QUESTION),
        ("E4 error on my Lark", Intent.QUESTION),
        ("???", Intent.UNREADABLE),
        ("Wie reinige ich die Maschine?", Intent.QUESTION),
    ],
)
def test_what_a_message_asks_for(text: str, intent: Intent) -> None:
    assert decide_intent(text, HISTORY) is intent


def test_a_bare_yes_accepts_the_person_that_was_offered_and_nothing_else() -> None:
    assert decide_intent("yes please", HISTORY, offered_person=True) is Intent.ASK_HUMAN
    assert decide_intent("yes please", HISTORY) is not Intent.ASK_HUMAN
    assert decide_intent("yes, how do I clean it?", HISTORY, offered_person=True) is Intent.QUESTION


@pytest.mark.parametrize(
    ("question", "leans"),
    [("what about the Wren?", True), ("how much", True), ("and how often?", True), ("How do I clean the Wren?", False)],
)
def test_a_question_that_leans_on_the_conversation_is_given_its_subject(question: str, leans: bool) -> None:
    assert needs_context(question, HISTORY) is leans
    assert ("Lark 2" in stand_alone(question, HISTORY)) is leans
    assert stand_alone(question, HISTORY).endswith(question)
    assert stand_alone(question, []) == question


def test_a_greeting_before_a_question_is_not_part_of_it() -> None:
    assert strip_greeting("Hello there, where is my order?") == "where is my order?"
    assert strip_greeting("Hi!") == "Hi!"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("order #AM-10234 please", "AM-10234"),
        ("it is am10234", "AM10234"),
        ("10234", "10234"),
        ("2 cups in 30 s", None),
    ],
)
def test_order_numbers_are_found(text: str, number: str | None) -> None:
    assert find_order_number(text) == number


def test_the_product_meant_is_named_on_the_page_or_the_only_one_owned() -> None:
    one = Customer("c", products=(OwnedProduct("Lark 2"),))
    two = Customer("c", products=(OwnedProduct("Lark 2"), OwnedProduct("Wren")))

    assert understand("How do I clean it?", customer=one).product == "Lark 2"
    assert understand("How do I clean it?", customer=two).product is None
    assert understand("How do I clean my Wren?", customer=two).product == "Wren"
    assert understand("How do I clean it?", customer=two, page_product="Wren").product == "Wren"
    assert understand("How long does shipping take?", customer=one, page_product="Wren").product is None


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        (
            "The lid drips. what is a seal? also when does the shop open",
            ["The lid drips. what is a seal?", "also when does the shop open?"],
        ),
        ("My Kite shows E4 and what do I do now", ["My Kite shows E4 and what do I do now"]),
        ("how often and what for", ["how often and what for"]),
    ],
)
def test_a_question_mark_parts_what_is_asked_whatever_stands_before(said: str, parts: list[str]) -> None:
    assert split_parts(said) == parts


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("ok. different question, do you take cards", "do you take cards"),
        ("Hi! One more thing: how late is it", "how late is it"),
        ("by the way, is it loud", "is it loud"),
        ("the other thing is loud", "the other thing is loud"),
        ("a new topic", "a new topic"),
    ],
)
def test_what_only_changes_the_subject_is_no_part_of_the_question(said: str, rest: str) -> None:
    assert strip_greeting(said) == rest


def test_asking_for_the_hours_of_people_calls_nobody() -> None:
    assert decide_intent("when can I reach a person?") is Intent.QUESTION
    assert decide_intent("when can I finally talk to a person?") is Intent.ASK_HUMAN


def test_a_products_name_alone_is_asked_about_unless_something_was_asked_before() -> None:
    kite = Catalogue.of([("Kite kettle: manual", ["Kite"])])
    asked = (Turn("customer", "How loud is it?"), Turn("assistant", "Which one?"))

    assert understand("thanks, and the Kite?", catalogue=kite).intent is Intent.NAMES_PRODUCT
    assert understand("the Kite", asked, catalogue=kite).intent is Intent.QUESTION
    assert understand("Kite weight", catalogue=kite).intent is Intent.QUESTION


@pytest.mark.parametrize("said", ["how are you?", "whats up"])
def test_small_talk_is_greeted(said: str) -> None:
    assert decide_intent(said) is Intent.GREETING


@pytest.mark.parametrize("said", ["can u help me", "I have a quick question", "need help pls"])
def test_who_only_announces_a_question_is_asked_for_it(said: str) -> None:
    assert decide_intent(said) is Intent.OPENS


def test_a_thumb_up_thanks_or_accepts_what_was_offered() -> None:
    assert decide_intent("👍") is Intent.THANKS
    assert decide_intent("👍", offered_person=True) is Intent.ASK_HUMAN


def test_where_a_serial_number_stands_is_no_question_about_ones_own_products() -> None:
    assert decide_intent("where do I find the serial number of my kettle") is Intent.QUESTION
    assert decide_intent("what is the serial number of my kettle") is Intent.MY_PRODUCTS
