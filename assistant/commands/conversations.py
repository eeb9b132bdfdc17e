"""`tellonce conversations`: list, show, export, and verify that nothing was lost or changed. Floor: door."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from assistant.commands.terminal import JsonFlag, Step, fail, out, print_json, progress_bar
from assistant.errors import NotFound
from assistant.journal.port import ChainReport, Conversation, read_whole

if TYPE_CHECKING:
    from assistant.journal.events import Event
    from assistant.journal.store import SqliteJournal

T = TypeVar("T")
Format = Literal["json", "txt", "html"]
Floor = Literal["assistant", "queue", "agent", "ended"]
ConversationId = Annotated[str, typer.Argument(metavar="CONVERSATION", help="Its id, as `list` prints it.")]

SHOWN_BROKEN = 20

app = typer.Typer(
    name="conversations",
    no_args_is_help=True,
    help="Conversations and their journal.\n\nExample: tellonce conversations verify",
)


@app.command("list")
def list_(
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    floor: Annotated[Floor | None, typer.Option(help="Only those where this one speaks next.")] = None,
    unanswered: Annotated[bool, typer.Option("--unanswered", help="Only those that are owed an answer.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """Lists conversations, newest first.

    Example: tellonce conversations list --floor queue
    """

    async def load(journal: SqliteJournal) -> list[Conversation]:
        return await journal.list_conversations(
            customer_id=customer, floors=[floor] if floor else [], unanswered=unanswered, limit=limit
        )

    found = _with_journal(load)
    if as_json:
        print_json([asdict(conversation) for conversation in found])
    elif found:
        out.print(_table(found))
    else:
        out.print("No conversation fits.")


@app.command()
def show(conversation: ConversationId, as_json: JsonFlag = False) -> None:
    """Prints one conversation as agents see it, notes and evidence included.

    Example: tellonce conversations show 01a2097499911c94c4b81934d4c53e01
    """
    found, events = _with_journal(lambda journal: _load(journal, conversation))
    out.file.write(_render(found, events, "json" if as_json else "txt"))


@app.command()
def export(
    conversation: ConversationId,
    format_: Annotated[Format, typer.Option("--format", help="json, txt, or html: one page that needs nothing else.")]
    = "txt",
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    as_json: JsonFlag = False,
) -> None:  # fmt: skip
    """Writes one conversation's transcript as a document.

    Example: tellonce conversations export 01a2097499911c94c4b81934d4c53e01 --format html --output transcript.html
    """
    found, events = _with_journal(lambda journal: _load(journal, conversation))
    document = _render(found, events, "json" if as_json else format_)
    if output is None:
        out.file.write(document)
        return
    try:
        output.write_text(document, encoding="utf-8")
    except OSError as error:
        raise fail(f"{output} cannot be written: {error.strerror}. Choose another --output.") from error


@app.command()
def verify(
    conversation: Annotated[str | None, typer.Argument(help="Only this one; default: the whole journal.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Recomputes the hash chain of every conversation and names the first event that does not fit.

    Exits 1 if any chain is broken. Safe to run while the server works.

    Example: tellonce conversations verify
    """
    with progress_bar("Verifying", quiet=as_json) as step:
        reports = _with_journal(lambda journal: _verify(journal, conversation, step))
    if as_json:
        print_json(_summary(reports))
    else:
        _print_verdict(reports)
    if reports.broken:
        raise typer.Exit(1)


class Reports:
    """What a verification found: counts, and the reports of broken chains."""

    def __init__(self) -> None:
        self.conversations = 0
        self.events = 0
        self.erased = 0
        self.broken: list[ChainReport] = []

    def add(self, report: ChainReport) -> None:
        self.conversations += 1
        self.events += report.events
        self.erased += report.erased
        if report.broken_seq is not None:
            self.broken.append(report)


async def _verify(journal: SqliteJournal, conversation_id: str | None, step: Step) -> Reports:
    if conversation_id is not None and await journal.load_conversation(conversation_id) is None:
        raise NotFound(f"There is no conversation {conversation_id}. `tellonce conversations list` shows their ids.")
    total = await journal.count_events()
    reports = Reports()
    async for report in journal.verify(conversation_id):
        reports.add(report)
        step(min(reports.events, total), total, f"{reports.conversations} conversations")
    return reports


def _summary(reports: Reports) -> dict[str, Any]:
    broken = [{"conversation": r.conversation_id, "seq": r.broken_seq, "reason": r.reason} for r in reports.broken]
    return {
        "conversations": reports.conversations,
        "events": reports.events,
        "erased": reports.erased,
        "broken": broken,
    }


def _print_verdict(reports: Reports) -> None:
    for report in reports.broken[:SHOWN_BROKEN]:
        line = f"[bold red]broken[/] {report.conversation_id} at event {report.broken_seq}: {report.reason}"
        out.print(line, highlight=False, soft_wrap=True)
    if len(reports.broken) > SHOWN_BROKEN:
        out.print(f"… and {len(reports.broken) - SHOWN_BROKEN} more: `--json` lists them all.", highlight=False)
    counts = f"{reports.conversations:,} conversations, {reports.events:,} events, {reports.erased:,} of them erased"
    verdict = f"[bold red]{len(reports.broken):,} broken[/]" if reports.broken else "[bold green]all whole[/]"
    out.print(f"{counts}: {verdict}.", highlight=False)


async def _load(journal: SqliteJournal, conversation_id: str) -> tuple[Conversation, list[Event]]:
    conversation = await journal.load_conversation(conversation_id)
    if conversation is None:
        raise NotFound(f"There is no conversation {conversation_id}. `tellonce conversations list` shows their ids.")
    return conversation, await read_whole(journal, conversation_id)


def _render(conversation: Conversation, events: list[Event], format_: Format) -> str:
    """The document that `GET /v1/conversations/{id}/transcript` gives an agent."""
    from assistant.journal.rendering import as_html, as_text

    match format_:
        case "txt":
            return as_text(conversation, events)
        case "html":
            return as_html(conversation, events) + "\n"
        case "json":
            return _as_json(conversation, events)


def _as_json(conversation: Conversation, events: list[Event]) -> str:
    import orjson

    from assistant.journal.events import frame_for_customer

    frames = [frame_for_customer(event, own=True) | {"prev": event.seq - 1} for event in events]
    document = {"conversation": conversation.id, "events": frames}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _table(conversations: list[Conversation]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("conversation", "customer or visitor", "by", "events", "speaks next", "last"):
        table.add_column(heading, no_wrap=heading == "conversation", justify="right" if heading == "events" else "left")
    for found in conversations:
        floor = f"{found.floor}, owed an answer" if found.unanswered_seq is not None else found.floor
        who = found.customer_id or found.visitor_id
        table.add_row(found.id, who, found.channel, str(found.head_seq), floor, found.updated_at[:16].replace("T", " "))
    return table


def _with_journal(work: Callable[[SqliteJournal], Awaitable[T]]) -> T:
    """Runs `work` on the journal of the settings' data folder, which must be there already."""
    from assistant.app import open_journal
    from assistant.database import database_path
    from assistant.settings import load_settings

    settings = load_settings()
    path = database_path(settings)
    if not path.exists():
        raise fail(f"There is no database at {path}. Start `tellonce serve` once, or set TELLONCE_DATA_DIR.")

    async def run() -> T:
        journal = open_journal(settings)
        try:
            return await work(journal)
        finally:
            await journal.close()

    return asyncio.run(run())
