"""The shelf of uploads: names made safe, kinds refused with a remedy, files in place whole or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.studio import shelf as shelves
from assistant.studio.shelf import ARRIVING, NotTaken, Shelf, safe_name

MAX_BYTES = 1000


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "uploads", max_file_bytes=MAX_BYTES)


def put(shelf: Shelf, name: str, data: bytes = b"# Kettle\n") -> shelves.Saved:
    incoming = shelf.begin(name)
    try:
        incoming.write(data)
        return incoming.finish()
    finally:
        incoming.discard()


def visible(shelf: Shelf) -> set[str]:
    files = (path.relative_to(shelf.folder) for path in shelf.folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in files}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("kettle.md", "kettle.md"),
        ("help/first steps.md", "help/first steps.md"),
        ("../../etc/passwd.txt", "etc/passwd.txt"),
        ("/etc/passwd.txt", "etc/passwd.txt"),
        ("..\\..\\windows\\system.txt", "windows/system.txt"),
        ("C:\\manuals\\kettle.pdf", "C-/manuals/kettle.pdf"),
        (".hidden.md", "hidden.md"),
        (".git/config.txt", "git/config.txt"),
        ("a//b/./c.md", "a/b/c.md"),
        ("nul.txt", "_nul.txt"),
        ("COM1.md", "_COM1.md"),
        ("what: is <this>?.md", "what- is -this--.md"),
        ("line\nbreak\x00.md", "line-break-.md"),
        ("Ku\u0308hlschrank.md", "K\u00fchlschrank.md"),
        ("invoice\u202efdp.md", "invoicefdp.md"),
        ("zero\u200bwidth.md", "zerowidth.md"),
        ("取扱説明書.pdf", "取扱説明書.pdf"),
        ("  spaced .md  ", "spaced .md"),
        ("answers/mine.md", "answers uploaded/mine.md"),
    ],
)
def test_a_name_leads_nowhere_else_and_reads_the_same_everywhere(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


@given(st.text(max_size=300))
def test_no_name_whatever_leaves_the_folder(name: str) -> None:
    try:
        kept = safe_name(name)
    except NotTaken:
        return

    parts = kept.split("/")
    assert all(part and part not in (".", "..") and not part.startswith(".") for part in parts)
    assert all(len(part.encode()) <= shelves.NAME_MAX_BYTES for part in parts)
    assert Path(os.path.normpath(f"/shelf/{kept}")).is_relative_to("/shelf")
    assert safe_name(kept) == kept


def test_a_long_name_keeps_its_ending() -> None:
    kept = safe_name("ü" * 300 + ".pdf")

    assert kept.endswith("ü.pdf")
    assert len(kept.encode()) <= shelves.NAME_MAX_BYTES


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "no name"),
        ("///", "no name"),
        ("../..", "no name"),
        ("setup.exe", ".exe files cannot be read: upload Markdown"),
        ("README", "does not tell what kind"),
        ("prices.xlsx", "save the sheet as CSV"),
        ("old.doc", "save it as .docx"),
        ("archive.rar", "pack it as ZIP"),
        ("CHANGELOG.md", "rename it"),
        ("node_modules/left/readme.md", "not read as knowledge"),
        ("/".join("abcdefghijklmno") + ".md", "folders deep"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(shelf: Shelf, name: str, reason: str) -> None:
    with pytest.raises(NotTaken, match=reason):
        shelf.begin(name)

    assert visible(shelf) == set()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.md", b"", "it is empty"),
        ("page.pdf", b"<html>Sign in first</html>", "not the PDF file"),
        ("manual.docx", b"just text", "not the DOCX file"),
        ("all.zip", b"Rar!\x1a\x07", "not the ZIP file"),
        ("large.md", b"x" * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_what_is_not_what_it_says_is_refused_and_leaves_nothing(
    shelf: Shelf, name: str, data: bytes, reason: str
) -> None:
    with pytest.raises(NotTaken, match=reason):
        put(shelf, name, data)

    assert visible(shelf) == set()


@pytest.mark.parametrize(
    ("name", "data"), [("a.pdf", b"\n\n%PDF-1.7\n"), ("a.zip", b"PK\x03\x04"), ("a.docx", b"PK\x03\x04")]
)
def test_a_file_of_its_kind_is_kept_byte_for_byte(shelf: Shelf, name: str, data: bytes) -> None:
    saved = put(shelf, name, data)

    assert (saved.name, saved.size_bytes, saved.replaced) == (name, len(data), False)
    assert (shelf.folder / name).read_bytes() == data


def test_the_same_name_again_is_a_new_version(shelf: Shelf) -> None:
    put(shelf, "Manuals/Kettle.md", b"old")

    saved = put(shelf, "manuals/KETTLE.md", b"new")

    assert (saved.name, saved.replaced) == ("Manuals/Kettle.md", True)
    assert visible(shelf) == {"Manuals/Kettle.md"}
    assert (shelf.folder / "Manuals/Kettle.md").read_bytes() == b"new"


def test_a_shelf_that_is_opened_anew_knows_what_is_there(shelf: Shelf) -> None:
    put(shelf, "Kettle.md", b"old")

    saved = put(Shelf(shelf.folder, max_file_bytes=MAX_BYTES), "kettle.md", b"new")

    assert (saved.name, saved.replaced) == ("Kettle.md", True)


def test_a_file_that_was_deleted_meanwhile_is_new_again(shelf: Shelf) -> None:
    put(shelf, "Kettle.md")
    (shelf.folder / "Kettle.md").unlink()

    saved = put(shelf, "kettle.md")

    assert (saved.name, saved.replaced) == ("kettle.md", False)


def test_half_a_file_is_never_seen_and_the_old_one_stays(shelf: Shelf) -> None:
    put(shelf, "kettle.md", b"old")

    incoming = shelf.begin("kettle.md")
    incoming.write(b"half of the n")
    while_arriving = {name for name in visible(shelf) if not name.startswith(ARRIVING)}
    incoming.discard()

    assert while_arriving == {"kettle.md"}
    assert visible(shelf) == {"kettle.md"}
    assert (shelf.folder / "kettle.md").read_bytes() == b"old"


def test_a_file_and_a_folder_of_one_name_do_not_meet(shelf: Shelf) -> None:
    put(shelf, "kettle.md")

    with pytest.raises(NotTaken, match="a file and a folder"):
        put(shelf, "kettle.md/page.md")

    assert visible(shelf) == {"kettle.md"}


def test_what_a_killed_server_left_is_cleared_away(shelf: Shelf) -> None:
    left = shelf.begin("kettle.md")
    left.write(b"half")
    (half,) = (shelf.folder / ARRIVING).iterdir()
    long_ago = time.time() - shelves.FORGOTTEN_SECONDS - 1
    os.utime(half, (long_ago, long_ago))

    put(shelf, "other.md")

    assert not half.exists()
    left.discard()


def test_nothing_is_taken_when_the_disk_is_nearly_full(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "FREE_MIN_BYTES", 2**62)

    with pytest.raises(NotTaken, match="nearly full"):
        shelf.begin("kettle.md")

    assert visible(shelf) == set()
