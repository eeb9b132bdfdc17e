"""What tells who somebody is, taken out of what they wrote. Floor: pure.

People who write help pages read customers' questions and agents' answers, and need not know whose they are. Rules can
miss something: a draft says what was left out, and a person reads it before it is published.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.profile.customer import Customer, OwnedProduct

EMAIL, PHONE, NUMBER, NAME, ADDRESS = "e-mail address", "phone number", "order or serial number", "name", "address"
_SHOWN = {EMAIL: "[e-mail]", PHONE: "[phone]", NUMBER: "[number]", NAME: "[name]", ADDRESS: "[address]"}

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w£$€.,-])(?:\+\d|\(?0\d)[\d ()/.-]{6,16}\d(?![\w%])")
_CARD = re.compile(r"(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
# Part numbers ("P-9001") and model names stay: what is left out is what the words call an order, or is longer.
_LONG_NUMBER = re.compile(r"(?<![\w-])(?:[A-Z]{1,4}-?\d{6,12}|[A-Z]{2}\d{4}-\d{4,6}|\d{8,12})(?![\w-])")
_CALLED_NUMBER = re.compile(
    r"\b(?:order|invoice|tracking|parcel|serial|ticket|case|customer|account|reference|booking)"
    r"(?: (?:number|no\.?|id|code))?(?: (?:is|was))?[ :#]{1,3}((?=[\w-]*\d)[\w-]{4,24})",
    re.IGNORECASE,
)
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b")
_STREET = re.compile(
    r"\b\d{1,4}[a-z]? (?:[A-Z][\w'’-]+ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Close|Way|Square|Court)\b"
)
_CALLS_SELF = re.compile(
    r"\b(?i:my name is|my name's|i am called|this is|i am|i'm)[ ]+"
    r"([A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,2})(?=\s*(?:[,.!\n]|and\b|from\b|here\b|$))",
)
_GREETING = re.compile(
    r"^\s*(?i:hi|hello|hey|dear|good (?:morning|afternoon|evening))(?i: there| again)?"
    r"(?:[ ,]+(?!(?:The|Your|You|It|We|Our|A|Yes|No|Thank|Thanks|I)\b)[A-Z][\w'’-]*(?: [A-Z][\w'’-]*){0,2})?"
    r"\s*(?:[,.!:–-]+\s*|\n)"
)
_THANKS_FOR_WAITING = re.compile(
    r"^\s*(?:thank you|thanks|sorry|apologies)(?: so much| very much)? for (?:waiting|your patience|getting in touch|"
    r"contacting us|the wait|your message|reaching out)[^.!?\n]*[.!?]?\s*",
    re.IGNORECASE,
)
_SIGN_OFF = re.compile(
    r"\s*(?:\n|(?<=[.!?]) )(?:(?:kind|best|warm)(?:est)? (?:regards|wishes)|regards|cheers|sincerely|yours|best|"
    r"many thanks)[,.!]?\s*(?:\n?\s*[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)?)?[.!]?\s*$",
    re.IGNORECASE,
)
_COMMON_WORDS = frozenset(("may", "will", "mark", "art", "bill", "rose", "grace", "hope", "joy", "faith", "sue", "rob"))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without what tells who somebody is. `left_out` names the kinds of thing taken out, each once."""

    text: str
    left_out: tuple[str, ...] = ()


def without_personal(text: str, known: Iterable[str] = ()) -> Cleaned:
    """`text` with a word in brackets for each e-mail address, phone number, order number, name and address.

    Args:
        known: what is known to be personal here, such as names: left out wherever it stands (`personal_of`).
    """
    found: list[str] = []

    def leave_out(kind: str, pattern: re.Pattern[str], group: int = 0) -> None:
        nonlocal text

        def shown(match: re.Match[str]) -> str:
            found.append(kind)
            start, end = match.start(group) - match.start(), match.end(group) - match.start()
            return match[0][:start] + _SHOWN[kind] + match[0][end:]

        text = pattern.sub(shown, text)

    leave_out(EMAIL, _EMAIL)
    for kind, value in _sorted_known(known):
        leave_out(kind, re.compile(rf"(?<!\w){re.escape(value)}(?!\w)", re.IGNORECASE if len(value) > 3 else 0))
    leave_out(NAME, _CALLS_SELF, 1)
    leave_out(NUMBER, _CALLED_NUMBER, 1)
    leave_out(NUMBER, _IBAN)
    leave_out(NUMBER, _CARD)
    leave_out(PHONE, _PHONE)
    leave_out(NUMBER, _LONG_NUMBER)
    leave_out(ADDRESS, _STREET)
    leave_out(ADDRESS, _POSTCODE)
    return Cleaned(text, tuple(dict.fromkeys(found)))


def without_manners(text: str) -> str:
    """An agent's message without its greeting, its thanks for waiting and its sign-off: what is left may be a page."""
    text = _GREETING.sub("", text, count=1)
    text = _THANKS_FOR_WAITING.sub("", text, count=1)
    text = _SIGN_OFF.sub("", text).strip()
    return text[:1].upper() + text[1:]


def personal_of(customer: Customer | None, *names: str | None) -> tuple[str, ...]:
    """What is personal in a conversation with this customer, and with these people in it."""
    known = [*names]
    if customer is not None:
        known += [customer.name, customer.email, customer.phone]
        known += [value for order in customer.orders for value in (order.number, order.tracking)]
        known += [value for product in customer.products for value in (product.serial, product.order)]
        known += [appointment.id for appointment in customer.appointments]
    return tuple(dict.fromkeys(value.strip() for value in known if value and value.strip()))


def nameless(customer: Customer | None) -> Customer | None:
    """Whom a question is rehearsed for: the products they own, and nothing by which they could be told."""
    if customer is None:
        return None
    products = tuple(OwnedProduct(product.name) for product in customer.products)
    return Customer(customer.id, locale=customer.locale, products=products)


def _sorted_known(known: Iterable[str]) -> list[tuple[str, str]]:
    """Whole names first, then their parts, so that "Ada Lovelace" goes as one."""
    values: dict[str, str] = {}
    for value in known:
        has_digit = any(character.isdigit() for character in value)
        values[value] = NUMBER if has_digit else NAME
        if not has_digit and "@" not in value:
            parts = [part for part in re.split(r"\s+", value) if len(part) > 2]
            values.update({part: NAME for part in parts if part.lower() not in _COMMON_WORDS})
    return sorted(((kind, value) for value, kind in values.items()), key=lambda item: (-len(item[1]), item[1]))
