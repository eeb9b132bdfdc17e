"""The door of the reading room: a source that was added -> its files -> Documents, with a line for each fault.

Floor: store. Each format's reader is imported when its first file comes.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from knowledge.documents import Document, ReadingFault
from knowledge.errors import SourceNotFound
from knowledge.reading.faults import Unreadable
from knowledge.reading.kinds import ACCEPTED_SUFFIXES, MEDIA_TYPES, describe_kind, is_url
from knowledge.reading.language import detect_language
from knowledge.reading.result import Reading

__all__ = [
    "ACCEPTED_SUFFIXES", "MAX_FILE_BYTES", "MEDIA_TYPES", "READER_VERSION", "SourceFile", "check_source",
    "content_hash", "describe_kind", "document_id", "find_files", "is_url", "read_file",
]  # fmt: skip

READER_VERSION = 2  # raised when the same bytes would be read otherwise: documents are then read again
MAX_FILE_BYTES = 100_000_000
MAX_TEXT_CHARS = 20_000_000
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv"})
NOT_KNOWLEDGE = frozenset({"license", "license.md", "license.txt", "source", "changelog.md", "code_of_conduct.md"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file or page below a source that was added. `load` reads its bytes; `name` is what people see."""

    root: str
    name: str  # path relative to the root, or the URL
    media_type: str
    load: Callable[[], bytes] = field(repr=False, compare=False)
    changed_at: str | None = None
    url: str | None = None


def find_files(location: str) -> Iterator[SourceFile | ReadingFault]:
    """Every readable file below a path, or the page at a URL; a file of an unknown kind named alone is a fault."""
    if is_url(location):
        from knowledge.reading.web import find_page

        yield find_page(location)
        return
    path = Path(location)
    if path.is_file():
        media_type = MEDIA_TYPES.get(path.suffix.lower())
        if media_type is None:
            kinds = ", ".join(sorted(set(MEDIA_TYPES)))
            yield ReadingFault(path.name, f"files of kind '{path.suffix}' cannot be read: use one of {kinds}")
        else:
            yield _source_file(path.parent, path, media_type)
        return
    if not path.is_dir():
        yield ReadingFault(location, "it is not there any more: add it again, or its documents leave with this release")
        return
    root = path.resolve()
    for found in sorted(path.rglob("*")):
        parts = found.relative_to(path).parts
        if (
            any(part.startswith(".") or part in SKIPPED_FOLDERS for part in parts)
            or found.name.lower() in NOT_KNOWLEDGE
        ):
            continue
        media_type = MEDIA_TYPES.get(found.suffix.lower())
        if media_type is None or not found.is_file():
            continue
        if not found.resolve().is_relative_to(root):
            yield ReadingFault("/".join(parts), "it is a link that leads out of the folder: copy the file itself")
            continue
        yield _source_file(path, found, media_type)


def check_source(location: str) -> str:
    """The location as it is remembered: a URL as given, a path made absolute.

    Raises:
        SourceNotFound: there is neither a file nor a folder of that name, or the URL has no host.
    """
    if is_url(location):
        from knowledge.reading.web import check_url

        return check_url(location)
    path = Path(location).expanduser()
    if not path.exists():
        raise SourceNotFound(f"{location} is not there: check the path (it is read from {Path.cwd()}).")
    return str(path.resolve())


def content_hash(data: bytes, file: SourceFile) -> str:
    """What tells that a file must be read again: its bytes, its name and the reader's version."""
    digest = hashlib.blake2b(data, digest_size=16)
    digest.update(f"\x1f{READER_VERSION}\x1f{file.name}\x1f{file.url}".encode())
    return digest.hexdigest()


def read_file(file: SourceFile, data: bytes) -> list[Document]:
    """The documents in a file (several where a table's rows belong to different products).

    Raises:
        Unreadable: the file is empty, broken, encrypted, too large or not what its name says.
    """
    if not data.strip():
        raise Unreadable("it is empty")
    if len(data) > MAX_FILE_BYTES:
        raise Unreadable(f"it is larger than {MAX_FILE_BYTES // 1_000_000} MB: split it")
    if data.startswith(b"%PDF-") and is_url(file.name):  # a page may be anything, whatever its address says
        file = dataclasses.replace(file, media_type="application/pdf")
    readings = [reading for reading in _read(file, data) if reading.text.strip()]
    if not readings:
        raise Unreadable("it holds no text")
    if sum(len(reading.text) for reading in readings) > MAX_TEXT_CHARS:
        raise Unreadable(f"it holds more than {MAX_TEXT_CHARS // 1_000_000} million characters: split it")
    digest = content_hash(data, file)
    return [_document(file, reading, digest) for reading in readings]


def document_id(root: str, name: str, part: str = "") -> str:
    """An id that stays over re-reads and over machines: of the root's own name, the name below it and the part."""
    stem = root if is_url(root) else PurePosixPath(root).name
    return hashlib.blake2b(f"{stem}\x1f{name}\x1f{part}".encode(), digest_size=8).hexdigest()


def _source_file(root: Path, path: Path, media_type: str) -> SourceFile:
    def load() -> bytes:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise Unreadable(f"it is larger than {MAX_FILE_BYTES // 1_000_000} MB: split it")
        return path.read_bytes()

    changed = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
    return SourceFile(
        root=str(root),
        name=path.relative_to(root).as_posix(),
        media_type=media_type,
        load=load,
        changed_at=changed.isoformat(timespec="seconds"),
    )


def _read(file: SourceFile, data: bytes) -> list[Reading]:
    match file.media_type:
        case "application/pdf":
            from knowledge.reading.pdf import read_pdf

            return [read_pdf(data)]
        case "text/csv" | "application/jsonl":
            from knowledge.reading.plain import decode
            from knowledge.reading.rows import read_csv, read_jsonl

            read = read_csv if file.media_type == "text/csv" else read_jsonl
            return read(decode(data), _words_of(file.name))
        case "text/html":
            from knowledge.reading.html import read_html

            return [read_html(data, file.url)]
        case "text/markdown":
            from knowledge.reading.markdown import read_markdown
            from knowledge.reading.plain import decode

            return [read_markdown(decode(data))]
        case "text/plain":
            from knowledge.reading.plain import decode, read_plain

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
        changed_at=reading.changed_at or file.changed_at,
        pages=reading.pages,
        audience=reading.audience,
    )


def _words_of(name: str) -> str:
    """A title made of a file name: 'guides/first-steps.md' -> 'First steps'; an index takes its folder's name."""
    path = PurePosixPath(name.rstrip("/"))
    stem = path.parent.name if path.stem.lower() in ("index", "readme") and path.parent.name else path.stem
    words = re.sub(r"[-_\s]+", " ", stem).strip()
    return words[:1].upper() + words[1:] or name
