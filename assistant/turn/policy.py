"""What we do about a customer's message: answer, decline, act on own records, hand over, keep silent. Floor: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.journal.events import Event, Kind, Role
from assistant.journal.transcript import ASSISTANT_FLOOR
from assistant.profile.customer import Customer
from assistant.turn.records import TALK_TO_A_PERSON, Reply, answer_from_records, describe_order, open_orders
from assistant.turn.understanding import Intent, Understanding

ANSWER_SURENESS = 0.5  # below it the passages do not hold the answer more often than they do
DECLINES_BEFORE_HANDOVER = 2  # the second decline in a row passes the conversation on

DECLINED_TEXT = (
    "I could not find this in our help pages, and I would rather not guess. Would you like to talk to a person?"
)
HANDING_OVER_TEXT = "I am passing you to a colleague now. They can read everything we wrote, so you need not repeat it."
DECLINED_AGAIN_TEXT = (
    "I could not find this either, so I am passing you to a colleague. They can read everything we wrote, so you need "
    "not repeat it."
)
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
    understood: Understanding, *, floor: str, customer: Customer | None, declines_in_row: int, turns_before: int
) -> Decision | None:
    """What to do without looking into the knowledge; None: search first."""
    if floor != ASSISTANT_FLOOR:
        return Decision(Verdict.SILENT, reason=f"floor:{floor}")
    if reply := answer_from_records(understood, customer):
        return Decision(Verdict.REPLY, reply, "own_records" if customer else "sign_in_first")
    if reply := _small_talk(understood.intent, customer, declines_in_row=declines_in_row, turns_before=turns_before):
        return Decision(Verdict.REPLY, reply, understood.intent.value)
    return None


def decide_after_search(
    sureness: float, *, found: int, declines_in_row: int, threshold: float = ANSWER_SURENESS
) -> Decision:
    """Answer or decline. A decline that follows another hands over."""
    if found and sureness >= threshold:
        return Decision(Verdict.ANSWER, reason="sure_enough")
    return Decision(Verdict.DECLINE, decline(declines_in_row), "nothing_found" if not found else "not_sure")


def decline(declines_in_row: int, suggestions: Sequence[str] = ()) -> Reply:
    """The honest refusal; from the second in a row on it passes the conversation to a person."""
    if declines_in_row + 1 >= DECLINES_BEFORE_HANDOVER:
        return Reply(DECLINED_AGAIN_TEXT, "declined", hand_over="not_found_twice")
    return Reply(DECLINED_TEXT, "declined", (TALK_TO_A_PERSON, *suggestions))


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


def _small_talk(intent: Intent, customer: Customer | None, *, declines_in_row: int, turns_before: int) -> Reply | None:
    name = f" {customer.first_name}" if customer and customer.first_name else ""
    match intent:
        case Intent.GREETING:
            return Reply(_greeting(customer, again=turns_before > 0))
        case Intent.THANKS:
            return Reply(f"You are welcome{',' + name if name else ''}! Is there anything else?")
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
            return Reply("I am sorry that I am not helping. " + HANDING_OVER_TEXT, hand_over="customer_unhappy")
        case Intent.UNHAPPY:
            return Reply(
                "I am sorry, that was not what you needed. Could you tell me in other words what you want to know? "
                "Or talk to a person, who can read all of this.",
                outcome="declined",
                suggestions=(TALK_TO_A_PERSON,),
            )
        case Intent.UNREADABLE:
            return Reply("I could not read that. What would you like to know?", outcome="clarifying")
    return None


def _greeting(customer: Customer | None, *, again: bool) -> str:
    if customer is None or not customer.first_name:
        return "Hello! How can I help you?" if not again else "Hello again! What can I do for you?"
    hello = f"Hello{' again,' if again else ''} {customer.first_name}!"
    if not again and (pending := open_orders(customer)):
        return f"{hello} {describe_order(pending[0])} How can I help you?"
    return f"{hello} How can I help you?"
