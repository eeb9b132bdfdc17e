"""Answers from the customer's own records: orders, appointments, products. Floor: pure.

The customer comes from the verified session, never from what was typed: another customer's order cannot be reached.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from assistant.profile.customer import Appointment, Customer, Order
from assistant.turn.understanding import Intent, Understanding

TALK_TO_A_PERSON = "Talk to a person"
_DONE = ("delivered", "returned", "cancelled", "canceled", "refunded", "completed")
_MONTHS = dict(enumerate(calendar.month_name))


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished answer that stands on no passage. `hand_over` is the reason to pass the conversation on, if any."""

    text: str
    outcome: str = "answered"
    suggestions: tuple[str, ...] = ()
    hand_over: str | None = None


def answer_from_records(understood: Understanding, customer: Customer | None) -> Reply | None:
    """The answer to a question about the asker's own records; None when it is not such a question."""
    if understood.intent not in (Intent.ORDER_STATUS, Intent.APPOINTMENT, Intent.MY_PRODUCTS):
        return None
    if customer is None:
        return _ask_to_sign_in(understood.intent)
    match understood.intent:
        case Intent.ORDER_STATUS:
            return _orders(understood, customer)
        case Intent.APPOINTMENT:
            return _appointments(customer.appointments)
    return _products(understood, customer)


def say_date(iso: str) -> str:
    """`2026-11-23` or an RFC 3339 time as `23 November 2026`; anything else unchanged."""
    try:
        day = date.fromisoformat(iso[:10])
    except ValueError:
        return iso
    return f"{day.day} {_MONTHS[day.month]} {day.year}"


def say_time(at: str) -> str:
    """An RFC 3339 time as `23 November 2026 at 14:30`, in the zone it was written in."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return at
    return f"{say_date(at)} at {moment:%H:%M}" if "T" in at or " " in at else say_date(at)


def say_list(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""


def open_orders(customer: Customer) -> list[Order]:
    """Orders still on their way, newest first."""
    return [order for order in customer.orders if order.status.lower() not in _DONE]


def describe_order(order: Order) -> str:
    """One order as one or two sentences, every fact from the record."""
    what = say_list(order.items)
    status = order.status.lower()
    head = f"Your order **{order.number}** ({what}), placed on {say_date(order.placed_on)},"
    match status:
        case "delivered":
            when = f" on {say_date(order.delivered_on)}" if order.delivered_on else ""
            body = f"was delivered{when}."
        case "in transit" | "shipped" | "out for delivery":
            body = "is out for delivery." if status == "out for delivery" else "is on its way."
        case "processing" | "placed" | "confirmed" | "packed":
            body = f"is {'being prepared' if status == 'processing' else status} and has not left us yet."
        case "returned" | "cancelled" | "canceled" | "refunded":
            body = f"was {status}."
        case _:
            body = f"has the status “{order.status}”."
    sentences = [f"{head} {body}"]
    if order.expected_on and status not in _DONE:
        sentences.append(f"It is expected on {say_date(order.expected_on)}.")
    if order.tracking and status not in ("returned", "cancelled", "canceled", "refunded", "processing"):
        sentences.append(f"The tracking number is {order.tracking}.")
    return " ".join(sentences)


def _orders(understood: Understanding, customer: Customer) -> Reply:
    if not customer.orders:
        return Reply(
            "I see no order on your account. If you ordered as a guest or with another e-mail address, a colleague can "
            "look for it.",
            suggestions=(TALK_TO_A_PERSON,),
        )
    chosen = _choose_orders(understood, customer)
    if isinstance(chosen, str):
        return Reply(chosen, suggestions=(TALK_TO_A_PERSON,))
    if len(chosen) == 1:
        return Reply(_with_total(understood, chosen[0]), outcome="acted")
    lines = "\n".join(f"- {describe_order(order)}" for order in chosen)
    return Reply(f"These are your orders:\n\n{lines}", outcome="acted")


def _choose_orders(understood: Understanding, customer: Customer) -> Sequence[Order] | str:
    """The orders meant, or a sentence saying that the number given is none of this customer's."""
    if number := understood.order_number:
        for order in customer.orders:
            if _bare(order.number) == _bare(number) or _bare(number) in (_bare(order.number)[-len(_bare(number)) :],):
                return [order]
        known = say_list([order.number for order in customer.orders[:5]])
        return f"I find no order {number} on your account. Your orders are {known}. Which one do you mean?"
    text = understood.standalone.lower()
    if re.search(r"\borders\b", text):
        return customer.orders[:10]
    words = set(re.findall(r"\w+", text))
    named = [o for o in customer.orders if any(set(re.findall(r"\w+", item.lower())) <= words for item in o.items)]
    pending = [order for order in (named or customer.orders) if order in open_orders(customer)]
    return pending or (named or list(customer.orders))[:1]


def _with_total(understood: Understanding, order: Order) -> str:
    text = describe_order(order)
    if re.search(r"\b(?:total|cost|price|paid|pay|much)\b", understood.question, re.I):
        text += f" The total was {order.total}."
    return text


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
