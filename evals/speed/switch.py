"""Searches from threads and from a second process while releases are switched: none fails, none is mixed.

`python -m evals.speed.switch`. Every document tells its edition, one a release: a search that tells two is mixed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evals.speed.figures import Figure, print_figures

if TYPE_CHECKING:
    from knowledge.documents import Document
    from knowledge.library import Library

RELEASES = 4
DOCUMENTS = 300
THREADS = 2
SECONDS = 20.0
QUICK_SECONDS = 4.0
TOLD = re.compile(r"edition(\d+)\b")


def measure(quick: bool = False) -> list[Figure]:
    """Failed and mixed searches, and how long a switch and the first search after it take."""
    seconds = QUICK_SECONDS if quick else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        library = open_library(Path(folder))
        for edition in range(1, RELEASES + 1):
            library.publish_documents(_documents(edition))
        command = [sys.executable, "-m", "evals.speed.switch", "--search", folder, str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
            counts, times = _switch_under_load(library, seconds)
            theirs = [int(word) for word in other.stdout.readline().split()]
        found, failed, mixed = (ours + his for ours, his in zip(counts, theirs, strict=True))
    p95 = float(np.percentile(times, 95))
    return [
        Figure("switches under load", float(len(times)), "switches"),
        Figure("searches meanwhile, two processes", float(found), "searches"),
        Figure("failed searches", float(failed), "searches", target="none", met=failed == 0),
        Figure("mixed searches", float(mixed), "searches", target="none", met=mixed == 0),
        Figure("switch until searched, p95", p95, "ms", target="at most 1,000 ms", met=p95 <= 1000),
    ]


def open_library(folder: Path) -> Library:
    """A library that embeds without a model: what is measured is the switch."""
    from assistant.database import open_engine, upgrade
    from knowledge.library import Library
    from knowledge.stand_ins import WordEmbedder

    engine = open_engine(folder / "tellonce.db")
    upgrade(engine)
    return Library(engine, folder / "knowledge", WordEmbedder())


def search_for(library: Library, done: threading.Event) -> tuple[int, int, int]:
    """Searches until told to stop: searches, those that failed, those that told of another release than their own."""
    count = failed = mixed = 0
    editions: dict[int, set[str]] = {}
    while not done.is_set():
        count += 1
        try:
            findings = library.search(f"What does page{count % DOCUMENTS} tell of this edition?", limit=10)
        except Exception:  # whatever it is, it failed
            failed += 1
            continue
        told = {text for one in findings.found for text in TOLD.findall(one.passage.text)}
        known = editions.setdefault(findings.release, told)
        mixed += len(told) != 1 or told != known
    return count, failed, mixed


def _switch_under_load(library: Library, seconds: float) -> tuple[list[int], list[float]]:
    """Publishes and rolls back in turns, a new release now and then, while threads search; counts, and times in ms."""
    done = threading.Event()
    counts = [0, 0, 0]
    times: list[float] = []

    def searching() -> None:
        for i, one in enumerate(search_for(library, done)):
            counts[i] += one

    threads = [threading.Thread(target=searching) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    edition = RELEASES
    while time.monotonic() < until:
        for info in library.releases():
            began = time.perf_counter()
            (library.rollback if len(times) % 2 else library.publish)(info.number)
            library.search("page1")
            times.append((time.perf_counter() - began) * 1000)
            time.sleep(0.02)
        edition += 1
        library.publish_documents(_documents(edition))  # drops the oldest once ten are kept
    done.set()
    for thread in threads:
        thread.join()
    return counts, times


def _documents(edition: int) -> list[Document]:
    from knowledge.documents import Document

    return [
        Document(f"d{i}", f"d{i}", f"Page {i}", f"Page{i} of edition{edition}.", "text/plain", f"{i}-{edition}")
        for i in range(DOCUMENTS)
    ]


def _search_beside(folder: str, seconds: float) -> None:
    library = open_library(Path(folder))
    library.warm()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    done = threading.Event()
    threading.Timer(seconds, done.set).start()
    sys.stdout.write(" ".join(str(one) for one in search_for(library, done)) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--search"]:
        _search_beside(sys.argv[2], float(sys.argv[3]))
    else:
        print_figures(measure(quick="--quick" in sys.argv))
