"""An answer by a model: asked with its sources, guarded, its citations held against stored text. Floor: use case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

import structlog

from assistant.errors import ModelUnavailable
from assistant.settings import Settings
from assistant.turn.answer import Answer, Emit, Trace, answer_with
from assistant.turn.candidates import Asked, list_candidates
from assistant.turn.citations import Citation
from assistant.turn.conversation import Question
from assistant.turn.finding import Brief, Finder
from assistant.turn.guard import Evidence, Gate, check_whole, without_citations
from assistant.turn.models import Breaker, ChatModel
from assistant.turn.policy import decline
from assistant.turn.prompting import (
    NOT_FOUND,
    Known,
    Prompted,
    load_prompts,
    prompt_answer,
    prompt_rewrite,
    render_profile,
)
from assistant.turn.tokens import TokenCounter
from assistant.turn.understanding import Understanding
from knowledge.documents import Findings, Turn

logger = structlog.get_logger(__name__)

MODEL_PASSAGES = 5  # a model reads these
REWRITE_SECONDS = 2.5  # a rewriting that takes longer costs more than it helps

PastConversations = Callable[[str, str], Awaitable[Sequence[str]]]


def open_model(settings: Settings) -> ChatModel | None:
    """The model these settings name, behind its breaker; None when answers are embedded only."""
    if not settings.uses_model:
        return None
    from assistant.turn.openai_model import OpenAIModel

    return Breaker(OpenAIModel(settings))


class ModelAnswers:
    """Asks a model; holds no conversation.

    Raises:
        SettingsError: a prompt file is missing or wrong.
    """

    def __init__(
        self,
        model: ChatModel,
        finder: Finder,
        settings: Settings,
        counter: TokenCounter,
        past_conversations: PastConversations | None = None,
    ) -> None:
        self._model = model
        self._finder = finder
        self._settings = settings
        self._counter = counter
        self._past_conversations = past_conversations
        self._prompts = load_prompts()

    @property
    def is_resting(self) -> bool:
        """Whether the model failed so often that it is not asked for a while."""
        return isinstance(self._model, Breaker) and self._model.resting

    def warm_up(self) -> None:
        """Loads what the first answer would load: a second; call it from a thread."""
        self._counter.warm_up()
        warm = getattr(self._model, "warm_up", None)
        if warm is not None:
            warm()

    async def close(self) -> None:
        """Closes the model's connections."""
        await self._model.close()

    async def answer(self, brief: Brief, findings: Findings, trace: Trace, emit: Emit) -> Answer | None:
        """The model's answer, guarded; None when nothing of it may leave.

        Raises:
            ModelUnavailable: it gave no usable answer; drafts that left already are overruled by what is stored.
        """
        question = brief.question
        known = Known(brief.customer, question.page, await self._past(question), brief.history)
        budget = self._settings.model_context_tokens - self._settings.model_answer_tokens
        prompt = self._prompts["answer"]
        findings = _readable(brief.understood, findings)
        prompted = prompt_answer(prompt, question.text, findings, known, self._counter, budget_tokens=budget)
        evidence = partial(_evidence, prompted, known, question.text)
        by_sentence = self._settings.stream == "sentence"
        outlet = _Outlet(emit, Gate(evidence(), findings.release) if by_sentence else None, brief.greeting, trace)
        trace.notes.update(model=self._model.name, prompt=prompted.prompt_hash, prompt_tokens=prompted.tokens)
        trace.mark("asked")
        completion = await self._model.stream(prompted.messages, outlet, max_tokens=self._settings.model_answer_tokens)
        trace.mark("model_done")
        if outlet.not_found:
            trace.notes["decision"] = "model_found_nothing"
            reply = decline(brief.declines)
            emit(reply.text)
            return answer_with(reply, "model")
        gate = outlet.finish(evidence, findings.release, whole=completion.finish_reason == "stop")
        trace.notes["guard"] = [{"reason": drop.reason, "beginning": drop.beginning} for drop in gate.dropped]
        text = gate.released.strip()
        if not text:
            trace.notes["decision"] = "nothing_supported"
            return None
        trace.notes["decision"] = "model_answered"
        text, citations = await self._kept_citations(text, gate.citations, findings.release)
        asks_back = text.endswith("?") and not citations
        return Answer(brief.greeting + text, "clarifying" if asks_back else "answered", "model", citations)

    async def _kept_citations(
        self, text: str, citations: Sequence[Citation], release: int
    ) -> tuple[str, tuple[Citation, ...]]:
        """The text without markers whose quote does not stand in the stored document."""
        if await self._finder.all_exact(citations, release):
            return text, tuple(citations)
        kept = [c for c in citations if await self._finder.all_exact([c], release)]
        return without_citations(text, {c.n for c in citations} - {c.n for c in kept}), tuple(kept)

    async def _past(self, question: Question) -> Sequence[str]:
        if self._past_conversations is None or question.customer_id is None:
            return ()
        try:
            return await self._past_conversations(question.customer_id, question.conversation_id)
        except Exception as error:
            logger.warning("turn.past_failed", conversation=question.conversation_id, error=repr(error))
            return ()

    async def rewritten(self, understood: Understanding, history: Sequence[Turn], trace: Trace) -> Understanding:
        """With a model, a question that leans on the conversation is put so that it stands alone."""
        if not understood.leans_back:
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


class _Outlet:
    """Where a model's text goes: straight out, or through the gate. Holds back a NOT_FOUND until it is told apart."""

    def __init__(self, emit: Emit, gate: Gate | None, greeting: str, trace: Trace) -> None:
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
        self._let_out(text if self._gate is None else self._gate.feed(text))

    def _let_out(self, text: str) -> None:
        if text:
            self._emit(self._greeting + text)
            self._greeting = ""
            if "first_text" not in self._trace.timings_ms:
                self._trace.mark("first_text")

    def finish(self, evidence: Callable[[], Evidence], release: int, *, whole: bool) -> Gate:
        """The gate after the whole answer; what it still held leaves now."""
        if self._gate is None:
            return check_whole("".join(self._said), evidence(), release, whole=whole)
        if self._deciding:
            self._gate.feed("".join(self._said))
        self._let_out(self._gate.finish(whole=whole))
        return self._gate


def _readable(understood: Understanding, findings: Findings) -> Findings:
    """The best passages for a model to read, without those about another product or another code."""
    if not findings.found:
        return findings
    asked = Asked(understood.standalone, understood.question, understood.subject, understood.catalogue)
    meant = {candidate.passage.id for candidate in list_candidates(asked, findings.found)[0]}
    found = [hit for hit in findings.found if hit.passage.id in meant] or list(findings.found)
    return replace(findings, found=tuple(found[:MODEL_PASSAGES]))


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
