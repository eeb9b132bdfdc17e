"""A customer with everything they ever told us: the kept profile, and past conversations read from the journal.

Floor: use case over the two ports. Conversations are not copied into the profile: what the journal erases is gone
here too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.journal.events import Audience, Event, Kind, Role
from assistant.journal.port import Conversation, Journal
from assistant.profile.customer import Customer, Touchpoint
from assistant.profile.records import newest_first

if TYPE_CHECKING:
    from assistant.profile.store import Profiles

SUMMARY_MAX_CHARS = 240
PAST_CONVERSATIONS = 20
EVENTS_EACH = 200


def touchpoint_of(conversation: Conversation, events: Sequence[Event]) -> Touchpoint | None:
    """A past conversation as one line of the journey: what was asked, and how it went. None where nothing was said."""
    asked = [e.text for e in events if e.kind is Kind.MESSAGE and e.author.role is Role.CUSTOMER and e.text.strip()]
    if not asked:
        return None
    more = f" (and {len(asked) - 1} more)" if len(asked) > 1 else ""
    return Touchpoint(
        at=conversation.created_at,
        channel=conversation.channel,
        summary=shortened(asked[0], SUMMARY_MAX_CHARS - len(more)) + more,
        outcome=outcome_of(conversation, events),
        conversation_id=conversation.id,
    )


def outcome_of(conversation: Conversation, events: Sequence[Event]) -> str:
    """How a conversation stands: with whom it ended, or who has it now."""
    people = any(e.kind is Kind.HANDOFF_ACCEPTED for e in events)
    match conversation.floor:
        case "ended":
            return "ended with an agent" if people else "ended with the assistant"
        case "queue":
            return "waiting for an agent"
        case "agent":
            return "with an agent"
    answers = [e for e in events if e.kind is Kind.MESSAGE and e.author.role is Role.ASSISTANT]
    last = (answers[-1].data or {}).get("outcome") if answers else None
    return {"answered": "answered", "declined": "not answered", "clarifying": "left open"}.get(str(last), "left open")


def shortened(text: str, max_chars: int) -> str:
    """The text on one line, cut at a word with an ellipsis when it is longer."""
    line = " ".join(text.split())
    if len(line) <= max_chars:
        return line
    return line[: max_chars - 1].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"


async def past_touchpoints(journal: Journal, customer_id: str, *, but: str | None = None) -> list[Touchpoint]:
    """The customer's newest conversations but `but`, the one that is going on, newest first."""
    conversations = await journal.list_conversations(customer_id=customer_id, limit=PAST_CONVERSATIONS)
    past = [c for c in conversations if c.id != but]
    histories = await asyncio.gather(*(journal.read(c.id, audience=Audience.EVERYONE, limit=EVENTS_EACH) for c in past))
    found = (touchpoint_of(c, events) for c, events in zip(past, histories, strict=True))
    return [touchpoint for touchpoint in found if touchpoint]


async def load_customer(
    profiles: Profiles, journal: Journal, customer_id: str, *, but: str | None = None
) -> Customer | None:
    """The customer with past conversations among the touchpoints; None for nobody. `but`: the one going on."""
    customer = await asyncio.to_thread(profiles.load, customer_id)
    if customer is None:
        return None
    past = await past_touchpoints(journal, customer_id, but=but)
    return replace(customer, touchpoints=newest_first((*customer.touchpoints, *past), lambda t: t.at))
