"""From the start of the process to the page, to readiness and to the first grounded answer.

Held against a bare FastAPI app (the page) and against importing sentence-transformers alone (the answer).
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from evals.speed.figures import Figure, print_figures
from evals.speed.processes import RawSocket, bare_server, free_port, our_server, seconds_until

PAGE_TARGET_SECONDS = 1.0
ANSWER_TARGET_SECONDS = 3.0
RUNS = 5

MANUAL = """# Fenwick kettle

## Descaling

Descale the kettle every two months with 50 g of citric acid in 500 ml of water.

## Warranty

The kettle has a warranty of three years from the day of purchase.
"""
QUESTION = "How do I descale the kettle?"


def measure(quick: bool = False) -> list[Figure]:
    """Seconds, medians of five starts. Quick: one start."""
    runs = 1 if quick else RUNS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data_dir = index_manual(folder)
        starts = [start_once(data_dir) for _ in range(runs)]
        page, ready, answer = (statistics.median(column) for column in zip(*starts, strict=True))
        bare = statistics.median(start_bare(folder) for _ in range(runs))
        importing = statistics.median(import_sentence_transformers() for _ in range(1 if quick else 3))
    return [
        Figure(
            "start until the page is served",
            page,
            "s",
            "bare FastAPI app",
            bare,
            f"at most {PAGE_TARGET_SECONDS:g} s",
            page <= PAGE_TARGET_SECONDS,
        ),
        Figure("start until /readyz", ready, "s", "import sentence_transformers", importing),
        Figure(
            "start until the first grounded answer",
            answer,
            "s",
            "import sentence_transformers",
            importing,
            f"at most {ANSWER_TARGET_SECONDS:g} s",
            answer <= ANSWER_TARGET_SECONDS,
        ),
    ]


def index_manual(folder: Path) -> Path:
    """A data folder with one short manual indexed, made by the commands that customers use."""
    (folder / "kettle.md").write_text(MANUAL, encoding="utf-8")
    data_dir = folder / "data"
    from assistant.app import open_library
    from assistant.settings import load_settings

    library = open_library(load_settings(data_dir=data_dir))
    library.add([str(folder / "kettle.md")])
    library.reindex()
    return data_dir


def start_once(data_dir: Path) -> tuple[float, float, float]:
    """Seconds until page, readiness and answer. Two starts: watching readiness would slow the answer down."""
    port, started = free_port(), time.perf_counter()
    with our_server(data_dir, port):
        page = seconds_until(port, "/", started)
        answer = asyncio.run(seconds_until_answer(port, started))
    port, started = free_port(), time.perf_counter()
    with our_server(data_dir, port):
        ready = seconds_until(port, "/readyz", started)
    return page, ready, answer


async def seconds_until_answer(port: int, started: float) -> float:
    """A customer who was waiting at the door: connects at once, asks at once."""
    customer = await RawSocket.connect(port)
    customer.send({"type": "hello"})
    await customer.receive()
    customer.send({"type": "say", "id": "6f1d3c1e-6a3e-4a0c-9d57-0d2a4a8f9c11", "text": QUESTION})
    while True:
        frame = await customer.receive()
        if frame["type"] == "event" and frame["from"]["role"] == "assistant":
            if not frame["data"]["citations"]:
                raise AssertionError(f"the answer stands on nothing: {frame['data']['text']}")
            customer.close()
            return time.perf_counter() - started


def start_bare(folder: Path) -> float:
    port, started = free_port(), time.perf_counter()
    with bare_server(folder, port):
        return seconds_until(port, "/", started)


def import_sentence_transformers() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import sentence_transformers"], check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    print_figures(measure())
