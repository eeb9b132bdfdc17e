"""The server process from its first line to its last, and the sentences it refuses to start with."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from talking import arrive

ROOT = Path(__file__).parents[2]


def run_command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-m", "assistant", *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_ready_server_names_its_parts_and_a_stopped_one_ends_with_success(start_server):
    server = start_server()

    report = httpx.get(f"{server.url}/readyz").json()

    assert report["ready"] is True
    assert set(report["parts"]) == {"stores", "index", "model"}
    assert server.stop() == 0


def test_the_page_is_served_before_everything_is_ready(start_server):
    server = start_server(until_ready=False)

    page = httpx.get(server.url, timeout=30)
    readiness = httpx.get(f"{server.url}/readyz", timeout=30)

    assert page.status_code == 200
    assert readiness.status_code in (200, 503)
    assert set(readiness.json()["parts"]) == {"stores", "index", "model"}


async def test_a_message_before_readiness_is_acknowledged_and_answered_when_ready(start_server):
    server = start_server(until_ready=False)

    async with arrive(server) as customer:
        ack = await customer.say("Can I return an order?")
        answer = await customer.answer(ack["seq"])

    assert answer["data"]["outcome"] == "answered"


def test_a_taken_port_is_told_in_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_command("serve", "--port", port, TELLONCE_DATA_DIR=str(tmp_path))

    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (("--workers", "2"), {}, "TELLONCE_REDIS_URL"),
        ((), {"TELLONCE_REDIS_URL": "redis://127.0.0.1"}, "TELLONCE_REDIS_URL"),
        ((), {"TELLONCE_DATABASE_URL": "postgresql://x/y"}, "TELLONCE_DATABASE_URL"),
        ((), {"TELLONCE_TRUSTED_PROXIES": "10.0.0.1,my-proxy"}, "TELLONCE_TRUSTED_PROXIES"),
        ((), {"TELLONCE_DATA_DIR": "/dev/null"}, "The data folder /dev/null cannot be made"),
        ((), {"TELLONCE_MESSAGE_LIMIT": "lots"}, "60/minute"),
        ((), {"TELLONCE_IDENTITY_SECRET": "short"}, "TELLONCE_IDENTITY_SECRET"),
        (("--host", "no.such.host.invalid"), {}, "no.such.host.invalid"),
    ],
    ids=["workers", "redis", "postgres", "proxies", "folder", "limit", "secret", "host"],
)
def test_what_cannot_be_served_is_told_in_a_sentence(tmp_path, arguments, settings, words):
    done = run_command("serve", "--port", "0", *arguments, **{"TELLONCE_DATA_DIR": str(tmp_path), **settings})

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "demo"])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TELLONCE_IDENTITY_JWKS": "/no/such/keys.json"}, ("TELLONCE_IDENTITY_JWKS", "correct or unset it")),
        ({"TELLONCE_IDENTITY_SECRET": "short"}, ("TELLONCE_IDENTITY_SECRET", "openssl rand -hex 32")),
        ({"TELLONCE_DATA_DIR": "/dev/null"}, ("/dev/null", "TELLONCE_DATA_DIR")),
    ],
    ids=["keys", "secret", "folder"],
)
def test_an_identity_or_a_folder_that_cannot_be_had_stops_the_start_before_its_address(
    tmp_path, command, settings, words
):
    done = run_command(command, "--port", "0", **{"TELLONCE_DATA_DIR": str(tmp_path), **settings})

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert all(word in done.stderr for word in words)


def test_a_made_secret_that_is_too_short_stops_the_start_before_its_address(tmp_path):
    (tmp_path / "identity.secret").write_text("short\n")

    done = run_command("serve", "--port", "0", TELLONCE_DATA_DIR=str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert "delete the file to have a new one made" in done.stderr
