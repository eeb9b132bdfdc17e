"""What is remembered of a page between two readings, so that its server is only asked whether it changed. Floor: pure.

`reading/web.py` asks; `store.KnowledgeStore` remembers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fetch:
    """The last answer of a page's server: its validators (RFC 9110, section 8.8) and what was made of its body."""

    url: str
    etag: str | None
    last_modified: str | None
    content_hash: str | None  # `reading.files.content_hash` of the body; None: there was none
    fetched_at: str  # RFC 3339
    status: int


class NotModified(Exception):
    """Raised by a page's `load`: what was read of it before still holds."""


class FetchMemory(Protocol):
    """Where fetches are kept."""

    def fetch_of(self, url: str) -> Fetch | None:
        """The last fetch of a page, None when nothing made of it is in a kept release: it is then fetched whole."""
        ...

    def save_fetch(self, fetch: Fetch) -> None:
        """Keeps it instead of what was kept of this page before."""
        ...
