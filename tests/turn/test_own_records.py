"""Answers from the customer's own records name every fact and never another's."""

from __future__ import annotations

import pytest

from assistant.profile.customer import Appointment, Customer, Order, OwnedProduct
from assistant.profile.dates import say_date, say_time
from assistant.turn.policy import decide_before_search, decline
from assistant.turn.records import TALK_TO_A_PERSON, Reply, answer_from_records, say_list
from assistant.turn.understanding import understand

CUSTOMER = Customer(
    "c1",
    "Maya Fields",
    orders=(
        Order("AM-1007", "2026-11-10", "in transit", ("Heron",), "£129", tracking="TRK9", expected_on="2026-11-25"),
        Order("AM-0900", "2026-03-01", "delivered", ("Lark 2", "Wren"), "£738", delivered_on="2026-03-04"),
    ),
    appointments=(Appointment("a1", "2026-12-01T14:30:00+00:00", "Repair of the Wren", "booked"),),
    products=(OwnedProduct("Lark 2", "2026-03-01", "LK2-77"),),
)


def ask(text: str, customer: Customer | None = CUSTOMER) -> Reply:
    reply = answer_from_records(understand(text, customer=customer), customer)
    assert reply is not None
    return reply


def test_the_order_on_its_way_is_told_without_asking_for_its_number() -> None:
    reply = ask("Where is my order?")

    assert reply.outcome == "acted"
    for fact in ("AM-1007", "Heron", "25 November 2026", "TRK9"):
        assert fact in reply.text
    assert "AM-0900" not in reply.text


def test_an_order_named_by_number_or_by_what_is_in_it_is_told() -> None:
    assert "4 March 2026" in ask("Where is my order AM-0900?").text
    assert "AM-0900" in ask("Has my Wren been delivered?").text


def test_a_number_that_is_not_theirs_reveals_nothing_but_their_own() -> None:
    reply = ask("Where is order AM-5555?")

    assert "no order AM-5555" in reply.text
    assert reply.outcome != "acted"


def test_appointments_and_products_are_told() -> None:
    assert "1 December 2026 at 14:30" in ask("When is my appointment?").text
    assert "LK2-77" in ask("What is my serial number?").text


def test_a_visitor_is_told_how_to_sign_in() -> None:
    reply = ask("Where is my order AM-1007?", customer=None)

    assert "sign in" in reply.text
    assert "AM-1007" not in reply.text


def test_silence_while_somebody_else_has_the_floor() -> None:
    decision = decide_before_search(understand("hi"), floor="agent", customer=None, declines_in_row=0, turns_before=0)

    assert decision is not None
    assert decision.reply is None


@pytest.mark.parametrize("said", ["Hello", "Thanks!", "Bye", "Are you a bot?"])
@pytest.mark.parametrize("customer", [CUSTOMER, None], ids=["known", "visitor"])
@pytest.mark.parametrize("turns_before", [0, 3])
def test_nothing_is_called_out(said: str, customer: Customer | None, turns_before: int) -> None:
    decision = decide_before_search(
        understand(said), floor="assistant", customer=customer, declines_in_row=0, turns_before=turns_before
    )

    assert decision is not None
    assert decision.reply is not None
    assert "!" not in decision.reply.text


def test_every_decline_offers_a_person_and_none_brings_one_unasked() -> None:
    replies = [decline(0), decline(1), decline(5)]

    assert all(reply.hand_over is None and TALK_TO_A_PERSON in reply.suggestions for reply in replies)
    assert replies[0].text != replies[1].text


def test_dates_times_and_lists_are_said_as_people_say_them() -> None:
    assert say_date("2026-11-03") == "3 November 2026"
    assert say_date("soon") == "soon"
    assert say_time("2026-11-03T09:05:00Z") == "3 November 2026 at 09:05"
    assert say_list(["a", "b", "c"]) == "a, b and c"
    assert say_list([]) == ""
