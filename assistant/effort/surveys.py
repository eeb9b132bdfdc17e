"""What is asked after a conversation, on which scale, and what counts as an answer. Floor: pure.

Each prompt is stored as it was put: wording, labels and direction travel with the event, so a score stays readable.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from assistant.errors import BadFrame
from assistant.journal.events import SYSTEM, Author, Event, Kind, NewEvent, Role

COMMENT_MAX_CHARS = 2000

Direction = Literal["low_is_good", "high_is_good"]


@dataclass(frozen=True, slots=True)
class Survey:
    """One prompt: its question, and a label for every score from `low` up (or for the two ends alone)."""

    metric: Literal["ces", "csat", "nps"]
    question: str
    low: int
    high: int
    labels: tuple[str, ...]
    direction: Direction

    @property
    def scale(self) -> dict[str, Any]:
        """As PROTOCOL section 3 has it, and `labels` for every point where each has its own."""
        ends = {"min": self.low, "max": self.high, "min_label": self.labels[0], "max_label": self.labels[-1]}
        return {**ends, "labels": list(self.labels)} if len(self.labels) == self.high - self.low + 1 else ends


# The 2010 form of the Customer Effort Score: effort itself is asked for, so low is good (Dixon, Freeman, Toman:
# "Stop Trying to Delight Your Customers", Harvard Business Review, July 2010). Ours asks for difficulty.
CES_QUESTION = "How easy or difficult was it to get the help you needed?"
CES_5 = Survey(
    "ces",
    CES_QUESTION,
    1,
    5,
    ("Very easy", "Easy", "Neither easy nor difficult", "Difficult", "Very difficult"),
    "low_is_good",
)
CES_7 = Survey(
    "ces",
    CES_QUESTION,
    1,
    7,
    (
        "Very easy",
        "Easy",
        "Fairly easy",
        "Neither easy nor difficult",
        "Fairly difficult",
        "Difficult",
        "Very difficult",
    ),
    "low_is_good",
)
CSAT = Survey(
    "csat",
    "How satisfied are you with the help you got?",
    1,
    5,
    ("Very dissatisfied", "Dissatisfied", "Neither", "Satisfied", "Very satisfied"),
    "high_is_good",
)
NPS = Survey(
    "nps",
    "How likely are you to recommend us to a friend or colleague?",
    0,
    10,
    ("Not at all likely", "Extremely likely"),
    "high_is_good",
)


def ces(scale: int) -> Survey:
    """The Customer Effort Score prompt on a scale from 1 (easy) to 5 or 7 (difficult)."""
    return {5: CES_5, 7: CES_7}[scale]


def offer(survey: Survey, *, survey_id: str | None = None) -> NewEvent:
    """The prompt as an event; its id is made here unless given."""
    return NewEvent(
        Kind.SURVEY_OFFERED,
        SYSTEM,
        {
            "survey": survey_id or f"{survey.metric}-{uuid.uuid4().hex[:12]}",
            "metric": survey.metric,
            "question": survey.question,
            "scale": survey.scale,
            "direction": survey.direction,
        },
    )


def offer_ces(settings_scale: int) -> NewEvent:
    return offer(ces(settings_scale))


def is_due(events: Iterable[Event]) -> bool:
    """Whether a conversation that ends now has earned a prompt: the customer wrote since the last one was offered.

    An end that nothing preceded, or a second end right after the first, asks nobody anything.
    """
    due = False
    for event in events:
        if event.kind is Kind.SURVEY_OFFERED:
            due = False
        elif event.kind is Kind.MESSAGE and event.author.role is Role.CUSTOMER:
            due = True
    return due


def closing_events(
    by: Author, reason: str, scale: int, history: Iterable[Event], *, client_id: str | None = None
) -> list[NewEvent]:
    """What ends a conversation, to be appended in one commit: the end, and the prompt where one is due."""
    ended = NewEvent(Kind.CONVERSATION_ENDED, by, {"by": by.role.value, "reason": reason}, client_id)
    return [ended, offer_ces(scale)] if is_due(history) else [ended]


def find_offer(events: Iterable[Event], survey_id: str) -> Event | None:
    """The event in which this prompt was offered; None when it never was."""
    return next(
        (e for e in events if e.kind is Kind.SURVEY_OFFERED and (e.data or {}).get("survey") == survey_id), None
    )


def answer_client_id(survey_id: str) -> str:
    """The id under which the answer is appended: a prompt has one answer at most, whoever sends it how often."""
    return f"survey-{survey_id}"


def check_answer(
    offered: Event | NewEvent, score: object, *, comment: str | None = None, author: Author | None = None
) -> NewEvent:
    """The answer as an event, with the scale it was given on.

    Raises:
        BadFrame: the score is no whole number on the scale that was offered; the sentence names the range.
    """
    asked = offered.data or {}
    scale = asked.get("scale")
    if not isinstance(scale, dict):
        raise BadFrame("This question is not open any more.")
    low, high = int(scale["min"]), int(scale["max"])
    if isinstance(score, bool) or not isinstance(score, int) or not low <= score <= high:
        ends = f"{low} ({scale['min_label'].lower()}) to {high} ({scale['max_label'].lower()})"
        raise BadFrame(f"Please choose a whole number from {ends}.")
    data = {key: asked[key] for key in ("survey", "metric", "question", "scale", "direction")}
    words = (comment or "").strip()[:COMMENT_MAX_CHARS]
    return NewEvent(
        Kind.SURVEY_ANSWERED,
        author or Author(Role.CUSTOMER),
        {**data, "score": score, **({"comment": words} if words else {})},
        answer_client_id(str(asked["survey"])),
    )
