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
OTHER_DOCUMENTS = {  # what people take for readable too, and what to make of it
    ".doc": "save it as DOCX",
    ".odt": "save it as DOCX or PDF",
    ".rtf": "save it as DOCX or PDF",
    ".pages": "export it as DOCX or PDF",
    ".ppt": "export it as PDF",
    ".pptx": "export it as PDF",
    ".odp": "export it as PDF",
    ".xls": "save its sheets as CSV",
    ".xlsx": "save its sheets as CSV",
    ".ods": "save its sheets as CSV",
    ".epub": "export it as PDF or HTML",
}
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv", "__macosx"})
ABOUT_THE_FOLDER = frozenset({"license", "licence", "changelog", "code_of_conduct"})
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


def is_knowledge(parts: tuple[str, ...]) -> bool:
    """Whether a path below a source may be knowledge: nothing hidden, no program's folder, no licence on top of it.

    Deeper down a page called `license.md` is a page like any other.
    """
    if any((part.startswith(".") and part != "..") or part.lower() in SKIPPED_FOLDERS for part in parts):
        return False
    return len(parts) != 1 or PurePosixPath(parts[0]).stem.lower() not in ABOUT_THE_FOLDER
