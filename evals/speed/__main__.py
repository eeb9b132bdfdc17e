"""`python -m evals.speed`: every benchmark, each in a fresh process, in one table. Floor: door.

`make bench` calls it. A benchmark is a module beside this one with `measure(quick) -> list[Figure]`.
"""

from __future__ import annotations

import importlib.util
from typing import Annotated

import typer

from assistant.commands.terminal import JsonFlag, err, progress_bar
from evals.speed.apart import measure_one, run_apart
from evals.speed.figures import Figure, print_figures

BENCHMARKS = ("ack", "first_text", "connections", "start", "search", "index", "switch")


def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Which benchmarks; all of them when none is named.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds: minutes become seconds, noise grows.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Measures speed, each figure beside its baseline in the same run.

    Example: python -m evals.speed ack search --quick
    """
    chosen = names or [name for name in BENCHMARKS if _is_there(name)]
    for name in chosen:
        if not _is_there(name):
            raise typer.BadParameter(f"there is no benchmark {name!r}. Known are: {', '.join(BENCHMARKS)}.")
    figures: list[Figure] = []
    failed = False
    with progress_bar("Measuring") as step:
        for done, name in enumerate(chosen):
            step(done, len(chosen), name)
            try:
                figures += run_apart(measure_one, name, quick)
            except Exception as error:  # one broken benchmark does not hide the figures of the others
                failed = True
                err.print(f"[bold red]error:[/] {name}: {type(error).__name__}: {error}", highlight=False)
    print_figures(figures, as_json=as_json)
    if failed:
        raise typer.Exit(1)


def _is_there(name: str) -> bool:
    return name in BENCHMARKS and importlib.util.find_spec(f"evals.speed.{name}") is not None


if __name__ == "__main__":
    typer.run(bench)
