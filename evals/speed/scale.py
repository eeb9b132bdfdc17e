"""200,000 passages: time, memory and disk of a first index, of a reindex, of searches. `python -m evals.speed.scale`.

Vectors are random, so that the run ends within minutes; what embedding would take is told from its measured rate.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evals.speed.figures import Figure, print_figures

if TYPE_CHECKING:
    from knowledge.documents import Document
    from knowledge.embedding import Vectors

PASSAGES = 200_000
QUICK_PASSAGES = 5_000
DIMENSIONS = 384
QUESTIONS = 100
RATED = 128  # passages that the real model embeds, for its rate
WORDS = 20_000


class RandomEmbedder:
    """Vectors of no meaning, at once. Thousands of random vectors would take longer than what is measured: they repeat
    with a little noise."""

    name = revision = "random:1"
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        self._known = self._random.normal(size=(4096, DIMENSIONS)).astype(np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = self._random.integers(0, len(self._known), len(texts))
        vectors = self._known[rows] + self._random.random((len(texts), DIMENSIONS), np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def measure(quick: bool = False) -> list[Figure]:
    """Runs it in a folder of its own; peak memory is that of this process."""
    from assistant.database import open_engine, upgrade
    from knowledge.library import Library

    count = QUICK_PASSAGES if quick else PASSAGES
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(Path(folder) / "tellonce.db")
        upgrade(engine)
        library = Library(engine, Path(folder) / "knowledge", RandomEmbedder(), kept=3)
        first = _seconds(lambda: library.publish_documents(list(_documents(count))))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        disk = _bytes_below(Path(folder)) / 1e9
        again = _seconds(lambda: library.publish_documents(list(_documents(count, changed=count // 100))))
        library.warm()
        time.sleep(5)  # Chroma loads on a thread of its own
        library.search("warm")
        times = [_seconds(lambda n=n: library.search(f"word{n} word{n * 7 % WORDS} word{n * 31 % WORDS}")) * 1000
                 for n in range(QUESTIONS)]  # fmt: skip
        back = _seconds(lambda: library.rollback(1))
        more = _bytes_below(Path(folder)) / 1e9 - disk
    rate = _embedding_rate()
    words = f"{count:,} passages"
    return [
        Figure(f"first index without embedding, {words}", first, "s"),
        Figure("its embedding, told from the rate", count / rate, "s", "passages a second", rate),
        Figure("reindex, 1 % changed, without embedding", again, "s", "first time", first),
        Figure("peak memory", peak, "GB"),
        Figure("disk, one release", disk, "GB", "for another with 1 % changed", more),
        Figure("search p50 without embedding", float(np.percentile(times, 50)), "ms"),
        Figure("search p95 without embedding", float(np.percentile(times, 95)), "ms"),
        Figure("roll back", back, "s", target="at most 1 s", met=back <= 1),
    ]


def _documents(count: int, changed: int = 0) -> Iterator[Document]:
    """About 700 characters each, of words as unevenly spread as those of a language."""
    from knowledge.documents import Document

    random = np.random.default_rng(2)
    for i in range(count):
        ranks = np.minimum(random.zipf(1.3, 90), WORDS)
        words = " ".join([f"word{rank}" for rank in ranks])
        text = f"Page number{i}{' anew' if i < changed else ''}. {words}."
        yield Document(f"d{i}", f"d{i}", f"Page {i % 500}", text, "text/plain", f"{i}-{i < changed}")


def _embedding_rate() -> float:
    from evals.speed.index import _page
    from knowledge.embedding import DEFAULT_MODEL, default_model_folder, open_embedder

    embedder = open_embedder(DEFAULT_MODEL, default_model_folder(Path("data")), threads=os.cpu_count())
    embedder.encode(["warm"])
    return RATED / _seconds(lambda: embedder.encode([_page(i, 1) for i in range(RATED)]))


def _seconds(run: object) -> float:
    assert callable(run)
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    print_figures(measure(quick="--quick" in sys.argv))
