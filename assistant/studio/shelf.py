"""The studio's own files: taken in piece by piece, named safely, in place all at once. Floor: store; synchronous.

A file arrives under a name of its own in a hidden folder and is renamed when the last byte is on disk: a connection
that drops leaves what was there before, and nothing half.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import threading
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from knowledge.reading.kinds import ACCEPTED_SUFFIXES, SKIPPED_FOLDERS, is_knowledge

ANSWERS = "answers"  # the folder of accepted answers: their files are made by the studio, not uploaded
ARRIVING = ".arriving"  # hidden, so that a reindex does not see it
FORGOTTEN_SECONDS = 24 * 3600.0  # a file that has been arriving for so long never will
NAME_MAX_BYTES = 200
PATH_MAX_PARTS = 12
FREE_MIN_BYTES = 256 * 1024 * 1024  # the journal is on the same disk, and an acknowledgement needs room
FREE_CHECK_BYTES = 8 * 1024 * 1024

KINDS = "Markdown, HTML, PDF, Word (.docx), CSV, JSON Lines, plain text or a ZIP of these"
REMEDIES = {
    ".doc": "save it as .docx in Word",
    ".odt": "save it as .docx or PDF",
    ".pages": "export it as .docx or PDF",
    ".rtf": "save it as .docx",
    ".xls": "save the sheet as CSV",
    ".xlsx": "save the sheet as CSV",
    ".ods": "save the sheet as CSV",
    ".numbers": "export the sheet as CSV",
    ".ppt": "save it as PDF",
    ".pptx": "save it as PDF",
    ".rar": "pack it as ZIP",
    ".7z": "pack it as ZIP",
    ".tar": "pack it as ZIP",
    ".gz": "pack it as ZIP",
}
BEGINNINGS = {".pdf": (b"%PDF-",), ".docx": (b"PK\x03\x04",), ".zip": (b"PK\x03\x04", b"PK\x05\x06")}
LOOKED_AT_BYTES = 1024  # readers of PDF accept its mark anywhere in these

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # Windows keeps these for devices


class NotTaken(Exception):
    """A file is not taken; the message is a sentence for who uploads it."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that is in place. `replaced`: there was one of this name, which it is the new version of."""

    name: str  # relative to the uploads, with `/` between folders
    size_bytes: int
    replaced: bool


class Shelf:
    """The folder of uploads. Thread-safe.

    Args:
        folder: `data_dir/knowledge/uploads`; made when the first file comes.
        max_file_bytes: what one file may measure at most.
    """

    def __init__(self, folder: Path, *, max_file_bytes: int) -> None:
        self.folder = folder
        self.max_file_bytes = max_file_bytes
        self._placing = threading.Lock()
        self._names: dict[str, str] | None = None

    def begin(self, name: str) -> Incoming:
        """Opens a place for a file that is about to come.

        Raises:
            NotTaken: its name or its kind is none that can be kept, or there is no room.
        """
        kept = safe_name(name)
        check_kind(kept)
        arriving = self.folder / ARRIVING
        try:
            arriving.mkdir(parents=True, exist_ok=True)
            _forget_old(arriving)
            return Incoming(self, kept, arriving / secrets.token_hex(12))
        except OSError as error:
            raise NotTaken(_sentence(error)) from error

    def place(self, name: str, arrived: Path) -> tuple[str, bool]:
        """Moves a whole file to its name; the name it has now, and whether one was replaced.

        The same name in other capitals is the same file, as it is for people and on their own disks.
        """
        with self._placing:
            names = self._known_names()
            known = names.get(_key(name))
            if known is not None and not (self.folder / known).is_file():
                known = None
            target = self.folder / (known or name)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                arrived.replace(target)
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                raise NotTaken("a file and a folder cannot have the same name: rename one of them") from error
            _sync_folder(target.parent)
            names[_key(name)] = known or name
            return known or name, known is not None

    def _known_names(self) -> dict[str, str]:
        if self._names is None:
            found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
            names = [path.as_posix() for path in found if path.parts[0] != ARRIVING]
            self._names = {_key(name): name for name in names}
        return self._names


class Incoming:
    """A file that is arriving. Ends with `finish` or `discard`; the latter may always follow."""

    def __init__(self, shelf: Shelf, name: str, path: Path) -> None:
        self.name = name
        self.size_bytes = 0
        self._shelf = shelf
        self._path = path
        self._head = b""
        self._file = path.open("wb")
        self._check_room()

    def write(self, data: bytes) -> None:
        """Adds the next piece. Raises NotTaken where the file grows too large or the disk is full."""
        before, self.size_bytes = self.size_bytes, self.size_bytes + len(data)
        if self.size_bytes > self._shelf.max_file_bytes:
            raise NotTaken(f"it is larger than {self._shelf.max_file_bytes / 1_000_000:.0f} MB: split it")
        if before // FREE_CHECK_BYTES != self.size_bytes // FREE_CHECK_BYTES:
            self._check_room()
        if len(self._head) < LOOKED_AT_BYTES:
            self._head += data[: LOOKED_AT_BYTES - len(self._head)]
        try:
            self._file.write(data)
        except OSError as error:
            raise NotTaken(_sentence(error)) from error

    def finish(self) -> Saved:
        """Puts the whole file in its place, durably. Raises NotTaken where it is not what its name says."""
        if not self.size_bytes:
            raise NotTaken("it is empty")
        check_beginning(self.name, self._head)
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            name, replaced = self._shelf.place(self.name, self._path)
        except OSError as error:
            raise NotTaken(_sentence(error)) from error
        return Saved(name, self.size_bytes, replaced)

    def discard(self) -> None:
        """Forgets what came, unless it is in its place already."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)

    def _check_room(self) -> None:
        if shutil.disk_usage(self._path.parent).free < FREE_MIN_BYTES:
            self.discard()
            raise NotTaken("the server's disk is nearly full: tell who runs it to make room")


def safe_name(name: str) -> str:
    """The name a file is kept under: no way out of the folder, nothing hidden, nothing that a system reads otherwise.

    Folders in the name stay, so that the files of a dropped folder keep apart.

    Raises:
        NotTaken: nothing of the name is left, or it is one that is passed over when knowledge is read.
    """
    parts = [part for part in map(_safe_part, name.replace("\\", "/").split("/")) if part]
    if not parts:
        raise NotTaken("it has no name: give it one")
    if len(parts) > PATH_MAX_PARTS:
        raise NotTaken(f"it lies more than {PATH_MAX_PARTS} folders deep: upload a folder further down")
    if skipped := [part for part in parts[:-1] if part.lower() in SKIPPED_FOLDERS]:
        raise NotTaken(f"what lies in a folder named {skipped[0]} is not read as knowledge")
    if not is_knowledge(tuple(parts)):
        raise NotTaken("files of this name tell about software, not about products: rename it to have it read")
    if len(parts) > 1 and parts[0].casefold() == ANSWERS:
        parts[0] = f"{parts[0]} uploaded"
    return "/".join(parts)


def check_kind(name: str) -> None:
    """Raises NotTaken for a kind of file that is not read, with what to do instead."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in ACCEPTED_SUFFIXES:
        return
    if remedy := REMEDIES.get(suffix):
        raise NotTaken(f"{suffix} files cannot be read: {remedy}")
    what = f"{suffix} files cannot be read" if suffix else "its name does not tell what kind of file it is"
    raise NotTaken(f"{what}: upload {KINDS}")


def check_beginning(name: str, head: bytes) -> None:
    """Raises NotTaken where a file's first bytes are not those of its kind."""
    suffix = PurePosixPath(name).suffix.lower()
    marks = BEGINNINGS.get(suffix)
    if marks is None:
        return
    found = any(mark in head for mark in marks) if suffix == ".pdf" else head.startswith(marks)
    if not found:
        raise NotTaken(f"it is not the {suffix[1:].upper()} file that its name says: save it anew from its program")


def _safe_part(part: str) -> str:
    text = unicodedata.normalize("NFC", part)
    # format characters turn the reading direction or are not seen at all; lone surrogates have no bytes
    text = "".join(letter for letter in text if unicodedata.category(letter) not in ("Cf", "Cs", "Co", "Cn"))
    text = re.sub(r"\s+", " ", _FORBIDDEN.sub("-", text)).strip(" .")
    if not text.strip("-"):
        return ""
    if _RESERVED.fullmatch(text):
        text = f"_{text}"
    return _shortened(text)


def _shortened(text: str) -> str:
    if len(text.encode()) <= NAME_MAX_BYTES:
        return text
    suffix = PurePosixPath(text).suffix[:20]
    stem = text.removesuffix(suffix).encode()[: NAME_MAX_BYTES - len(suffix.encode())]
    return stem.decode(errors="ignore").rstrip(" .") + suffix


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _forget_old(arriving: Path) -> None:
    """Removes what a server that was killed in the middle left behind."""
    oldest = time.time() - FORGOTTEN_SECONDS
    for path in arriving.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    """A renamed file is durable once its folder is."""
    with contextlib.suppress(OSError):  # some systems have no such thing
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sentence(error: OSError) -> str:
    return f"it cannot be saved ({error.strerror or error}): tell who runs the server"
