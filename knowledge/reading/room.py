"""A process of its own that reads what may take long, or break whoever reads it. Floor: store; `worker.py` is inside.

It is started by the first file that needs it and ends when nothing has come for a while. A file past its time, or one
that brings the process down, costs a line and a new process.
"""

from __future__ import annotations

import atexit
import dataclasses
import functools
import os
import pickle
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from knowledge.documents import Document
from knowledge.reading.faults import Unreadable
from knowledge.reading.sources import SourceFile

SECONDS_A_FILE = 180.0  # a manual of 1,000 pages takes about one minute on a slow core
QUICK_BYTES = 200_000  # text up to here is read in this process: its readers take linear time
QUICK_LINE_CHARS = 20_000
QUICK_TYPES = frozenset({"text/markdown", "text/plain", "text/csv", "application/jsonl"})
SIZE = struct.Struct(">Q")


def is_quick(file: SourceFile, data: bytes) -> bool:
    """Whether a file is plain text of an ordinary size, which needs no process of its own."""
    if file.media_type not in QUICK_TYPES or len(data) > QUICK_BYTES:
        return False
    return len(data) <= QUICK_LINE_CHARS or max(map(len, data.splitlines()), default=0) <= QUICK_LINE_CHARS


class ReadingRoom:
    """Reads one file at a time in another process; thread-safe."""

    def __init__(self, seconds_a_file: float = SECONDS_A_FILE) -> None:
        self._seconds = seconds_a_file
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def read(self, file: SourceFile, data: bytes) -> list[Document]:
        """The documents in a file, as `files.read_now` understands them.

        Raises:
            Unreadable: what the reader said, or: it took too long, or brought the reader down.
        """
        message = pickle.dumps((dataclasses.replace(file, load=bytes, reload=None), data))
        with self._lock:
            process = self._started(message)
            overdue = threading.Event()
            timer = threading.Timer(self._seconds, _end, (process, overdue))
            timer.start()
            try:
                kind, content = receive(process.stdout)
            except EOFError:
                self._drop()
                reason = (
                    f"it takes longer than {self._seconds:.0f} seconds to read: split it, or save it again"
                    if overdue.is_set()
                    else "it breaks the program that reads it: open it in its own program and save it again"
                )
                raise Unreadable(reason) from None
            finally:
                timer.cancel()
        if kind == "unreadable":
            raise Unreadable(content)
        return list(content)

    def close(self) -> None:
        """Ends the process, if there is one."""
        with self._lock:
            self._drop()

    def _started(self, message: bytes) -> subprocess.Popen[bytes]:
        """A process that has been given the message: the one at hand, or a new one where that has ended."""
        if self._process is not None and self._process.poll() is None:
            try:
                send(self._process.stdin, message)
                return self._process
            except OSError:
                pass
        self._drop()
        self._process = _start()
        send(self._process.stdin, message)
        return self._process

    def _drop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue
        self._process = None


@functools.cache
def shared_room() -> ReadingRoom:
    """The one room of this process."""
    room = ReadingRoom()
    atexit.register(room.close)
    return room


def send(stream: IO[bytes] | None, message: bytes) -> None:
    """Writes a message with its length before it."""
    assert stream is not None
    stream.write(SIZE.pack(len(message)))
    stream.write(message)
    stream.flush()


def receive(stream: IO[bytes] | None) -> Any:
    """The next message; EOFError when the other side has ended."""
    assert stream is not None
    head = stream.read(SIZE.size)
    if len(head) < SIZE.size:
        raise EOFError
    (size,) = SIZE.unpack(head)
    body = stream.read(size)
    if len(body) < size:
        raise EOFError
    return pickle.loads(body)


def _start() -> subprocess.Popen[bytes]:
    house = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(part for part in (house, os.environ.get("PYTHONPATH")) if part)
    return subprocess.Popen(
        [sys.executable, "-m", "knowledge.reading.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths},
    )


def _end(process: subprocess.Popen[bytes], overdue: threading.Event) -> None:
    overdue.set()
    process.kill()
