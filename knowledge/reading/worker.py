"""The process within the reading room: takes a file, answers with its documents. Floor: roof of the room."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import sys

from knowledge.reading.faults import Unreadable
from knowledge.reading.files import read_now
from knowledge.reading.room import receive, send

IDLE_SECONDS = 30.0
MAX_MEMORY_BYTES = 3_000_000_000
MAX_DEPTH = 6000  # lxml nests 256 deep, and each element takes a few calls


def main() -> None:
    """Serves one file after the other, until nothing has come for half a minute or the other side has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the program that reindexes; this one follows
    _limit_memory()
    sys.setrecursionlimit(MAX_DEPTH)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes nowhere near the answers
    while select.select([0], [], [], IDLE_SECONDS)[0]:
        try:
            file, data = receive(sys.stdin.buffer)
        except EOFError:
            return
        send(answers, pickle.dumps(_answer(file, data)))


def _answer(file: object, data: bytes) -> tuple[str, object]:
    try:
        return "documents", read_now(file, data)  # type: ignore[arg-type]  # as `room.read` sent it
    except Unreadable as error:
        return "unreadable", str(error)
    except MemoryError:
        return "unreadable", "it needs more than 3 GB of memory to be read: split it"
    except RecursionError:
        return "unreadable", "it is nested too deeply: open it in its own program and save it again"
    except Exception as error:  # one file's trouble, whatever it is, must stay that file's
        return "unreadable", f"it cannot be read ({type(error).__name__}): open it in its own program and save it again"


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system knows this limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


if __name__ == "__main__":
    main()
