"""`tellonce knowledge`: add sources, reindex, see what is in service, ask it. Floor: door.

`commands/releases.py` and `commands/gaps.py` add to it.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.commands import gaps, questions, releases
from assistant.commands.releases import BY, be_nice, open_knowledge
from assistant.commands.terminal import JsonFlag, fail, out, print_json, progress_bar

if TYPE_CHECKING:
    from knowledge.documents import Findings, IndexReport, LibraryStatus
    from knowledge.library import Library

app = typer.Typer(
    no_args_is_help=True,
    help="What the assistant knows.\n\nExample: tellonce knowledge add ./help-site manual.pdf",
)


@app.command()
def add(
    sources: Annotated[list[str], typer.Argument(metavar="PATH_OR_URL...", help="Files, folders or web pages.")],
    as_json: JsonFlag = False,
) -> None:
    """Remembers files, folders and pages, and indexes them at once.

    Reads Markdown, MDX, HTML, PDF, DOCX, CSV, JSON Lines and plain text. Ends with code 1 where nothing that you
    name can be read; what else cannot be read is in the report.

    Example: tellonce knowledge add ./help-site manual.pdf https://example.com/faq
    """
    library = open_knowledge()
    library.add(sources)
    report = _reindex(library, as_json=as_json)
    unread = {fault.source for fault in report.faults}
    if all(source in unread or Path(source).name in unread for source in sources):
        raise typer.Exit(1)  # the report says why


@app.command()
def reindex(
    publish: Annotated[bool, typer.Option("--publish/--no-publish", help="Put the new release in service.")] = True,
    compare: Annotated[
        bool, typer.Option("--compare", help="Do not publish; show which answers would change.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Reads all sources again and puts a new release in service; only what changed is embedded.

    With --compare, the saved questions and last week's real ones are answered by the new release and by the one in
    service, and the answers that differ are shown.

    Example: tellonce knowledge reindex --compare
    """
    library = open_knowledge()
    if compare:
        _reindex_and_compare(library, as_json=as_json)
    else:
        _reindex(library, publish=publish, as_json=as_json)


@app.command()
def status(as_json: JsonFlag = False) -> None:
    """Shows the release in service and the sources that it was made of.

    Example: tellonce knowledge status
    """
    state = open_knowledge().status()
    if as_json:
        print_json(asdict(state))
    else:
        _print_status(state)


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="What a customer would ask.")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=50, help="Passages to show.")] = 5,
    product: Annotated[str | None, typer.Option("--product", help="Prefer passages about this product.")] = None,
    document: Annotated[str | None, typer.Option("--document", help="Look into this document alone (its id).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Shows the passages that a question finds, and how sure it is that the answer is among them.

    Example: tellonce knowledge search "How do I descale it?" --product "Lark 2"
    """
    if not question.strip():
        raise fail("The question is empty: write what a customer would ask.", code=2)
    findings = open_knowledge().search(question, limit=limit, product=product, document=document)
    if as_json:
        print_json(asdict(findings))
    else:
        _print_findings(findings)


releases.register(app)
gaps.register(app)
app.add_typer(questions.app, name="questions")


def _reindex(library: Library, *, publish: bool = True, as_json: bool) -> IndexReport:
    report = _run(library, publish=publish, as_json=as_json)
    if as_json:
        print_json(asdict(report))
    else:
        _print_report(report, in_service=library.release == report.release)
    return report


def _run(library: Library, *, publish: bool, as_json: bool) -> IndexReport:
    be_nice()
    with progress_bar("Indexing", quiet=as_json) as step:
        return library.reindex(step, publish=publish)


def _reindex_and_compare(library: Library, *, as_json: bool) -> None:
    from assistant.app import open_engine, open_profiles
    from assistant.settings import load_settings
    from assistant.studio.comparing import compare_releases
    from assistant.studio.comparisons import Comparisons

    before = library.release
    if before is None:
        raise fail("Nothing is in service to compare with: run `tellonce knowledge reindex` first.")
    report = _run(library, publish=False, as_json=as_json)
    if report.release == before:
        if as_json:
            print_json({"report": asdict(report), "comparison": None})
        else:
            _print_report(report, in_service=True)
            out.print("Nothing changed: there is nothing to compare.")
        return
    settings = load_settings()
    engine = open_engine(settings)
    load_customer = open_profiles(settings, engine).load
    with library.hold(report.release), library.hold(before), progress_bar("Comparing", quiet=as_json) as step:
        comparison = compare_releases(
            library, settings, engine, report.release, before, load_customer=load_customer, progress=step
        )
    Comparisons(engine).keep(comparison, BY, [release.number for release in library.releases()])
    if as_json:
        print_json({"report": asdict(report), "comparison": comparison.as_data()})
        return
    _print_report(report, in_service=False)
    gaps.print_comparison(comparison)


def _print_report(report: IndexReport, *, in_service: bool) -> None:
    counts = ((report.added, "added"), (report.changed, "changed"), (report.removed, "removed"))
    words = ", ".join(f"{count:,} {what}" for count, what in (*counts, (report.unchanged, "unchanged")))
    place = "is in service" if in_service else "waits to be published"
    out.print(f"Release {report.release} {place}: {report.passages:,} passages. Documents: {words}.", soft_wrap=True)
    if not in_service:
        out.print(f"Put it in service with `tellonce knowledge publish {report.release}`.", highlight=False)
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

    if findings.release is None:
        out.print("Nothing is indexed yet. Begin with `tellonce knowledge add PATH`.")
        return
    if not findings.found:
        out.print(f"Release {findings.release} holds nothing about this.")
        return
    out.print(f"Sureness {findings.sureness:.2f}, release {findings.release}.")
    for n, found in enumerate(findings.found, 1):
        passage = found.passage
        place = " > ".join((passage.title, *passage.section))
        page = f", page {passage.page}" if passage.page else ""
        out.print(f"\n[bold]{n}. {escape(place)}{page}[/] (score {found.score:.3f})", highlight=False)
        out.print(escape(passage.text), highlight=False)
