"""What the assistant would answer at a given release, the embedded way, writing nothing. Floor: use case.

The live line itself (`turn/answering.py`) over a search that is bound to the release; `comparing.py` asks it twice.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from assistant.journal.events import ASSISTANT, Author, Event, Kind, Role, turn_client_id
from assistant.journal.transcript import ASSISTANT_FLOOR
from assistant.profile.customer import Customer
from assistant.studio.personal import nameless
from assistant.turn.answer import Answer
from assistant.turn.answering import Answering
from assistant.turn.citations import Citation
from assistant.turn.conversation import Question
from assistant.turn.embedded import RememberingEncode
from assistant.turn.policy import ANSWER_SURENESS
from knowledge.documents import Document, Findings, Turn
from knowledge.errors import IndexMissing, KnowledgeError

if TYPE_CHECKING:
    from assistant.settings import Settings
    from knowledge.library import Library

NOWHERE = "rehearsal"  # the conversation that a rehearsal pretends to be in
KEPT_RELEASES = 4
REPLAYED_TURNS = 6  # of a history, the newest; what was said before them changes no answer in practice
SAME_SURENESS = 0.01  # words become a little rarer or commoner with every release

LoadCustomer = Callable[[str], Awaitable[Customer | None]]


@dataclass(frozen=True, slots=True)
class Searched:
    """One search that an answer stood on."""

    question: str
    narrowing: dict[str, Any]
    findings: Findings


@dataclass(frozen=True, slots=True)
class RehearsedAnswer:
    """What would be said. `sureness` is the search's own, 0 where none was made; `searches` are all it stood on."""

    text: str
    outcome: str
    citations: tuple[Citation, ...]
    sureness: float
    release: int
    hand_over: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    searches: tuple[Searched, ...] = ()

    @property
    def is_answered(self) -> bool:
        return self.outcome in ("answered", "acted") and self.hand_over is None

    def as_data(self) -> dict[str, Any]:
        """As the comparison's report tells it."""
        return {
            "text": self.text,
            "outcome": self.outcome,
            "citations": [citation.as_data() for citation in self.citations],
            "sureness": round(self.sureness, 4),
        }


class Rehearsal:
    """Answers questions as of any kept release; holds no conversation and writes to none. Use it from one event loop.

    Args:
        load_customer: (customer id) -> profile, for questions of signed-in customers; None knows nobody.
    """

    def __init__(
        self,
        library: Library,
        settings: Settings,
        *,
        load_customer: LoadCustomer | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._library = library
        self._settings = settings.model_copy(update={"model": "embedded"})
        self._load_customer = load_customer or _nobody
        self._today = today
        self._encode = RememberingEncode(library.embedder.encode)
        self._answering: OrderedDict[int, Answering] = OrderedDict()
        self._replayed: OrderedDict[tuple[Any, ...], tuple[Event, ...]] = OrderedDict()

    async def answer(
        self,
        question: str,
        history: Sequence[Turn] = (),
        release: int | None = None,
        customer: str | None = None,
        *,
        product: str | None = None,
        like: RehearsedAnswer | None = None,
    ) -> RehearsedAnswer:
        """What `question` would be answered at that release.

        Args:
            history: what was said before it, oldest first. The customer's turns are answered anew, in order: what "it"
                means is read from our notes on the answer before, and those are a release's own.
            release: None takes the one in service.
            customer: a customer's id, for `load_customer`.
            product: the product whose page the customer is on.
            like: the answer at another release; taken over where every search behind it finds the same here.

        Raises:
            IndexMissing: nothing has been indexed yet.
            ReleaseUnknown: that release is not kept.
        """
        number = await self._number(release)
        sayings = tuple(turn.text for turn in history if turn.role == "customer")[-REPLAYED_TURNS:]
        before = await self._replay(sayings, number, customer, product)
        return await self.answer_question(_ask(question, before, customer, product), number, like=like)

    async def answer_question(
        self, question: Question, release: int | None = None, *, like: RehearsedAnswer | None = None
    ) -> RehearsedAnswer:
        """The same for a question as the journal holds it, with the events before it as they were."""
        number = await self._number(release)
        if like is not None and await self._finds_the_same(like, number):
            return _moved(like, number)
        return await self._answer(replace(question, floor=ASSISTANT_FLOOR), number)

    async def converse(
        self, sayings: Sequence[str], release: int | None = None, customer: str | None = None
    ) -> list[RehearsedAnswer]:
        """The answers to things said one after the other in one conversation."""
        number = await self._number(release)
        before: tuple[Event, ...] = ()
        answers = []
        for saying in sayings:
            question = _ask(saying, before, customer, None)
            answers.append(await self._answer(question, number))
            before = (*before, *_told(question, answers[-1]))
        return answers

    async def _number(self, release: int | None) -> int:
        if release is not None:
            return release
        live = await asyncio.to_thread(lambda: self._library.release)
        if live is None:
            raise IndexMissing("Nothing has been indexed yet: run `tellonce knowledge add PATH`.")
        return live

    async def _replay(
        self, sayings: tuple[str, ...], release: int, customer: str | None, product: str | None
    ) -> tuple[Event, ...]:
        if not sayings:
            return ()
        key = (sayings, release, customer, product)
        if key not in self._replayed:
            before = await self._replay(sayings[:-1], release, customer, product)
            question = _ask(sayings[-1], before, customer, product)
            self._replayed[key] = (*before, *_told(question, await self._answer(question, release)))
            while len(self._replayed) > 256:
                self._replayed.popitem(last=False)
        return self._replayed[key]

    async def _answer(self, question: Question, release: int) -> RehearsedAnswer:
        heard = _Heard()
        token = _HEARD.set(heard)
        try:
            answer = await self._answering_of(release).answer(question, _unheard)
        finally:
            _HEARD.reset(token)
        if heard.error is not None:  # a customer would be told that we found nothing; an editor is told why
            raise heard.error
        assert answer is not None, "nobody else has the floor in a rehearsal"
        return _rehearsed(answer, release, heard.searches)

    def _answering_of(self, release: int) -> Answering:
        if release not in self._answering:
            self._answering[release] = self._make_answering(release)
            if len(self._answering) > KEPT_RELEASES:
                self._answering.popitem(last=False)
        self._answering.move_to_end(release)
        return self._answering[release]

    def _make_answering(self, release: int) -> Answering:
        async def search(question: str, **narrowing: Any) -> Findings:
            heard = _HEARD.get()
            try:
                findings = await self._search(question, release, narrowing)
            except KnowledgeError as error:
                heard.error = error
                raise
            heard.searches.append(Searched(question, narrowing, findings))
            return findings

        async def read_document(document_id: str, number: int | None) -> Document | None:
            return await asyncio.to_thread(self._library.document, document_id, number or release)

        return Answering(
            settings=self._settings,
            search=search,
            load_customer=self._load_customer,
            encode=self._encode,
            read_document=read_document,
            catalogue=lambda: self._library.catalogue(release),
            today=self._today,
        )

    async def _search(self, question: str, release: int, narrowing: dict[str, Any]) -> Findings:
        return await asyncio.to_thread(lambda: self._library.search(question, release=release, **narrowing))

    async def _finds_the_same(self, answer: RehearsedAnswer, release: int) -> bool:
        """Whether nothing that went into the answer is different at this release: then neither is what comes out."""
        if answer.release != release and not await asyncio.to_thread(self._same_products, answer.release, release):
            return False
        for searched in answer.searches:
            here = await self._search(searched.question, release, searched.narrowing)
            if not _same_findings(searched.findings, here):
                return False
        return bool(answer.searches)

    def _same_products(self, one: int, other: int) -> bool:
        return self._library.catalogue(one) == self._library.catalogue(other)


@dataclass(slots=True)
class _Heard:
    """What was searched for one answer, and what kept a search from being made."""

    searches: list[Searched] = field(default_factory=list)
    error: KnowledgeError | None = None


_HEARD: ContextVar[_Heard] = ContextVar("heard")


def loading_nameless(load_customer: Callable[[str], Customer | None] | None) -> LoadCustomer | None:
    """Whose words are shown is nobody's business: answers are rehearsed for somebody who owns the same."""
    if load_customer is None:
        return None

    async def load(customer_id: str) -> Customer | None:
        return nameless(await asyncio.to_thread(load_customer, customer_id))

    return load


async def _nobody(customer_id: str) -> Customer | None:
    return None


def _unheard(text: str) -> None:
    """Nobody listens to a rehearsal."""


def _ask(text: str, before: tuple[Event, ...], customer: str | None, product: str | None) -> Question:
    page = {"product": product} if product else {}
    seq = before[-1].seq + 1 if before else 1
    return Question(NOWHERE, seq, text, ASSISTANT_FLOOR, customer, page, before)


def _told(question: Question, answer: RehearsedAnswer) -> tuple[Event, ...]:
    """The question and its answer as the journal would hold them."""
    said = {
        "text": answer.text,
        "outcome": answer.outcome,
        "citations": [citation.as_data() for citation in answer.citations],
        "suggestions": answer.evidence.get("suggestions", []),
        "turn": question.seq,
    }
    seq, asker = question.seq, Author(Role.CUSTOMER)
    return (
        Event(NOWHERE, seq, seq - 1, "", Kind.MESSAGE, asker, {"text": question.text}),
        Event(NOWHERE, seq + 1, seq, "", Kind.EVIDENCE, ASSISTANT, answer.evidence),
        Event(NOWHERE, seq + 2, seq, "", Kind.MESSAGE, ASSISTANT, said, turn_client_id(seq)),
    )


def _rehearsed(answer: Answer, release: int, searches: Sequence[Searched]) -> RehearsedAnswer:
    evidence = {**answer.evidence, "suggestions": list(answer.suggestions)}
    sureness = float(evidence.get("sureness") or 0.0)
    return RehearsedAnswer(
        answer.text, answer.outcome, answer.citations, sureness, release, answer.hand_over, evidence, tuple(searches)
    )


def _moved(answer: RehearsedAnswer, release: int) -> RehearsedAnswer:
    """The same answer, quoting the other release."""
    citations = tuple(replace(citation, release=release) for citation in answer.citations)
    return replace(answer, citations=citations, release=release)


def _same_findings(one: Findings, other: Findings) -> bool:
    """Whether an answer made of one would be made of the other: the same passages in the same order, as surely."""
    if [hit.passage for hit in one.found] != [hit.passage for hit in other.found]:
        return False
    if (one.sureness >= ANSWER_SURENESS) != (other.sureness >= ANSWER_SURENESS):
        return False
    return abs(one.sureness - other.sureness) <= SAME_SURENESS
