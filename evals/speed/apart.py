"""Runs one benchmark in a process of its own, so that none warms, fills or slows the next. Floor: use case."""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from evals.speed.figures import Figure


def measure_one(name: str, quick: bool) -> list[Figure]:
    """Imports and runs one benchmark."""
    measured: list[Figure] = importlib.import_module(f"evals.speed.{name}").measure(quick)
    return measured


def run_apart(work: Callable[..., list[Figure]], *args: object) -> list[Figure]:
    """What `work` returns, computed in a fresh process. `work` must be importable there: no function of `__main__`."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(work, *args).result()
        except BrokenProcessPool as error:
            raise RuntimeError("its process ended early (out of memory?)") from error
