"""A multipart body -> files on the studio's shelf, piece by piece (RFC 7578). Floor: door.

Nothing is held but the piece that just came. Each file is in its place as soon as its last byte is; a connection that
drops costs only the file that was under way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from assistant.errors import BadFrame
from assistant.studio.shelf import Incoming, NotTaken, Saved, Shelf

HEADERS_MAX_BYTES = 8 * 1024  # of one part; a name of 255 bytes, each escaped, is a tenth of it
PARTS_MAX = 10_000
NAME_SHOWN_CHARS = 200


@dataclass(slots=True)
class Received:
    """What became of an upload: the files that are in place, and name and reason of those that were not taken."""

    saved: list[Saved] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


async def receive_files(content_type: str, chunks: AsyncIterator[bytes], shelf: Shelf, received: Received) -> None:
    """Reads the whole body; `received` grows as files come, so that it holds what was saved even where this raises.

    Raises:
        BadFrame: the body is no multipart form, or ends before its end.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise BadFrame("Send the files as a form (`content-type: multipart/form-data` with a boundary).")
    form = _Form(boundary, shelf, received)
    try:
        async for chunk in chunks:
            await run_in_threadpool(form.feed, chunk)
        if not form.is_whole:
            raise BadFrame("The upload ended in the middle: send the files that are not saved again.")
    except FormParserError as error:
        raise BadFrame("The upload could not be read as a form: send the files that are not saved again.") from error
    finally:
        await run_in_threadpool(form.close)


class _Form:
    """Follows the parser through one body. Called from one thread at a time."""

    def __init__(self, boundary: bytes, shelf: Shelf, received: Received) -> None:
        self.is_whole = False
        self._shelf = shelf
        self._received = received
        self._parts = 0
        self._header_bytes = 0
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._name = ""
        self._incoming: Incoming | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._hear_field,
                "on_header_value": self._hear_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._open,
                "on_part_data": self._write,
                "on_part_end": self._finish,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        self._parser.write(chunk)

    def close(self) -> None:
        """Forgets the file that was under way."""
        if self._incoming is not None:
            self._incoming.discard()
            self._incoming = None

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise BadFrame(f"One upload may hold {PARTS_MAX:,} files: pack them as a ZIP.")
        self._header_bytes, self._disposition, self._name = 0, b"", ""

    def _hear_field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header += data[start:end]

    def _hear_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def _count(self, length: int) -> None:
        self._header_bytes += length
        if self._header_bytes > HEADERS_MAX_BYTES:
            raise BadFrame("A file's name is too long: shorten it.")

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        raw = options.get(b"filename")
        if raw is None:
            return  # a field of the form, not a file
        self._name = read_filename(raw)
        try:
            self._incoming = self._shelf.begin(self._name)
        except NotTaken as reason:
            self._refuse(reason)

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._incoming is None:
            return
        try:
            self._incoming.write(data[start:end])
        except NotTaken as reason:
            self._refuse(reason)

    def _finish(self) -> None:
        if self._incoming is None:
            return
        try:
            self._received.saved.append(self._incoming.finish())
        except NotTaken as reason:
            self._refuse(reason)
        self.close()

    def _end(self) -> None:
        self.is_whole = True

    def _refuse(self, reason: NotTaken) -> None:
        self._received.refused.append((self._name[:NAME_SHOWN_CHARS], str(reason)))
        self.close()


def read_filename(raw: bytes) -> str:
    """The name a browser sent: UTF-8 in which `"`, CR and LF are escaped (HTML, "multipart form data")."""
    name = raw.decode(errors="replace")
    for escaped in ("%22", "%0D", "%0A"):
        name = name.replace(escaped, unquote(escaped))
    return name
