"""Events folded into what they amount to: who has the floor, what is owed. Floor: pure."""

from __future__ import annotations

from assistant.journal.events import Event, Kind, NewEvent, Role, answered_seq

ASSISTANT_FLOOR = "assistant"
QUEUE_FLOOR = "queue"
AGENT_FLOOR = "agent"
ENDED_FLOOR = "ended"


def next_floor(floor: str, event: Event | NewEvent) -> str:
    """Who speaks next after this event. A customer who writes after the end reopens the conversation."""
    match event.kind:
        case Kind.HANDOFF_REQUESTED | Kind.HANDOFF_TRANSFERRED:
            return QUEUE_FLOOR
        case Kind.HANDOFF_ACCEPTED:
            return AGENT_FLOOR
        case Kind.HANDOFF_RETURNED:
            return ASSISTANT_FLOOR
        case Kind.CONVERSATION_ENDED:
            return ENDED_FLOOR
        case Kind.MESSAGE if floor == ENDED_FLOOR and event.author.role is Role.CUSTOMER:
            return ASSISTANT_FLOOR
    return floor


def next_agent(agent_id: str | None, floor: str, event: Event | NewEvent) -> str | None:
    """The id of the agent who has the conversation after this event. `floor` is that after it."""
    if event.kind is Kind.HANDOFF_ACCEPTED:
        return event.author.id
    return agent_id if floor == AGENT_FLOOR else None


def next_unanswered(unanswered_seq: int | None, floor: str, event: Event | NewEvent, seq: int) -> int | None:
    """The newest customer message the assistant still owes an answer to, after this event. `floor` is that after it.

    One answer may settle several messages: the answer to message n settles every message up to n.
    """
    if floor != ASSISTANT_FLOOR:
        return None
    if event.kind is Kind.MESSAGE:
        if event.author.role is Role.CUSTOMER:
            return seq
        settled = answered_seq(event)
        if settled is None or unanswered_seq is None or settled >= unanswered_seq:
            return None
    return unanswered_seq
