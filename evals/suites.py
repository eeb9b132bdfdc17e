"""Runs written conversations on the live line and holds each answer to what was expected. Floor: use case."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import __version__
from assistant.errors import TellonceError
from assistant.settings import Settings
from evals.cases import Answer, Case, MalformedCases, Saying, Suite, check_answer, load_companies
from evals.corpus import cache_folder, prepare_knowledge
from evals.live import Live
from evals.outcomes import CaseResult, Quote, Result, TurnResult
from evals.scoring import without_markers
from evals.sets import now

Progress = Callable[[int, int, str], None]

IN_SERVICE = "in service"


@dataclass(frozen=True, slots=True)
class World:
    """What the conversations are about: documents on disk, and the customers who may be signed in."""

    name: str
    sources: tuple[Path, ...]
    customers: tuple[dict[str, Any], ...]


def demo_world() -> World:
    """The demo shop: its knowledge laid out in the user's cache, and its customers."""
    from assistant.demo.loader import load_customers, write_knowledge

    folder = cache_folder() / "demo-knowledge"
    written = set(write_knowledge(folder))
    for left_over in {path for path in folder.rglob("*") if path.is_file()} - written:
        left_over.unlink()
    return World("demo", (folder,), tuple(load_customers()))


def company_worlds(name: str) -> list[tuple[World, Suite]]:
    """Each company of a suite of companies: its documents alone and nobody signed in, and what is asked of it."""
    return [(World(docs.parent.name, (docs,), ()), suite) for docs, suite in load_companies(name).items()]


def own_world(sources: Sequence[Path], customers_file: Path | None) -> World:
    """Documents of one's own, and customers from a JSON list shaped like `assistant/demo/customers.json`.

    Raises:
        TellonceError: the file of customers is missing or is no JSON list.
    """
    customers: list[dict[str, Any]] = []
    if customers_file is not None:
        try:
            customers = json.loads(customers_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TellonceError(
                f"{customers_file} cannot be read as JSON ({error}). Give a JSON list of customers."
            ) from error
        if not isinstance(customers, list):
            raise TellonceError(f"{customers_file} holds no list. Give a JSON list of customers.")
    return World("own", tuple(sources), tuple(customers))


def in_service(customers_file: Path | None, *, demo: bool) -> World:
    """The knowledge that this installation answers from. `demo`: its customers are those of the demo shop."""
    from assistant.demo.loader import load_customers

    customers = load_customers() if demo and customers_file is None else own_world((), customers_file).customers
    return World(IN_SERVICE, (), tuple(customers))


def prepare_world(world: World, settings: Settings, progress: Progress | None = None) -> Settings:
    """Settings whose data folder holds that world, indexed; the installation's own for what is in service."""
    if world.name == IN_SERVICE:
        return settings
    return prepare_knowledge(world.name, world.sources, settings, progress)


def check_customers(suite: Suite, world: World) -> None:
    """Raises MalformedCases for a case whose customer is not in the world."""
    known = {str(customer.get("id")) for customer in world.customers}
    for case in suite.cases:
        if case.customer is not None and case.customer not in known:
            raise MalformedCases(
                f"Case {case.id!r} is signed in as {case.customer!r}, who is not among the customers. "
                f"Use one of: {', '.join(sorted(known)) or 'none are there'}."
            )


async def run_suite(suite: Suite, live: Live, progress: Progress | None = None) -> Result:
    """Every conversation of the suite, one after the other, so that none slows another."""
    results = []
    for done, case in enumerate(suite.cases, start=1):
        results.append(await run_case(case, live))
        if progress:
            progress(done, len(suite.cases), case.id)
    return Result(suite.name, tuple(results), now(), {"tellonce": __version__, **live.about})


async def run_case(case: Case, live: Live) -> CaseResult:
    """One conversation, each turn said after the answer to the one before."""
    conversation = await live.begin(customer=case.customer)
    return CaseResult(case, tuple([await run_turn(saying, conversation, live) for saying in case.turns]))


async def run_turn(saying: Saying, conversation: str, live: Live) -> TurnResult:
    """One saying in a conversation that has begun, and the answer to it, judged."""
    reply = await live.say(conversation, saying.say)
    message, evidence = reply.message, reply.evidence
    quotes = tuple([await _quote(citation, live) for citation in message.get("citations", ())])
    text = str(message.get("text", ""))
    answer = Answer(
        text=without_markers(text),
        outcome=str(message.get("outcome", "")),
        handed_over=reply.handed_over,
        quotes=tuple(quote.text for quote in quotes),
        sources=tuple(quote.source for quote in quotes),
        suggestions=tuple(message.get("suggestions", ())),
    )
    return TurnResult(
        say=saying.say,
        text=text,
        outcome=answer.outcome + (" and handed over" if reply.handed_over else ""),
        mode=str(message.get("mode", "")),
        quotes=quotes,
        suggestions=answer.suggestions,
        checks=tuple(check_answer(saying.expect, answer)),
        latency_ms=reply.latency_ms,
        searched=str(evidence.get("standalone") or ""),
        sureness=evidence.get("sureness"),
    )


async def _quote(citation: dict[str, Any], live: Live) -> Quote:
    document = await live.read_document(citation["document"], citation["release"])
    text = str(citation["quote"])
    start, end = citation["start"], citation["end"]
    return Quote(
        n=citation["n"],
        title=citation["title"],
        section=citation["section"],
        source=document.source if document else "a document that is not there",
        text=text,
        verified=document is not None and bool(text) and document.text[start:end] == text,
    )
