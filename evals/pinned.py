"""A library held at one of its releases, whatever is in service meanwhile. Floor: use case.

`live.py` answers from it, so that a release can be tried on the whole line before anybody publishes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assistant.errors import TellonceError

if TYPE_CHECKING:
    from knowledge.documents import Document, Findings, Turn
    from knowledge.embedding import Embedder
    from knowledge.library import Library
    from knowledge.products import Catalogue


class PinnedLibrary:
    """What a conversation needs of a `Library`, at one release; without one, at whatever is in service."""

    def __init__(self, library: Library, release: int | None = None) -> None:
        """
        Args:
            release: its number; None holds the one in service now.

        Raises:
            TellonceError: that release is not kept.
        """
        kept = [info.number for info in library.releases()]
        if release is not None and release not in kept:
            there = ", ".join(map(str, kept)) or "none"
            raise TellonceError(f"Release {release} is not kept. Name one of: {there} (`tellonce knowledge releases`).")
        self._library = library
        self._asked_for = release
        self.release = release if release is not None else library.release

    @property
    def embedder(self) -> Embedder:
        return self._library.embedder

    def search(self, question: str, *, history: Sequence[Turn] = (), **narrowing: Any) -> Findings:
        return self._library.search(question, history=history, release=self._asked_for, **narrowing)

    def document(self, document_id: str, release: int | None = None) -> Document | None:
        return self._library.document(document_id, release if release is not None else self.release)

    def catalogue(self) -> Catalogue:
        """The products that the documents of this release are about."""
        return self._library.catalogue(self._asked_for)

    def is_outdated(self) -> bool:
        """Never: what is measured here is not made anew by measuring it."""
        return False

    def warm(self) -> None:
        self._library.warm()
