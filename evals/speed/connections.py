"""Memory of an idle customer's socket: resident bytes of the server over 1,000 and 5,000 of them.

Held against a bare FastAPI websocket under uvicorn as it comes, in the same run. Ours have said hello: each has its
visitor, its conversation and its place on the bus.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from pathlib import Path

import psutil

from evals.speed.figures import Figure, print_figures
from evals.speed.processes import RawSocket, bare_server, free_port, our_server, seconds_until

WARM_UP_SOCKETS = 100
AT_ONCE = 50
SETTLE_SECONDS = 2.0
TARGET_BYTES = 40_000


def measure(quick: bool = False) -> list[Figure]:
    """Kilobytes a connection at each size. Quick: 500 connections only."""
    sizes = (500,) if quick else (1_000, 5_000)
    allow_open_files(max(sizes) + 500)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        with our_server(folder / "data", port) as process:
            seconds_until(port, "/readyz", time.perf_counter())
            ours = asyncio.run(bytes_a_connection(port, process.pid, sizes, say_hello=True))
        port = free_port()
        with bare_server(folder, port) as process:
            seconds_until(port, "/", time.perf_counter())
            bare = asyncio.run(bytes_a_connection(port, process.pid, sizes, say_hello=False))
    return [
        Figure(
            f"memory per idle connection at {size:,}",
            ours[size] / 1000,
            "KB",
            "bare FastAPI websocket",
            bare[size] / 1000,
            f"at most {TARGET_BYTES // 1000} KB",
            ours[size] <= TARGET_BYTES,
        )
        for size in sizes
    ]


def allow_open_files(count: int) -> None:
    """Raises this process's limit; servers started from here inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


async def bytes_a_connection(port: int, pid: int, sizes: tuple[int, ...], *, say_hello: bool) -> dict[int, float]:
    """Size -> resident bytes each, over the server's state with a hundred sockets open."""
    process = psutil.Process(pid)
    sockets = await open_sockets(port, WARM_UP_SOCKETS, say_hello=say_hello)
    await asyncio.sleep(SETTLE_SECONDS)
    before = process.memory_info().rss
    found: dict[int, float] = {}
    for size in sizes:
        sockets += await open_sockets(port, size + WARM_UP_SOCKETS - len(sockets), say_hello=say_hello)
        await asyncio.sleep(SETTLE_SECONDS)
        found[size] = (process.memory_info().rss - before) / size
    for one in sockets:
        one.close()
    return found


async def open_sockets(port: int, count: int, *, say_hello: bool) -> list[RawSocket]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def open_one() -> RawSocket:
        async with gate:
            one = await RawSocket.connect(port)
            if say_hello:
                one.send({"type": "hello"})
                await one.receive()
            return one

    return list(await asyncio.gather(*(open_one() for _ in range(count))))


if __name__ == "__main__":
    print_figures(measure())
