"""A folder -> the files below it that can be read, in the order of their names. Floor: store."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from knowledge.documents import ReadingFault
from knowledge.reading.archive import find_in_zip
from knowledge.reading.faults import Unreadable
from knowledge.reading.kinds import OTHER_DOCUMENTS, is_knowledge, media_type_of
from knowledge.reading.sources import MAX_FILE_BYTES, SourceFile

MAX_FILES = 200_000


def find_in_folder(folder: Path) -> Iterator[SourceFile | ReadingFault]:
    """Every readable file below a folder; links to folders are not followed, so that none leads in a circle."""
    faults: list[ReadingFault] = []
    found = sorted(_walk(folder, faults), key=lambda path: path.relative_to(folder).parts)
    yield from faults
    root = folder.resolve()
    for path in found[:MAX_FILES]:
        yield from find_file(path, folder, root)
    if len(found) > MAX_FILES:
        yield ReadingFault(str(folder), f"only its first {MAX_FILES:,} files are read: add its folders one by one")


def find_file(path: Path, folder: Path, root: Path) -> Iterator[SourceFile | ReadingFault]:
    """A file as it is to be read, the files of a ZIP, or why not; nothing for what is no document."""
    name = path.relative_to(folder).as_posix()
    suffix = path.suffix.lower()
    media_type = media_type_of(path.name)
    if media_type is None and suffix != ".zip" and suffix not in OTHER_DOCUMENTS:
        return
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        yield ReadingFault(name, "it is a link that leads out of the folder: copy the file itself")
    elif not path.is_file():
        if path.is_symlink():
            yield ReadingFault(name, "it is a link that leads nowhere: remove it")
    elif suffix == ".zip":
        yield from find_in_zip(path, folder)
    elif media_type is None:
        yield ReadingFault(name, f"files of kind '{suffix}' are not read: {OTHER_DOCUMENTS[suffix]}")
    else:
        yield SourceFile(str(folder), name, media_type, _loader(path), _changed(path))


def _walk(folder: Path, faults: list[ReadingFault]) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        name = os.path.relpath(error.filename or folder, folder)
        faults.append(ReadingFault(name, f"the folder cannot be opened ({error.strerror or error}): allow it"))

    for here, folders, files in os.walk(folder, onerror=failed):
        place = Path(here)
        for name in list(folders):
            parts = (*place.relative_to(folder).parts, name)
            if not is_knowledge((*parts, "page.md")):
                folders.remove(name)
            elif (place / name).is_symlink():
                folders.remove(name)
                faults.append(ReadingFault("/".join(parts), "it is a link to a folder: add that folder itself"))
        for name in files:
            if is_knowledge((*place.relative_to(folder).parts, name)):
                yield place / name


def _loader(path: Path) -> Callable[[], bytes]:
    def load() -> bytes:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise Unreadable(f"it is larger than {MAX_FILE_BYTES // 1_000_000} MB: split it")
        return path.read_bytes()

    return load


def _changed(path: Path) -> str | None:
    try:
        changed = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
    except (OSError, ValueError, OverflowError):
        return None
    return changed.isoformat(timespec="seconds")
