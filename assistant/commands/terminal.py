"""What every command shares: one way to print, one way to fail, one progress bar. Floor: door."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

out = Console()
err = Console(stderr=True)


def print_json(value: Any) -> None:
    """Prints one JSON document to standard output, exactly as given (no wrapping, no colour)."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def print_json_line(value: Any) -> None:
    """Prints one JSON document on a line of its own, at once: what runs on reports so (JSON Lines)."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def fail(message: str, *, code: int = 1) -> typer.Exit:
    """Prints one sentence to standard error; `raise fail(…)` ends the command. Code 2: called wrongly."""
    err.print(f"[bold red]error:[/] {message}", highlight=False, soft_wrap=True)
    return typer.Exit(code)


def ask(question: str, *, yes: bool) -> None:
    """Returns where the question is answered with yes, or need not be asked; else the command ends, code 1."""
    if yes:
        return
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:  # nobody is there to answer
        err.print()
        agreed = False
    if not agreed:
        raise fail("Nothing was done, as nobody said yes: --yes does it without asking.")


class Step(Protocol):
    def __call__(self, done: int, total: int, what: str) -> None: ...


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[Step]:
    """A bar on standard error while work runs: `step(done, total, what)`. Silent with `quiet` or off a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    if quiet or not err.is_terminal:
        yield lambda done, total, what: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(title, total=None)

        def step(done: int, total: int, what: str) -> None:
            progress.update(task, completed=done, total=total, description=f"{title}: {what[:48]}")

        yield step
