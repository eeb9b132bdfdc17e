"""What files looked like when they were read last: one that looks the same is not opened again. Floor: store."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine, delete, insert, select

from knowledge.reading.kinds import is_url
from knowledge.releases import batches
from knowledge.schema import files

# Some file systems tell times in steps of 2 s. A file read within such a step may change unseen: it is read again.
TIME_STEP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it was at the last run. `stamp` is empty where only its content can tell whether it changed."""

    root: str
    name: str
    stamp: str
    reader: int  # the reader's version
    content_hash: str | None
    fault: str | None  # why it could not be read


class SeenFiles:
    """The files of the newest run."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self) -> dict[tuple[str, str], SeenFile]:
        """All of them, by root and name."""
        with self._engine.connect() as connection:
            found = [SeenFile(*row) for row in connection.execute(select(files))]
        return {(one.root, one.name): one for one in found}

    def save(self, seen: Sequence[SeenFile]) -> None:
        """Replaces those of the run before, in short transactions: whatever a crash leaves unsaid is read again."""
        known = self.load()
        new = {(one.root, one.name): one for one in seen}
        stale = [key for key, one in known.items() if new.get(key) != one]
        for batch in batches(stale):
            with self._engine.begin() as connection:
                for root, name in batch:
                    connection.execute(delete(files).where(files.c.root == root, files.c.name == name))
        for batch in batches([asdict(one) for key, one in new.items() if known.get(key) != one]):
            with self._engine.begin() as connection:
                connection.execute(insert(files), batch)

    def forget(self, root: str, name: str) -> None:
        """Has a file read again at the next run, whatever it looks like."""
        with self._engine.begin() as connection:
            connection.execute(delete(files).where(files.c.root == root, files.c.name == name))


def stamp_of(root: str, name: str) -> str:
    """What changes whenever a file is written: size, times and inode; empty for pages and for what lies in archives."""
    if is_url(root):
        return ""
    try:
        found = (Path(root) / name).stat()
    except OSError:
        return ""
    newest = max(found.st_mtime_ns, found.st_ctime_ns)
    if newest > time.time_ns() - TIME_STEP_SECONDS * 1e9:
        return ""
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"
