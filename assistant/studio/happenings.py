"""What a conversation tells whoever cares for the knowledge: questions that got no good answer, sources used.

Floor: pure. `gaps.py` keeps what is found here; `journal_reading.py` brings the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.desk.handoff import Exchange, find_exchanges
from assistant.journal.events import Event, Kind, Role
from assistant.journal.transcript import ASSISTANT_FLOOR
from assistant.studio.personal import without_manners
from assistant.turn.conversation import Line, Question, question_of
from assistant.turn.understanding import Intent

DECLINED, THUMBED_DOWN, HANDED_OVER = "declined", "thumbed_down", "handed_over"
AGENT_ANSWER_MIN_CHARS = 25  # less says "one moment", not what the answer is
AGENT_ANSWER_MAX_CHARS = 1500


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that got no good answer.

    `question` is in the customer's words, `standalone` says it whole; `release` is the one that was searched; `about`
    the products it was about; `agent_seqs` the messages in which a person then answered it.
    """

    seq: int
    at: str
    question: str
    standalone: str
    declined: bool
    thumbed_down: bool
    handed_over: bool
    release: int | None
    about: tuple[str, ...] = ()
    agent_seqs: tuple[int, ...] = ()

    @property
    def reason(self) -> str:
        """The one that tells most: a person had to come, the customer said so, or we did."""
        if self.handed_over:
            return HANDED_OVER
        return THUMBED_DOWN if self.thumbed_down else DECLINED


def find_unanswered(events: Sequence[Event]) -> list[Unanswered]:
    """The questions for the knowledge that were declined, thumbed down, or handed over after what we said to them."""
    evidence = {(e.data or {}).get("turn"): e.data or {} for e in events if e.kind is Kind.EVIDENCE}
    asked_at = {event.seq: event.at for event in events}
    exchanges = [one for one in find_exchanges(events) if one.answer_seq is not None]
    found = []
    for i, exchange in enumerate(exchanges):
        notes = evidence.get(exchange.question_seq, {})
        if notes.get("intent") != Intent.QUESTION.value:
            continue  # their own orders, somebody's safety, what an agent was asked: no page would have helped
        until = exchanges[i + 1].answer_seq if i + 1 < len(exchanges) else None
        handoff = _handoff_after(events, exchange, until)
        declined, thumbed_down = exchange.outcome == "declined", exchange.useful is False
        handed_over = handoff is not None and exchange.useful is not True
        if declined or thumbed_down or handed_over:
            found.append(
                Unanswered(
                    exchange.question_seq,
                    asked_at[exchange.question_seq],
                    exchange.question,
                    str(notes.get("standalone") or exchange.question),
                    declined,
                    thumbed_down,
                    handed_over,
                    notes.get("release"),
                    tuple(notes.get("about") or ()),
                    _answered_by_agent(events, handoff) if handoff else (),
                )
            )
    return found


def find_sources(events: Sequence[Event]) -> dict[str, str]:
    """The documents that our answers quoted, and when last (RFC 3339)."""
    return {
        str(citation["document"]): event.at
        for event in events
        if event.kind is Kind.MESSAGE and event.author.role is Role.ASSISTANT
        for citation in (event.data or {}).get("citations") or ()
        if "document" in citation
    }


def agent_answer(events: Sequence[Event], seqs: Sequence[int]) -> str | None:
    """What a person answered in these messages, without greetings and questions back; None when nothing is left."""
    wanted = set(seqs)
    said = [without_manners(event.text) for event in events if event.seq in wanted and event.text.strip()]
    told = [text for text in said if len(text) >= AGENT_ANSWER_MIN_CHARS and not text.endswith("?")]
    return "\n\n".join(told)[:AGENT_ANSWER_MAX_CHARS] or None


def question_at(events: Sequence[Event], seq: int, customer_id: str | None = None) -> Question | None:
    """The question that message `seq` put to the assistant, with all before it as it was then; None if it put none."""
    if not events:
        return None
    line = Line(events[0].conversation_id, customer_id, ASSISTANT_FLOOR, None, 0)
    for event in events:
        if event.seq > seq or not line.fold(event):
            break
    question = question_of(line) if line.head == seq else None
    return question if question is not None and question.seq == seq and question.text.strip() else None


def _handoff_after(events: Sequence[Event], exchange: Exchange, until: int | None) -> Event | None:
    """The request for a person that followed this answer, before any other answer."""
    assert exchange.answer_seq is not None
    for event in events:
        if event.seq <= exchange.answer_seq:
            continue
        if until is not None and event.seq >= until:
            return None
        if event.kind is Kind.CONVERSATION_ENDED:
            return None
        if event.kind is Kind.HANDOFF_REQUESTED:
            return event
    return None


def _answered_by_agent(events: Sequence[Event], handoff: Event) -> tuple[int, ...]:
    """What agents wrote to the customer after this, until they gave the conversation back or it ended."""
    seqs: list[int] = []
    for event in events:
        if event.seq <= handoff.seq:
            continue
        if event.kind in (Kind.HANDOFF_RETURNED, Kind.CONVERSATION_ENDED):
            break
        if event.kind is Kind.MESSAGE and event.author.role is Role.AGENT:
            seqs.append(event.seq)
    return tuple(seqs)
