"""`tellonce knowledge`: add sources, reindex, see what is in service, ask it. Floor: door."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.commands.terminal import JsonFlag, out, print_json, progress_bar

if TYPE_CHECKING:
    from knowledge.documents import Findings, IndexReport, LibraryStatus
    from knowledge.library import Library

app = typer.Typer(
    no_args_is_help=True,
    help="What the assistant knows.\n\nExample: tellonce knowledge add ./help-site manual.pdf",
)

NICENESS = 10  # indexing takes what the server leaves


@app.command()
def add(
    sources: Annotated[list[str], typer.Argument(metavar="PATH_OR_URL...", help="Files, folders or web pages.")],
    as_json: JsonFlag = False,
) -> None:
    """Remembers files, folders and pages, and indexes them at once.

    Reads Markdown, MDX, HTML, PDF, DOCX, CSV, JSON Lines and plain text.

    Example: tellonce knowledge add ./help-site manual.pdf https://example.com/faq
    """
    library = _open_library()
    library.add(sources)
    _reindex(library, as_json=as_json)


@app.command()
def reindex(as_json: JsonFlag = False) -> None:
    """Reads all sources again and puts a new release in service; only what changed is embedded.

    Example: tellonce knowledge reindex
    """
    _reindex(_open_library(), as_json=as_json)


@app.command()
def status(as_json: JsonFlag = False) -> None:
    """Shows the release in service and the sources that it was made of.

    Example: tellonce knowledge status
    """
    state = _open_library().status()
    if as_json:
        print_json(asdict(state))
    else:
        _print_status(state)


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="What a customer would ask.")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=50, help="Passages to show.")] = 5,
    product: Annotated[str | None, typer.Option("--product", help="Prefer passages about this product.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Shows the passages that a question finds, and how sure it is that the answer is among them.

    Example: tellonce knowledge search "How do I descale it?" --product "Lark 2"
    """
    findings = _open_library().search(question, limit=limit, product=product)
    if as_json:
        print_json(asdict(findings))
    else:
        _print_findings(findings)


def _open_library() -> Library:
    from assistant.app import open_library
    from assistant.settings import load_settings

    return open_library(load_settings())


def _reindex(library: Library, *, as_json: bool) -> None:
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with progress_bar("Indexing", quiet=as_json) as step:
        report = library.reindex(step)
    if as_json:
        print_json(asdict(report))
    else:
        _print_report(report)


def _print_report(report: IndexReport) -> None:
    counts = ((report.added, "added"), (report.changed, "changed"), (report.removed, "removed"))
    words = ", ".join(f"{count:,} {what}" for count, what in (*counts, (report.unchanged, "unchanged")))
    out.print(
        f"Release {report.release} is in service: {report.passages:,} passages. Documents: {words}.", soft_wrap=True
    )
    if not report.faults:
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table("Source", "What is wrong", title=f"{len(report.faults)} could not be read", title_justify="left")
    for fault in report.faults:
        table.add_row(escape(fault.source), escape(fault.reason))
    out.print(table)


def _print_status(state: LibraryStatus) -> None:
    from rich.markup import escape

    if state.release is None:
        out.print("Nothing is indexed yet. Begin with `tellonce knowledge add PATH`.")
    else:
        out.print(f"Release {state.release}, made {state.made_at}, is in service.", soft_wrap=True)
        out.print(f"{state.documents:,} documents, {state.passages:,} passages, {state.size_bytes / 1e6:.1f} MB.")
        out.print(f"Kept to go back to: {', '.join(str(n) for n in state.releases_kept)}.")
    out.print(f"Embedding model: {escape(state.embedder)}.")
    for source in state.sources:
        out.print(f"  {escape(source)}", soft_wrap=True, highlight=False)


def _print_findings(findings: Findings) -> None:
    from rich.markup import escape

    out.print(f"Sureness {findings.sureness:.2f}, release {findings.release}.")
    for n, found in enumerate(findings.found, 1):
        passage = found.passage
        place = " > ".join((passage.title, *passage.section))
        page = f", page {passage.page}" if passage.page else ""
        out.print(f"\n[bold]{n}. {escape(place)}{page}[/] (score {found.score:.3f})", highlight=False)
        out.print(escape(passage.text), highlight=False)
