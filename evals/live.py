"""The line that serves customers, run in this process over a folder of its own: journal, runner, answering, library.

Floor: use case. Suites and answer figures are measured through it, so that they speak of what customers get.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import structlog

from assistant.errors import TellonceError
from assistant.journal.bus import Item
from assistant.journal.events import ASSISTANT, Author, Event, Kind, NewEvent, Role, answered_seq, turn_client_id
from assistant.journal.transcript import ASSISTANT_FLOOR
from assistant.profile.customer import Claims
from assistant.settings import Settings
from evals.pinned import PinnedLibrary
from knowledge.documents import Document, Turn

if TYPE_CHECKING:
    from assistant.app import App
    from knowledge.library import Library

ANSWER_SECONDS = 120.0
START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What followed a message: the answer's event data, what it stood on, and whether a person was called.

    `message` is empty when the assistant stayed silent because a person has the floor. `latency_ms` runs from handing
    the message in until the answer is committed.
    """

    message: dict[str, Any]
    evidence: dict[str, Any]
    handed_over: bool
    latency_ms: float


class Live:
    """Conversations with the assistant, one message at a time each; any number of conversations at once."""

    def __init__(self, app: App) -> None:
        self._app = app

    @property
    def about(self) -> dict[str, str]:
        """What answers: how, by which model, from which release, found by which embedding."""
        runner, library = self._app.runner, self._app.library
        mode = runner.mode if runner else "embedded"
        return {
            "mode": mode,
            "model": self._app.settings.model_name if mode == "model" else "",
            "release": str(library.release or "none"),
            "embedding": library.embedder.name,
        }

    async def read_document(self, document_id: str, release: int) -> Document | None:
        """The document as that release holds it."""
        return await asyncio.to_thread(self._app.library.document, document_id, release)

    async def begin(self, *, customer: str | None = None, history: Sequence[Turn] = ()) -> str:
        """A new conversation in which `history` has been said and settled; returns its id.

        Args:
            customer: the subject that a signed identity token would carry; None is an unsigned visitor.
        """
        customer_id = None
        if customer is not None:
            recognised = await asyncio.to_thread(self._app.profiles.recognise, Claims(customer))
            customer_id = recognised.id
        conversation = await self._app.journal.create_conversation(
            visitor_id=f"eval-{uuid.uuid4()}", customer_id=customer_id, channel="evals"
        )
        if history:
            await self._app.journal.append(conversation.id, _past(history))
        return conversation.id

    async def say(self, conversation_id: str, text: str) -> Reply:
        """Says it as the customer, and waits for all that follows from it."""
        heard: list[Event] = []
        answered = asyncio.Event()

        def hear(item: Item) -> None:
            if isinstance(item, Event):
                heard.append(item)
                if answered_seq(item) is not None and item.kind is Kind.MESSAGE:
                    answered.set()

        unsubscribe = self._app.bus.subscribe(conversation_id, hear)
        began = time.perf_counter()
        try:
            await self._app.inbound.say(conversation_id, Author(Role.CUSTOMER), text, str(uuid.uuid4()))
            conversation = await self._app.journal.load_conversation(conversation_id)
            if answered.is_set() or (conversation is not None and conversation.floor == ASSISTANT_FLOOR):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await answered.wait()
        except TimeoutError:
            raise TellonceError(
                f"No answer within {ANSWER_SECONDS:.0f} s to {text[:80]!r}. Run `tellonce doctor` to see what is down."
            ) from None
        finally:
            unsubscribe()
        return _reply(heard, (time.perf_counter() - began) * 1000)


def _past(history: Sequence[Turn]) -> list[NewEvent]:
    """The history as events that owe no answer: each of the assistant's answers the message before it.

    A history that ends with the customer is settled by an answer without words, which no later turn reads.
    """
    events: list[NewEvent] = []
    asked: int | None = None
    for turn in (*history, *([Turn("assistant", "")] if history[-1].role == "customer" else [])):
        if turn.role == "customer":
            events.append(NewEvent(Kind.MESSAGE, Author(Role.CUSTOMER), {"text": turn.text}))
            asked = len(events)
        else:
            data = {"text": turn.text, "citations": [], "outcome": "answered", "suggestions": []}
            events.append(NewEvent(Kind.MESSAGE, ASSISTANT, data, turn_client_id(asked) if asked else None))
            asked = None
    return events


def _reply(heard: Sequence[Event], latency_ms: float) -> Reply:
    message = next((e.data for e in heard if e.kind is Kind.MESSAGE and e.author.role is Role.ASSISTANT), None)
    evidence = next((e.data for e in heard if e.kind is Kind.EVIDENCE), None)
    handed_over = any(e.kind is Kind.HANDOFF_REQUESTED for e in heard)
    return Reply(message or {}, evidence or {}, handed_over, latency_ms)


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Within the block only warnings are logged, to standard error: standard output belongs to the figures."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


@asynccontextmanager
async def open_live(
    knowledge: Settings, customers: Sequence[dict[str, Any]] = (), *, release: int | None = None
) -> AsyncIterator[Live]:
    """The running product over that knowledge, with a journal and customers of its own: no run remembers another.

    Args:
        knowledge: settings whose data folder holds the knowledge; it is read, never written to.
        customers: who may be signed in, as in `assistant/demo/customers.json`.
        release: the release to answer from; None is the one in service.

    Raises:
        TellonceError: the product cannot start with these settings, or that release is not kept.
    """
    from assistant.app import App, open_library, open_profiles

    library = PinnedLibrary(open_library(knowledge), release)

    class Apart(App):
        """The product, whose knowledge is somewhere else than its data."""

        @property
        def library(self) -> Library:
            return cast("Library", library)

    with quiet_logs(), tempfile.TemporaryDirectory(prefix="tellonce-evals-") as folder:
        own = knowledge.model_copy(update={"data_dir": Path(folder), "database_url": None, "redis_url": None})
        await asyncio.to_thread(lambda: open_profiles(own).import_customers(list(customers)))
        app = Apart(own, None)
        async with _started(app):
            yield Live(app)


@asynccontextmanager
async def _started(app: App) -> AsyncIterator[None]:
    failures: list[Exception] = []
    app.on_failure = failures.append
    await app.start()
    try:
        async with asyncio.timeout(START_SECONDS):
            while not app.readiness.is_ready:
                if failures:
                    raise failures[0]
                await asyncio.sleep(0.01)
    except TimeoutError as error:
        await app.stop()
        parts = ", ".join(f"{name}: {part.detail}" for name, part in app.readiness.parts.items() if not part.ready)
        raise TellonceError(f"It did not start within {START_SECONDS:.0f} s ({parts}).") from error
    try:
        yield
    finally:
        await app.stop()
