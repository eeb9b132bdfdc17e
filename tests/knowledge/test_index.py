"""Every adapter of PassageIndex keeps its promises: in memory, embedded Chroma, a Chroma server."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.chroma import EmbeddedChroma, ServedChroma
from knowledge.errors import IndexUnavailable
from knowledge.index import PassageIndex
from knowledge.stand_ins import MemoryIndex
from tests.contracts.passage_index_contract import PassageIndexContract, random_vectors


class TestMemoryIndex(PassageIndexContract):
    @pytest.fixture
    def index(self) -> PassageIndex:
        return MemoryIndex()


class TestEmbeddedChroma(PassageIndexContract):
    @pytest.fixture
    def index(self, tmp_path: Path) -> PassageIndex:
        return EmbeddedChroma(tmp_path)

    def test_another_process_sees_what_was_built(self, index: PassageIndex, tmp_path: Path) -> None:
        script = (
            "import sys; from pathlib import Path; from knowledge.chroma import EmbeddedChroma\n"
            "from tests.contracts.passage_index_contract import random_vectors\n"
            "EmbeddedChroma(Path(sys.argv[1])).build('theirs', random_vectors(50))\n"
        )
        index.build("ours", random_vectors(5))
        index.nearest("ours", random_vectors(1)[0], 1)

        subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)

        assert len(index.nearest("theirs", random_vectors(1)[0], 50)) == 50


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = Path(sys.executable).parent / "chroma"
    if not program.exists():
        pytest.skip("no `chroma` program is installed beside this Python")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("chroma")
    command = [str(program), "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/v2/heartbeat", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.skip("the `chroma` program does not start here")
        try:
            urllib.request.urlopen(url, timeout=1)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail("the Chroma server did not answer within 30 s")


class TestServedChroma(PassageIndexContract):
    @pytest.fixture
    def index(self, chroma_url: str) -> Iterator[PassageIndex]:
        index = ServedChroma(chroma_url)
        yield index
        for name in index.names():
            index.drop(name)


def test_a_chroma_server_that_is_down_is_named() -> None:
    with pytest.raises(IndexUnavailable, match="TELLONCE_CHROMA_URL"):
        ServedChroma("http://127.0.0.1:1").names()
