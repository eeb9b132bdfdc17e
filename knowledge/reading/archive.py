"""A ZIP -> the files in it, read one at a time and never unpacked to the disk. Floor: store.

An archive's directory is believed in nothing: names that lead out of it, links, bombs and archives within archives are
refused with a line, and no member is read past the size that it declares.
"""

from __future__ import annotations

import datetime
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from knowledge.documents import ReadingFault
from knowledge.reading.faults import Unreadable
from knowledge.reading.kinds import is_knowledge, media_type_of
from knowledge.reading.sources import MAX_FILE_BYTES, SourceFile

MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 2_000_000_000
MAX_RATIO = 200  # plain text packs 3 to 10 times smaller; a thousand times is a bomb
RATIO_FROM_BYTES = 5_000_000


@dataclass(slots=True)
class Archive:
    """An open ZIP; `name` is its path as people see it."""

    path: Path
    name: str
    _file: zipfile.ZipFile | None = field(default=None, repr=False)

    def opened(self) -> zipfile.ZipFile:
        """The archive's directory.

        Raises:
            Unreadable: it is no ZIP, or a broken one.
        """
        if self._file is None:
            try:
                self._file = zipfile.ZipFile(self.path)
            except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
                raise Unreadable("this is not a ZIP, or a broken one: pack it again") from error
        return self._file

    def read(self, entry: zipfile.ZipInfo) -> bytes:
        """A file's bytes, at most as many as it declares.

        Raises:
            Unreadable: it is broken, or larger than it says.
        """
        if entry.file_size > MAX_FILE_BYTES:
            raise Unreadable(f"it is larger than {MAX_FILE_BYTES // 1_000_000} MB: split it")
        try:
            with self.opened().open(entry) as file:
                data = file.read(entry.file_size + 1)
        except Exception as error:  # zipfile raises what zlib, lzma, bz2 and its own parser happen to raise
            raise Unreadable(f"it is broken within its ZIP ({type(error).__name__}): pack it again") from error
        if len(data) > entry.file_size:
            raise Unreadable("it is larger than its ZIP says: pack it again")
        return data


def find_in_zip(path: Path, root: Path) -> Iterator[SourceFile | ReadingFault]:
    """Every readable file in a ZIP below `root`; one line where the archive as a whole is refused."""
    archive = Archive(path, path.relative_to(root).as_posix())
    try:
        entries = [entry for entry in archive.opened().infolist() if not entry.is_dir()]
    except Unreadable as error:
        yield ReadingFault(archive.name, str(error))
        return
    if reason := _refused(entries):
        yield ReadingFault(archive.name, reason)
        return
    seen: set[str] = set()
    for entry in sorted(entries, key=lambda one: one.filename):
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        name = f"{archive.name}/{'/'.join(parts)}"
        if not is_knowledge(parts) or name in seen:
            continue
        seen.add(name)
        if reason := _suspicious(entry, parts):
            yield ReadingFault(f"{archive.name}/{entry.filename[:120]}", reason)
        elif media_type := media_type_of(entry.filename):
            yield SourceFile(str(root), name, media_type, _loader(archive, entry), _changed(entry))


def _loader(archive: Archive, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
    return lambda: archive.read(entry)


def _refused(entries: list[zipfile.ZipInfo]) -> str | None:
    """Why the whole archive is not read, None where it is."""
    if len(entries) > MAX_ENTRIES:
        return f"it holds {len(entries):,} files, more than {MAX_ENTRIES:,}: split it"
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        return f"it unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000_000} GB: split it"
    if any(entry.flag_bits & 0x1 for entry in entries):
        return "it is protected by a password: pack it without one"
    return None


def _suspicious(entry: zipfile.ZipInfo, parts: tuple[str, ...]) -> str | None:
    """Why one file of it is not read, None where it is."""
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0] or "\0" in entry.orig_filename:
        return "its name leads out of the archive: pack it again with plain names"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "it is a link: pack the file itself"
    if parts[-1].lower().endswith(".zip"):
        return "it is a ZIP within a ZIP: unpack it and add its files"
    if entry.file_size > RATIO_FROM_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        return f"it unpacks to {entry.file_size // max(entry.compress_size, 1):,} times its size: no document does"
    return None


def _changed(entry: zipfile.ZipInfo) -> str | None:
    try:
        return datetime.datetime(*entry.date_time, tzinfo=datetime.UTC).isoformat(timespec="seconds")
    except ValueError:
        return None
