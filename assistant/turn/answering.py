"""One customer message becomes one answer: the straight line. Floor: use case; `runner.py` decides when it runs.

understand -> policy -> search -> a model (`from_model.py`) or the passages alone (`from_passages.py`) -> Answer
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date

import structlog

from assistant.errors import ModelUnavailable
from assistant.profile.customer import Customer
from assistant.settings import Settings
from assistant.turn.answer import Answer, Emit, Trace, answer_with, greeting_for
from assistant.turn.before import before_of
from assistant.turn.blocks import parse_blocks
from assistant.turn.conversation import Question
from assistant.turn.finding import Brief, Finder, ReadDocument, Search
from assistant.turn.from_model import ModelAnswers, PastConversations, open_model
from assistant.turn.from_passages import PassageAnswers
from assistant.turn.models import ChatModel
from assistant.turn.policy import (
    Verdict,
    count_declines,
    decide_before_search,
    last_resort,
    offered_person,
    still_waiting,
)
from assistant.turn.scoring import Encode
from assistant.turn.tokens import TokenCounter
from assistant.turn.understanding import Intent, Understanding, understand
from knowledge.products import Catalogue

logger = structlog.get_logger(__name__)

LoadCustomer = Callable[[str], Awaitable[Customer | None]]


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
        self._load_customer = load_customer
        self._today = today
        self._finder = Finder(search, read_document, catalogue)
        self._passages = PassageAnswers(self._finder, encode)
        model = model if model is not None else open_model(settings)
        counter = counter or TokenCounter()
        self._model = ModelAnswers(model, self._finder, settings, counter, past_conversations) if model else None

    @property
    def mode(self) -> str:
        """How the next answer would be made: `model`, `embedded` or `degraded`."""
        if self._model is None:
            return "embedded"
        return "degraded" if self._model.is_resting else "model"

    def warm_up(self) -> None:
        """Loads what the first answer would load. Takes a second with a model; call it from a thread."""
        parse_blocks("warm")
        if self._model is not None:
            self._model.warm_up()

    async def close(self) -> None:
        """Closes the model's connections."""
        self._finder.close()
        if self._model is not None:
            await self._model.close()

    async def answer(self, question: Question, emit: Emit) -> Answer | None:
        """The answer, telling `emit` its text as it may leave; None when somebody else has the floor."""
        trace = Trace()
        customer = await self._load_customer(question.customer_id) if question.customer_id else None
        history, declines = question.earlier, count_declines(question.events)
        before = before_of(question.events)
        understood = understand(
            question.text,
            history,
            customer=customer,
            page_product=question.page_product,
            offered_person=offered_person(question.events),
            catalogue=await self._finder.catalogue(),
            before=before,
        )
        trace.notes.update(
            turn=question.seq, question=question.text, standalone=understood.standalone, intent=understood.intent.value
        )
        if understood.only_number and await self._is_known_number(understood, customer, trace):
            understood = replace(understood, intent=Intent.QUESTION, order_number=None)
            trace.notes["intent"] = understood.intent.value
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
        greeting = greeting_for(customer, history)
        if decision is not None and decision.reply is not None:
            trace.notes["decision"] = decision.reason
            if understood.intent is Intent.NAMES_PRODUCT:
                trace.notes["about"] = list(understood.subject.products)
            if decision.reason == "own_records":
                trace.notes.update(record=understood.intent.value, orders=list(decision.reply.about))
            answer = answer_with(decision.reply, "embedded")
            return _said(answer, greeting if answer.outcome == "acted" else "", trace, emit)
        if self._model is not None:
            understood = await self._model.rewritten(understood, history, trace)
        if understood.subject.certain:
            trace.notes["about"] = list(understood.subject.products)
        brief = Brief(question, understood, history, before, declines, customer, greeting)
        findings = await self._finder.find(understood.searched, brief, trace)
        mode = "embedded"
        if self._model is not None:
            try:
                if said := await self._model.answer(brief, findings, trace, emit):
                    return _finished(said, trace)
            except Exception as error:
                mode = "degraded"
                _note_failure(error, question, trace)
        return _said(await self._passages.answer(brief, findings, trace, mode), greeting, trace, emit)

    async def _is_known_number(self, understood: Understanding, customer: Customer | None, trace: Trace) -> bool:
        """Whether what looks like an order's number is a part's or a model's: one that the knowledge tells of."""
        number = (understood.order_number or "").casefold()
        if any(order.number.casefold() == number for order in (customer.orders if customer else ())):
            return False
        return await self._finder.holds(number, trace)

    def last_resort(self, question: Question, reason: str) -> Answer:
        """What is said when `answer` itself failed."""
        answer = answer_with(last_resort(), "degraded")
        return replace(answer, evidence={"turn": question.seq, "question": question.text, "decision": reason})


def _said(answer: Answer, greeting: str, trace: Trace, emit: Emit) -> Answer:
    """What was not streamed. After drafts of something else it is not drafted: the stored message replaces them."""
    answer = replace(answer, text=greeting + answer.text)
    if "first_text" not in trace.timings_ms:
        emit(answer.text)
    return _finished(answer, trace)


def _finished(answer: Answer, trace: Trace) -> Answer:
    trace.mark("finished")
    return replace(answer, evidence={**trace.notes, "mode": answer.mode, "timings_ms": trace.timings_ms})


def _note_failure(error: Exception, question: Question, trace: Trace) -> None:
    reason = error.reason if isinstance(error, ModelUnavailable) else type(error).__name__
    trace.notes["model_error"] = reason
    logger.warning(
        "turn.model_failed",
        conversation=question.conversation_id,
        turn=question.seq,
        reason=reason,
        exc_info=None if isinstance(error, ModelUnavailable) else error,
    )


def waiting_answer() -> Answer:
    """What is said, once a wait, to who writes on before an agent has come."""
    return answer_with(still_waiting(), "embedded")
