"""Answers from the customer's own records: orders, appointments, products. Floor: pure.

The customer comes from the verified session, never from what was typed: another customer's order cannot be reached.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from assistant.profile.customer import Appointment, Customer, Order
from assistant.profile.dates import say_date, say_time
from assistant.turn.sentences import content_words
from assistant.turn.understanding import Intent, Understanding

TALK_TO_A_PERSON = "Talk to a person"
RECALLED_SHARE = 0.5
_STATUS = {
    "in transit": "is on its way",
    "shipped": "is on its way",
    "out for delivery": "is out for delivery",
    "processing": "is being prepared and has not left us yet",
    "returned": "was returned",
    "cancelled": "was cancelled",
    "canceled": "was cancelled",
    "refunded": "was refunded",
    "return on its way to us": "is on its way back to us",
    "return received": "has come back to us",
    "waiting for stock": "is waiting for stock and has not left us yet",
    **{status: f"is {status} and has not left us yet" for status in ("placed", "confirmed", "packed")},
}
_NOT_TRACKED = ("returned", "cancelled", "canceled", "refunded", "processing")
_DONE = ("delivered", "returned", "cancelled", "canceled", "refunded", "completed")


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished answer that stands on no passage. `hand_over` is the reason to pass the conversation on, if any."""

    text: str
    outcome: str = "answered"
    suggestions: tuple[str, ...] = ()
    hand_over: str | None = None
    about: tuple[str, ...] = ()  # order numbers told of


def answer_from_records(
    understood: Understanding, customer: Customer | None, today: date | None = None
) -> Reply | None:
    """The answer to a question about the asker's own records; None when it is not such a question.

    `today` is the customer's day; None tells dates as they stand.
    """
    if understood.intent not in (Intent.ORDER_STATUS, Intent.APPOINTMENT, Intent.MY_PRODUCTS):
        return None
    if customer is None:
        return _ask_to_sign_in(understood.intent)
    match understood.intent:
        case Intent.ORDER_STATUS:
            return _orders(understood, customer, today)
        case Intent.APPOINTMENT:
            return _appointments(customer.appointments)
    return _products(understood, customer)


def say_list(items: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; `last` stands before the last."""
    return f" {last} ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""


def open_orders(customer: Customer) -> list[Order]:
    """Orders still on their way, newest first."""
    return [order for order in customer.orders if order.status.lower() not in _DONE]


def describe_order(order: Order, today: date | None = None) -> str:
    """One order in one to three sentences, every fact from the record. `today` tells whether it is late."""
    status = order.status.lower()
    head = f"Your order **{order.number}** ({say_list(_counted(order.items))}), placed on {say_date(order.placed_on)},"
    if status == "delivered":
        when = f" on {say_date(order.delivered_on)}" if order.delivered_on else ""
        body = f"was delivered{when}."
    elif told := _STATUS.get(status):
        body = f"{told}."
    else:
        body = f"is {order.status}."
    sentences = [f"{head} {body}", _say_expected(order, today)]
    if order.tracking and status not in _NOT_TRACKED:
        sentences.append(f"The tracking number is {order.tracking}.")
    return " ".join(filter(None, sentences))


def _say_expected(order: Order, today: date | None) -> str:
    """When it is due; a day that has passed is not told as if it were ahead."""
    if not order.expected_on or order.status.lower() in _DONE:
        return ""
    day = say_date(order.expected_on)
    if today is not None and order.expected_on[:10] < today.isoformat():
        return f"It was expected on {day} and is late; I am sorry for that."
    is_today = today is not None and order.expected_on[:10] == today.isoformat()
    return f"It is expected {'today, ' if is_today else 'on '}{day}."


def _counted(items: Sequence[str]) -> list[str]:
    """`filter, filter` as `2 × filter`."""
    return [f"{n} × {item}" if (n := list(items).count(item)) > 1 else item for item in dict.fromkeys(items)]


def recall_touchpoint(
    customer: Customer | None, words: frozenset[str], needles: Sequence[str], *, least: int = 2
) -> str:
    """What an earlier contact noted about the matter, quoted with its day; empty when none fits.

    Args:
        words: content words of the question, products' names apart; half of them must stand in the note, and `least`.
        needles: order numbers and codes, any of which in a note makes it fit.
    """
    for touchpoint in customer.touchpoints if customer else ():
        note = f"{touchpoint.summary} {touchpoint.outcome or ''}"
        named = any(re.search(rf"(?<![\w-]){re.escape(needle)}(?![\w-])", note, re.IGNORECASE) for needle in needles)
        shared = len(words & content_words(note))
        if named or (not needles and shared >= max(least, RECALLED_SHARE * len(words))):
            return f"Our note of {say_date(touchpoint.at)} ({touchpoint.channel}) says: “{touchpoint.summary}”"
    return ""


def _orders(understood: Understanding, customer: Customer, today: date | None) -> Reply:
    if not customer.orders:
        return Reply(
            "I see no order on your account. If you ordered as a guest or with another e-mail address, a colleague can "
            "look for it.",
            suggestions=(TALK_TO_A_PERSON,),
        )
    chosen = _choose_orders(understood, customer)
    if isinstance(chosen, str):
        return Reply(chosen, suggestions=(TALK_TO_A_PERSON,))
    numbers = tuple(order.number for order in chosen)
    if len(chosen) > 1:
        lines = "\n".join(f"- {describe_order(order, today)}" for order in chosen)
        return Reply(f"These are your orders:\n\n{lines}", outcome="acted", about=numbers)
    [order] = chosen
    text = describe_order(order, today)
    if re.search(r"\b(?:total|cost|price|paid|pay|much)\b", understood.question, re.I):
        text += f" The total was {order.total}."
    noted = recall_touchpoint(customer, frozenset(), numbers) if order in open_orders(customer) else ""
    suggestions = (TALK_TO_A_PERSON,) if "late" in text else ()
    return Reply("\n\n".join(filter(None, [text, noted])), "acted", suggestions, about=numbers)


def _choose_orders(understood: Understanding, customer: Customer) -> Sequence[Order] | str:
    """The orders meant, or a sentence saying that the number given is none of this customer's."""
    if number := understood.order_number:
        for order in customer.orders:
            if _bare(order.number).endswith(_bare(number)):
                return [order]
        known = say_list([order.number for order in customer.orders[:5]])
        return f"I find no order {number} on your account. Your orders are {known}. Which one do you mean?"
    text = understood.question.lower()
    if re.search(r"\borders\b", text):
        return customer.orders[:10]
    # a word that stands in few of the orders tells which one: "my Wren", "the filters"
    said = content_words(text)
    named = [o for o in customer.orders if any(content_words(item) & said for item in o.items)]
    exact = [o for o in named if any(content_words(item) <= said for item in o.items)]
    told = [o for o in customer.orders if o.number in understood.orders_before]
    candidates = exact or named or told or list(customer.orders)
    pending = [order for order in candidates if order in open_orders(customer)]
    return pending or candidates[:1]


def _bare(number: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", number.upper())


def _appointments(appointments: Sequence[Appointment]) -> Reply:
    booked = [appointment for appointment in appointments if appointment.status.lower() == "booked"]
    if not booked:
        return Reply("You have no appointment booked. A colleague can arrange one.", suggestions=(TALK_TO_A_PERSON,))
    if len(booked) == 1:
        return Reply(f"Your next appointment is on {say_time(booked[0].at)}: {booked[0].what}.", outcome="acted")
    lines = "\n".join(f"- {say_time(a.at)}: {a.what}" for a in booked)
    return Reply(f"These are your appointments:\n\n{lines}", outcome="acted")


def _products(understood: Understanding, customer: Customer) -> Reply:
    if not customer.products:
        return Reply("I see no product registered to you. A colleague can add it.", suggestions=(TALK_TO_A_PERSON,))
    wanted = [p for p in customer.products if p.name == understood.product] or list(customer.products)
    lines = []
    for product in wanted:
        facts = [f"bought on {say_date(product.bought_on)}" if product.bought_on else ""]
        facts += [f"serial number {product.serial}" if product.serial else ""]
        facts += [f"order {product.order}" if product.order else ""]
        known = say_list([fact for fact in facts if fact])
        lines.append(f"{product.name}{f', {known}' if known else ''}")
    if len(lines) == 1:
        return Reply(f"You have the {lines[0]}.", outcome="acted")
    return Reply("These are your products:\n\n" + "\n".join(f"- {line}" for line in lines), outcome="acted")


def _ask_to_sign_in(intent: Intent) -> Reply:
    what = {
        Intent.ORDER_STATUS: "your order",
        Intent.APPOINTMENT: "your appointments",
        Intent.MY_PRODUCTS: "your products",
    }[intent]
    return Reply(
        f"I can look up {what} once you are signed in, so that nobody else can see it. Please sign in to your account "
        "on this site, and I will know it is you. If you have no account, a colleague can help you.",
        outcome="clarifying",
        suggestions=(TALK_TO_A_PERSON,),
    )
