"""What is being asked of us: intent, the question that stands alone, the product it is about. Floor: pure.

Plain rules, made for English and harmless elsewhere: what no rule knows is a question and goes to the knowledge.
With a model, `answering.py` asks it to rewrite where `needs_context` says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.profile.customer import Customer
from assistant.turn import phrases
from knowledge.documents import Turn


class Intent(StrEnum):
    QUESTION = "question"  # for the knowledge
    GREETING = "greeting"
    THANKS = "thanks"
    FAREWELL = "farewell"
    ARE_YOU_A_BOT = "are_you_a_bot"
    ASK_HUMAN = "ask_human"
    UNHAPPY = "unhappy"  # says that we do not help, without a question we could look up
    REPORTS_URGENT = "reports_urgent"  # smoke, fire, injury: a person, now
    ORDER_STATUS = "order_status"
    APPOINTMENT = "appointment"
    MY_PRODUCTS = "my_products"
    UNREADABLE = "unreadable"  # no word in it


@dataclass(frozen=True, slots=True)
class Understanding:
    """One or more customer messages, understood.

    `question` is the customer's words less the greeting; `standalone` says the same without needing the history;
    `order_number` is one the customer wrote, normalised to upper case; `product` narrows the search, None does not.
    `rewritten`: a model made `standalone`, so that the search needs no history.
    """

    intent: Intent
    question: str
    standalone: str
    order_number: str | None = None
    product: str | None = None
    rewritten: bool = False


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?", re.UNICODE)


def decide_intent(text: str, history: Sequence[Turn] = (), *, offered_person: bool = False) -> Intent:
    """What the customer wants from us. `offered_person`: our last message offered one, so that a bare yes accepts."""
    words = [word.lower() for word in _WORD.findall(text)]
    if not words:
        return Intent.UNREADABLE
    rest = phrases.LEADING_GREETING.sub("", text)
    if phrases.URGENT.search(text) and not phrases.SUPPOSES.search(text):
        return Intent.REPORTS_URGENT
    if phrases.ASK_HUMAN.search(rest) and not phrases.NOT_HUMAN.search(rest):
        return Intent.ASK_HUMAN
    if offered_person and _only(words, phrases.YES | phrases.FILLER | phrases.THANKS, phrases.YES_CORE):
        return Intent.ASK_HUMAN
    if len(words) <= 9:
        if small := _small_talk(words):
            return small
        if phrases.ARE_YOU_A_BOT.search(text):
            return Intent.ARE_YOU_A_BOT
    if len(words) <= 14 and phrases.UNHAPPY.search(text) and history:
        return Intent.UNHAPPY
    return _records_intent(rest)


def understand(
    text: str,
    history: Sequence[Turn] = (),
    *,
    customer: Customer | None = None,
    page_product: str | None = None,
    offered_person: bool = False,
) -> Understanding:
    """The customer's message(s) understood by rules alone; see `Understanding`."""
    question = strip_greeting(text)
    number = find_order_number(question)
    return Understanding(
        intent=decide_intent(text, history, offered_person=offered_person),
        question=question,
        standalone=stand_alone(question, history),
        order_number=number,
        product=_product(question, history, customer, page_product),
    )


def strip_greeting(text: str) -> str:
    """The text less a leading hello; the text itself when nothing would be left."""
    return phrases.LEADING_GREETING.sub("", text).strip() or text.strip()


def needs_context(question: str, history: Sequence[Turn]) -> bool:
    """Whether the question leans on what was said before: it points back, continues, or is two words."""
    if not any(turn.role == "customer" for turn in history):
        return False
    words = _WORD.findall(question)
    return (
        len(words) <= 2
        or bool(phrases.CONTINUES.search(question))
        or (len(words) <= 14 and bool(phrases.REFERS_BACK.search(question)))
    )


def stand_alone(question: str, history: Sequence[Turn]) -> str:
    """The question with the customer's last full question in front where it leans on it, otherwise unchanged."""
    if not needs_context(question, history):
        return question
    earlier = [t.text for t in history if t.role == "customer" and decide_intent(t.text) is Intent.QUESTION]
    if not earlier:
        return question
    anchor = next((text for text in reversed(earlier) if not needs_context(text, history[:1])), earlier[-1])
    return f"{strip_greeting(anchor)[:300]} {question}"


def find_order_number(text: str) -> str | None:
    """The first thing in the text shaped like an order number, upper-cased; None if there is none."""
    match = phrases.ORDER_NUMBER.search(text)
    return match[1].upper() if match else None


def _small_talk(words: Sequence[str]) -> Intent | None:
    greets = _only(words, phrases.GREETING | phrases.FILLER | phrases.SMALL_ASK, phrases.GREETING - {"good"})
    if greets and words != ["good"]:
        return Intent.GREETING
    if _only(words, phrases.FAREWELL | phrases.FILLER | phrases.THANKS, phrases.FAREWELL_CORE):
        return Intent.FAREWELL
    if words[:2] in (["no", "thanks"], ["no", "thank"]) or " ".join(words) in phrases.NOTHING_MORE:
        return Intent.FAREWELL
    if _only(words, phrases.THANKS | phrases.FILLER, phrases.THANKS_CORE):
        return Intent.THANKS
    return None


def _only(words: Sequence[str], allowed: frozenset[str], core: frozenset[str]) -> bool:
    return all(word in allowed for word in words) and any(word in core for word in words)


def _records_intent(text: str) -> Intent:
    """Whether the answer stands in the customer's own records rather than in the knowledge."""
    if phrases.MY_PRODUCTS.search(text):
        return Intent.MY_PRODUCTS
    asks_how = phrases.GENERAL_HOW.search(text) and not phrases.MY_WAIT.search(text)
    if asks_how:
        return Intent.QUESTION
    if phrases.APPOINTMENT.search(text):
        return Intent.APPOINTMENT
    if phrases.NOT_STATUS.search(text):
        return Intent.QUESTION
    return Intent.ORDER_STATUS if phrases.ORDER_STATUS.search(text) or _names_order(text) else Intent.QUESTION


def _names_order(text: str) -> bool:
    """An order number beside the word, or on its own where it cannot be a plain number."""
    number = find_order_number(text)
    if number is None:
        return False
    if re.search(rf"\b{phrases.ORDER_WORD}\b", text, re.IGNORECASE):
        return True
    return len(_WORD.findall(text)) <= 4 and len(number) >= 6 and not number.isdigit()


def _product(question: str, history: Sequence[Turn], customer: Customer | None, page_product: str | None) -> str | None:
    """The product to search in: named now, named before, on the page, or the only one the customer owns.

    A product is assumed rather than named only where the question speaks of "my", "it" or "the machine", so that
    "how long does shipping take" is never narrowed to a manual.
    """
    owned = list(dict.fromkeys(product.name for product in customer.products)) if customer else []
    known = [*owned, *([page_product] if page_product else [])]
    if named := named_product(question, known):
        return named
    if not phrases.OWN_THING.search(question):
        return None
    for turn in reversed(history):
        if named := named_product(turn.text, known):
            return named
    if page_product:
        return page_product
    return owned[0] if len(owned) == 1 else None


def named_product(text: str, names: Sequence[str]) -> str | None:
    """The longest of `names` that stands in the text as words; None if none does."""
    lowered = text.lower()
    hits = [name for name in names if re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", lowered)]
    return max(hits, key=len) if hits else None
