"""The tables that `tellonce evals` prints for people. Floor: door."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from assistant.commands.terminal import err, out
from evals.certainty import Interval
from evals.earlier import figures_of
from evals.outcomes import Result
from evals.sets import CALIBRATION_FIGURE

if TYPE_CHECKING:
    from evals.answers import Figures
    from evals.report import Judged
    from evals.retrieval import Retrieval

FAILED_SHOWN = 40  # of a suite; the report has them all


def show_runs(runs: Sequence[Judged], report: Path | None) -> None:
    """One table of all suites, then what failed and what got worse."""
    out.print(_runs_table(runs))
    for run in runs:
        if not isinstance(run.result, Result):
            continue
        failed = [case for case in run.result.cases if not case.passed]
        for case in failed[:FAILED_SHOWN]:
            out.print(f"[red]✗[/] {case.case.id}: {escape('; '.join(case.faults))}", highlight=False, soft_wrap=True)
        if len(failed) > FAILED_SHOWN:
            out.print(f"and {len(failed) - FAILED_SHOWN} more")
    for run in runs:
        if run.note:
            out.print(f"{run.result.suite}: {run.note}", highlight=False, soft_wrap=True)
        for sentence in run.worse:
            words = f"[bold red]worse than before:[/] {run.result.suite}, {escape(sentence)}"
            err.print(words, highlight=False, soft_wrap=True)
    if report:
        out.print(f"Every question: {report}", soft_wrap=True, highlight=False)


def _runs_table(runs: Sequence[Judged]) -> Table:
    last = "accepted" if all(run.accepted for run in runs if run.before) else "before"
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("suite", "figure", "value", "95 % interval", "of", last):
        table.add_column(name, justify="left" if name in ("suite", "figure") else "right", no_wrap=True)
    for run in runs:
        known = run.before.figures if run.before and last == "before" else run.accepted
        suite = f"[bold]{escape(run.result.suite)}[/]"
        for name, figure in figures_of(run.result).items():
            was = known.get(name)
            table.add_row(suite, name, *_cells(figure, ranged=name != CALIBRATION_FIGURE), _number(was))
            suite = ""
        times = run.result.latency_ms
        table.add_row("", "answer in, ms", f"{times['p50']:.0f}", f"95 % below {times['p95']:.0f}", "", "")
        table.add_section()
    return table


def _cells(figure: Interval, *, ranged: bool = True) -> tuple[str, str, str]:
    if not figure.n:
        return "none", "", "0"
    between = f"{figure.low:.3f} to {figure.high:.3f}" if ranged else ""
    return f"{figure.value:.3f}", between, str(figure.n)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def retrieval_table(measured: Retrieval) -> Table:
    """Every measure of a search, with intervals and times."""
    table = _table("Retrieval")
    for name, interval in measured.intervals.items():
        table.add_row(name, *_cells(interval))
    times = measured.as_json()["latency_ms"]
    table.add_row("latency, median", f"{times['p50']} ms", "", str(measured.queries))
    table.add_row("latency, 95th percentile", f"{times['p95']} ms", "", str(measured.queries))
    return table


def answers_table(figures: Figures, answered: int, asked: int) -> Table:
    """How well was answered, with intervals."""
    table = _table("\nAnswers")
    table.add_row("answered", f"{answered}", "", str(asked))
    for name, value in (
        ("answerable, precision", figures.precision),
        ("answerable, recall", figures.recall),
        ("answerable, F1", figures.f1),
    ):
        table.add_row(name, f"{value:.3f}", "", str(asked))
    if figures.auroc_interval:
        table.add_row("answerable, AUROC", *_cells(figures.auroc_interval))
        table.add_row("sureness off by", f"{figures.calibration_error:.3f}", "", str(asked))
    table.add_row("token F1", *_cells(figures.token_f1))
    table.add_row("ROUGE-L", *_cells(figures.rouge_l))
    table.add_row("quotes verified", *_cells(figures.quote_verified))
    return table


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in ("figure", "value", "95 % interval", "of"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    return table
