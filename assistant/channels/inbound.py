"""What a customer can do, whichever door they come by: the verbs shared by the socket, HTTP and later channels.

Floor: use case. Each verb ends in the journal and returns what was committed; the turn and the desk react to that.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from assistant.channels.frames import Page
from assistant.effort import surveys
from assistant.errors import BadFrame, Conflict, NotFound, Superseded
from assistant.journal.events import Audience, Author, Event, Kind, NewEvent, Role
from assistant.journal.port import Appended, Conversation, Journal, Unless, read_whole
from assistant.journal.transcript import AGENT_FLOOR, ENDED_FLOOR, QUEUE_FLOOR

logger = structlog.get_logger(__name__)

_BLANK_LINES = re.compile(r"\n\s*\n")
RATED_ROLES = frozenset({Role.ASSISTANT, Role.AGENT})

# position in the queue (1 is next) -> seconds until an agent is likely to answer; None when nothing is known
EstimateWait = Callable[[int], int | None]


# told of a message on its way to disk (conversation, its events, first of all?), so that an answer can be begun
Foresee = Callable[[str, Sequence[NewEvent], bool], Awaitable[None]]


def know_no_wait(position: int) -> int | None:
    return None


async def foresee_nothing(conversation_id: str, coming: Sequence[NewEvent], first: bool) -> None:
    return None


class Inbound:
    """The verbs. `ces_scale`: 5 or 7. `estimate_wait` knows how long the queue takes."""

    def __init__(
        self,
        journal: Journal,
        *,
        ces_scale: int,
        estimate_wait: EstimateWait = know_no_wait,
        foresee: Foresee = foresee_nothing,
    ) -> None:
        self._journal = journal
        self._ces_scale = ces_scale
        self._estimate_wait = estimate_wait
        self._foresee = foresee

    async def say(
        self,
        conversation_id: str,
        author: Author,
        text: str,
        client_id: str,
        *,
        also: Sequence[NewEvent] = (),
        first: bool = False,
    ) -> Appended:
        """The message, durable. `also` holds what became known with it (context, identity), in the same commit.

        `first`: the caller knows of nothing that happened in this conversation before.
        """
        message = NewEvent(Kind.MESSAGE, author, {"text": text, "blocks": plain_blocks(text)}, client_id)
        events = (message, *also)
        await self._foresee(conversation_id, events, first)
        return await self._append(conversation_id, events)

    async def ask_human(
        self, conversation_id: str, author: Author, reason: str | None, client_id: str, *, also: Sequence[NewEvent] = ()
    ) -> Appended:
        """A place in the queue. Who already waits, or already talks to a person, keeps what they have."""

        async def attempt() -> Appended:
            conversation = await self._load(conversation_id)
            if conversation.floor in (QUEUE_FLOOR, AGENT_FLOOR):
                return Appended((await self._newest(conversation, Kind.HANDOFF_REQUESTED),), repeated=True)
            waiting = await self._journal.list_conversations(floors=(QUEUE_FLOOR,), limit=1000)
            position = len(waiting) + 1
            data = {
                "reason": reason or "The customer asked for a person.",
                "position": position,
                "wait_seconds": self._estimate_wait(position),
            }
            request = NewEvent(Kind.HANDOFF_REQUESTED, author, data, client_id)
            condition = Unless(frozenset({Kind.HANDOFF_REQUESTED}), after=conversation.head_seq)
            return await self._append(conversation_id, [request, *also], unless=condition)

        return await _once_more(attempt)

    async def end(self, conversation_id: str, author: Author, client_id: str) -> Appended:
        """The end, and the effort prompt: always with the first end, later only if the customer wrote in between."""

        async def attempt() -> Appended:
            conversation = await self._load(conversation_id)
            if conversation.floor == ENDED_FLOOR:
                return Appended((await self._newest(conversation, Kind.CONVERSATION_ENDED),), repeated=True)
            history = await read_whole(self._journal, conversation_id)
            closing = surveys.closing_events(
                author, "The customer ended the conversation.", self._ces_scale, history, client_id=client_id
            )
            kinds = {event.kind for event in history} | {event.kind for event in closing}
            if Kind.SURVEY_OFFERED not in kinds:
                closing.append(surveys.offer_ces(self._ces_scale))
            condition = Unless(frozenset({Kind.CONVERSATION_ENDED}), after=conversation.head_seq)
            return await self._append(conversation_id, closing, unless=condition)

        return await _once_more(attempt)

    async def rate(
        self,
        conversation_id: str,
        author: Author,
        seq: int,
        useful: bool,
        comment: str | None = None,
        client_id: str | None = None,
    ) -> Appended:
        """Whether an answer helped. The newest rating of a message counts.

        Raises:
            NotFound: the customer sees no event with this seq.
            BadFrame: it is not a message of the assistant's or an agent's.
        """
        found = await self._journal.read(conversation_id, after=seq - 1, audience=Audience.EVERYONE, limit=1)
        if not found or found[0].seq != seq:
            raise NotFound("There is no message with this number.")
        if found[0].kind is not Kind.MESSAGE or found[0].author.role not in RATED_ROLES:
            raise BadFrame("Only answers can be rated.")
        data: dict[str, Any] = {"seq": seq, "useful": useful, "comment": comment}
        event = NewEvent(Kind.RATED, author, data, client_id or str(uuid.uuid4()))
        return await self._append(conversation_id, [event])

    async def answer_survey(
        self,
        conversation_id: str,
        author: Author,
        survey: str,
        score: int,
        client_id: str,
        comment: str | None = None,
    ) -> Appended:
        """The score, once. The same frame again gets the same answer.

        Raises:
            NotFound: this survey was not offered here.
            BadFrame: the score is not on its scale.
            Conflict: it was answered before.
        """

        async def attempt() -> Appended:
            history = await read_whole(self._journal, conversation_id)
            offered = surveys.find_offer(history, survey)
            if offered is None:
                raise NotFound("This question was not asked in this conversation.")
            for event in history:
                if event.kind is Kind.SURVEY_ANSWERED and (event.data or {}).get("survey") == survey:
                    if event.client_id != client_id:
                        raise Conflict("This question has already been answered. Thank you.")
                    return Appended((event,), repeated=True)
            answer = surveys.check_answer(offered, score, comment=comment, author=author)
            answer = dataclasses.replace(answer, client_id=client_id)
            condition = Unless(frozenset({Kind.SURVEY_ANSWERED}), after=history[-1].seq)
            return await self._append(conversation_id, [answer], unless=condition)

        return await _once_more(attempt)

    async def _append(
        self, conversation_id: str, events: Sequence[NewEvent], *, unless: Unless | None = None
    ) -> Appended:
        """Raises Conflict for an id that was given to something else: to acknowledge that would lose this."""
        appended = await self._journal.append(conversation_id, events, unless=unless)
        wanted, stored = events[0], appended.events[0]
        if (stored.kind, stored.author.role) != (wanted.kind, wanted.author.role):
            raise Conflict("This `id` was used for something else in this conversation. Please make a new one.")
        return appended

    async def _load(self, conversation_id: str) -> Conversation:
        conversation = await self._journal.load_conversation(conversation_id)
        if conversation is None:
            raise NotFound("This conversation could not be found.")
        return conversation

    async def _newest(self, conversation: Conversation, kind: Kind) -> Event:
        """The newest event of a kind; the newest of any where the state came about another way."""
        if found := await self._journal.newest(conversation.id, kind):
            return found
        return (await self._journal.read(conversation.id, after=conversation.head_seq - 1))[-1]


async def _once_more(attempt: Callable[[], Awaitable[Appended]]) -> Appended:
    """Two requests at once: the loser looks again, and finds what the winner wrote."""
    try:
        return await attempt()
    except Superseded:
        return await attempt()


def plain_blocks(text: str) -> list[dict[str, Any]]:
    """A person's words as they typed them: paragraphs and line breaks, no Markdown read into them."""
    return [{"t": "p", "c": _lines(part)} for part in _BLANK_LINES.split(text) if part.strip()]


def _lines(paragraph: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    for line in paragraph.split("\n"):
        nodes += [{"t": "br"}] if nodes else []
        nodes.append({"t": "text", "text": line})
    return nodes


def context_event(author: Author, page: Page, locale: str | None) -> NewEvent | None:
    """Where the visitor is, for staff and for the answer; None when nothing is known."""
    data: dict[str, Any] = {}
    if page.as_data():
        data["page"] = page.as_data()
    if locale:
        data["locale"] = locale
    return NewEvent(Kind.CONTEXT, author, data) if data else None


def identified_event(customer_id: str) -> NewEvent:
    return NewEvent(Kind.IDENTIFIED, Author(Role.SYSTEM, "Tellonce"), {"customer": customer_id, "verified": True})
