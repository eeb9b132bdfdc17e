"""The process that does the studio's long work: one JSON line in, JSON lines out. Floor: roof.

`assistant.studio.indexing` starts it and reads its lines; people use `tellonce knowledge`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TextIO

NICENESS = 10  # answers come first
TELL_SECONDS = 0.1

Tell = Callable[[dict[str, Any]], None]


def main() -> None:
    """Does the task that standard input names, and ends early when that is closed: the server is gone then."""
    tell = _telling(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    sys.stdout = sys.stderr  # what a library prints is no line of ours
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_server, name="lifeline", daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    from assistant.errors import SettingsError, TellonceError
    from knowledge.errors import KnowledgeError

    try:
        tell({"report": WORK[task["kind"]](task, Steps(tell))})
    except (KnowledgeError, TellonceError, SettingsError) as error:
        tell({"error": str(error)})


class Steps:
    """Progress, told ten times a second at most, and whenever a stretch of work begins or ends."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told_at = 0.0

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if now - self._told_at >= TELL_SECONDS or done in (0, total):
            self._told_at = now
            self._tell({"done": done, "total": total, "what": what})


def reindex(task: dict[str, Any], steps: Steps) -> dict[str, Any]:
    """A new release of all sources, or with `only_embed` of what is in service; its report is an `IndexReport`."""
    from assistant.app import open_library
    from assistant.settings import load_settings
    from knowledge.documents import IndexReport

    library = open_library(load_settings())
    if not task.get("only_embed"):
        return asdict(library.reindex(steps, publish=task["publish"], by=task["by"]))
    library.embed_again(steps, by=task["by"])
    status = library.status()
    return asdict(IndexReport(status.release or 0, unchanged=status.documents, passages=status.passages))


def compare(task: dict[str, Any], steps: Steps) -> dict[str, Any]:
    """Saved and recent questions, answered at two releases, and kept; its report is a `KeptComparison`."""
    from assistant.app import open_engine, open_library, open_profiles
    from assistant.settings import load_settings
    from assistant.studio.comparing import compare_releases
    from assistant.studio.comparisons import Comparisons

    settings = load_settings()
    engine = open_engine(settings)
    library = open_library(settings, engine)
    comparison = compare_releases(
        library,
        settings,
        engine,
        task["release"],
        task["against"],
        load_customer=open_profiles(settings, engine).load,
        progress=steps,
    )
    kept = [release.number for release in library.releases()]
    return asdict(Comparisons(engine).keep(comparison, task["by"], kept))


WORK: dict[str, Callable[[dict[str, Any], Steps], dict[str, Any]]] = {"reindex": reindex, "compare": compare}


def _telling(lines: TextIO) -> Tell:
    def tell(what: dict[str, Any]) -> None:
        lines.write(json.dumps(what, ensure_ascii=False, default=str) + "\n")
        lines.flush()

    return tell


def _end_with_the_server() -> None:
    sys.stdin.read()
    os._exit(1)  # a release that is half made is cleared away by the next run


if __name__ == "__main__":
    main()
