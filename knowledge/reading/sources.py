"""What was found to be read, before it is read: files and pages, each with a way to its bytes. Floor: store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from knowledge.documents import ReadingFault

READER_VERSION = 3  # raised when the same bytes would be read otherwise: documents are then read again
MAX_FILE_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file or page below a source that was added. `name` is what people see.

    `load` reads its bytes; a page's may raise `knowledge.fetches.NotModified` with the content hash that still holds,
    and notes in `answered` what its server told of it.
    """

    root: str
    name: str  # path relative to the root, or the URL
    media_type: str
    load: Callable[[], bytes] = field(repr=False, compare=False)
    changed_at: str | None = None
    url: str | None = None
    answered: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    reload: Callable[[], bytes] | None = field(default=None, repr=False, compare=False)

    def load_whole(self) -> bytes:
        """Its bytes even where `load` says that they have not changed."""
        return (self.reload or self.load)()


@dataclass(frozen=True, slots=True)
class SourceSilent(ReadingFault):
    """A source (`source` is its location) that does not answer just now: all that was read of it stays in service."""


def content_hash(data: bytes, file: SourceFile) -> str:
    """What tells that a file must be read again: the reader's version, its bytes and its name."""
    digest = hashlib.blake2b(data, digest_size=16)
    digest.update(f"\x1f{file.name}\x1f{file.url}".encode())
    return f"{READER_VERSION}.{digest.hexdigest()}"
