"""What every room's tests may use: a small indexed library, and real server processes on free ports.

`server` is one `tellonce demo` process of its own for the test: `server.url`, `server.ws_url`, `server.data_dir`.
`shared_server` is the same for all tests of the run: quicker, for those that do not stop it.
`start_server(demo=…, env=…)` starts more of them, or ones with other settings; all are stopped after the test.
`sign_in_path(server)` is a fresh one-time sign-in for an agent at the desk.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import pytest

# A first example also pays for what is loaded then; a busy machine fails no property.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

ROOT = Path(__file__).parent.parent
READY_SECONDS = 60.0

KETTLE_MANUAL = """# Fenwick kettle

## Descaling

Descale the kettle every two months. Fill it with 500 ml of water and 50 g of citric acid, bring it to the boil and let
it stand for 30 minutes. Rinse the kettle three times before the next use.

## Error codes

| Code | Meaning | What to do |
|---|---|---|
| E2 | The kettle boiled dry | Let it cool for 10 minutes, then fill it above the MIN mark. |
| E5 | The lid is open | Close the lid until it clicks. |

## Warranty

The kettle has a warranty of three years from the day of purchase. Damage by limescale is not covered.
"""

SHIPPING = """# Shipping and returns

## How long does delivery take?

Orders placed before 14:00 leave the same day. Standard delivery takes two to four working days.

## Can I return an order?

You may return any order within 30 days of delivery. The return label is free of charge.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--seeds 8,9,10`: what chance decides in the tests that leave something to it, decided otherwise."""
    parser.addoption("--seeds", type=lambda given: [int(seed) for seed in given.split(",")], help="seeds, by commas")


@pytest.fixture(scope="session")
def knowledge_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short documents: a kettle's manual, and shipping and returns."""
    folder = tmp_path_factory.mktemp("knowledge")
    (folder / "kettle.md").write_text(KETTLE_MANUAL, encoding="utf-8")
    (folder / "shipping.md").write_text(SHIPPING, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def indexed_data_dir(knowledge_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with that knowledge indexed. Copy it (`data_dir` does) before writing to it."""
    from assistant.app import open_engine, open_library
    from assistant.settings import load_settings

    folder = tmp_path_factory.mktemp("indexed") / "data"
    settings = load_settings(data_dir=folder)
    engine = open_engine(settings)
    library = open_library(settings, engine)
    library.add([str(knowledge_folder)])
    library.reindex()
    engine.dispose()
    return folder


@pytest.fixture
def data_dir(indexed_data_dir: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own, with the small library in it."""
    return Path(shutil.copytree(indexed_data_dir, tmp_path / "data"))


@dataclass
class ServerProcess:
    """One running `tellonce serve` or `tellonce demo`."""

    command: list[str]
    data_dir: Path
    env: dict[str, str]
    log: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/chat"

    def start(self, *, until_ready: bool = True) -> None:
        """Starts the process; the second start and later ones use the same port and data."""
        args = [sys.executable, "-m", "assistant", *self.command, "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                args, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        self.port = self._read_port()
        if until_ready:
            self.wait_until_ready()

    def _read_port(self) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            words = line.decode().strip()
            if words.startswith("Tellonce serves on "):
                return int(words.rpartition(":")[2])
        raise AssertionError(f"the server ended before it listened:\n{self.logged()}")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as response:
                if response.status == 200:
                    return
            assert self.process is not None
            assert self.process.poll() is None, f"the server ended:\n{self.logged()}"
            time.sleep(0.05)
        raise AssertionError(f"not ready within {READY_SECONDS} s:\n{self.logged()}")

    def kill(self) -> None:
        """As a power cut would: SIGKILL, nothing is finished."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> int:
        """As an operator would: SIGTERM; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self._reap()

    def _reap(self) -> int:
        assert self.process is not None
        code = self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""


StartServer = Callable[..., ServerProcess]


def describe_server(folder: Path, log: Path, *, demo: bool, env: dict[str, str] | None = None) -> ServerProcess:
    """A server that is not started yet; nothing of the caller's own settings reaches it."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TELLONCE_", "OPENAI_"))}
    limits = {f"TELLONCE_{name}_LIMIT": "10000/minute" for name in ("MESSAGE", "CONNECTION", "CONVERSATION")}
    own = {"TELLONCE_DATA_DIR": str(folder), **limits, **(env or {})}
    return ServerProcess(["demo" if demo else "serve"], folder, {**clean, **own}, log)


@pytest.fixture(scope="session")
def shared_server(indexed_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One demo server for every test that neither stops it nor changes how it is set."""
    folder = tmp_path_factory.mktemp("shared")
    server = describe_server(Path(shutil.copytree(indexed_data_dir, folder / "data")), folder / "server.log", demo=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def start_server(data_dir: Path, tmp_path: Path) -> Iterator[StartServer]:
    """`start_server(demo=False, env={}, until_ready=True)`: a running server on a free port, stopped after the test."""
    started: list[ServerProcess] = []

    def start(*, demo: bool = False, env: dict[str, str] | None = None, until_ready: bool = True) -> ServerProcess:
        server = describe_server(data_dir, tmp_path / f"server-{len(started)}.log", demo=demo, env=env)
        started.append(server)
        server.start(until_ready=until_ready)
        return server

    yield start
    for server in started:
        if server.process is not None and server.process.poll() is None:
            server.stop()


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A demo server over the small library, ready."""
    return start_server(demo=True)


@pytest.fixture
def sign_in_path() -> Callable[[ServerProcess], str]:
    """`sign_in_path(server)` -> `/sign-in?token=…`: opens the desk for the demo's agent, once."""

    def make(server: ServerProcess) -> str:
        from assistant.commands.demo import make_agent
        from assistant.settings import load_settings

        return f"/sign-in?token={make_agent(load_settings(data_dir=server.data_dir))}"

    return make
