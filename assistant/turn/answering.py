"""One customer message becomes one answer: the straight line. Floor: use case; `runner.py` decides when it runs.

understand -> policy -> search -> policy -> model or embedded composer -> guard -> Answer
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import structlog

from assistant.errors import ModelUnavailable
from assistant.profile.customer import Customer
from assistant.settings import Settings
from assistant.turn.before import Before, Place, before_of
from assistant.turn.blocks import parse_blocks
from assistant.turn.candidates import Asked, codes_in, kind_of, list_candidates
from assistant.turn.citations import Citation, is_exact
from assistant.turn.conversation import Question
from assistant.turn.embedded import Composed, Encode, RememberingEncode, WhichProduct, compose
from assistant.turn.guard import Evidence, Gate, check_whole, without_citations
from assistant.turn.models import Breaker, ChatModel, open_model
from assistant.turn.phrases import OF_MINE, YES_OR_NO
from assistant.turn.policy import (
    NOT_ALL_TEXT,
    SAME_QUESTION,
    TOLD,
    Verdict,
    ask_which_product,
    count_declines,
    decide_before_search,
    decide_on_answer,
    decline,
    decline_code,
    last_resort,
    offered_person,
    still_waiting,
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
from assistant.turn.records import TALK_TO_A_PERSON, Reply, recall_touchpoint, say_list
from assistant.turn.sentences import content_words, meanings
from assistant.turn.tokens import TokenCounter
from assistant.turn.understanding import Understanding, needs_context, split_parts, understand
from assistant.turn.writing import join_answers
from knowledge.documents import Document, Findings, Turn
from knowledge.errors import IndexMissing
from knowledge.products import Catalogue

logger = structlog.get_logger(__name__)

PASSAGES = 14  # the composer chooses among them
MODEL_PASSAGES = 5  # a model reads these
CATALOGUE_SECONDS = 5.0  # a new release's product names are known after this long
REFRESH_DELAY_SECONDS = 1.0  # after a turn that found the names old: beside its answer, it would slow it
EMPTY_SECONDS = 1.0  # a library found empty is looked at again this often, by nobody who waits
RELATED_SIMILARITY = 0.5  # of a question offered where ours has no answer
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
    asked: Asked


@dataclass(frozen=True, slots=True)
class _Told:
    """What an extractive answer is made for."""

    understood: Understanding
    question: Question
    history: Sequence[Turn]
    before: Before
    declines: int
    customer: Customer | None


class Answering:
    """Answers questions; holds no conversation, so any number of turns may run at once.

    Args:
        search: `Library.search` behind a thread, with its keyword arguments.
        encode: `Embedder.encode`; called from a thread.
        read_document: (document id, release) -> the document as of that release, to hold quotes against.
        past_conversations: (customer id, this conversation's id) -> one line each, newest first.
        catalogue: the products that the knowledge tells of; called from a thread.
        today: the day on which a date is past or ahead.
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
        today: Callable[[], date] = date.today,
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
        self._today = today
        self._model = model if model is not None else open_model(settings)
        self._counter = counter or TokenCounter()
        self._prompts = load_prompts()
        self._products: Catalogue | None = None
        self._products_until = 0.0
        self._refreshing: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None  # as long as there is no knowledge at all

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
        for task in (self._refreshing, self._watching):
            if task is not None:
                task.cancel()
        if self._model is not None:
            await self._model.close()

    async def answer(self, question: Question, emit: Emit) -> Answer | None:
        """The answer, telling `emit` its text as it may leave; None when somebody else has the floor."""
        trace = _Trace()
        customer = await self._load_customer(question.customer_id) if question.customer_id else None
        history, declines = question.earlier, count_declines(question.events)
        before = before_of(question.events)
        understood = understand(
            question.text,
            history,
            customer=customer,
            page_product=question.page_product,
            offered_person=offered_person(question.events),
            catalogue=await self._load_catalogue(),
            before=before,
        )
        trace.notes.update(
            turn=question.seq, question=question.text, standalone=understood.standalone, intent=understood.intent.value
        )
        decision = decide_before_search(
            understood,
            floor=question.floor,
            customer=customer,
            declines_in_row=declines,
            turns_before=len(history),
            today=self._today(),
        )
        if decision is not None and decision.verdict is Verdict.SILENT:
            return None
        greeting = _greeting(customer, history)
        if decision is not None and decision.reply is not None:
            trace.notes["decision"] = decision.reason
            if decision.reason == "own_records":
                trace.notes.update(record=understood.intent.value, orders=list(decision.reply.about))
            answer = _reply(decision.reply, "embedded")
            return self._said(answer, greeting if answer.outcome == "acted" else "", trace, emit)
        understood = await self._rewritten(understood, history, trace)
        if understood.subject.certain:
            trace.notes["about"] = list(understood.subject.products)
        findings = await self._find(understood.standalone, understood, question, history, trace)
        mode = "embedded"
        if self._model is not None:
            asked = Asked(understood.standalone, understood.question, understood.subject, understood.catalogue)
            turn = _ModelTurn(self._model, question, findings, customer, history, declines, greeting, asked)
            try:
                if said := await self._from_model(turn, trace, emit):
                    return self._finished(said, trace)
            except Exception as error:
                mode = "degraded"
                self._note_failure(error, question, trace)
        told = _Told(understood, question, history, before, declines, customer)
        return self._said(await self._from_passages(told, findings, trace, mode), greeting, trace, emit)

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

    async def _load_catalogue(self) -> Catalogue:
        """The products as of a few seconds ago: the turn waits for them only when there are none yet."""
        if self._products is None:
            await self._refresh_catalogue()
        elif time.monotonic() > self._products_until and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.create_task(self._refresh_catalogue(REFRESH_DELAY_SECONDS))
        return self._products or Catalogue()

    async def _refresh_catalogue(self, delay_seconds: float = 0.0) -> None:
        """On failure none, rather than an error: an answer without products is better than none."""
        if delay_seconds:
            await asyncio.sleep(delay_seconds)
        self._products_until = time.monotonic() + CATALOGUE_SECONDS
        try:
            self._products = await asyncio.to_thread(self._catalogue)
        except Exception as error:
            logger.warning("turn.catalogue_failed", error=repr(error))

    async def _find(
        self, asked: str, understood: Understanding, question: Question, history: Sequence[Turn], trace: _Trace
    ) -> Findings:
        """What the knowledge holds; nothing, rather than an error, when there is no knowledge."""
        before = () if understood.rewritten else history[-12:]
        products = understood.subject.products if understood.subject.certain else None
        if self._watching is not None and not self._watching.done():
            trace.mark("searched")
            return Findings(asked, 0, (), 0.0)
        try:
            findings = await self._search(asked, history=before, limit=PASSAGES, product=products)
        except IndexMissing:
            self._watching = asyncio.create_task(self._await_knowledge())
            findings = Findings(asked, 0, (), 0.0)
        except Exception as error:
            logger.warning("turn.search_failed", conversation=question.conversation_id, error=repr(error))
            trace.notes["search_failed"] = type(error).__name__
            findings = Findings(asked, 0, (), 0.0)
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

    async def _await_knowledge(self) -> None:
        """Ends within a second of the first release, so that no turn until then looks for one in vain."""
        while True:
            await asyncio.sleep(EMPTY_SECONDS)
            try:
                await self._search("is anything there", limit=1)
            except IndexMissing:
                continue
            except Exception as error:
                logger.warning("turn.search_failed", error=repr(error))
            return

    async def _from_passages(self, told: _Told, findings: Findings, trace: _Trace, mode: str = "embedded") -> Answer:
        """The passages' own answer to each part of the question; what has none is said to have none."""
        understood = told.understood
        parts = [understood.standalone] if understood.leans_back else split_parts(understood.standalone)
        answered: list[Composed] = []
        missed: list[str] = []
        for part in parts:
            if len(parts) > 1:
                findings = await self._find(part, understood, told.question, told.history, trace)
            asked = Asked(
                part,
                understood.question if len(parts) == 1 else part.rpartition("? ")[2],
                understood.subject,
                understood.catalogue,
                told.before.cited if understood.leans_back else (),
                understood.leans_back and not understood.rewritten and bool(told.before.asked),
            )
            if asked.leans_back and len(parts) == 1 and (asked.wanted or _asks_of_product(understood)):
                # what "it" is may be told far from what was asked of it before
                findings = _merged(findings, await self._find_alone(told, trace))
            composed = await asyncio.to_thread(compose, part, findings, self._encode, asked)
            if _is_said_again(composed, asked, told.before):
                composed, findings = await self._compose_alone(told, asked, trace)
            trace.mark("composed")
            best = composed.best if isinstance(composed, WhichProduct) else composed
            named = understood.subject.only is not None or understood.catalogue.mask(part) != part
            named = named or understood.leans_back  # sure of what was asked before is not sure of this
            owned = understood.subject.owned
            decision = decide_on_answer(
                findings.sureness,
                best,
                names_product=named,
                owns_product=best is not None and bool(best.products) and set(best.products) <= set(owned),
                yes_or_no=YES_OR_NO.search(asked.words) is not None,
            )
            trace.notes["decision"] = decision.reason
            if best is not None:
                trace.notes.update(likeness=round(best.likeness, 3), told=round(best.told, 3))
            if isinstance(composed, WhichProduct) and (asked.codes or decision.verdict is Verdict.ANSWER):
                trace.notes.update(
                    decision="which_product", pending=understood.standalone, choices=list(composed.products)
                )
                return _reply(ask_which_product(composed.products), mode)
            composed = best
            if composed is None or decision.verdict is Verdict.DECLINE:
                missed.append(part)
                if composed is None and asked.codes and len(parts) == 1:
                    return self._unknown_code(asked, findings, told, trace, mode)
            elif await self._all_exact(composed.citations, findings.release):
                answered.append(composed)
        if not answered:
            return _reply(decline(told.declines, _related(findings, understood)), mode)
        trace.notes["about"] = list(dict.fromkeys(name for one in answered for name in one.products))
        text, citations = join_answers([(one.text, one.citations) for one in answered])
        if noted := _noted(told):
            text = f"{noted}\n\n{text}"
        if missed:
            text += "\n\n" + NOT_ALL_TEXT.format(questions=say_list([f"“{part}”" for part in missed]))
        suggestions = (*((TALK_TO_A_PERSON,) if missed else ()), *answered[0].related)
        return Answer(text, "answered", mode, citations, suggestions)

    async def _find_alone(self, told: _Told, trace: _Trace) -> Findings:
        """What the question's own words find, with the product it is about and nothing else that was said."""
        words = f"{told.understood.question} {told.understood.subject.only or ''}".strip()
        return await self._find(words, told.understood, told.question, (), trace)

    async def _compose_alone(
        self, told: _Told, asked: Asked, trace: _Trace
    ) -> tuple[Composed | WhichProduct | None, Findings]:
        """An answer that owes nothing to the conversation; none when it is the one that was given before."""
        findings = await self._find_alone(told, trace)
        alone = replace(asked, question=asked.words, cited=(), leans_back=False)
        composed = await asyncio.to_thread(compose, alone.question, findings, self._encode, alone)
        trace.notes["said_again"] = True
        return (None if _is_said_again(composed, alone, told.before) else composed), findings

    def _unknown_code(self, asked: Asked, findings: Findings, told: _Told, trace: _Trace, mode: str) -> Answer:
        """No passage that may answer holds the code: another generation's may, and then that is asked."""
        only = asked.subject.only
        kin = replace(asked, subject=replace(asked.subject, certain=False))
        family = {name.casefold() for name in asked.catalogue.family(only)} if only else set()
        about = {name for one in list_candidates(kin, findings.found)[0] for name in one.about} & family
        trace.notes["decision"] = "unknown_code"
        choices = [name for name in asked.catalogue.names if name.casefold() in about]
        if choices and only not in told.before.choices:  # who has just told which is not asked again
            trace.notes.update(pending=told.understood.standalone, choices=choices)
            return _reply(ask_which_product([*choices, only] if only else choices), mode)
        return _reply(decline_code(sorted(code.upper() for code in asked.codes), only), mode)

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
        findings = _readable(turn, findings)
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


def _merged(one: Findings, other: Findings) -> Findings:
    """Two searches of one release as one, best first."""
    if one.release != other.release:
        return one
    known = {hit.passage.id for hit in one.found}
    found = [*one.found, *(hit for hit in other.found if hit.passage.id not in known)]
    return replace(one, found=tuple(sorted(found, key=lambda hit: -hit.score)))


def _asks_of_product(understood: Understanding) -> bool:
    """Whether "it" may be the product itself: what takes how long or costs how much is what was spoken of last."""
    return kind_of(understood.question) not in ("time", "price")


def waiting_answer() -> Answer:
    """What is said, once a wait, to who writes on before an agent has come."""
    return _reply(still_waiting(), "embedded")


def _is_said_again(composed: Composed | WhichProduct | None, asked: Asked, before: Before) -> bool:
    """Whether this is the answer before, though it tells nothing that is asked for now."""
    if not isinstance(composed, Composed) or composed.told >= TOLD or composed.likeness >= SAME_QUESTION:
        return False
    if codes_in(asked.catalogue.mask(asked.words)) or (composed.exact and not asked.wanted):
        return False
    quoted = {Place(c.document, c.start, c.end) for c in composed.citations}
    return bool(quoted) and quoted <= set(before.cited)


def _readable(turn: _ModelTurn, findings: Findings) -> Findings:
    """The best passages for a model to read, without those about another product or another code."""
    meant = {candidate.passage.id for candidate in list_candidates(turn.asked, findings.found)[0]}
    found = [hit for hit in findings.found if hit.passage.id in meant] or list(findings.found)
    return replace(findings, found=tuple(found[:MODEL_PASSAGES]))


def _related(findings: Findings, understood: Understanding) -> tuple[str, ...]:
    """Questions that we could answer, near to the one we cannot: of the same product or with a word of it."""
    unnamed = understood.catalogue.unnamed
    words = meanings(unnamed(understood.question)) or meanings(unnamed(understood.standalone))
    wanted = {name.casefold() for name in understood.subject.products} if understood.subject.certain else None
    asked = [
        hit.passage.question
        for hit in findings.found[:5]
        if hit.passage.question
        and hit.similarity >= RELATED_SIMILARITY
        and _is_near(understood.catalogue.subjects(hit.passage), wanted)
        and (words & meanings(hit.passage.question) or (wanted or set()) & understood.catalogue.subjects(hit.passage))
    ]
    return tuple(dict.fromkeys(asked))[:2]


def _is_near(about: frozenset[str], wanted: set[str] | None) -> bool:
    return wanted is None or not about or bool(wanted & about)


def _noted(told: _Told) -> str:
    """What the customer told us earlier about this very thing."""
    if told.customer is None or told.understood.leans_back:
        return ""
    mask = told.understood.catalogue.mask
    question = mask(told.understood.question)
    if not OF_MINE.search(question) and not codes_in(question):
        return ""  # what happens to parcels in general is not what happened to one of theirs
    return recall_touchpoint(
        told.customer,
        content_words(told.understood.catalogue.unnamed(told.understood.question, told.understood.subject.products)),
        sorted(codes_in(question)),
        least=1 if told.understood.subject.only else 2,
    )


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
