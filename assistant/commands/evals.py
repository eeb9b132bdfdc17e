"""`tellonce evals`: is it any good? Floor: door; `evals/` does the work and is imported when a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from assistant.commands.terminal import JsonFlag, err, out, print_json, progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from evals.answers import Figures
    from evals.report import Judged
    from evals.retrieval import Retrieval
    from evals.scoring import Interval

app = typer.Typer(
    no_args_is_help=True,
    help="Measures retrieval, answers and whole conversations.\n\nExample: tellonce evals run demo",
)

Folder = Annotated[Path, typer.Argument(help="A folder in BEIR layout.", metavar="DIR")]
RunOption = Annotated[Path | None, typer.Option("--run", help="Also write what was found or said, for other scorers.")]


@app.command()
def retrieval(folder: Folder, run_file: RunOption = None, as_json: JsonFlag = False) -> None:
    """Measures the search: recall, nDCG and MRR over corpus.jsonl, queries.jsonl and qrels/test.tsv.

    Example: tellonce evals retrieval ./my-set --run found.trec
    """
    from assistant.app import open_library
    from assistant.settings import load_settings
    from evals.beir import load_data_set
    from evals.corpus import prepare_corpus
    from evals.retrieval import live_search, measure_retrieval, write_trec_run

    data = load_data_set(folder)
    with progress_bar("Indexing", quiet=as_json) as step:
        prepared = prepare_corpus(data, load_settings(), step)
    with progress_bar("Searching", quiet=as_json) as step:
        measured = measure_retrieval(data, live_search(open_library(prepared).search), step)
    if run_file:
        write_trec_run(measured, run_file)
    if as_json:
        print_json(measured.as_json())
    else:
        out.print(_retrieval_table(measured))


@app.command()
def answers(folder: Folder, run_file: RunOption = None, as_json: JsonFlag = False) -> None:
    """Measures the answers, too: are they given when they should be, are they right, do their quotes stand?

    DIR holds answers.jsonl besides. Every question is asked on the live line, without a model.

    Example: tellonce evals answers ./my-set --json
    """
    import asyncio

    from assistant.app import open_library
    from assistant.settings import load_settings
    from evals.answers import Answered, collect_answers, decide_figures, write_answers
    from evals.beir import load_data_set
    from evals.corpus import prepare_corpus
    from evals.live import open_live
    from evals.retrieval import live_search, measure_retrieval

    data = load_data_set(folder, qrels=False, answers=True)
    with progress_bar("Indexing", quiet=as_json) as step:
        prepared = prepare_corpus(data, load_settings(model="embedded"), step)
    with progress_bar("Searching", quiet=as_json) as step:
        found = measure_retrieval(data, live_search(open_library(prepared).search), step)

    async def ask() -> list[Answered]:
        with progress_bar("Answering", quiet=as_json) as step:
            async with open_live(prepared) as live:
                return await collect_answers(data, live, found.sureness, step)

    said = asyncio.run(ask())
    figures = decide_figures(data, said)
    if run_file:
        write_answers(said, run_file)
    if as_json:
        print_json({**found.as_json(), **figures.as_json()})
    else:
        out.print(_retrieval_table(found))
        out.print(_answers_table(figures, sum(1 for answer in said if answer.answered), len(said)))


@app.command()
def run(
    suites: Annotated[
        list[str] | None,
        typer.Argument(help="demo, one of its topics, or a YAML file or folder of cases.", metavar="SUITE..."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Also write an HTML page with every conversation.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Hold later runs against this one.")] = False,
    accepted_file: Annotated[
        Path | None, typer.Option("--accepted", help="Where accepted runs are kept; default: with the project.")
    ] = None,
    model: Annotated[str, typer.Option(help="What answers: embedded, auto, or a model's name.")] = "embedded",
    knowledge: Annotated[
        list[Path] | None, typer.Option(help="Files or folders to answer from, instead of the demo's.")
    ] = None,
    customers: Annotated[
        Path | None, typer.Option(help="With --knowledge: a JSON list of customers who may be signed in.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Runs written conversations on the real line, and fails when they went worse than accepted.

    Without a SUITE it runs `demo`. evals/cases/README.md tells how a conversation is written.

    Example: tellonce evals run demo --report evals/reports/latest.html
    """
    import asyncio

    from assistant.settings import load_settings
    from evals.cases import DEMO_SUITE, load_suite
    from evals.live import open_live
    from evals.outcomes import (
        ACCEPTED_FILE,
        Result,
        accepted_key,
        decide_regressions,
        load_accepted,
        save_accepted,
    )
    from evals.report import Judged, render_report
    from evals.suites import check_customers, demo_world, own_world, prepare_world, run_suite

    chosen = [load_suite(name) for name in suites or [DEMO_SUITE]]
    world = own_world(knowledge, customers) if knowledge else demo_world()
    for suite in chosen:
        check_customers(suite, world)
    with progress_bar("Indexing", quiet=as_json) as step:
        prepared = prepare_world(world, load_settings(model=model), step)

    async def talk() -> list[Result]:
        with progress_bar("Talking", quiet=as_json) as step:
            async with open_live(prepared) as live:
                return [await run_suite(suite, live, step) for suite in chosen]

    kept = accepted_file or ACCEPTED_FILE
    accepted = load_accepted(kept)
    judged = []
    for result in asyncio.run(talk()):
        before = accepted.get(accepted_key(result))
        worse = decide_regressions(result, before) if before else []
        judged.append(Judged(result, dict(before.figures) if before else {}, tuple(worse)))
        if accept:
            save_accepted(result, kept)
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(render_report(judged), encoding="utf-8")
    _show(judged, report, as_json=as_json)
    if any(run.worse for run in judged) and not accept:
        raise typer.Exit(1)


def _show(judged: list[Judged], report: Path | None, *, as_json: bool) -> None:
    if as_json:
        print_json({run.result.suite: run.as_json() for run in judged})
        return
    for run in judged:
        out.print(_suite_table(run))
        for case in run.result.cases:
            if not case.passed:
                out.print(
                    f"[red]✗[/] {case.case.id}: {escape('; '.join(case.faults))}", highlight=False, soft_wrap=True
                )
        for sentence in run.worse:
            err.print(f"[bold red]worse than accepted:[/] {escape(sentence)}", highlight=False, soft_wrap=True)
    if report:
        out.print(f"Every conversation: {report}", soft_wrap=True, highlight=False)


def _suite_table(run: Judged) -> Table:
    from evals.outcomes import decide_figures

    table = _table(f"Suite {run.result.suite}")
    table.add_column("accepted", justify="right")
    for name, figure in decide_figures(run.result).items():
        before = run.accepted.get(name)
        _row(table, name, figure, "" if before is None else f"{before:.3f}")
    times = run.result.latency_ms
    table.add_row("latency, median", f"{times['p50']:.0f} ms")
    table.add_row("latency, 95th percentile", f"{times['p95']:.0f} ms")
    return table


def _table(title: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in ("figure", "value", "95 % interval", "of"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    return table


def _row(table: Table, name: str, figure: Interval, *more: str) -> None:
    if figure.n:
        table.add_row(name, f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}", str(figure.n), *more)
    else:
        table.add_row(name, "none", "", "0", *more)


def _retrieval_table(measured: Retrieval) -> Table:
    table = _table("Retrieval")
    for name, interval in measured.intervals.items():
        _row(table, name, interval)
    times = measured.as_json()["latency_ms"]
    table.add_row("latency, median", f"{times['p50']} ms", "", str(measured.queries))
    table.add_row("latency, 95th percentile", f"{times['p95']} ms", "", str(measured.queries))
    return table


def _answers_table(figures: Figures, answered: int, asked: int) -> Table:
    table = _table("\nAnswers")
    table.add_row("answered", f"{answered}", "", str(asked))
    for name, value in (
        ("answerable, precision", figures.precision),
        ("answerable, recall", figures.recall),
        ("answerable, F1", figures.f1),
        ("answerable, AUROC", figures.auroc),
    ):
        table.add_row(name, "none" if value is None else f"{value:.3f}", "", str(asked))
    _row(table, "token F1", figures.token_f1)
    _row(table, "ROUGE-L", figures.rouge_l)
    _row(table, "quotes verified", figures.quote_verified)
    return table
