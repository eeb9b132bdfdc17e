"""What can happen in a conversation: the kinds of event and who may see them. Floor: pure.

Everything durable is one of these. `store.py` numbers, chains and keeps them; `transcript.py` folds them into state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    AGENT = "agent"
    SYSTEM = "system"


class Audience(StrEnum):
    """Who may read an event. An event for STAFF never leaves by a customer's door."""

    EVERYONE = "everyone"
    STAFF = "staff"


class Kind(StrEnum):
    """Event kinds. Those of PROTOCOL section 3 are seen by the customer, the rest are internal."""

    MESSAGE = "message"
    ACTION = "action"
    HANDOFF_REQUESTED = "handoff.requested"
    HANDOFF_ACCEPTED = "handoff.accepted"
    HANDOFF_TRANSFERRED = "handoff.transferred"
    HANDOFF_RETURNED = "handoff.returned"
    SURVEY_OFFERED = "survey.offered"
    SURVEY_ANSWERED = "survey.answered"
    CONVERSATION_ENDED = "conversation.ended"
    RATED = "message.rated"  # {"seq", "useful", "comment"}
    # internal
    NOTE = "note"  # an agent's note to colleagues: {"text"}
    EVIDENCE = "turn.evidence"  # what an answer stood on: {"turn", "question", "release", "passages", "sureness", …}
    CONTEXT = "visitor.context"  # where the visitor is: {"page", "locale"}
    IDENTIFIED = "customer.identified"  # the conversation now belongs to a customer: {"customer", "verified"}


INTERNAL_KINDS = frozenset({Kind.NOTE, Kind.EVIDENCE, Kind.CONTEXT, Kind.IDENTIFIED})


def audience_of(kind: str) -> Audience:
    """The audience an event of this kind has; unknown kinds are for staff only."""
    known = kind in Kind._value2member_map_ and kind not in INTERNAL_KINDS
    return Audience.EVERYONE if known else Audience.STAFF


@dataclass(frozen=True, slots=True)
class Author:
    """Who did it. `id` is the visitor's, customer's or agent's id; it never leaves by the customer's door."""

    role: Role
    name: str | None = None
    id: str | None = None


SYSTEM = Author(Role.SYSTEM, "Tellonce")
ASSISTANT = Author(Role.ASSISTANT, "Assistant")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be appended. `client_id` makes a repeat harmless: it is unique within its conversation."""

    kind: Kind
    author: Author
    data: dict[str, Any] = field(default_factory=dict)
    client_id: str | None = None

    @property
    def audience(self) -> Audience:
        return audience_of(self.kind)


@dataclass(frozen=True, slots=True)
class Event:
    """A committed event.

    `seq` counts 1, 2, 3, … in its conversation. `prev` is the seq of the event before it that the *customer* may see
    (0 for the first); for staff the one before is always `seq - 1`. `at` is RFC 3339 in UTC with milliseconds.
    `data` is None, and the author nameless, once erased; the chain stays verifiable.
    """

    conversation_id: str
    seq: int
    prev: int
    at: str
    kind: Kind
    author: Author
    data: dict[str, Any] | None
    client_id: str | None = None

    @property
    def audience(self) -> Audience:
        return audience_of(self.kind)

    @property
    def text(self) -> str:
        """The message's words; empty for other kinds and for erased events."""
        return str((self.data or {}).get("text", ""))


def frame_for_customer(event: Event, *, own: bool = False) -> dict[str, Any]:
    """The `event` frame of PROTOCOL section 3. `own`: the reader wrote it, so the client's id goes along."""
    frame: dict[str, Any] = {
        "type": "event",
        "seq": event.seq,
        "prev": event.prev,
        "at": event.at,
        "kind": event.kind.value,
        "from": {"role": event.author.role.value, "name": event.author.name},
        "data": event.data if event.data is not None else {"erased": True},
    }
    if own and event.client_id:
        frame["id"] = event.client_id
    return frame


def turn_client_id(question_seq: int) -> str:
    """The id under which the answer to customer message `question_seq` is appended: at most one answer can exist."""
    return f"turn-{question_seq}"


def answered_seq(event: Event | NewEvent) -> int | None:
    """The customer message that this event answers; None when it answers none."""
    prefix, _, number = (event.client_id or "").partition("-")
    if prefix == "turn" and number.isdigit() and event.author.role is Role.ASSISTANT:
        return int(number)
    return None
