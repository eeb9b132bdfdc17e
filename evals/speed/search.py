"""Search latency at 1,000, 10,000 and 100,000 passages, beside an exact scan and Chroma alone.

Vectors are random but passages, words and database are real: a search reads its passages from SQLite like any other.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evals.speed.figures import Figure, print_figures

if TYPE_CHECKING:
    from knowledge.embedding import Embedder, Vectors
    from knowledge.library import Library

SIZES = (1_000, 10_000, 100_000)
QUESTIONS = 200
P95_TARGETS_MS = {1_000: 12.0, 10_000: 12.0, 100_000: 20.0}
TOPICS = ("kettle", "lamp", "grinder", "filter", "display", "warranty", "invoice", "password", "battery", "valve")


class Prepared:
    """Embeds passages as random vectors at once, and questions with the real model: only searching is measured."""

    def __init__(self, real: Embedder) -> None:
        self._real = real
        self.name, self.dimensions, self.revision = real.name, real.dimensions, f"prepared:{real.revision}"
        self._random = np.random.default_rng(1)

    def encode(self, texts: Sequence[str]) -> Vectors:
        if len(texts) <= 8:
            return self._real.encode(texts)
        vectors = self._random.normal(size=(len(texts), self.dimensions)).astype(np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def measure(quick: bool = False) -> list[Figure]:
    """p50 and p95 of whole searches, embedding included, at each size; then of their parts."""
    from knowledge.embedding import DEFAULT_MODEL, default_model_folder, open_embedder

    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        embedder = open_embedder(DEFAULT_MODEL, default_model_folder(Path(folder)))
        for size in SIZES[:1] if quick else SIZES:
            figures += _measure_size(Path(folder) / str(size), embedder, size, 40 if quick else QUESTIONS)
    return figures


def _measure_size(folder: Path, embedder: Embedder, size: int, count: int) -> list[Figure]:
    library = _library(folder, Prepared(embedder), size)
    questions = [
        f"Why does the {TOPICS[i % len(TOPICS)]} number {i} of model {i % 97} not start?" for i in range(count)
    ]
    vectors = [embedder.encode([question])[0] for question in questions]
    file = next((folder / "knowledge" / "releases").glob("*/vectors.npy"))
    matrix, name = np.load(file), file.parent.name
    from knowledge.chroma import EmbeddedChroma
    from knowledge.index import nearest_rows

    index = EmbeddedChroma(folder / "knowledge" / "releases")
    index.warm(name)
    whole = _times(lambda i: library.search(questions[i]), count)
    encoding = _times(lambda i: embedder.encode([questions[i]]), count)
    chroma = _times(lambda i: index.nearest(name, vectors[i], 60), count)
    exact = _times(lambda i: nearest_rows(matrix, vectors[i], 60), count)
    words = f"{size // 1000}k passages"
    p50, p95 = (float(np.percentile(whole, q)) for q in (50, 95))
    parts, most = float(np.percentile(encoding, 50)), P95_TARGETS_MS[size]
    return [
        Figure(f"search p50, {words}", p50, "ms", "its embedding alone", parts),
        Figure(f"search p95, {words}", p95, "ms", target=f"at most {most:g} ms", met=p95 <= most),
        Figure(
            f"search p50 without embedding, {words}",
            p50 - parts,
            "ms",
            "Chroma alone",
            float(np.percentile(chroma, 50)),
        ),
        Figure(f"exact scan p50, {words}", float(np.percentile(exact, 50)), "ms"),
    ]


def _library(folder: Path, embedder: Embedder, size: int) -> Library:
    from assistant.database import open_engine, upgrade
    from knowledge.documents import Document
    from knowledge.library import Library

    engine = open_engine(folder / "tellonce.db")
    upgrade(engine)
    library = Library(engine, folder / "knowledge", embedder)
    library.publish_documents(
        [Document(f"d{i}", f"d{i}.md", f"Page {i % 50}", _page(i), "text/markdown", f"h{i}") for i in range(size)]
    )
    library.warm()
    time.sleep(3)  # Chroma loads on a thread of its own
    return library


def _page(i: int) -> str:
    topic, other = TOPICS[i % len(TOPICS)], TOPICS[(i * 7) % len(TOPICS)]
    return f"The {topic} number {i} works with the {other}. Press start and wait {i % 60} seconds. " * 3


def _times(run: Callable[[int], object], count: int) -> list[float]:
    times = []
    for i in range(count):
        began = time.perf_counter()
        run(i)
        times.append((time.perf_counter() - began) * 1000)
    return times


if __name__ == "__main__":
    print_figures(measure(quick="--quick" in sys.argv))
