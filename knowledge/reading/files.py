"""The door of the reading room: a source that was added -> its files -> Documents, with a line for each fault.

Floor: store. Each format's reader is imported when its first file comes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from knowledge.documents import Document, ReadingFault
from knowledge.errors import SourceNotFound
from knowledge.reading.faults import Unreadable
from knowledge.reading.folder import find_file, find_in_folder
from knowledge.reading.kinds import ACCEPTED_SUFFIXES, DOCX, MEDIA_TYPES, OTHER_DOCUMENTS, describe_kind, is_url
from knowledge.reading.language import detect_language
from knowledge.reading.result import Reading
from knowledge.reading.room import is_quick, shared_room
from knowledge.reading.sources import MAX_FILE_BYTES, READER_VERSION, SourceFile, SourceSilent, content_hash

if TYPE_CHECKING:
    from knowledge.reading.web import Web

__all__ = [
    "ACCEPTED_SUFFIXES", "MAX_FILE_BYTES", "MEDIA_TYPES", "READER_VERSION", "SourceFile", "SourceSilent",
    "check_source", "content_hash", "describe_kind", "document_id", "find_files", "is_url", "read_file", "read_now",
]  # fmt: skip

MAX_TEXT_CHARS = 20_000_000


def find_files(location: str, web: Web | None = None) -> Iterator[SourceFile | ReadingFault]:
    """Every readable file below a path or in a ZIP, the page at a URL, the pages of a sitemap.

    Args:
        web: what goes through the net in this run; None: a new one, which asks for whole pages.
    """
    kind = describe_kind(location)
    if kind in ("page", "sitemap"):
        from knowledge.reading.sitemap import find_pages
        from knowledge.reading.web import Web

        web = web or Web()
        yield from find_pages(location, web) if kind == "sitemap" else [web.page(location)]
        return
    path = Path(location)
    if kind == "folder":
        yield from find_in_folder(path)
    elif not path.is_file():
        yield ReadingFault(location, "it is not there any more: add it again, or its documents leave with this release")
    elif path.suffix.lower() not in ACCEPTED_SUFFIXES | set(OTHER_DOCUMENTS):
        kinds = ", ".join(sorted(ACCEPTED_SUFFIXES))
        yield ReadingFault(path.name, f"files of kind '{path.suffix}' cannot be read: use one of {kinds}")
    else:
        yield from find_file(path, path.parent, path.parent.resolve())


def check_source(location: str) -> str:
    """The location as it is remembered: a URL as given, a path made absolute.

    Raises:
        SourceNotFound: there is neither a file nor a folder of that name, or the URL has no host or another scheme.
    """
    if is_url(location):
        from knowledge.reading.addresses import check_url

        return check_url(location)
    if "://" in location:
        raise SourceNotFound(
            f"{location} cannot be read from: name a file, a folder, or a page with https:// or http://."
        )
    path = Path(location).expanduser()
    if not path.exists():
        raise SourceNotFound(f"{location} is not there: check the path (it is read from {Path.cwd()}).")
    return str(path.resolve())


def read_file(file: SourceFile, data: bytes) -> list[Document]:
    """The documents in a file (several where a table's rows belong to different products), within bounded time.

    Raises:
        Unreadable: the file is empty, broken, encrypted, too large, too slow or not what its name says.
    """
    if not data.strip():
        raise Unreadable("it is empty")
    if len(data) > MAX_FILE_BYTES:
        raise Unreadable(f"it is larger than {MAX_FILE_BYTES // 1_000_000} MB: split it")
    try:
        return read_now(file, data) if is_quick(file, data) else shared_room().read(file, data)
    except Unreadable:
        raise
    except Exception as error:  # whatever one file does to its reader must stay that file's trouble
        raise Unreadable(f"it cannot be read ({type(error).__name__}): save it again in its own program") from error


def read_now(file: SourceFile, data: bytes) -> list[Document]:
    """The same in this process, however long it takes."""
    if is_url(file.name):
        file = dataclasses.replace(file, media_type=_type_of_page(file.media_type, data))
    readings = [reading for reading in _read(file, data) if reading.text.strip()]
    if not readings:
        raise Unreadable("it holds no text")
    if sum(len(reading.text) for reading in readings) > MAX_TEXT_CHARS:
        raise Unreadable(f"it holds more than {MAX_TEXT_CHARS // 1_000_000} million characters: split it")
    digest = content_hash(data, file)
    return [_document(file, reading, digest) for reading in readings]


def _type_of_page(promised: str, data: bytes) -> str:
    """A page may be anything, whatever its address says: its first bytes tell."""
    start = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"%pdf-"):
        return "application/pdf"
    if start.startswith(b"pk\x03\x04") and b"word/" in data:
        return DOCX
    if start.startswith((b"<!doctype html", b"<html")) or (b"<body" in start and b"<head" in start):
        return "text/html"
    if promised == "text/html" and b"<" not in start:
        return "text/markdown" if re.search(rb"^#{1,6} \S|^[-*] \S", data[:20_000], re.M) else "text/plain"
    return promised


def document_id(root: str, name: str, part: str = "") -> str:
    """An id that stays over re-reads and over machines: of the root's own name, the name below it and the part."""
    stem = root if is_url(root) else PurePosixPath(root).name
    return hashlib.blake2b(f"{stem}\x1f{name}\x1f{part}".encode(), digest_size=8).hexdigest()


def _read(file: SourceFile, data: bytes) -> list[Reading]:
    match file.media_type:
        case "application/pdf":
            from knowledge.reading.pdf import read_pdf

            return [read_pdf(data)]
        case "text/csv" | "application/jsonl":
            from knowledge.reading.decoding import decode
            from knowledge.reading.rows import read_csv, read_jsonl

            read = read_csv if file.media_type == "text/csv" else read_jsonl
            return read(decode(data), _words_of(file.name))
        case "text/html":
            from knowledge.reading.html import read_html

            return [read_html(data, file.url)]
        case "text/markdown":
            from knowledge.reading.decoding import decode
            from knowledge.reading.markdown import read_markdown

            return [read_markdown(decode(data))]
        case "text/plain":
            from knowledge.reading.decoding import decode
            from knowledge.reading.plain import read_plain

            return [read_plain(decode(data))]
        case _:
            from knowledge.reading.docx import read_docx

            return [read_docx(data)]


def _document(file: SourceFile, reading: Reading, digest: str) -> Document:
    return Document(
        id=document_id(file.root, file.name, reading.part),
        source=file.name,
        title=reading.title or _words_of(file.name),
        text=reading.text,
        media_type=file.media_type,
        content_hash=digest,
        language=reading.language or detect_language(reading.text),
        url=reading.url or file.url,
        products=reading.products,
        changed_at=reading.changed_at or file.changed_at or file.answered.get("changed_at") or None,
        pages=reading.pages,
        audience=reading.audience,
    )


def _words_of(name: str) -> str:
    """A title made of a file name: 'guides/first-steps.md' -> 'First steps'; an index takes its folder's name."""
    path = PurePosixPath(name.rstrip("/"))
    stem = path.parent.name if path.stem.lower() in ("index", "readme") and path.parent.name else path.stem
    words = re.sub(r"[-_\s]+", " ", stem).strip()
    return words[:1].upper() + words[1:] or name
