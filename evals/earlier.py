"""Runs kept in a file, to hold later ones against: `--save FILE`, then `--against-file FILE`. Floor: store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assistant import __version__
from assistant.errors import TellonceError
from evals.certainty import Interval
from evals.compare import Side, sides_of
from evals.outcomes import Result, decide_figures
from evals.sets import SetResult, decide_set_figures


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a suite gave before: every answer, and its figures. `name` tells people which run it was."""

    name: str
    sides: Mapping[str, Side]
    figures: Mapping[str, float] = field(default_factory=dict)


def figures_of(result: Result | SetResult) -> dict[str, Interval]:
    """A run's figures, whichever kind of suite it is."""
    return decide_set_figures(result) if isinstance(result, SetResult) else decide_figures(result)


def earlier_of(result: Result | SetResult, name: str) -> Earlier:
    """A run made just now, as the one before."""
    values = {figure: interval.value for figure, interval in figures_of(result).items() if interval.n}
    return Earlier(name, sides_of(result), values)


def save_runs(results: Iterable[Result | SetResult], path: Path) -> None:
    """Writes every answer of these runs, with the figures."""
    runs = {}
    for result in results:
        earlier = earlier_of(result, result.at)
        runs[result.suite] = {
            "at": result.at,
            "about": dict(result.about),
            "figures": {name: round(value, 4) for name, value in earlier.figures.items()},
            "answers": {key: side.as_json() for key, side in earlier.sides.items()},
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"tellonce": __version__, "runs": runs}, ensure_ascii=False), encoding="utf-8")


def load_runs(path: Path) -> dict[str, Earlier]:
    """The runs of a file by suite.

    Raises:
        TellonceError: there is no such file, or it is no file of runs.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            suite: Earlier(
                f"the run of {run['at']}",
                {key: Side.from_json(entry) for key, entry in run["answers"].items()},
                {name: float(value) for name, value in run["figures"].items()},
            )
            for suite, run in content["runs"].items()
        }
    except OSError as error:
        raise TellonceError(
            f"{path} cannot be read ({error.strerror}). Name a file that --save has written."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TellonceError(f"{path} holds no saved runs. Name a file that --save has written.") from error
