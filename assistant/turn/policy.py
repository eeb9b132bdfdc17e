"""What we do about a customer's message: answer, decline, act on own records, hand over, keep silent. Floor: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from assistant.journal.events import Event, Kind, Role
from assistant.journal.transcript import ASSISTANT_FLOOR
from assistant.profile.customer import Customer
from assistant.turn.embedded import Composed
from assistant.turn.phrases import SHOWS_PRICE
from assistant.turn.records import TALK_TO_A_PERSON, Reply, answer_from_records, describe_order, open_orders, say_list
from assistant.turn.understanding import Intent, Understanding

# Sureness is fitted on as many questions with an answer as without. Of what customers ask, help pages answer three in
# five or more: there this line is where an answer is as probable as none (docs/decisions/0016).
ANSWER_SURENESS = 0.4
SAME_QUESTION = 0.75  # likeness from which an entry's question is the customer's
TOLD = 0.34  # the share of the question's words that an answer holds at least
ALIKE = 0.64  # likeness without which "can it do this?" is not answered by what hardly mentions it
TOLD_WEIGHT, SURE_WEIGHT = 0.35, 0.15
NAMED_STRENGTH = 0.75  # what an answer must reach where a product is named
STRENGTH = 0.82  # and where sureness alone would not do

NO_PRICE = "no_price"  # the reason of a decision

DECLINED_TEXT = (
    "I could not find this in our help pages, and I would rather not guess. Would you like to talk to a person?"
)
HANDING_OVER_TEXT = "I am passing you to a colleague now. They can read everything we wrote, so you need not repeat it."
DECLINED_AGAIN_TEXT = (
    "I am sorry, I could not find this either. A colleague can surely help: they read everything we wrote, so you need "
    "not repeat any of it. Shall I pass you on?"
)
NOT_HELPED_TEXT = "I am sorry that this has not solved it."
PERSON_MAY_HELP_TEXT = "A colleague can look at it with you; they can read everything we wrote."
UNKNOWN_CODE_TEXT = (
    "I could not find {codes} in our help pages{about}, and I would rather not guess. Is it typed right? "
)
NOT_ALL_TEXT = "I could not find an answer to {questions}; a colleague can tell you."
WAITING_TEXT = "Thank you. A colleague will read this too and answer you here; nobody has taken the conversation yet."
LAST_RESORT_TEXT = (
    "I am sorry, something went wrong on our side and I cannot answer right now. I am passing you to a colleague; they "
    "can read everything you wrote."
)


class Verdict(StrEnum):
    SILENT = "silent"  # somebody else has the floor
    REPLY = "reply"  # `reply` is the answer
    ANSWER = "answer"  # from the passages
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    reply: Reply | None = None
    reason: str = ""


def decide_before_search(
    understood: Understanding,
    *,
    floor: str,
    customer: Customer | None,
    declines_in_row: int,
    turns_before: int,
    today: date | None = None,
) -> Decision | None:
    """What to do without looking into the knowledge; None: search first."""
    if floor != ASSISTANT_FLOOR:
        return Decision(Verdict.SILENT, reason=f"floor:{floor}")
    if reply := answer_from_records(understood, customer, today):
        return Decision(Verdict.REPLY, reply, "own_records" if customer else "sign_in_first")
    if understood.intent is Intent.NAMES_PRODUCT and understood.product:
        reply = Reply(f"What would you like to know about the {understood.product}?", outcome="clarifying")
        return Decision(Verdict.REPLY, reply, understood.intent.value)
    reply = _small_talk(
        understood.intent, customer, declines_in_row=declines_in_row, turns_before=turns_before, today=today
    )
    if reply:
        return Decision(Verdict.REPLY, reply, understood.intent.value)
    return None


def decide_on_answer(
    sureness: float,
    composed: Composed | None,
    *,
    names_product: bool = False,
    owns_product: bool = False,
    yes_or_no: bool = False,
    asks_price: bool = False,
    threshold: float = ANSWER_SURENESS,
) -> Decision:
    """Whether what was composed may be said.

    `sureness` knows how near the passages are to the question. Where a product is named it knows too little, since a
    manual holds its product's name on every page: then what was composed must tell something of what was asked.

    Args:
        owns_product: what was composed tells only of what the customer owns.
        yes_or_no: asked whether something is so; what tells of something else would be taken for a yes.
        asks_price: a price is asked for where many things are told: what shows none tells of another.
    """
    if composed is None:
        return Decision(Verdict.DECLINE, reason="nothing_found")
    if composed.exact:
        return Decision(Verdict.ANSWER, reason="exact")
    if composed.likeness >= SAME_QUESTION and composed.told >= TOLD:
        return Decision(Verdict.ANSWER, reason="same_question")
    if asks_price and not SHOWS_PRICE.search(composed.text):
        return Decision(Verdict.DECLINE, reason=NO_PRICE)
    if names_product and yes_or_no and composed.told < TOLD and composed.likeness < ALIKE:
        return Decision(Verdict.DECLINE, reason="not_told")
    strength = composed.likeness + TOLD_WEIGHT * composed.told + SURE_WEIGHT * sureness
    if strength >= (NAMED_STRENGTH if names_product or owns_product else STRENGTH):
        return Decision(Verdict.ANSWER, reason="well_told")
    if sureness >= threshold and not names_product:
        return Decision(Verdict.ANSWER, reason="sure_enough")
    return Decision(Verdict.DECLINE, reason="not_sure")


def decline(declines_in_row: int, suggestions: Sequence[str] = ()) -> Reply:
    """The honest refusal. A person is offered each time, more warmly the second, and never called unasked."""
    text = DECLINED_AGAIN_TEXT if declines_in_row else DECLINED_TEXT
    return Reply(text, "declined", (TALK_TO_A_PERSON, *suggestions))


def decline_code(codes: Sequence[str], product: str | None) -> Reply:
    """Said when a code is asked about that stands nowhere: an answer about another code would be wrong."""
    about = f" for the {product}" if product else ""
    text = UNKNOWN_CODE_TEXT.format(codes=say_list(codes), about=about) + "If so, a colleague can help."
    return Reply(text, "declined", (TALK_TO_A_PERSON,))


def not_helped() -> Reply:
    """Said when the customer did what we told, in vain, and no document says what then."""
    text = f"{NOT_HELPED_TEXT} {PERSON_MAY_HELP_TEXT} Shall I pass you on?"
    return Reply(text, "declined", (TALK_TO_A_PERSON,))


def ask_which_product(products: Sequence[str]) -> Reply:
    """Asked where each product has an answer of its own."""
    named = say_list([f"the {name}" for name in products], last="or")
    return Reply(f"Which product is it: {named}?", "clarifying", tuple(products))


def still_waiting() -> Reply:
    """Said once to who writes on in the queue."""
    return Reply(WAITING_TEXT, "acted")


def last_resort() -> Reply:
    """What is said when everything else failed: never silence."""
    return Reply(LAST_RESORT_TEXT, "declined", hand_over="assistant_failed")


def count_declines(events: Sequence[Event]) -> int:
    """Our declines in a row up to now. A hand-back, an end or any other answer starts the count again."""
    count = 0
    for event in reversed(events):
        if event.kind in (Kind.HANDOFF_RETURNED, Kind.CONVERSATION_ENDED):
            break
        if event.kind is Kind.MESSAGE and event.author.role is Role.ASSISTANT:
            if (event.data or {}).get("outcome") != "declined":
                break
            count += 1
    return count


def offered_person(events: Sequence[Event]) -> bool:
    """Whether our last message offered a person."""
    for event in reversed(events):
        if event.kind is Kind.MESSAGE and event.author.role is not Role.CUSTOMER:
            return TALK_TO_A_PERSON in ((event.data or {}).get("suggestions") or ())
    return False


def _small_talk(
    intent: Intent, customer: Customer | None, *, declines_in_row: int, turns_before: int, today: date | None
) -> Reply | None:
    name = f" {customer.first_name}" if customer and customer.first_name else ""
    match intent:
        case Intent.GREETING:
            return Reply(_greeting(customer, again=turns_before > 0, today=today))
        case Intent.THANKS:
            return Reply(f"You are welcome{',' + name if name else ''}. Is there anything else?")
        case Intent.FAREWELL:
            return Reply(
                f"Thank you{',' + name if name else ''}. Write any time; I will remember what we talked about."
            )
        case Intent.ARE_YOU_A_BOT:
            return Reply(
                "I am an automated assistant. I answer from our help pages and say where each answer stands. "
                "You can talk to a person whenever you like.",
                suggestions=(TALK_TO_A_PERSON,),
            )
        case Intent.ASK_HUMAN:
            return Reply(HANDING_OVER_TEXT, hand_over="customer_asked")
        case Intent.REPORTS_URGENT:
            return Reply(
                "Your safety comes first: switch the device off at the socket if you can reach it safely, unplug it "
                "and keep away from it. " + HANDING_OVER_TEXT,
                hand_over="safety",
            )
        case Intent.UNHAPPY if declines_in_row:
            return Reply(
                "I am sorry that I am not helping. Shall I pass you to a colleague? They can read everything we wrote.",
                outcome="declined",
                suggestions=(TALK_TO_A_PERSON,),
            )
        case Intent.UNHAPPY:
            return Reply(
                "I am sorry, that was not what you needed. Could you tell me in other words what you want to know? "
                "Or talk to a person, who can read all of this.",
                outcome="declined",
                suggestions=(TALK_TO_A_PERSON,),
            )
        case Intent.OPENS:
            return Reply("Of course. What would you like to know?", outcome="clarifying")
        case Intent.UNREADABLE:
            return Reply("I could not read that. What would you like to know?", outcome="clarifying")
    return None


def _greeting(customer: Customer | None, *, again: bool, today: date | None) -> str:
    if customer is None or not customer.first_name:
        return "Hello. How can I help you?" if not again else "Hello again. What can I do for you?"
    hello = f"Hello{' again,' if again else ''} {customer.first_name}."
    if not again and (pending := open_orders(customer)):
        return f"{hello} {describe_order(pending[0], today)} How can I help you?"
    return f"{hello} How can I help you?"
