"""The benchmark table tells value, baseline, ratio and target; one broken benchmark is told and ends only itself."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from evals.speed.apart import run_apart
from evals.speed.figures import Figure, amount, figures_table, print_figures

FIGURES = [
    Figure("added time to first text", 0.6, "ms", "relay", 3.2, "at most 0.5 of the relay", True),
    Figure("memory", 52.0, "KB", target="at most 40 KB", met=False),
]


def test_the_table_has_a_row_for_each_figure_with_its_ratio() -> None:
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(figures_table(FIGURES))
    rows = console.export_text().splitlines()

    assert "0.6 ms" in rows[1]
    assert "3.2 relay" in rows[1]
    assert "0.19" in rows[1]
    assert rows[1].rstrip().endswith("yes")
    assert rows[2].rstrip().endswith("no")


def test_as_json_each_figure_keeps_its_fields_and_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures(FIGURES, as_json=True)

    first, second = json.loads(capsys.readouterr().out)
    assert first["ratio"] == pytest.approx(0.1875)
    assert second["ratio"] is None
    assert second["met"] is False


@pytest.mark.parametrize(
    ("value", "shown"), [(0.01234, "0.0123"), (4.5649, "4.56"), (12345.6, "12,346"), (0.0, "0"), (100.4, "100")]
)
def test_amounts_show_three_figures_that_matter(value: float, shown: str) -> None:
    assert amount(value) == shown


def figures_of_this_process(name: str) -> list[Figure]:
    return [Figure(name, float(os.getpid()), "pid")]


def end_early() -> list[Figure]:
    os._exit(3)


def test_a_benchmark_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent)])
    (figure,) = run_apart(figures_of_this_process, "apart")

    assert figure.name == "apart"
    assert int(figure.value) != os.getpid()


def test_a_benchmark_whose_process_dies_says_so() -> None:
    with pytest.raises(RuntimeError, match="ended early"):
        run_apart(end_early)


@pytest.mark.slow
def test_the_command_runs_a_benchmark_and_prints_its_figures() -> None:
    command = [sys.executable, "-m", "evals.speed", "ack", "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])

    figures = json.loads(done.stdout)
    assert figures
    assert all(figure["value"] > 0 for figure in figures)


def test_an_unknown_benchmark_is_told() -> None:
    command = [sys.executable, "-m", "evals.speed", "laziness"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)

    assert done.returncode == 2
    assert "laziness" in done.stderr
