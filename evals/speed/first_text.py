"""Added time to first text and CPU a streamed token: the real server over its real socket, beside a bare relay.

Both talk to `upstream.py`, whose tokens carry its own clock: what it took itself is taken off. Ours commits the
question to disk first, writes the answer with its evidence, and checks it; the relay (`relay.py`) does none of this.

Alone: `python -m evals.speed.first_text`
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import psutil

from assistant.channels.sockets import SUBPROTOCOL
from evals.speed.customer import Customer
from evals.speed.figures import Figure, print_figures

T = TypeVar("T")
QUESTION = "Which of the two kettles would you take for green tea?"
# As a real model answers: a pause, then some tokens. Servers are measured as cold as they are between two customers.
ALONE = "ttft=0.2;tps=30;n=10;"
TOKENS = 200  # of an answer in a crowd, at 50 a second
CROWD = f"ttft=0.05;tps=50;n={TOKENS};"
SESSIONS = (20, 100)  # at once; the first is also how CPU a token is measured
ROUNDS = 4  # ours and the relay's turn about, so that a noisy neighbour hits both


@dataclass(frozen=True, slots=True)
class Server:
    """A server process and how to open one conversation with it."""

    process: psutil.Process
    url: str
    ours: bool

    def cpu_seconds(self) -> float:
        """User and system time of the process so far, all threads."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def measure(quick: bool = False) -> list[Figure]:
    """The figures of PROTOCOL section 8 that tell what we add to a model's stream."""
    rounds = 2 if quick else ROUNDS
    added: dict[int, dict[bool, list[float]]] = {count: {True: [], False: []} for count in (1, *SESSIONS)}
    cpu: dict[bool, list[float]] = {True: [], False: []}
    with _running() as (set_pace, servers):
        for server in servers:
            _run(_turns(server, 10))
        for _ in range(rounds):
            set_pace(ALONE)
            for server in servers:
                added[1][server.ours] += _run(_turns(server, 8 if quick else 20))
            set_pace(CROWD)
            for sessions in SESSIONS:
                for server in servers:
                    spent, late = _run(_crowd(server, sessions))
                    added[sessions][server.ours] += late
                    if sessions == SESSIONS[0]:
                        cpu[server.ours].append(spent)
    figures = [
        _figure("added time to first text, p50", added[1], 0.5, 0.5),
        _figure("added time to first text, p95", added[1], 0.95, None),
    ]
    for sessions in SESSIONS:
        figures.append(_figure(f"the same with {sessions} sessions, p50", added[sessions], 0.5, None))
        figures.append(_figure(f"the same with {sessions} sessions, p95", added[sessions], 0.95, None))
    ours, relay = (statistics.median(cpu[who]) for who in (True, False))
    return [*figures, _ratio("CPU a streamed token", ours, relay, "µs", 1 / 3)]


def _run(measuring: Coroutine[Any, Any, T]) -> T:
    """On the fastest loop there is: what the customer's end takes is not the server's."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.run(measuring)
    return uvloop.run(measuring)


def _figure(name: str, values: dict[bool, list[float]], fraction: float, bound: float | None) -> Figure:
    ours, relay = (sorted(values[who])[int(len(values[who]) * fraction)] for who in (True, False))
    return _ratio(name, ours, relay, "ms", bound)


def _ratio(name: str, ours: float, relay: float, unit: str, bound: float | None) -> Figure:
    target = None if bound is None else f"at most {bound:.2f} of the relay"
    met = None if bound is None else ours <= bound * relay
    return Figure(name, ours, unit, "FastAPI relay of AsyncOpenAI", relay, target, met)


async def _turns(server: Server, count: int) -> list[float]:
    """Added milliseconds to first text of `count` conversations, one after the other."""
    return [await _turn(server) for _ in range(count)]


async def _crowd(server: Server, sessions: int) -> tuple[float, list[float]]:
    """CPU microseconds a token with so many conversations at once, and their added milliseconds."""
    before = server.cpu_seconds()
    late = await asyncio.gather(*(_turn(server) for _ in range(sessions)))
    return (server.cpu_seconds() - before) / (sessions * TOKENS) * 1e6, list(late)


async def _turn(server: Server) -> float:
    """One question in a conversation of its own, read to the end."""
    customer = await Customer.connect(server.url, *([SUBPROTOCOL] if server.ours else []))
    try:
        if server.ours:
            customer.say({"type": "hello", "visitor": None, "conversation": None, "after": 0})
            await customer.until("welcome")
        await asyncio.sleep(0.01)
        left = customer.say({"type": "say", "id": str(uuid.uuid4()), "text": QUESTION})
        arrived, first = await customer.until("draft")
        received, sent = (int(part) for part in first["text"].split()[0].split(":"))
        await (customer.until("event", role="assistant") if server.ours else customer.until("done"))
        return ((arrived - left) - (sent - received)) / 1e6
    finally:
        customer.close()


@contextlib.contextmanager
def _running() -> Iterator[tuple[Callable[[str], None], tuple[Server, Server]]]:
    """What sets the upstream's pace; ours and the relay. Each of the three is a process of its own."""
    with tempfile.TemporaryDirectory(prefix="tellonce-first-text-") as folder, contextlib.ExitStack() as stack:
        upstream = _start(stack, ["-m", "evals.speed.upstream"], {})
        port = int(_first_line(upstream))

        def set_pace(pace: str) -> None:
            httpx.put(f"http://127.0.0.1:{port}/pace", content=pace).raise_for_status()

        set_pace(ALONE)
        environment = {
            "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "OPENAI_API_KEY": "none",
            "TELLONCE_MODEL": "mock",
            "TELLONCE_STREAM": "token",
            "TELLONCE_DATA_DIR": folder,
            "TELLONCE_MESSAGE_LIMIT": "100000/minute",
            "TELLONCE_CONNECTION_LIMIT": "100000/minute",
            "TELLONCE_LOG_LEVEL": "warning",
        }
        ours = _start(stack, ["-m", "assistant", "serve", "--port", "0"], environment)
        address = re.search(r"http://[\w.]+:(\d+)", _first_line(ours))
        if address is None:
            raise RuntimeError("The server did not say where it serves.")
        free = _free_port()
        relay = _start(
            stack,
            ["-m", "uvicorn", "evals.speed.relay:app", "--port", str(free), "--log-level", "warning"],
            environment,
        )
        servers = (
            Server(psutil.Process(ours.pid), f"ws://127.0.0.1:{address[1]}/ws/chat", ours=True),
            Server(psutil.Process(relay.pid), f"ws://127.0.0.1:{free}/ws", ours=False),
        )
        for server in servers:
            _run(_answers(server))
        yield set_pace, servers


def _start(stack: contextlib.ExitStack, arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, *arguments], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    )
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _answers(server: Server) -> None:
    """Waits until the server streams what the upstream says: started, model imported, connections open."""
    deadline = time.monotonic() + 60
    while True:
        try:
            await asyncio.wait_for(_turn(server), 10)
            return
        except (OSError, RuntimeError, ValueError, TimeoutError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.3)


if __name__ == "__main__":
    print_figures(measure("--quick" in sys.argv))
