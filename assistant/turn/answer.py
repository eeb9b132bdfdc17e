"""A finished answer, and what is noted on the way to it. Floor: pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.profile.customer import Customer
from assistant.turn.citations import Citation
from assistant.turn.records import Reply
from knowledge.documents import Turn

Emit = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer. `hand_over` is the reason to pass the conversation on; `evidence` is for the journal."""

    text: str
    outcome: str
    mode: str
    citations: tuple[Citation, ...] = ()
    suggestions: tuple[str, ...] = ()
    hand_over: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Trace:
    """What is noted on the way, in milliseconds from the start of the turn."""

    started: float = field(default_factory=time.perf_counter)
    timings_ms: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def mark(self, name: str) -> None:
        """Notes when something was done, once it is."""
        self.timings_ms[name] = round((time.perf_counter() - self.started) * 1000, 2)


def answer_with(reply: Reply, mode: str) -> Answer:
    """A ready reply as an answer. `mode`: model, embedded or degraded."""
    return Answer(reply.text, reply.outcome, mode, suggestions=reply.suggestions, hand_over=reply.hand_over)


def greeting_for(customer: Customer | None, history: Sequence[Turn]) -> str:
    """What stands before the first answer of a conversation with a verified customer; empty otherwise."""
    if customer is None or not customer.first_name or any(turn.role == "assistant" for turn in history):
        return ""
    return f"Hello {customer.first_name}.\n\n"
