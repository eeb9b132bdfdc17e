"""What the knowledge holds for a turn: its passages, its products, its stored text. Floor: use case.

Whatever fails here becomes "nothing found": an answer without knowledge is better than none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from assistant.profile.customer import Customer
from assistant.turn.answer import Trace
from assistant.turn.before import Before
from assistant.turn.candidates import holds_code
from assistant.turn.citations import Citation, is_exact
from assistant.turn.conversation import Question
from assistant.turn.sentences import content_words
from assistant.turn.understanding import Understanding
from knowledge.documents import Document, Findings, Turn
from knowledge.errors import IndexMissing
from knowledge.products import Catalogue

logger = structlog.get_logger(__name__)

PASSAGES = 14  # the composer chooses among them
MOST_PASSAGES = 40  # and among so many before it gives up: what names the thing may stand behind what sounds like it
HISTORY_TURNS = 12  # that a search looks at
CATALOGUE_SECONDS = 5.0  # a new release's product names are known after this long
REFRESH_DELAY_SECONDS = 1.0  # after a turn that found the names old: beside its answer, it would slow it
EMPTY_SECONDS = 1.0  # a library found empty is looked at again this often, by nobody who waits

Search = Callable[..., Awaitable[Findings]]
ReadDocument = Callable[[str, int | None], Awaitable[Document | None]]


@dataclass(frozen=True, slots=True)
class Brief:
    """A question in hand: how it was understood, and what is known around it."""

    question: Question
    understood: Understanding
    history: Sequence[Turn]
    before: Before
    declines: int  # of the assistant's, in a row
    customer: Customer | None
    greeting: str  # stands before the first text


class Finder:
    """Searches for turns. `catalogue` is called from a thread."""

    def __init__(self, search: Search, read_document: ReadDocument, catalogue: Callable[[], Catalogue]) -> None:
        self._search = search
        self._read_document = read_document
        self._catalogue = catalogue
        self._products: Catalogue | None = None
        self._products_until = 0.0
        self._refreshing: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None  # as long as there is no knowledge at all

    def close(self) -> None:
        """Ends what goes on behind."""
        for task in (self._refreshing, self._watching):
            if task is not None:
                task.cancel()

    async def catalogue(self) -> Catalogue:
        """The products as of a few seconds ago: the turn waits for them only when there are none yet."""
        if self._products is None:
            await self._refresh()
        elif time.monotonic() > self._products_until and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.create_task(self._refresh(REFRESH_DELAY_SECONDS))
        return self._products or Catalogue()

    async def _refresh(self, delay_seconds: float = 0.0) -> None:
        """On failure none, rather than an error: an answer without products is better than none."""
        if delay_seconds:
            await asyncio.sleep(delay_seconds)
        self._products_until = time.monotonic() + CATALOGUE_SECONDS
        try:
            self._products = await asyncio.to_thread(self._catalogue)
        except Exception as error:
            logger.warning("turn.catalogue_failed", error=repr(error))

    async def find(
        self,
        asked: str,
        brief: Brief,
        trace: Trace,
        *,
        history: Sequence[Turn] | None = None,
        limit: int = PASSAGES,
    ) -> Findings:
        """What there is for `asked`, in the light of the conversation or of `history`; nothing rather than an error."""
        history = brief.history if history is None else history
        before = () if brief.understood.rewritten else history[-HISTORY_TURNS:]
        subject = brief.understood.subject
        products = subject.products if subject.certain else None
        if self._watching is not None and not self._watching.done():
            trace.mark("searched")
            return Findings(asked, 0, (), 0.0)
        try:
            findings = await self._search(asked, history=before, limit=limit, product=products)
        except IndexMissing:
            self._watching = asyncio.create_task(self._await_knowledge())
            findings = Findings(asked, 0, (), 0.0)
        except Exception as error:
            logger.warning("turn.search_failed", conversation=brief.question.conversation_id, error=repr(error))
            trace.notes["search_failed"] = type(error).__name__
            findings = Findings(asked, 0, (), 0.0)
        trace.mark("searched")
        trace.notes.update(
            release=findings.release,
            sureness=round(findings.sureness, 4),
            product=brief.understood.product,
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

    async def find_alone(self, brief: Brief, trace: Trace) -> Findings:
        """What the question's own words find, with the product it is about and nothing else that was said."""
        words = f"{brief.understood.question} {brief.understood.subject.only or ''}".strip()
        return await self.find(words, brief, trace, history=())

    async def find_unnamed(self, asked: str, brief: Brief, trace: Trace, *, limit: int = PASSAGES) -> Findings:
        """What is told of the product in question, found without its name: whatever bears it is near to the name.

        Nothing where the question says no more than the name.
        """
        subject, catalogue = brief.understood.subject, brief.understood.catalogue
        words = " ".join(catalogue.unnamed(asked, subject.products if subject.certain else ()).split())
        if not content_words(words):
            return Findings(asked, 0, (), 0.0)
        return await self.find(words, brief, trace, history=(), limit=limit)

    async def holds(self, number: str, trace: Trace) -> bool:
        """Whether some passage holds this very number; False rather than an error."""
        try:
            findings = await self._search(number, limit=PASSAGES)
        except Exception as error:
            logger.warning("turn.search_failed", error=repr(error))
            return False
        trace.mark("number_searched")
        return any(holds_code(hit.passage.text, number) for hit in findings.found)

    async def all_exact(self, citations: Sequence[Citation], release: int) -> bool:
        """Whether every quote stands, character for character, in its document as of that release."""
        documents: dict[str, Document] = {}
        for document_id in {citation.document for citation in citations}:
            if document := await self._read_document(document_id, release):
                documents[document_id] = document
        return all(is_exact(citation, documents) for citation in citations)


def merged(one: Findings, other: Findings) -> Findings:
    """Two searches of one release as one, best first."""
    if one.release != other.release or not other.found:
        return one
    known = {hit.passage.id for hit in one.found}
    found = [*one.found, *(hit for hit in other.found if hit.passage.id not in known)]
    return replace(one, found=tuple(sorted(found, key=lambda hit: -hit.score)))
