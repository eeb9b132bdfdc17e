"""A house whose knowledge is cared for: a real journal, real turns over a small library, an agent at the desk."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from assistant.app import open_engine, open_library
from assistant.journal.bus import LocalBus
from assistant.journal.events import ASSISTANT, SYSTEM, Author, Event, Kind, NewEvent, Role, turn_client_id
from assistant.journal.port import read_whole
from assistant.journal.store import SqliteJournal
from assistant.profile.customer import Customer
from assistant.settings import Settings, load_settings
from assistant.studio.gaps import Gaps
from assistant.turn.answering import Answering
from assistant.turn.runner import TurnRunner
from knowledge.documents import Document, Findings
from knowledge.library import Library

NORA = Author(Role.AGENT, "Nora Quill", "agt_nora")


@dataclass
class House:
    """Customers write, the assistant answers as it would live, an agent takes over."""

    settings: Settings
    engine: Any
    library: Library
    journal: SqliteJournal
    customers: dict[str, Customer]
    pages: Path  # what the library reads
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def gaps(self) -> Gaps:
        return Gaps(self.engine, self.library, self.settings, load_customer=self.customers.get)

    async def conversation(self, customer_id: str | None = None) -> str:
        made = await self.journal.create_conversation(visitor_id="vis_1", customer_id=customer_id)
        return made.id

    async def ask(self, conversation: str, text: str) -> Event:
        """The assistant's answer to this."""
        asked = await self._append(conversation, Kind.MESSAGE, Author(Role.CUSTOMER, None, "vis_1"), {"text": text})
        async with asyncio.timeout(30):
            while True:
                for event in await self.journal.read(conversation, after=asked.seq):
                    if event.client_id == turn_client_id(asked.seq) and event.author == ASSISTANT:
                        return event
                await asyncio.sleep(0.02)

    async def rate(self, conversation: str, seq: int, *, useful: bool) -> None:
        await self._append(conversation, Kind.RATED, Author(Role.CUSTOMER), {"seq": seq, "useful": useful})

    async def hand_over(self, conversation: str) -> None:
        asking = Author(Role.CUSTOMER, None, "vis_1")
        await self._append(conversation, Kind.HANDOFF_REQUESTED, asking, {"reason": "Asked for a person."})
        await self._append(conversation, Kind.HANDOFF_ACCEPTED, NORA, {"agent": {"name": NORA.name}})

    async def agent_says(self, conversation: str, text: str) -> None:
        await self._append(conversation, Kind.MESSAGE, NORA, {"text": text})

    async def end(self, conversation: str) -> None:
        await self._append(conversation, Kind.CONVERSATION_ENDED, SYSTEM, {"by": "agent"})

    async def solved_by_nora(self, question: str, answer: str, customer_id: str | None = None) -> str:
        """A conversation in which the assistant did not know and an agent did."""
        conversation = await self.conversation(customer_id)
        await self.ask(conversation, question)
        await self.hand_over(conversation)
        await self.agent_says(conversation, answer)
        await self.end(conversation)
        return conversation

    async def events(self, conversation: str) -> list[Event]:
        return await read_whole(self.journal, conversation)

    def write(self, name: str, text: str, *, publish: bool = True) -> int:
        """A page more, or another version of it, and the release that holds it."""
        (self.pages / name).write_text(text, encoding="utf-8")
        return self.library.reindex(publish=publish).release

    async def _append(self, conversation: str, kind: Kind, author: Author, data: dict[str, Any]) -> Event:
        client_id = f"test-{next(self.numbers)}"
        return (await self.journal.append(conversation, [NewEvent(kind, author, data, client_id)])).events[0]


@pytest.fixture
async def house(data_dir: Path, tmp_path: Path) -> AsyncIterator[House]:
    settings = load_settings(data_dir=data_dir, model="embedded")
    engine = open_engine(settings)
    library = open_library(settings, engine)
    pages = tmp_path / "pages"
    pages.mkdir()
    library.add([str(pages)])
    bus = LocalBus()
    journal = SqliteJournal(data_dir / "tellonce.db", on_committed=lambda events: [bus.publish(e) for e in events])
    customers: dict[str, Customer] = {}
    runner = TurnRunner(journal, bus, _answering(settings, library, customers))
    await runner.start()
    yield House(settings, engine, library, journal, customers, pages)
    await runner.stop()
    await journal.close()
    engine.dispose()


def _answering(settings: Settings, library: Library, customers: dict[str, Customer]) -> Answering:
    async def search(question: str, **narrowing: Any) -> Findings:
        return await asyncio.to_thread(lambda: library.search(question, **narrowing))

    async def read_document(document_id: str, release: int | None) -> Document | None:
        return library.document(document_id, release)

    async def load_customer(customer_id: str) -> Customer | None:
        return customers.get(customer_id)

    return Answering(
        settings=settings,
        search=search,
        load_customer=load_customer,
        encode=library.embedder.encode,
        read_document=read_document,
        catalogue=library.catalogue,
    )
