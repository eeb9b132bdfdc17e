"""`tellonce knowledge releases`, `publish`, `rollback`, `remove` and `purge`. Floor: door.

`commands/knowledge.py` registers them.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.commands.terminal import JsonFlag, ask, fail, out, print_json, progress_bar

if TYPE_CHECKING:
    from knowledge.documents import Purged, ReleaseChanges, ReleaseInfo
    from knowledge.library import Library

BY = "command"
NICENESS = 10  # indexing takes what the server leaves
LISTED = 20  # documents of one kind of change that are named; the rest are counted

Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The release's number.")]


def register(app: typer.Typer) -> None:
    """Adds these commands to `tellonce knowledge`."""
    for command in (releases, publish, rollback, remove, purge):
        app.command()(command)


def releases(
    number: Annotated[int | None, typer.Argument(metavar="[N]", min=1, help="One release: what it changed.")] = None,
    against: Annotated[int | None, typer.Option("--against", min=1, help="Compare N with this one.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Shows the kept releases: who made them, when, what changed; with N, the documents that differ.

    Example: tellonce knowledge releases 7 --against 6
    """
    library = open_knowledge()
    if number is not None:
        changes = library.changes(number, against)
        print_json(asdict(changes)) if as_json else _print_changes(changes)
        return
    if against is not None:
        raise fail("--against needs the release to compare: `tellonce knowledge releases N --against M`.", code=2)
    infos = library.releases()
    print_json({"releases": [asdict(info) for info in infos]}) if as_json else _print_releases(infos)


def publish(number: Number, as_json: JsonFlag = False) -> None:
    """Puts a kept release in service, on every running server at once.

    Example: tellonce knowledge publish 8
    """
    _tell_switch(open_knowledge().publish(number, BY), as_json=as_json)


def rollback(number: Number, as_json: JsonFlag = False) -> None:
    """Goes back to a kept release, on every running server at once.

    Example: tellonce knowledge rollback 7
    """
    _tell_switch(open_knowledge().rollback(number, BY), as_json=as_json)


def remove(
    source: Annotated[str, typer.Argument(metavar="PATH_OR_URL", help="As `tellonce knowledge status` shows it.")],
    as_json: JsonFlag = False,
) -> None:
    """Forgets a source: its documents leave with the next reindex. To delete them for good, see `purge`.

    Example: tellonce knowledge remove ./old-manual.pdf
    """
    library = open_knowledge()
    library.remove(source)
    if as_json:
        print_json({"sources": [asdict(one) for one in library.sources()]})
    else:
        out.print("It is no source any more. Its documents leave with the next `tellonce knowledge reindex`.")


def purge(
    documents: Annotated[
        list[str], typer.Argument(metavar="ID_OR_SOURCE...", help="Ids of documents, or one path or URL.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Deletes documents for good: from every release, the search index, the vectors and our own files.

    Example: tellonce knowledge purge ./contracts/2019.pdf
    """
    from assistant.app import open_engine
    from assistant.settings import load_settings
    from assistant.studio.comparisons import Comparisons

    library = open_knowledge()
    ask(f"Purge {', '.join(documents)} from every release, for good?", yes=yes)
    be_nice()
    with progress_bar("Purging", quiet=as_json) as step:
        purged = library.purge(_named(documents, library), BY, step)
        Comparisons(open_engine(load_settings())).forget_documents(one.id for one in purged.documents)
    print_json(asdict(purged)) if as_json else _print_purged(purged)


def open_knowledge() -> Library:
    """The library of these settings."""
    from assistant.app import open_library
    from assistant.settings import load_settings

    return open_library(load_settings())


def be_nice() -> None:
    """Customers' answers come first."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def _named(documents: list[str], library: Library) -> list[str] | str:
    """One path or URL as it is remembered, or ids of documents."""
    if len(documents) > 1:
        return documents
    (name,) = documents
    found = library.locate(name)
    return found if found is not None else documents


def _tell_switch(info: ReleaseInfo, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(info))
    else:
        out.print(f"Release {info.number} is in service: {info.documents:,} documents, {info.passages:,} passages.")


def _print_releases(infos: tuple[ReleaseInfo, ...]) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not infos:
        out.print("There is no release yet. Begin with `tellonce knowledge add PATH`.")
        return
    table = Table("", "State", "Made", "Put in service", "Documents", "Changes")
    for one in infos:
        state = {"live": "[bold green]in service[/]", "candidate": "candidate"}.get(one.state, "kept")
        made = f"{_minute(one.made_at)}\n{escape(one.made_by)}"
        since = f"{_minute(one.published_at)}\n{escape(one.published_by or '')}" if one.published_at else "never"
        changes = f"+{one.added:,} ~{one.changed:,} -{one.removed:,}"
        table.add_row(str(one.number), state, made, since, f"{one.documents:,}", changes)
    out.print(table)
    models = sorted({one.embedder for one in infos})
    out.print(f"Embedding: {escape(', '.join(models))}.", highlight=False, soft_wrap=True)


def _minute(at: str) -> str:
    """RFC 3339 as people read it: to the minute, UTC."""
    return at[:16].replace("T", " ")


def _print_changes(changes: ReleaseChanges) -> None:
    from rich.markup import escape

    other = f"against release {changes.against}" if changes.against is not None else "there is none to compare it with"
    out.print(f"Release {changes.release}, {other}:")
    for word, found in (("added", changes.added), ("changed", changes.changed), ("removed", changes.removed)):
        out.print(f"\n[bold]{len(found):,} {word}[/]", highlight=False)
        for one in found[:LISTED]:
            out.print(f"  {escape(one.title)} ({escape(one.source)})", highlight=False, soft_wrap=True)
        if len(found) > LISTED:
            out.print(f"  and {len(found) - LISTED:,} more")


def _print_purged(purged: Purged) -> None:
    from rich.markup import escape

    kept = ", ".join(str(number) for number in purged.releases) or "none that is kept"
    out.print(
        f"Purged {len(purged.documents):,} documents, {purged.passages:,} passages and {purged.vectors:,} cached "
        f"vectors. Releases that held them: {kept}.",
        soft_wrap=True,
    )
    for path in purged.files:
        out.print(f"  deleted {escape(path)}", soft_wrap=True, highlight=False)
    for path in purged.left:
        out.print(f"  left, as it is not ours or holds more: {escape(path)}", soft_wrap=True, highlight=False)
