"""Who appears in the desk's tests, and what they say."""

from __future__ import annotations

import uuid
from typing import Any

from assistant.desk.people import Agent, AgentRole
from assistant.journal.events import Author, Event, Kind, NewEvent, Role, turn_client_id

MIA = Agent("agt_mia", "mia@shop.example", "Mia Stone", AgentRole.AGENT)
BEN = Agent("agt_ben", "ben@shop.example", "Ben Hart", AgentRole.AGENT)
ADA = Author(Role.CUSTOMER, "Ada Lowe", "cus-1")
ASSISTANT = Author(Role.ASSISTANT, "Assistant")


def new_id() -> str:
    return str(uuid.uuid4())


def said(text: str, author: Author = ADA) -> NewEvent:
    return NewEvent(Kind.MESSAGE, author, {"text": text, "blocks": []}, new_id())


def answered(
    text: str, turn: int, *, outcome: str = "answered", citations: list[dict[str, Any]] | None = None
) -> NewEvent:
    data = {"text": text, "blocks": [], "citations": citations or [], "outcome": outcome, "turn": turn}
    return NewEvent(Kind.MESSAGE, ASSISTANT, data, turn_client_id(turn))


def understood(turn: int, intent: str) -> NewEvent:
    return NewEvent(Kind.EVIDENCE, ASSISTANT, {"turn": turn, "intent": intent})


def asked_for_a_person(reason: str = "Wants a person.") -> NewEvent:
    return NewEvent(Kind.HANDOFF_REQUESTED, ADA, {"reason": reason, "position": 1, "wait_seconds": None}, new_id())


def numbered(*news: NewEvent, conversation_id: str = "c1") -> list[Event]:
    """Events as a journal would commit them, a minute apart."""
    return [
        Event(conversation_id, n, n - 1, f"2026-11-23T10:{n:02}:00.000Z", e.kind, e.author, e.data, e.client_id)
        for n, e in enumerate(news, 1)
    ]
