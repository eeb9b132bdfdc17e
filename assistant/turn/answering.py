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

from assistant.errors import ModelUnavailable
from assistant.profile.customer import Customer
from assistant.settings import Settings
from assistant.turn.blocks import parse_blocks
from assistant.turn.citations import Citation, is_exact
from assistant.turn.conversation import Question
from assistant.turn.embedded import Encode, RememberingEncode, compose
from assistant.turn.guard import Evidence, Gate, check_whole, without_citations
from assistant.turn.models import Breaker, ChatModel, open_model
from assistant.turn.policy import (
    Verdict,
    count_declines,
    decide_after_search,
    decide_before_search,
    decline,
    last_resort,
    offered_person,
)
from assistant.turn.prompting import (
    NOT_FOUND,
    Known,
    Prompted,
    load_prompts,
    prompt_answer,
    prompt_rewrite,
    render_profile,
)
from assistant.turn.records import Reply
from assistant.turn.tokens import TokenCounter
from assistant.turn.understanding import Understanding, needs_context, understand
from knowledge.documents import Document, Findings, Turn
from knowledge.errors import IndexMissing
from knowledge.products import Catalogue

logger = structlog.get_logger(__name__)

PASSAGES = 5
EMPTY_SECONDS = 1.0  # a library found empty is not asked again for this long
REWRITE_SECONDS = 2.5  # a rewriting that takes longer costs more than it helps

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


@dataclass(frozen=True, slots=True)
class _ModelTurn:
    """What a model is asked about."""

    model: ChatModel
    question: Question
    findings: Findings
    customer: Customer | None
    history: Sequence[Turn]
    declines: int
    greeting: str


class Answering:
    """Answers questions; holds no conversation, so any number of turns may run at once.

    Args:
        search: `Library.search` behind a thread, with its keyword arguments.
        encode: `Embedder.encode`; called from a thread.
        read_document: (document id, release) -> the document as of that release, to hold quotes against.
        past_conversations: (customer id, this conversation's id) -> one line each, newest first.
        catalogue: the products that the knowledge tells of; called from a thread.
        model: None takes what the settings name, which may be none.

    Raises:
        SettingsError: a prompt file is missing or wrong.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        search: Search,
        load_customer: LoadCustomer,
        encode: Encode,
        read_document: ReadDocument,
        past_conversations: PastConversations | None = None,
        catalogue: Callable[[], Catalogue] = Catalogue,
        model: ChatModel | None = None,
        counter: TokenCounter | None = None,
    ) -> None:
        self._settings = settings
        self._search = search
        self._load_customer = load_customer
        self._encode = RememberingEncode(encode)
        self._read_document = read_document
        self._past_conversations = past_conversations
        self._catalogue = catalogue
        self._model = model if model is not None else open_model(settings)
        self._counter = counter or TokenCounter()
        self._prompts = load_prompts()
        self._empty_until = 0.0

    @property
    def mode(self) -> str:
        """How the next answer would be made: `model`, `embedded` or `degraded`."""
        if self._model is None:
            return "embedded"
        return "degraded" if isinstance(self._model, Breaker) and self._model.resting else "model"

    def warm_up(self) -> None:
        """Loads what the first answer would load. Takes a second with a model; call it from a thread."""
        parse_blocks("warm")
        if self._model is not None:
            self._counter.warm_up()
            warm = getattr(self._model, "warm_up", None)
            if warm is not None:
                warm()

    async def close(self) -> None:
        """Closes the model's connections."""
        if self._model is not None:
            await self._model.close()

    async def answer(self, question: Question, emit: Emit) -> Answer | None:
        """The answer, telling `emit` its text as it may leave; None when somebody else has the floor."""
        trace = _Trace()
        customer = await self._load_customer(question.customer_id) if question.customer_id else None
        history, declines = question.earlier, count_declines(question.events)
        understood = understand(
            question.text,
            history,
            customer=customer,
            page_product=question.page_product,
            offered_person=offered_person(question.events),
        )
        trace.notes.update(
            turn=question.seq, question=question.text, standalone=understood.standalone, intent=understood.intent.value
        )
        decision = decide_before_search(
            understood, floor=question.floor, customer=customer, declines_in_row=declines, turns_before=len(history)
        )
        if decision is not None and decision.verdict is Verdict.SILENT:
            return None
        greeting = _greeting(customer, history)
        if decision is not None and decision.reply is not None:
            trace.notes["decision"] = decision.reason
            answer = _reply(decision.reply, "embedded")
            return self._said(answer, greeting if answer.outcome == "acted" else "", trace, emit)
        understood = await self._rewritten(understood, history, trace)
        findings = await self._find(understood, question, history, trace)
        mode = "embedded"
        if self._model is not None:
            turn = _ModelTurn(self._model, question, findings, customer, history, declines, greeting)
            try:
                if said := await self._from_model(turn, trace, emit):
                    return self._finished(said, trace)
            except Exception as error:
                mode = "degraded"
                self._note_failure(error, question, trace)
        return self._said(await self._from_passages(understood, findings, declines, trace, mode), greeting, trace, emit)

    def _note_failure(self, error: Exception, question: Question, trace: _Trace) -> None:
        reason = error.reason if isinstance(error, ModelUnavailable) else type(error).__name__
        trace.notes["model_error"] = reason
        logger.warning(
            "turn.model_failed",
            conversation=question.conversation_id,
            turn=question.seq,
            reason=reason,
            exc_info=None if isinstance(error, ModelUnavailable) else error,
        )

    def _said(self, answer: Answer, greeting: str, trace: _Trace, emit: Emit) -> Answer:
        """What was not streamed. After drafts of something else it is not drafted: the stored message replaces them."""
        answer = replace(answer, text=greeting + answer.text)
        if "first_text" not in trace.timings_ms:
            emit(answer.text)
        return self._finished(answer, trace)

    def last_resort(self, question: Question, reason: str) -> Answer:
        """What is said when `answer` itself failed."""
        answer = _reply(last_resort(), "degraded")
        return replace(answer, evidence={"turn": question.seq, "question": question.text, "decision": reason})

    async def _find(
        self, understood: Understanding, question: Question, history: Sequence[Turn], trace: _Trace
    ) -> Findings:
        """What the knowledge holds; nothing, rather than an error, when there is no knowledge."""
        alone = understood.rewritten
        asked = understood.standalone if alone else understood.question
        before = () if alone else history[-12:]
        if time.monotonic() < self._empty_until:
            trace.mark("searched")
            return Findings(asked, 0, (), 0.0)
        try:
            findings = await self._search(asked, history=before, limit=PASSAGES, product=understood.product)
        except IndexMissing:
            # Nothing is indexed yet: there is no need to look for it again in every turn of the next second.
            self._empty_until = time.monotonic() + EMPTY_SECONDS
            findings = Findings(asked, 0, (), 0.0)
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

    async def _from_model(self, turn: _ModelTurn, trace: _Trace, emit: Emit) -> Answer | None:
        """The model's answer, guarded; None when nothing of it may leave.

        Raises:
            ModelUnavailable: it gave no usable answer; drafts that left already are overruled by what is stored.
        """
        question, findings = turn.question, turn.findings
        known = Known(turn.customer, question.page, await self._past(question), turn.history)
        budget = self._settings.model_context_tokens - self._settings.model_answer_tokens
        prompt = self._prompts["answer"]
        prompted = prompt_answer(prompt, question.text, findings, known, self._counter, budget_tokens=budget)
        evidence = _evidence(prompted, known, question.text)
        by_sentence = self._settings.stream == "sentence"
        outlet = _Outlet(emit, Gate(evidence, findings.release) if by_sentence else None, turn.greeting, trace)
        trace.notes.update(model=turn.model.name, prompt=prompted.prompt_hash, prompt_tokens=prompted.tokens)
        trace.mark("asked")
        completion = await turn.model.stream(prompted.messages, outlet, max_tokens=self._settings.model_answer_tokens)
        trace.mark("model_done")
        if outlet.not_found:
            trace.notes["decision"] = "model_found_nothing"
            reply = decline(turn.declines)
            emit(reply.text)
            return _reply(reply, "model")
        gate = outlet.finish(evidence, findings.release, whole=completion.finish_reason == "stop")
        trace.notes["guard"] = [{"reason": drop.reason, "beginning": drop.beginning} for drop in gate.dropped]
        text = gate.released.strip()
        if not text:
            trace.notes["decision"] = "nothing_supported"
            return None
        trace.notes["decision"] = "model_answered"
        text, citations = await self._kept_citations(text, gate.citations, findings.release)
        asks_back = text.endswith("?") and not citations
        return Answer(turn.greeting + text, "clarifying" if asks_back else "answered", "model", citations)

    async def _kept_citations(
        self, text: str, citations: Sequence[Citation], release: int
    ) -> tuple[str, tuple[Citation, ...]]:
        """The text without markers whose quote does not stand in the stored document."""
        if await self._all_exact(citations, release):
            return text, tuple(citations)
        kept = [c for c in citations if await self._all_exact([c], release)]
        return without_citations(text, {c.n for c in citations} - {c.n for c in kept}), tuple(kept)

    async def _past(self, question: Question) -> Sequence[str]:
        if self._past_conversations is None or question.customer_id is None:
            return ()
        try:
            return await self._past_conversations(question.customer_id, question.conversation_id)
        except Exception as error:
            logger.warning("turn.past_failed", conversation=question.conversation_id, error=repr(error))
            return ()

    async def _rewritten(self, understood: Understanding, history: Sequence[Turn], trace: _Trace) -> Understanding:
        """With a model, a question that leans on the conversation is put so that it stands alone."""
        if self._model is None or not needs_context(understood.question, history):
            return understood
        messages = prompt_rewrite(self._prompts["rewrite"], understood.question, history, self._counter)
        try:
            said = await self._model.complete(messages, max_tokens=80, deadline_seconds=REWRITE_SECONDS)
        except ModelUnavailable as error:
            trace.notes["rewrite_error"] = error.reason
            return understood
        finally:
            trace.mark("rewritten")
        line = said.strip().strip('"')
        if not line or "\n" in line or len(line) > 400:
            return understood
        trace.notes["standalone"] = line
        return replace(understood, standalone=line, rewritten=True)

    def _finished(self, answer: Answer, trace: _Trace) -> Answer:
        trace.mark("finished")
        return replace(answer, evidence={**trace.notes, "mode": answer.mode, "timings_ms": trace.timings_ms})


class _Outlet:
    """Where a model's text goes: straight out, or through the gate. Holds back a NOT_FOUND until it is told apart."""

    def __init__(self, emit: Emit, gate: Gate | None, greeting: str, trace: _Trace) -> None:
        self._emit = emit
        self._gate = gate
        self._greeting = greeting
        self._trace = trace
        self._said: list[str] = []
        self._deciding = True
        self.not_found = False

    def __call__(self, text: str) -> None:
        self._said.append(text)
        if self._deciding:
            text = "".join(self._said).lstrip()
            self.not_found = text.startswith(NOT_FOUND)
            if self.not_found or NOT_FOUND.startswith(text):
                return
            self._deciding = False
            self._trace.mark("first_text")
        out = text if self._gate is None else self._gate.feed(text)
        if out:
            self._emit(self._greeting + out)
            self._greeting = ""

    def finish(self, evidence: Evidence, release: int, *, whole: bool) -> Gate:
        """The gate after the whole answer; what it still held leaves now."""
        if self._gate is None:
            return check_whole("".join(self._said), evidence, release, whole=whole)
        if self._deciding:
            self._gate.feed("".join(self._said))
        if rest := self._gate.finish(whole=whole):
            self._emit(self._greeting + rest)
        return self._gate


def _reply(reply: Reply, mode: str) -> Answer:
    return Answer(reply.text, reply.outcome, mode, suggestions=reply.suggestions, hand_over=reply.hand_over)


def _greeting(customer: Customer | None, history: Sequence[Turn]) -> str:
    """The first answer of a conversation calls a verified customer by name."""
    if customer is None or not customer.first_name or any(turn.role == "assistant" for turn in history):
        return ""
    return f"Hello {customer.first_name}!\n\n"


def _evidence(prompted: Prompted, known: Known, text: str) -> Evidence:
    """What the answer may draw on: the passages sent, the record, what we said before, what the customer said."""
    ours = [turn.text for turn in known.history if turn.role == "assistant"]
    theirs = [turn.text for turn in known.history if turn.role == "customer"]
    return Evidence(
        passages=prompted.passages,
        records="\n".join([render_profile(known.customer, known.past), *ours]),
        said="\n".join([*theirs, text]),
        secrets=(prompted.fence,),
        instructions=prompted.instructions,
    )
