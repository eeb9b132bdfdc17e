"""Gaps as people see them: named, counted, ranked, with examples that do not tell who asked. Floor: use case.

The words come from the journal each time they are shown, so that what is erased there is never shown again.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.journal.events import Event, Role
from assistant.profile.customer import Customer
from assistant.studio.drafts import Draft
from assistant.studio.gap_store import Gap, Kept
from assistant.studio.happenings import agent_answer, find_unanswered
from assistant.studio.journal_reading import JournalReading
from assistant.studio.personal import personal_of, without_personal
from knowledge.gaps import most_typical, urgency
from knowledge.products import Catalogue

OPEN, DRAFTED, CLOSED, DISMISSED = "open", "drafted", "closed", "dismissed"
STATES = (OPEN, DRAFTED, CLOSED, DISMISSED)
EXAMPLES = 5
WEIGHTS = {"handed_over": 1.5, "thumbed_down": 1.2, "declined": 1.0}  # a person's time is the dearest

LoadCustomer = Callable[[str], Customer | None]


@dataclass(frozen=True, slots=True)
class Example:
    """A question as it was asked, and what a person answered, both without what tells who it was."""

    question: str
    conversation: str
    seq: int
    at: str
    reason: str
    agent_answer: str | None
    left_out: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        names = ("question", "conversation", "seq", "at", "reason", "agent_answer")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class ShownGap:
    """A gap as people see it. Counts are of questions; one may be declined and handed over at once."""

    gap: Gap
    label: str
    products: tuple[str, ...]  # as the catalogue writes them
    questions: tuple[Kept, ...]
    examples: tuple[Example, ...]
    draft: Draft | None
    urgency: float

    @property
    def state(self) -> str:
        return state_of(self.gap, self.draft)

    def as_data(self) -> dict[str, Any]:
        """As `GET /v1/knowledge/gaps` tells it."""
        return {
            "id": self.gap.id,
            "label": self.label,
            "count": len(self.questions),
            "conversations": len({one.place[0] for one in self.questions}),
            "declined": sum(one.declined for one in self.questions),
            "thumbed_down": sum(one.thumbed_down for one in self.questions),
            "handed_over": sum(one.handed_over for one in self.questions),
            "first_at": self.questions[0].at,
            "last_at": self.questions[-1].at,
            "products": list(self.products),
            "state": self.state,
            "closed_at": self.gap.closed_at,
            "closed_release": self.gap.closed_release,
            "reopened_at": self.gap.reopened_at,
            "urgency": round(self.urgency, 3),
            "examples": [example.as_data() for example in self.examples],
            "draft": self.draft.as_data() if self.draft else None,
        }


def state_of(gap: Gap, draft: Draft | None) -> str:
    """Derived, never stored: dismissed, closed, drafted or open."""
    if gap.dismissed_at:
        return DISMISSED
    if gap.closed_at:
        return CLOSED
    return DRAFTED if draft else OPEN


class GapViews:
    """Shows gaps.

    Args:
        load_customer: (customer id) -> profile: whose name and numbers are left out of what is shown.
        load_catalogue: the products, whose names are shown as it writes them.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        journal: JournalReading,
        load_customer: LoadCustomer | None,
        load_catalogue: Callable[[], Catalogue],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._load_customer = load_customer
        self._load_catalogue = load_catalogue
        self._clock = clock

    def urgency_of(self, questions: Sequence[Kept]) -> float:
        today = self._clock()
        return urgency(
            (one.place[0], (today - _seconds(one.at)) / 86_400, WEIGHTS[reason_of(one)]) for one in questions
        )

    def show(self, gap: Gap, questions: Sequence[Kept], draft: Draft | None) -> ShownGap:
        typical = questions[most_typical([one.vector for one in questions])]
        return ShownGap(
            gap=gap,
            label=self._label(typical),
            products=self._products(gap),
            questions=tuple(questions),
            examples=tuple(self._examples(questions)),
            draft=draft,
            urgency=self.urgency_of(questions),
        )

    def _products(self, gap: Gap) -> tuple[str, ...]:
        names = {name.casefold(): name for name in self._load_catalogue().names}
        return tuple(names.get(name, name) for name in sorted(gap.subject.products))

    def _label(self, kept: Kept) -> str:
        events = self._journal.events(kept.place[0])
        words = next((one.standalone for one in find_unanswered(events) if one.seq == kept.place[1]), "")
        return " ".join(without_personal(words, self._personal(kept.place[0], events)).text.split())

    def _examples(self, questions: Sequence[Kept]) -> list[Example]:
        """Those that a person answered first, then the newest, one a conversation while there are others."""
        newest_first = list(reversed(questions))
        ordered = sorted(newest_first, key=lambda one: not one.agent_seqs)
        first = {one.place[0]: one for one in reversed(ordered)}
        chosen = [one for one in ordered if first[one.place[0]] is one]
        chosen += [one for one in ordered if first[one.place[0]] is not one]
        return [self._example(one) for one in chosen[:EXAMPLES]]

    def _example(self, kept: Kept) -> Example:
        conversation, seq = kept.place
        events = self._journal.events(conversation)
        known = self._personal(conversation, events)
        asked = next((one.question for one in find_unanswered(events) if one.seq == seq), "")
        told = agent_answer(events, kept.agent_seqs)
        cleaned = without_personal(told, known) if told else None
        return Example(
            question=without_personal(asked, known).text,
            conversation=conversation,
            seq=seq,
            at=kept.at,
            reason=reason_of(kept),
            agent_answer=cleaned.text if cleaned else None,
            left_out=cleaned.left_out if cleaned else (),
        )

    def _personal(self, conversation: str, events: Sequence[Event]) -> tuple[str, ...]:
        names = [event.author.name for event in events if event.author.role in (Role.CUSTOMER, Role.AGENT)]
        customer_id = self._journal.customer_of(conversation)
        customer = self._load_customer(customer_id) if customer_id and self._load_customer else None
        return personal_of(customer, *names)


def reason_of(kept: Kept) -> str:
    """The one that tells most: a person had to come, the customer said so, or we did."""
    return "handed_over" if kept.handed_over else "thumbed_down" if kept.thumbed_down else "declined"


def _seconds(at: str) -> float:
    return datetime.datetime.fromisoformat(at).timestamp()
