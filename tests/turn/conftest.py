"""What every turn test needs: a real journal on disk, the bus, an answering over a small knowledge of its own."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant import database
from assistant.journal.bus import Draft, Item, LocalBus
from assistant.journal.events import Author, Event, Kind, NewEvent, Role
from assistant.journal.store import SqliteJournal
from assistant.profile.customer import Customer
from assistant.settings import Settings
from assistant.turn.answering import Answering
from assistant.turn.runner import TurnRunner
from assistant.turn.sentences import content_words
from knowledge.documents import Document, Findings, Found, Passage

DIMENSIONS = 512


def encode(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors by hashed words: texts that share words are near, with nothing to load."""
    rows = np.full((len(texts), DIMENSIONS), 1e-3, dtype=np.float32)
    for row, text in enumerate(texts):
        for word in content_words(text):
            rows[row, int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % DIMENSIONS] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def passage(text: str, *, document: Document | None = None, question: str | None = None, **more: Any) -> Passage:
    document_id = document.id if document else "doc-1"
    start = document.text.index(text) if document else 0
    return Passage(
        id=f"{document_id}#{start}",
        document_id=document_id,
        title=document.title if document else "Manual",
        section=more.pop("section", ()),
        text=text,
        start=start,
        end=start + len(text),
        question=question,
        **more,
    )


def found(*passages: Passage, sureness: float = 0.9, question: str = "") -> Findings:
    hits = tuple(Found(p, 1.0 - 0.1 * i, 0.8 - 0.05 * i) for i, p in enumerate(passages))
    return Findings(question, 3, hits, sureness)


MANUAL = Document(
    id="manual.md",
    source="manual.md",
    title="Kettle manual",
    text=(
        "# Kettle\n\n## Descaling\n\nDescale the kettle every 3 months.\n\n1. Fill it with 0.5 l of vinegar.\n"
        "2. Boil it once.\n3. Rinse it twice.\n\n## Warranty\n\nThe warranty lasts 2 years from the day of purchase."
    ),
    media_type="text/markdown",
    content_hash="x",
)


@dataclass
class Knowledge:
    """A stand-in library of one manual: answers every search with the passages it is told to."""

    findings: Findings = field(
        default_factory=lambda: found(
            passage(MANUAL.text[MANUAL.text.index("Descale") : MANUAL.text.index("\n\n## Warranty")], document=MANUAL),
            passage("The warranty lasts 2 years from the day of purchase.", document=MANUAL),
        )
    )
    documents: dict[str, Document] = field(default_factory=lambda: {MANUAL.id: MANUAL})
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    error: Exception | None = None

    async def search(self, question: str, **options: Any) -> Findings:
        self.asked.append((question, options))
        if self.error:
            raise self.error
        return self.findings

    async def read_document(self, document_id: str, release: int | None = None) -> Document | None:
        return self.documents.get(document_id)


@dataclass
class House:
    """Everything a turn touches, wired as `app.py` does it."""

    journal: SqliteJournal
    bus: LocalBus
    knowledge: Knowledge
    customers: dict[str, Customer]
    heard: list[Item]
    make_runner: Callable[..., TurnRunner]

    async def say(self, conversation_id: str, text: str, client_id: str | None = None) -> Event:
        author = Author(Role.CUSTOMER, None, "visitor-1")
        appended = await self.journal.append(
            conversation_id, [NewEvent(Kind.MESSAGE, author, {"text": text}, client_id)]
        )
        return appended.events[0]

    async def conversation(self, customer_id: str | None = None) -> str:
        made = await self.journal.create_conversation(visitor_id="visitor-1", customer_id=customer_id)
        if customer_id is not None:
            identified = {"customer": customer_id, "verified": True}
            await self.journal.append(made.id, [NewEvent(Kind.IDENTIFIED, Author(Role.SYSTEM), identified)])
        return made.id

    async def answers(self, conversation_id: str) -> list[Event]:
        events = await self.journal.read(conversation_id)
        return [e for e in events if e.kind is Kind.MESSAGE and e.author.role is Role.ASSISTANT]

    def drafts(self) -> list[Draft]:
        return [item for item in self.heard if isinstance(item, Draft)]


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **{"model": "embedded", **values})


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    path = tmp_path / "tellonce.db"
    database.upgrade(database.open_engine(path))
    return path


@pytest.fixture
async def house(database_file: Path) -> AsyncIterator[House]:
    bus = LocalBus()
    heard: list[Item] = []
    bus.subscribe_all(heard.append)
    knowledge = Knowledge()
    customers: dict[str, Customer] = {}
    runners: list[TurnRunner] = []

    def publish(events: Sequence[Event]) -> None:
        for event in events:
            bus.publish(event)

    journal = SqliteJournal(database_file, on_committed=publish)

    async def load_customer(customer_id: str) -> Customer | None:
        return customers.get(customer_id)

    def make_runner(
        *, runner: dict[str, Any] | None = None, options: dict[str, Any] | None = None, **more: Any
    ) -> TurnRunner:
        answering = Answering(
            settings=settings(**(options or {})),
            search=knowledge.search,
            load_customer=load_customer,
            encode=encode,
            read_document=knowledge.read_document,
            **more,
        )
        runners.append(TurnRunner(journal, bus, answering, **(runner or {})))
        return runners[-1]

    yield House(journal, bus, knowledge, customers, heard, make_runner)
    for runner in runners:
        await runner.stop()
    await journal.close()
