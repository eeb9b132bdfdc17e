"""`tellonce evals`: is it any good? Floor: door; `evals/` does the work and is imported when a command runs."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from assistant.commands.terminal import JsonFlag, Step, err, out, print_json, progress_bar

app = typer.Typer(
    no_args_is_help=True,
    help="Measures retrieval, answers and whole conversations.\n\nExample: tellonce evals run demo",
)

Folder = Annotated[Path, typer.Argument(help="A folder in BEIR layout.", metavar="DIR")]
RunOption = Annotated[Path | None, typer.Option("--run", help="Also write what was found or said, for other scorers.")]
LimitOption = Annotated[
    int | None, typer.Option("--limit", help="Ask at most so many questions of a data set, drawn by a fixed seed.")
]


@app.command()
def retrieval(folder: Folder, run_file: RunOption = None, limit: LimitOption = None, as_json: JsonFlag = False) -> None:
    """Measures the search: recall, nDCG and MRR over corpus.jsonl, queries.jsonl and qrels/test.tsv.

    Example: tellonce evals retrieval ./my-set --run found.trec
    """
    from assistant.app import open_library
    from assistant.settings import load_settings
    from evals.beir import load_data_set, sample
    from evals.corpus import prepare_corpus
    from evals.retrieval import check_trec_ids, live_search, measure_retrieval, write_trec_run
    from evals.sets import check_limit
    from evals.tables import retrieval_table

    check_limit(limit)
    with _stage("Reading", quiet=as_json) as step:
        data = sample(load_data_set(folder, progress=step), limit)
    if run_file:
        check_trec_ids(data)
    with _stage("Indexing", quiet=as_json) as step:
        prepared = prepare_corpus(data, load_settings(), step)
    library = open_library(prepared)
    with _stage("Searching", quiet=as_json) as step:
        measured = measure_retrieval(data, live_search(library.search, library.catalogue()), step)
    if run_file:
        write_trec_run(measured, run_file)
    if as_json:
        print_json(measured.as_json())
    else:
        out.print(retrieval_table(measured))


@app.command()
def answers(folder: Folder, run_file: RunOption = None, limit: LimitOption = None, as_json: JsonFlag = False) -> None:
    """Measures the answers, too: are they given when they should be, are they right, do their quotes stand?

    DIR holds answers.jsonl besides. Every question is asked on the live line, without a model.

    Example: tellonce evals answers ./my-set --json
    """
    import asyncio

    from assistant.app import open_library
    from assistant.settings import load_settings
    from evals.answers import Answered, collect_answers, decide_figures, write_answers
    from evals.beir import load_data_set, sample
    from evals.corpus import prepare_corpus
    from evals.live import open_live
    from evals.retrieval import live_search, measure_retrieval
    from evals.sets import check_limit
    from evals.tables import answers_table, retrieval_table

    check_limit(limit)
    with _stage("Reading", quiet=as_json) as step:
        data = sample(load_data_set(folder, qrels=False, answers=True, progress=step), limit)
    with _stage("Indexing", quiet=as_json) as step:
        prepared = prepare_corpus(data, load_settings(model="embedded"), step)
    library = open_library(prepared)
    with _stage("Searching", quiet=as_json) as step:
        found = measure_retrieval(data, live_search(library.search, library.catalogue()), step)

    async def ask() -> list[Answered]:
        with _stage("Answering", quiet=as_json) as step:
            async with open_live(prepared) as live:
                return await collect_answers(data, live, lambda query: found.sureness[query.id], step)

    said = asyncio.run(ask())
    figures = decide_figures(data, said)
    if run_file:
        write_answers(said, run_file)
    if as_json:
        print_json({**found.as_json(), **figures.as_json()})
    else:
        out.print(retrieval_table(found))
        out.print(answers_table(figures, sum(1 for answer in said if answer.answered), len(said)))


@app.command()
def run(
    suites: Annotated[
        list[str] | None,
        typer.Argument(
            help="demo, held-out, one of their topics, companies, unseen-companies, saved, a YAML file or folder of "
            "cases, or a data set.",
            metavar="SUITE...",
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Also write an HTML page with every question.")] = None,
    against: Annotated[
        int | None,
        typer.Option(help="Hold the release in service here, or --release, against that one.", metavar="RELEASE"),
    ] = None,
    release: Annotated[
        int | None, typer.Option(help="Answer from that release, instead of the one in service here.")
    ] = None,
    against_file: Annotated[
        Path | None, typer.Option(help="Show each question beside an earlier run that --save has written.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Also write every answer, for a later --against-file.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="EVALS_DATA",
            help="A folder of data sets: SUITE may name one; without a SUITE all are run, too.",
        ),
    ] = None,
    limit: LimitOption = None,
    accept: Annotated[bool, typer.Option("--accept", help="Hold later runs against this one.")] = False,
    accepted_folder: Annotated[
        Path | None, typer.Option("--accepted", help="Where accepted runs are kept; default: with the project.")
    ] = None,
    model: Annotated[str, typer.Option(help="What answers: embedded, auto, or a model's name.")] = "embedded",
    knowledge: Annotated[
        list[Path] | None, typer.Option(help="Files or folders to answer from, instead of the demo's.")
    ] = None,
    customers: Annotated[
        Path | None, typer.Option(help="A JSON list of customers who may be signed in, instead of the demo's.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Runs suites on the real line, and fails when one went worse than accepted.

    Without a SUITE it runs demo, held-out, companies, unseen-companies, and every data set of --data.
    evals/cases/README.md tells how a conversation is written.

    Example: tellonce evals run demo --report evals/reports/latest.html
    """
    import asyncio

    from assistant.settings import load_settings
    from evals.accepted import ACCEPTED_FOLDER
    from evals.earlier import load_runs, save_runs
    from evals.report import render_report
    from evals.running import Request, hold_against, make_plan, run_plan
    from evals.running import accept as accept_runs
    from evals.tables import show_runs

    request = Request(
        names=tuple(suites or ()),
        data=data,
        limit=limit,
        knowledge=tuple(knowledge or ()),
        customers=customers,
        against=against,
        release=release,
    )
    earlier = load_runs(against_file) if against_file else {}
    settings = load_settings(model=model)
    plan = make_plan(request, settings)
    kept = accepted_folder or ACCEPTED_FOLDER
    stage = functools.partial(_stage, quiet=as_json)
    judged = [hold_against(one, kept, earlier) for one in asyncio.run(run_plan(plan, request, settings, stage))]
    if accept:
        accept_runs(judged, kept)
    if save:
        save_runs([one.result for one in judged], save)
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(render_report(judged), encoding="utf-8")
    if as_json:
        print_json({one.result.suite: one.as_json() for one in judged})
    else:
        show_runs(judged, report)
    if any(one.worse for one in judged) and not accept:
        raise typer.Exit(1)


@contextmanager
def _stage(title: str, *, quiet: bool) -> Iterator[Step]:
    """A bar on a terminal, elsewhere a line when it begins: a run of minutes should not look dead in a log."""
    if not quiet and not err.is_terminal:
        err.print(f"{title} …", highlight=False)
    with progress_bar(title, quiet=quiet) as step:
        yield step
