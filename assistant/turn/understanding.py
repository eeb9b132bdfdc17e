"""What is being asked of us: intent, the question that stands alone, the product it is about. Floor: pure.

Plain rules, made for English and harmless elsewhere: what no rule knows is a question and goes to the knowledge.
With a model, `answering.py` asks it to rewrite what leans on what was said before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.profile.customer import Customer
from assistant.turn import phrases
from assistant.turn.before import NOTHING_BEFORE, Before
from assistant.turn.mending import mend, without_anger
from assistant.turn.sentences import content_words
from assistant.turn.subject import NO_SUBJECT, Subject, decide_subject
from knowledge.documents import Turn
from knowledge.products import Catalogue

MAX_PARTS = 3
SHORT_QUESTION = 4  # content words; a longer question that says "that" says itself what
NO_PRODUCTS = Catalogue()  # names are words like others


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
    OPENS = "opens"  # "can you help me?", "I have a question"
    NAMES_PRODUCT = "names_product"  # a product's name and nothing that is asked of it
    UNREADABLE = "unreadable"  # no word in it


@dataclass(frozen=True, slots=True)
class Understanding:
    """One or more customer messages, understood.

    `question` is the customer's words less the greeting; `standalone` says the same without needing the history;
    `order_number` is one the customer wrote, normalised to upper case; `subject` narrows the search.
    `leans_back`: the question continues what was said before. `rewritten`: a model made `standalone`.
    """

    intent: Intent
    question: str
    standalone: str
    order_number: str | None = None
    subject: Subject = NO_SUBJECT
    leans_back: bool = False
    rewritten: bool = False
    orders_before: tuple[str, ...] = ()  # those our last answer told of
    only_number: bool = False  # nothing but its number makes it one about an order
    catalogue: Catalogue = NO_PRODUCTS  # what products are known, the customer's own among them

    @property
    def searched(self) -> str:
        """What the search is asked. It knows the conversation itself: put in front, the question before misleads it."""
        return self.standalone if self.rewritten else self.question

    @property
    def product(self) -> str | None:
        """The one product it is about, None when that is open."""
        return self.subject.only


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?", re.UNICODE)
_THREE_DIGITS = re.compile(r"\d{3}")  # in every order number; looking for them first takes a tenth of the time


def decide_intent(text: str, history: Sequence[Turn] = (), *, offered_person: bool = False) -> Intent:
    """What the customer wants from us. `offered_person`: our last message offered one, so that a bare yes accepts."""
    words = _WORD.findall(text.lower())
    if not words and phrases.AGREES.search(text):
        words = ["ok"]
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
        if phrases.OPENS.search(rest):
            return Intent.OPENS
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
    catalogue: Catalogue = NO_PRODUCTS,
    before: Before = NOTHING_BEFORE,
) -> Understanding:
    """The customer's message(s) understood by rules alone; see `Understanding`."""
    owned = [product.name for product in customer.products] if customer else []
    known = catalogue.with_names([*owned, *([page_product] if page_product else [])])
    question = mend(without_anger(strip_greeting(text)), known)
    if resumed := _resumed(question, known, before):
        name, standalone = resumed
        subject = Subject((name,), True, tuple(dict.fromkeys(owned)))
        return Understanding(Intent.QUESTION, standalone, standalone, subject=subject, catalogue=known)
    leans_back = needs_context(question, history)
    intent = decide_intent(text, history, offered_person=offered_person)
    if intent is Intent.QUESTION and before.record and phrases.GOES_ON_ABOUT_ORDER.search(question):
        intent = Intent(before.record)
    names_only = intent is Intent.QUESTION and known.names and _only_product(_without_thanks(question), known)
    if names_only and not _has_asked(history):
        intent = Intent.NAMES_PRODUCT
    standalone = stand_alone(question, history, catalogue=known, before=before) if leans_back else question
    is_put_anew = not standalone.endswith(question)  # "and the Mini?" has become a question of its own
    return Understanding(
        intent=intent,
        question=standalone if is_put_anew else question,
        standalone=standalone,
        order_number=find_order_number(question),
        subject=decide_subject(
            question, known, customer=customer, page_product=page_product, before=before, leans_back=leans_back
        ),
        leans_back=leans_back and not is_put_anew,
        orders_before=before.orders,
        only_number=intent is Intent.ORDER_STATUS and not phrases.ORDER_STATUS.search(question),
        catalogue=known,
    )


def _resumed(question: str, catalogue: Catalogue, before: Before) -> tuple[str, str] | None:
    """The product chosen and the pending question put with it, where this message says which product was meant."""
    if before.pending is None or len(_WORD.findall(question)) > 7:
        return None
    meant = catalogue.named(question) or catalogue.of_kind(question)
    chosen = [name for name in meant if name in before.choices] or list(meant) or _generation(question, before.choices)
    if len(chosen) != 1 or decide_intent(question) is not Intent.QUESTION:
        return None
    return chosen[0], f"{before.pending.rstrip(' ?.!')} ({chosen[0]})?"


def _generation(question: str, choices: Sequence[str]) -> list[str]:
    """The one that "the old one" or "the new one" means, where a number tells the generations apart."""
    numbered = [name for name in choices if name.rpartition(" ")[0] in choices and name.rpartition(" ")[2].isdigit()]
    if phrases.NEWER.search(question):
        return numbered
    return [name.rpartition(" ")[0] for name in numbered] if phrases.OLDER.search(question) else []


def strip_greeting(text: str) -> str:
    """The text less a leading hello and "another question:"; the text itself when nothing would be left."""
    rest = phrases.CHANGES_SUBJECT.sub("", phrases.LEADING_GREETING.sub("", text)).strip()
    return rest or text.strip()


def needs_context(question: str, history: Sequence[Turn]) -> bool:
    """Whether the question leans on what was said before: it points back, continues, or is two words."""
    if not any(turn.role == "customer" for turn in history):
        return False
    words = _WORD.findall(question)
    return (
        len(words) <= 2
        or bool(phrases.CONTINUES.search(question))
        or (len(content_words(question)) <= SHORT_QUESTION and bool(phrases.REFERS_BACK.search(question)))
    )


def stand_alone(
    question: str, history: Sequence[Turn], *, catalogue: Catalogue = NO_PRODUCTS, before: Before = NOTHING_BEFORE
) -> str:
    """The question with what it leans on in front, or in the case of "and the Mini?" with the product changed."""
    if not needs_context(question, history):
        return question
    if before.asked and (name := _only_product(question, catalogue)):
        return _with_product(before.asked, name, catalogue)
    if before.asked and before.cited:
        return f"{before.asked[:300]} {question}"
    earlier = [t.text for t in history if t.role == "customer" and decide_intent(t.text) is Intent.QUESTION]
    if not earlier:
        return question
    anchor = next((text for text in reversed(earlier) if not needs_context(text, history[:1])), earlier[-1])
    return f"{strip_greeting(anchor)[:300]} {question}"


def _only_product(question: str, catalogue: Catalogue) -> str | None:
    """The product that a question names, or means by its kind, when it says nothing else: "and the Mini?"."""
    meant = catalogue.named(question)[:1] or catalogue.of_kind(question)
    return meant[0] if len(meant) == 1 and not content_words(catalogue.unnamed(question, meant)) else None


def _with_product(asked: str, name: str, catalogue: Catalogue) -> str:
    for old in sorted(catalogue.named(asked), key=len, reverse=True):
        asked = re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", name, asked, flags=re.IGNORECASE)
    return asked if name in asked else f"{asked.rstrip(' ?.!')} ({name})?"


def find_order_number(text: str) -> str | None:
    """The first thing in the text shaped like an order number, upper-cased; None if there is none."""
    match = phrases.ORDER_NUMBER.search(text) if _THREE_DIGITS.search(text) else None
    return match[1].upper() if match else None


def _has_asked(history: Sequence[Turn]) -> bool:
    return any(turn.role == "customer" and decide_intent(turn.text) is Intent.QUESTION for turn in history)


def _without_thanks(text: str) -> str:
    """The text less thanks and words that say nothing: "thanks, but what about the Wren then"."""
    polite = phrases.THANKS | phrases.FILLER
    return _WORD.sub(lambda match: "" if match[0].lower() in polite else match[0], text)


def _small_talk(words: Sequence[str]) -> Intent | None:
    greets = _only(words, phrases.GREETING | phrases.FILLER | phrases.SMALL_ASK, phrases.GREETING - {"good"})
    if greets and words != ["good"]:
        return Intent.GREETING
    if " ".join(word for word in words if word not in phrases.GREETING) in phrases.HOW_ARE_YOU:
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
    if phrases.MY_PRODUCTS.search(text) and not phrases.WHERE_IT_STANDS.search(text):
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


def split_parts(question: str) -> list[str]:
    """The questions in a question: "how often, what does it cost and how do I reset it" are three.

    A part that says too little of its own is put behind the first.
    """
    parts = [part for whole in phrases.NEXT_QUESTION.split(question) for part in _parts_of(whole)]
    if len(parts) < 2 or not phrases.ASKS.search(parts[0]) or any(len(_WORD.findall(part)) < 3 for part in parts):
        return [question]
    first = parts[0]
    return [f"{first}?", *(f"{first}? {part}?" if _leans(part) else f"{part}?" for part in parts[1:MAX_PARTS])]


def _parts_of(whole: str) -> list[str]:
    """The parts of one sentence that asks from its first word on; what tells before it asks is left whole."""
    parts = [part.strip(" ,;.?") for part in phrases.NEXT_PART.split(whole)]
    return parts if phrases.ASKS.match(parts[0]) else [whole.strip(" ,;.?")]


def _leans(part: str) -> bool:
    return len(content_words(part)) < 2 or phrases.REFERS_BACK.search(part) is not None
