"""Server processes and raw sockets for benchmarks: ours, and the bare FastAPI app they are held against."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets
import socket
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STARTED_WITHIN_SECONDS = 120.0

BARE_FASTAPI = textwrap.dedent(
    """
    from fastapi import FastAPI, WebSocket
    app = FastAPI()

    @app.get("/")
    async def page():
        return {"page": True}

    @app.websocket("/ws/chat")
    async def chat(socket: WebSocket):
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)
    """
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def our_server(data_dir: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`tellonce serve` without a key, listening some time after this yields."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TELLONCE_", "OPENAI_"))}
    command = [sys.executable, "-m", "assistant", "serve", "--port", str(port)]
    with _running(command, {**env, "TELLONCE_DATA_DIR": str(data_dir), "TELLONCE_LOG_LEVEL": "error"}) as process:
        yield process


@contextlib.contextmanager
def bare_server(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The baseline: one FastAPI app with one websocket, under uvicorn as it comes."""
    (folder / "bare.py").write_text(BARE_FASTAPI, encoding="utf-8")
    command = [sys.executable, "-m", "uvicorn", "bare:app", "--port", str(port), "--log-level", "error"]
    with _running(command, dict(os.environ), folder) as process:
        yield process


@contextlib.contextmanager
def _running(command: list[str], env: dict[str, str], folder: Path = ROOT) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()  # what is measured here is not how a server ends
        process.wait()


def seconds_until(port: int, path: str, started: float) -> float:
    """Seconds from `started` until `path` is answered with 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    while time.perf_counter() - started < STARTED_WITHIN_SECONDS:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(request)
            if client.recv(64).startswith(b"HTTP/1.1 200"):
                return time.perf_counter() - started
        time.sleep(0.005)
    raise TimeoutError(f"{path} was not served within {STARTED_WITHIN_SECONDS:.0f} s")


class RawSocket:
    """A websocket client of a few hundred bytes, so that thousands of them do not disturb what is measured."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int) -> RawSocket:
        """Shakes hands as a browser does, compression offered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = (
            "GET /ws/chat HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        )
        writer.write("\r\n".join((*lines, "", "")).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.decode("latin-1").splitlines()[0])
        return cls(reader, writer)

    def send(self, frame: dict[str, Any]) -> None:
        payload, mask = json.dumps(frame).encode(), secrets.token_bytes(4)
        size = len(payload)
        head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, size)
        self._writer.write(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))

    async def receive(self) -> dict[str, Any]:
        """The next text frame; others are passed over."""
        while True:
            first, second = await self._reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self._reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
            payload = await self._reader.readexactly(size)
            if first & 0x0F == 1:
                frame: dict[str, Any] = json.loads(payload)
                return frame

    def close(self) -> None:
        self._writer.transport.abort()
