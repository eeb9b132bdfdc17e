"""`tellonce evals`: is it any good? Floor: door; `evals/` does the work and is imported when a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.commands.terminal import JsonFlag, out, print_json, progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from evals.answers import Figures
    from evals.retrieval import Retrieval
    from evals.scoring import Interval

app = typer.Typer(
    no_args_is_help=True,
    help="Measures retrieval, answers and whole conversations.\n\nExample: tellonce evals run demo",
)

Folder = Annotated[Path, typer.Argument(help="A folder in BEIR layout.", metavar="DIR")]
RunFile = Annotated[Path | None, typer.Option("--run", help="Also write what was found or said, for other scorers.")]


@app.command()
def retrieval(folder: Folder, run: RunFile = None, as_json: JsonFlag = False) -> None:
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
    if run:
        write_trec_run(measured, run)
    if as_json:
        print_json(measured.as_json())
    else:
        out.print(_retrieval_table(measured))


@app.command()
def answers(folder: Folder, run: RunFile = None, as_json: JsonFlag = False) -> None:
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
                return await collect_answers(data, live, step)

    said = asyncio.run(ask())
    figures = decide_figures(data, said)
    if run:
        write_answers(said, run)
    if as_json:
        print_json({**found.as_json(), **figures.as_json()})
    else:
        out.print(_retrieval_table(found))
        out.print(_answers_table(figures, sum(1 for answer in said if answer.answered), len(said)))


def _table(title: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in ("figure", "value", "95 % interval", "of"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    return table


def _row(table: Table, name: str, figure: Interval) -> None:
    if figure.n:
        table.add_row(name, f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}", str(figure.n))
    else:
        table.add_row(name, "none", "", "0")


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
