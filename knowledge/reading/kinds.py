"""What kinds of files and addresses can be read, told by their names. Floor: pure but for one look at the disk."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

LocationKind = Literal["folder", "file", "page", "sitemap", "zip"]

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ZIP = "application/zip"
MEDIA_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".mdx": "text/markdown",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".pdf": "application/pdf",
    ".docx": DOCX,
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".jsonl": "application/jsonl",
    ".ndjson": "application/jsonl",
    ".txt": "text/plain",
    ".text": "text/plain",
}
ACCEPTED_SUFFIXES = frozenset({*MEDIA_TYPES, ".zip"})  # what may be uploaded or added as a file
SITEMAP_PATH = re.compile(r"\.xml(\.gz)?$|/sitemap[^/]*\.txt$", re.I)


def is_url(location: str) -> bool:
    return location.lower().startswith(("http://", "https://"))


def describe_kind(location: str) -> LocationKind:
    """What a location is: a path is looked at, an address is told by its name ('….xml' and '….xml.gz' are sitemaps)."""
    if is_url(location):
        return "sitemap" if SITEMAP_PATH.search(urlsplit(location).path) else "page"
    if Path(location).is_dir():
        return "folder"
    return "zip" if PurePosixPath(location).suffix.lower() == ".zip" else "file"


def media_type_of(name: str) -> str | None:
    """The media type that a file's name promises; None for a kind that is not read."""
    return MEDIA_TYPES.get(PurePosixPath(name).suffix.lower())
