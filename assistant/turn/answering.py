"""One customer message becomes one answer: the straight line. Floor: use case; `runner.py` decides when it runs.

understand -> policy -> search -> policy -> model or embedded composer -> guard -> Answer
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from assistant.profile.customer import Customer
from assistant.settings import Settings
from assistant.turn.citations import Citation, is_exact
from assistant.turn.conversation import Question
from assistant.turn.embedded import Encode, compose
from assistant.turn.policy import (
    Verdict,
    count_declines,
    decide_after_search,
    decide_before_search,
    decline,
    last_resort,
    offered_person,
)
from assistant.turn.records import Reply
from assistant.turn.understanding import Understanding, understand
from knowledge.documents import Document, Findings

logger = structlog.get_logger(__name__)

Search = Callable[..., Awaitable[Findings]]
LoadCustomer = Callable[[str], Awaitable[Customer | None]]
PastConversations = Callable[[str, str], Awaitable[Sequence[str]]]
ReadDocument = Callable[[str, int | None], Awaitable[Document | None]]
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
class _Trace:
    """What is noted on the way, in milliseconds from the start of the turn."""

    started: float = field(default_factory=time.perf_counter)
    timings_ms: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def mark(self, name: str) -> None:
        self.timings_ms[name] = round((time.perf_counter() - self.started) * 1000, 2)


class Answering:
    """Answers questions; holds no conversation, so any number of turns may run at once."""

    def __init__(
        self,
        *,
        settings: Settings,
        search: Search,
        load_customer: LoadCustomer,
        encode: Encode,
        read_document: ReadDocument,
        past_conversations: PastConversations | None = None,
    ) -> None:
        self._settings = settings
        self._search = search
        self._load_customer = load_customer
        self._encode = encode
        self._read_document = read_document
        self._past_conversations = past_conversations

    @property
    def mode(self) -> str:
        """How the next answer would be made: `model`, `embedded` or `degraded`."""
        return "embedded"

    async def answer(self, question: Question, emit: Emit) -> Answer | None:
        """The answer, telling `emit` its text as it may leave; None when somebody else has the floor."""
        trace = _Trace()
        customer = await self._customer(question)
        understood = understand(
            question.text,
            question.earlier,
            customer=customer,
            page_product=question.page_product,
            offered_person=offered_person(question.events),
        )
        trace.notes.update(
            turn=question.seq, question=question.text, standalone=understood.standalone, intent=understood.intent.value
        )
        declines = count_declines(question.events)
        decision = decide_before_search(
            understood,
            floor=question.floor,
            customer=customer,
            declines_in_row=declines,
            turns_before=len(question.earlier),
        )
        if decision is not None:
            trace.notes["decision"] = decision.reason
            if decision.verdict is Verdict.SILENT:
                return None
            assert decision.reply is not None
            answer = _reply(decision.reply, "embedded")
            if answer.outcome == "acted":
                answer = _greeted(answer, customer, question)
            return self._finish(answer, trace, emit)
        findings = await self._find(understood, question, trace)
        answer = await self._from_passages(understood, findings, declines, trace)
        return self._finish(_greeted(answer, customer, question), trace, emit)

    def last_resort(self, question: Question, reason: str) -> Answer:
        """What is said when `answer` itself failed."""
        answer = _reply(last_resort(), "degraded")
        return replace(answer, evidence={"turn": question.seq, "question": question.text, "decision": reason})

    async def _customer(self, question: Question) -> Customer | None:
        return await self._load_customer(question.customer_id) if question.customer_id else None

    async def _find(self, understood: Understanding, question: Question, trace: _Trace) -> Findings:
        """What the knowledge holds; nothing, rather than an error, when there is no knowledge."""
        try:
            findings = await self._search(
                understood.question, history=question.earlier[-12:], limit=5, product=understood.product
            )
        except Exception as error:
            logger.warning("turn.search_failed", conversation=question.conversation_id, error=repr(error))
            trace.notes["search_failed"] = type(error).__name__
            findings = Findings(understood.question, 0, (), 0.0)
        trace.mark("searched")
        trace.notes.update(
            release=findings.release,
            sureness=round(findings.sureness, 4),
            product=understood.product,
            passages=[
                {"id": hit.passage.id, "score": round(hit.score, 4), "similarity": round(hit.similarity, 4)}
                for hit in findings.found
            ],
        )
        return findings

    async def _from_passages(
        self, understood: Understanding, findings: Findings, declines: int, trace: _Trace, mode: str = "embedded"
    ) -> Answer:
        decision = decide_after_search(findings.sureness, found=len(findings.found), declines_in_row=declines)
        trace.notes["decision"] = decision.reason
        if decision.verdict is Verdict.DECLINE:
            related = tuple(hit.passage.question for hit in findings.found if hit.passage.question)[:2]
            return _reply(decline(declines, related), mode)
        composed = await asyncio.to_thread(compose, understood.standalone, findings, self._encode)
        trace.mark("composed")
        if composed is None or not await self._all_exact(composed.citations, findings.release):
            trace.notes["decision"] = "no_exact_quote"
            return _reply(decline(declines), mode)
        return Answer(composed.text, "answered", mode, composed.citations, composed.related)

    async def _all_exact(self, citations: Sequence[Citation], release: int) -> bool:
        documents: dict[str, Document] = {}
        for document_id in {citation.document for citation in citations}:
            if document := await self._read_document(document_id, release):
                documents[document_id] = document
        return all(is_exact(citation, documents) for citation in citations)

    def _finish(self, answer: Answer, trace: _Trace, emit: Emit) -> Answer:
        emit(answer.text)
        trace.mark("finished")
        return replace(answer, evidence={**trace.notes, "mode": answer.mode, "timings_ms": trace.timings_ms})


def _reply(reply: Reply, mode: str) -> Answer:
    return Answer(reply.text, reply.outcome, mode, suggestions=reply.suggestions, hand_over=reply.hand_over)


def _greeted(answer: Answer, customer: Customer | None, question: Question) -> Answer:
    """The first answer of a conversation calls a verified customer by name."""
    if customer is None or not customer.first_name or any(turn.role == "assistant" for turn in question.earlier):
        return answer
    glue = " " if answer.text[:1].isalpha() else "\n\n"
    return replace(answer, text=f"Hello {customer.first_name}!{glue}{answer.text}")
