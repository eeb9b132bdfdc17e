"""When turns run: one at a time a conversation, a bounded number at once, each settled once. Floor: use case.

A turn belongs to its conversation, not to a socket: it is woken by the committed question and ends with the committed
answer. What a crash cuts short is found in the journal at the next start, by the same rule as everything else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from assistant.errors import StorageUnavailable, Superseded
from assistant.journal.bus import Bus, Draft, Item, Typing, Unsubscribe
from assistant.journal.events import ASSISTANT, Event, Kind, NewEvent, Role, turn_client_id
from assistant.journal.port import Journal, Unless
from assistant.journal.transcript import ASSISTANT_FLOOR, QUEUE_FLOOR
from assistant.turn.answer import Answer
from assistant.turn.answering import Answering, waiting_answer
from assistant.turn.blocks import parse_blocks
from assistant.turn.conversation import (
    KEPT_EVENTS,
    Line,
    Question,
    begins_here,
    foreseen_question,
    is_customers,
    question_of,
)
from assistant.turn.eager import begin

logger = structlog.get_logger(__name__)

FLOOR_TAKERS = frozenset(
    {
        Kind.HANDOFF_REQUESTED,
        Kind.HANDOFF_ACCEPTED,
        Kind.HANDOFF_TRANSFERRED,
        Kind.HANDOFF_RETURNED,
        Kind.CONVERSATION_ENDED,
    }
)
# why the assistant passes a conversation on, for the people who read it
HAND_OVER_REASONS = {
    "customer_asked": "The customer asked for a person.",
    "assistant_failed": "The assistant failed and could not answer.",
    "safety": "Somebody's safety may be at risk.",
}
QUEUED = frozenset({Kind.HANDOFF_REQUESTED, Kind.HANDOFF_TRANSFERRED})
KEPT_LINES = 1000  # lively conversations whose events stay in memory
SETTLED_AT_ONCE = 500  # unanswered turns taken up per look into the journal
HEAD_START_SECONDS = 5.0  # a question not committed by then never will be


class TurnRunner:
    """Runs the assistant's turns. `start` and `stop` it on the event loop that the bus publishes on.

    `estimate_wait`: position in the queue -> seconds until an agent is likely to answer, None when nothing is known.
    """

    def __init__(
        self,
        journal: Journal,
        bus: Bus,
        answering: Answering,
        *,
        max_turns: int = 256,
        estimate_wait: Callable[[int], int | None] = lambda position: None,
        turn_deadline_seconds: float = 90.0,
        retry_seconds: float = 0.5,
        look_for_erased_seconds: float = 5.0,
    ) -> None:
        self._journal = journal
        self._bus = bus
        self._answering = answering
        self._slots = asyncio.Semaphore(max_turns)
        self._max_turns = max_turns
        self._estimate_wait = estimate_wait
        self._deadline = turn_deadline_seconds
        self._retry = retry_seconds
        self._look_for_erased = look_for_erased_seconds
        self._lines: OrderedDict[str, Line] = OrderedDict()
        self._loading: dict[str, list[Event]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ahead: dict[str, _HeadStart] = {}
        self._committing: set[str] = set()
        self._owner: asyncio.Task[None] | None = None
        self._group: asyncio.TaskGroup | None = None
        self._unsubscribe: Unsubscribe | None = None

    @property
    def mode(self) -> str:
        """How the next answer would be made: `model`, `embedded` or `degraded`."""
        return self._answering.mode

    @property
    def active_turns(self) -> int:
        """Conversations being answered right now."""
        return len(self._running)

    async def start(self) -> None:
        """Listens for questions and takes up those the journal still owes an answer to."""
        ready = asyncio.Event()
        self._owner = asyncio.create_task(self._own(ready), name="turns")
        await ready.wait()
        self._unsubscribe = self._bus.subscribe_all(self._on_item)
        for conversation in await self._journal.list_conversations(unanswered=True, limit=SETTLED_AT_ONCE):
            logger.info("turn.found_unanswered", conversation=conversation.id, turn=conversation.unanswered_seq)
            self._wake(conversation.id)

    async def stop(self) -> None:
        """Stops every turn where it is; what was not committed is found unanswered at the next start."""
        if self._unsubscribe:
            self._unsubscribe()
        if self._owner:
            self._owner.cancel()
            await asyncio.gather(self._owner, return_exceptions=True)
        self._owner = self._group = self._unsubscribe = None
        await self._answering.close()

    async def _own(self, ready: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(asyncio.to_thread(self._answering.warm_up), name="turn-warm-up")
            ready.set()
            while True:
                await asyncio.sleep(self._look_for_erased)
                await self._forget_erased()

    async def _forget_erased(self) -> None:
        """Lets go of what was erased in the journal, by whichever process: no answer may be made of it any more."""
        holding = [id_ for id_, line in self._lines.items() if any(event.data is not None for event in line.events)]
        if not holding:
            return
        try:
            erased = await self._journal.erased(holding)
        except StorageUnavailable as error:
            logger.warning("turn.erased_unknown", error=str(error))
            return
        for conversation_id, seqs in erased.items():
            line = self._lines.get(conversation_id)
            if line and any(event.seq in seqs and event.data is not None for event in line.events):
                del self._lines[conversation_id]

    async def foresee(self, conversation_id: str, coming: Sequence[NewEvent], *, first: bool = False) -> None:
        """A customer's message is about to be committed: begins its answer, and shows nothing of it before it is.

        Returns once the model has been asked: from then on commit and model work at the same time, while two busy
        threads would only take the interpreter from each other (measured: 0.7 ms later at the model, 0.3 at the ack).

        `first`: nothing happened in this conversation yet. Guessing wrong costs a model call, never an answer: the turn
        takes the head start only for the very question that was committed.
        """
        line = self._lines.get(conversation_id)
        if line is None and first:
            line = Line(conversation_id, None, ASSISTANT_FLOOR, None, 0)
        busy = conversation_id in self._running or conversation_id in self._ahead
        if line is None or busy or self._group is None or len(self._ahead) >= self._max_turns:
            return
        if question := foreseen_question(line, coming):
            drafts = _Drafts(self._bus, question, held=True)
            # With nothing to search, the model is asked in this very step.
            task = begin(self._group, self._answer(question, drafts))
            self._ahead[conversation_id] = ahead = _HeadStart(question, drafts, task)
            asyncio.get_running_loop().call_later(HEAD_START_SECONDS, self._give_up, ahead)

    def _give_up(self, ahead: _HeadStart) -> None:
        if self._ahead.get(ahead.question.conversation_id) is ahead:
            del self._ahead[ahead.question.conversation_id]
            ahead.task.cancel()

    def _on_item(self, item: Item) -> None:
        if not isinstance(item, Event):
            return
        conversation_id = item.conversation_id
        if (loading := self._loading.get(conversation_id)) is not None:
            loading.append(item)
        line = self._lines.get(conversation_id)
        if line is None and loading is None and begins_here(item):
            self._keep(line := Line(conversation_id, None, ASSISTANT_FLOOR, None, 0))
        if line is not None and not line.fold(item):
            del self._lines[conversation_id]
        if item.kind is Kind.MESSAGE:
            if item.author.role is Role.CUSTOMER:
                self._wake(conversation_id)
        elif item.kind in FLOOR_TAKERS and conversation_id not in self._committing:
            self._interrupt(conversation_id)

    def _interrupt(self, conversation_id: str) -> None:
        if task := self._running.get(conversation_id):
            logger.info("turn.interrupted", conversation=conversation_id)
            task.cancel()

    def _wake(self, conversation_id: str) -> None:
        stopping = self._owner is None or self._owner.cancelling() > 0
        if self._group is not None and not stopping and conversation_id not in self._running:
            self._running[conversation_id] = self._group.create_task(self._serve(conversation_id))

    async def _serve(self, conversation_id: str) -> None:
        """Answers until nothing is owed. Whoever wakes this conversation meanwhile is served by the same loop."""
        wait = self._retry
        interrupted = False
        try:
            while True:
                try:
                    async with self._slots:
                        if not await self._turn(conversation_id):
                            break
                    wait = self._retry
                except StorageUnavailable as error:
                    logger.error("turn.storage_unavailable", conversation=conversation_id, error=str(error))
                    self._lines.pop(conversation_id, None)
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, 30.0)
        except asyncio.CancelledError:
            interrupted = True
            if self._owner is None or self._owner.cancelling():
                raise
        except Exception:
            # A bug in this file: it ends this conversation's turn, not everybody's (the group would cancel all).
            logger.exception("turn.crashed", conversation=conversation_id)
        finally:
            self._running.pop(conversation_id, None)
            line = self._lines.get(conversation_id)
            if interrupted and line is not None and line.unanswered is not None:
                self._wake(conversation_id)

    async def _turn(self, conversation_id: str) -> bool:
        """Answers what is owed in one conversation; False when nothing is."""
        line = await self._line(conversation_id)
        question = question_of(line) if line else None
        if line is None or question is None:
            if line is not None:
                await self._reassure(line)
            return False
        self._bus.publish(Typing(conversation_id, ASSISTANT, True))
        try:
            answer = await self._answer_of(question)
            if answer is None:
                return False
            await self._commit(line, question, answer)
        finally:
            self._bus.publish(Typing(conversation_id, ASSISTANT, False))
        return True

    async def _reassure(self, line: Line) -> None:
        """Tells who writes on while waiting for a person, once a wait, that a person will read it."""
        asked = next((e for e in reversed(line.events) if e.kind in QUEUED), None)
        wrote = line.events[-1] if line.events else None
        if line.floor != QUEUE_FLOOR or asked is None or wrote is None or not is_customers(wrote):
            return
        if any(e.kind is Kind.MESSAGE and e.author.role is Role.ASSISTANT and e.seq > asked.seq for e in line.events):
            return
        message = {**_message_of(waiting_answer()), "turn": wrote.seq}
        event = NewEvent(Kind.MESSAGE, ASSISTANT, message, client_id=f"waiting-{asked.seq}")
        unless = Unless(FLOOR_TAKERS, after=wrote.seq)
        with contextlib.suppress(Superseded):
            appended = await self._journal.append(line.conversation_id, [event], unless=unless)
            if not all(line.fold(event) for event in appended.events):
                self._lines.pop(line.conversation_id, None)

    async def _answer_of(self, question: Question) -> Answer | None:
        ahead = self._ahead.pop(question.conversation_id, None)
        if ahead is not None and ahead.question != question:
            ahead.task.cancel()
            ahead = None
        try:
            async with asyncio.timeout(self._deadline):
                if ahead is None:
                    return await self._answer(question, _Drafts(self._bus, question))
                ahead.drafts.release()
                return await ahead.task
        except TimeoutError as error:
            return self._failed(question, error)

    async def _answer(self, question: Question, drafts: _Drafts) -> Answer | None:
        try:
            return await self._answering.answer(question, drafts)
        except Exception as error:
            return self._failed(question, error)

    def _failed(self, question: Question, error: Exception) -> Answer:
        logger.error("turn.failed", conversation=question.conversation_id, turn=question.seq, exc_info=error)
        return self._answering.last_resort(question, type(error).__name__)

    async def _commit(self, line: Line, question: Question, answer: Answer) -> None:
        """Answer and evidence in one commit, unless somebody took the floor after the question."""
        conversation_id = question.conversation_id
        events = _events_of(question, answer)
        if answer.hand_over:
            events.append(await self._hand_over(question, answer.hand_over))
        self._committing.add(conversation_id)
        try:
            unless = Unless(FLOOR_TAKERS, after=question.seq)
            appended = await self._journal.append(conversation_id, events, unless=unless)
        except Superseded:
            logger.info("turn.superseded", conversation=conversation_id, turn=question.seq)
            self._lines.pop(conversation_id, None)
            return
        finally:
            self._committing.discard(conversation_id)
        if appended.repeated or not all(line.fold(event) for event in appended.events):
            self._lines.pop(conversation_id, None)
        logger.info(
            "turn.answered",
            conversation=conversation_id,
            turn=question.seq,
            mode=answer.mode,
            outcome=answer.outcome,
            hand_over=answer.hand_over,
            decision=answer.evidence.get("decision"),
            release=answer.evidence.get("release"),
            sureness=answer.evidence.get("sureness"),
            timings_ms=answer.evidence.get("timings_ms"),
        )

    async def _hand_over(self, question: Question, reason: str) -> NewEvent:
        waiting = await self._journal.list_conversations(floors=(QUEUE_FLOOR,), limit=1000)
        position = len(waiting) + 1
        data = {
            "reason": HAND_OVER_REASONS.get(reason, reason),
            "position": position,
            "wait_seconds": self._estimate_wait(position),
        }
        return NewEvent(Kind.HANDOFF_REQUESTED, ASSISTANT, data, client_id=f"handoff-{question.seq}")

    async def _line(self, conversation_id: str) -> Line | None:
        """The conversation's line, from memory or from the journal; None when there is no such conversation."""
        if line := self._lines.get(conversation_id):
            self._lines.move_to_end(conversation_id)
            return line
        heard = self._loading.setdefault(conversation_id, [])
        try:
            # Both at once: most conversations are short, and their customer waits.
            conversation, events = await asyncio.gather(
                self._journal.load_conversation(conversation_id),
                self._journal.read(conversation_id, limit=KEPT_EVENTS),
            )
            if conversation is None:
                return None
            if conversation.head_seq > KEPT_EVENTS:
                after = conversation.head_seq - KEPT_EVENTS
                events = await self._journal.read(conversation_id, after=after, limit=2 * KEPT_EVENTS)
        finally:
            self._loading.pop(conversation_id, None)
        line = Line.of(conversation, events)
        if not all(line.fold(event) for event in heard):
            return await self._line(conversation_id)
        self._keep(line)
        return line

    def _keep(self, line: Line) -> None:
        self._lines[line.conversation_id] = line
        while len(self._lines) > KEPT_LINES:
            self._lines.popitem(last=False)


class _Drafts:
    """Publishes an answer's text as it may leave, numbered. `held`: keeps it back until `release`."""

    def __init__(self, bus: Bus, question: Question, *, held: bool = False) -> None:
        self._bus = bus
        self._conversation_id = question.conversation_id
        self._turn = question.seq
        self._n = 0
        self._held: str | None = "" if held else None

    def release(self) -> None:
        held, self._held = self._held, None
        self(held or "")

    def __call__(self, text: str) -> None:
        if self._held is not None:
            self._held += text
        elif text:
            self._bus.publish(Draft(self._conversation_id, self._turn, self._n, text))
            self._n += 1


@dataclass(frozen=True, slots=True)
class _HeadStart:
    """An answer begun before its question is on disk."""

    question: Question
    drafts: _Drafts
    task: asyncio.Task[Answer | None]


def _events_of(question: Question, answer: Answer) -> list[NewEvent]:
    """Evidence first: whoever sees the answer finds what it stands on already there."""
    message = {**_message_of(answer), "turn": question.seq}
    return [
        NewEvent(Kind.EVIDENCE, ASSISTANT, answer.evidence, client_id=f"evidence-{question.seq}"),
        NewEvent(Kind.MESSAGE, ASSISTANT, message, client_id=turn_client_id(question.seq)),
    ]


def _message_of(answer: Answer) -> dict[str, Any]:
    return {
        "text": answer.text,
        "blocks": parse_blocks(answer.text, len(answer.citations)),
        "citations": [citation.as_data() for citation in answer.citations],
        "outcome": answer.outcome,
        "suggestions": list(answer.suggestions),
        "mode": answer.mode,
    }


__all__: Sequence[str] = ("FLOOR_TAKERS", "TurnRunner")
