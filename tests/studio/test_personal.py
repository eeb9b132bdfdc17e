"""What is left out of what people wrote, and what must stay."""

from __future__ import annotations

import pytest

from assistant.profile.customer import Customer, Order, OwnedProduct
from assistant.studio.personal import nameless, personal_of, without_manners, without_personal

ADA = Customer(
    "cus_1",
    name="Ada Lovelace",
    email="ada@example.com",
    phone="+44 7700 900142",
    products=(OwnedProduct("Lark 2", serial="LK2609-01423", order="A-103912"),),
    orders=(Order("A-104655", "2026-11-05", "delivered", ("Lark 2",), "£499", tracking="NL402866190"),),
)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Write to ada.l+shop@mail.example.co.uk please", "Write to [e-mail] please"),
        ("Call me on +44 7700 900142 or 020 7946 0018.", "Call me on [phone] or [phone]."),
        ("My order A-104655 is late", "My order [number] is late"),
        ("order number is 77-1234", "order number is [number]"),
        ("The parcel NL402881765 is lost", "The parcel [number] is lost"),
        ("Its serial number: HR2606-02950", "Its serial number: [number]"),
        ("My name is Mei-Ling Chen, and it leaks", "My name is [name], and it leaks"),
        ("I'm Tomasz. It leaks.", "I'm [name]. It leaks."),
        ("Card 4111 1111 1111 1111", "Card [number]"),
        ("IBAN GB33BUKB20201555555555", "IBAN [number]"),
        ("Send it to 12 Mill Lane, OX1 4AB", "Send it to [address], [address]"),
    ],
)
def test_what_tells_who_somebody_is_is_left_out(text, cleaned):
    assert without_personal(text).text == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "The filter P-2207 for the Lark 2 costs £14.25.",
        "It shows E4 after 4,400 hours at 16 °dH.",
        "I am angry. I'm sure it broke on 2026-11-09, at 14:00.",
        "Is the 2.4 GHz network in 10-12 rooms enough?",
        "This is bad, and 100 % of 1,000,000 are.",
        "The Lark 2 is 300 x 400 x 200 mm.",
        "Order by 14:00 and it leaves the same day.",
    ],
)
def test_part_numbers_prices_codes_dates_and_measures_stay(text):
    assert without_personal(text).text == text


def test_what_is_known_of_the_customer_goes_wherever_it_stands_and_is_told_by_kind():
    text = "Ada's Lark 2 (LK2609-01423) of A-104655: Ms Lovelace can send it back."

    cleaned = without_personal(text, personal_of(ADA, "Nora Quill"))

    assert cleaned.text == "[name]'s Lark 2 ([number]) of [number]: Ms [name] can send it back."
    assert set(cleaned.left_out) == {"name", "order or serial number"}


def test_a_name_that_is_a_word_goes_only_with_its_surname():
    cleaned = without_personal("Will Grace Hope get it? You may ask.", ["Grace Hope", "May Smith"])

    assert cleaned.text == "Will [name] get it? You may ask."


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Hello Tomasz,\n\nyes, you can.\n\nKind regards,\nNora", "Yes, you can."),
        ("Hi there! The filter costs £49.", "The filter costs £49."),
        ("Hello, yes: it can be engraved.", "Yes: it can be engraved."),
        ("Dear Ms Lovelace, thank you for waiting. Our workshop does it. Best, Nora", "Our workshop does it."),
        ("Heron and Lark share the tank.", "Heron and Lark share the tank."),
        ("Highly limed water needs it monthly.", "Highly limed water needs it monthly."),
    ],
)
def test_manners_are_left_out_of_what_becomes_a_page(said, told):
    assert without_manners(said) == told


def test_a_rehearsal_knows_what_the_customer_owns_and_nothing_else():
    known = nameless(ADA)

    assert known is not None
    assert (known.products[0].name, known.name, known.email, known.orders) == ("Lark 2", None, None, ())
    assert "LK2609" not in repr(known)
    assert "A-103912" not in repr(known)
