"""One measured figure beside its baseline, and the table they are printed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and what it is held against.

    `ratio` is value / baseline; `target` is the bound in words (for example "at most 0.5 of the relay").
    """

    name: str
    value: float
    unit: str
    baseline_name: str | None = None
    baseline: float | None = None
    target: str | None = None
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        return None if not self.baseline else self.value / self.baseline


def print_figures(figures: Sequence[Figure], *, as_json: bool = False) -> None:
    """Prints the figures on standard output: as one table, or as a JSON list with the fields of Figure and `ratio`."""
    from rich.console import Console

    from assistant.commands.terminal import out, print_json

    if as_json:
        print_json([{**asdict(figure), "ratio": figure.ratio} for figure in figures])
    else:
        console = out if out.is_terminal else Console(width=150)  # a file or a pipe has no width to respect
        console.print(figures_table(figures))


def figures_table(figures: Sequence[Figure]) -> Table:
    """One row a figure: value, baseline, their ratio, the target in words, and whether it is met."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("figure", "value", "baseline", "ratio", "target", "met"):
        table.add_column(title, justify="right" if title in {"value", "baseline", "ratio"} else "left")
    for figure in figures:
        baseline = "" if figure.baseline is None else f"{amount(figure.baseline)} {figure.baseline_name or ''}".strip()
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        met = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[figure.met]
        value = f"{amount(figure.value)} {figure.unit}"
        table.add_row(figure.name, value, baseline, ratio, figure.target or "", met)
    return table


def amount(value: float) -> str:
    """Three figures that matter, thousands apart: 0.0123, 4.56, 12,346."""
    if value and abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"
