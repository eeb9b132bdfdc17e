"""What a program does with `serve`, `demo` and `chat`: it reads lines of JSON, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, ServerProcess

OPTIONS = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}


def open_command(*words: str, **environment: str) -> subprocess.Popen[str]:
    args = [sys.executable, "-m", "assistant", *words]
    return subprocess.Popen(args, env={**os.environ, **environment}, **OPTIONS)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(
    ("command", "named"), [("serve", {"address"}), ("demo", {"shop", "desk", "studio", "api"})], ids=["serve", "demo"]
)
def test_where_it_serves_is_one_line(command: str, named: set[str], data_dir: Path) -> None:
    with open_command(command, "--json", "--port", "0", TELLONCE_DATA_DIR=str(data_dir)) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        with urllib.request.urlopen(next(iter(first.values())), timeout=20) as reply:
            assert reply.status == 200
        process.terminate()
        rest = process.stdout.read()

    assert first.keys() == named
    assert all(address.startswith("http://127.0.0.1:") for address in first.values())
    assert (rest, process.returncode) == ("", 0)


def test_a_conversation_is_the_servers_frames_a_line_each(shared_server: ServerProcess) -> None:
    said = "How do I descale the kettle?\n/end\n2\n"
    with open_command("chat", "--json", "--url", shared_server.url, "--as", "cus_amara") as process:
        printed, _ = process.communicate(said, timeout=60)

    frames: list[dict[str, Any]] = [json.loads(line) for line in printed.splitlines()]
    events = [frame for frame in frames if frame["type"] == "event"]
    answers = [event for event in events if event["kind"] == "message" and event["from"]["role"] == "assistant"]
    acknowledged = [frame["id"] for frame in frames if frame["type"] == "ack"]
    assert frames[0]["type"] == "welcome"
    assert len(acknowledged) == len(set(acknowledged)) == 3
    assert process.returncode == 0
    assert any(answer["data"].get("citations") for answer in answers)
    assert [event["kind"] for event in events][-1] == "survey.answered"
