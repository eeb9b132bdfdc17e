"""What every reader returns. Floor: pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """A source as one reader understood it; `files.py` gives it its identity and makes it a Document.

    `part` tells several readings of one file apart (rows of a table for different products); "" for the only one.
    """

    text: str
    title: str | None = None
    part: str = ""
    language: str | None = None
    url: str | None = None
    products: tuple[str, ...] = ()
    audience: str | None = None
    changed_at: str | None = None
    pages: tuple[int, ...] = ()
