"""Broken, enormous and malicious files cost that one file a line, never the run, its time or its memory."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from knowledge.documents import Document, ReadingFault
from knowledge.reading import files
from knowledge.reading.faults import Unreadable
from knowledge.reading.files import SourceFile, find_files, read_file
from knowledge.reading.room import ReadingRoom


def found(path: Path) -> tuple[list[SourceFile], list[ReadingFault]]:
    everything = list(find_files(str(path)))
    return (
        [one for one in everything if isinstance(one, SourceFile)],
        [one for one in everything if isinstance(one, ReadingFault)],
    )


def zipped(path: Path, members: Mapping[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


class TestZips:
    def test_the_files_in_a_zip_are_read_with_their_folders(self, tmp_path: Path) -> None:
        path = zipped(
            tmp_path / "help.zip",
            {"guides/start.md": "# Start\n\nPress start.", "faq.csv": "question,answer\nHow?,So.\n", "x.png": b"x"},
        )

        sources, faults = found(path)

        assert [file.name for file in sources] == ["help.zip/faq.csv", "help.zip/guides/start.md"]
        assert faults == []
        assert read_file(sources[1], sources[1].load())[0].title == "Start"

    def test_a_zip_within_a_folder_is_read_like_a_folder(self, tmp_path: Path) -> None:
        zipped(tmp_path / "more.zip", {"a.md": "# A\n\nWords."})
        (tmp_path / "b.md").write_text("# B\n\nWords.")

        sources, _ = found(tmp_path)

        assert [file.name for file in sources] == ["b.md", "more.zip/a.md"]
        assert len({(file.root, file.name) for file in sources}) == 2

    @pytest.mark.parametrize(
        "name", ["../../etc/cron.md", "/etc/cron.md", "C:/x/cron.md", "a/../../cron.md", "..\\cron.md"]
    )
    def test_a_name_that_leads_out_is_refused(self, tmp_path: Path, name: str) -> None:
        sources, (fault,) = found(zipped(tmp_path / "help.zip", {name: "# Hi", "ok.md": "# Fine\n\nYes."}))

        assert [file.name for file in sources] == ["help.zip/ok.md"]
        assert "leads out of the archive" in fault.reason

    def test_a_bomb_is_told_by_its_directory(self, tmp_path: Path) -> None:
        sources, (fault,) = found(zipped(tmp_path / "bomb.zip", {"a.md": b"\0" * 50_000_000, "b.md": "# Fine"}))

        assert [file.name for file in sources] == ["bomb.zip/b.md"]
        assert "times its size" in fault.reason

    def test_a_directory_that_lies_about_sizes_is_not_believed(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "lie.zip", {"a.md": b"word " * 200_000})
        data = path.read_bytes()
        path.write_bytes(data.replace((1_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")))

        (file,), _ = found(path)

        with pytest.raises(Unreadable, match=r"broken within its ZIP|larger than its ZIP says"):
            file.load()

    def test_too_many_files_cost_one_line(self, tmp_path: Path) -> None:
        sources, (fault,) = found(zipped(tmp_path / "many.zip", {f"{i}.md": "" for i in range(20_001)}))

        assert sources == []
        assert "20,001 files" in fault.reason

    def test_links_and_archives_within_an_archive_are_refused(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "help.zip", {"inner.zip": b"PK"})
        with zipfile.ZipFile(path, "a") as archive:
            link = zipfile.ZipInfo("link.md")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")

        sources, faults = found(path)

        assert sources == []
        assert [fault.reason.split(":")[0] for fault in faults] == ["it is a ZIP within a ZIP", "it is a link"]

    def test_a_protected_or_broken_zip_costs_one_line(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "a.zip", {"a.md": "# A", "b.md": "# B"})
        data = bytearray(path.read_bytes())
        place = data.find(b"PK\x01\x02")
        data[place + 8] |= 1
        path.write_bytes(data)
        (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 nothing")

        sources, faults = found(tmp_path)

        assert sources == []
        assert ["password" in faults[0].reason, "broken one" in faults[1].reason] == [True, True]


class TestFolders:
    def test_links_in_a_circle_end(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "b.md").write_text("# B\n\nWords.")
        (tmp_path / "a" / "again").symlink_to(tmp_path)
        (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere.md")

        sources, faults = found(tmp_path)

        assert [file.name for file in sources] == ["a/b.md"]
        assert [fault.source for fault in faults] == ["a/again", "gone.md"]

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.md")
        (tmp_path / "b.md").write_text("# B\n\nWords.")

        assert [file.name for file in found(tmp_path)[0]] == ["b.md"]

    def test_a_page_about_the_licence_is_a_page_and_a_licence_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "guides").mkdir()
        for name in ("LICENSE.md", "guides/license.md"):
            (tmp_path / name).write_text("# Licence\n\nWords.")

        assert [file.name for file in found(tmp_path)[0]] == ["guides/license.md"]

    def test_what_people_take_for_readable_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "old.doc").write_bytes(b"x")
        (tmp_path / "photo.png").write_bytes(b"x")

        _, (fault,) = found(tmp_path)

        assert (fault.source, fault.reason) == ("old.doc", "files of kind '.doc' are not read: save it as DOCX")


def read(folder: Path, name: str, data: bytes) -> list[Document]:
    (folder / name).write_bytes(data)
    (file,) = find_files(str(folder / name))
    assert isinstance(file, SourceFile)
    return read_file(file, file.load())


def pdf_of(*objects: str) -> bytes:
    body = "".join(f"{i} 0 obj\n{words}\nendobj\n" for i, words in enumerate(objects, 1))
    return f"%PDF-1.4\n{body}trailer\n<< /Root 1 0 R >>\n%%EOF\n".encode()


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "data"),
        [
            pytest.param("a.html", b"<html><body>" + b"<div>" * 100_000 + b"deep", id="deeply nested HTML"),
            pytest.param("a.html", b"<table><tr><td>" * 5_000 + b"x", id="tables in tables"),
            pytest.param("a.html", b"<ul><li>" * 5_000 + b"x", id="lists in lists"),
            pytest.param("a.md", b"> " * 50_000 + b"deep", id="notes in notes"),
            pytest.param("a.md", b"---\n" + b"a: [" * 10_000 + b"\n---\nHello there.\n", id="front matter"),
            pytest.param("a.jsonl", b"[" * 100_000, id="nested JSON"),
            pytest.param("a.jsonl", b'{"a":' * 100_000, id="nested objects"),
            pytest.param("a.csv", b'question,answer\n"' + b"x" * 300_000, id="a quote never closed"),
            pytest.param("a.csv", b"," * 300_000, id="nothing but commas"),
            pytest.param(
                "a.pdf", pdf_of("<< /Type /Catalog /Pages 2 0 R >>", "<< /Kids [2 0 R] /Count 1 >>"), id="PDF"
            ),
            pytest.param(
                "b.pdf",
                pdf_of("<< /Type /Catalog /Pages 2 0 R >>", "3 0 R", "2 0 R"),
                id="a PDF whose objects name each other",
            ),
            pytest.param("a.pdf", b"%PDF-1.7\n" + os.urandom(50_000), id="noise that calls itself PDF"),
            pytest.param("a.docx", b"PK\x03\x04" + os.urandom(50_000), id="noise that calls itself DOCX"),
            pytest.param(
                "a.txt", "\ud800".encode("utf-16-le", "surrogatepass") * 200 + b"a\0" * 900, id="half characters"
            ),
        ],
    )
    def test_a_file_that_wants_to_break_its_reader_is_read_or_refused(
        self, tmp_path: Path, name: str, data: bytes
    ) -> None:
        begun = time.monotonic()
        with contextlib.suppress(Unreadable):
            documents = read(tmp_path, name, data)
            assert all(document.text.encode() for document in documents)
        assert time.monotonic() - begun < 60

    def test_entities_in_a_docx_are_not_unfolded(self, tmp_path: Path) -> None:
        import docx

        buffer = io.BytesIO()
        docx.Document().save(buffer)
        laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(9))
        bomb = f'<?xml version="1.0"?><!DOCTYPE x [{laughs}]><w:document xmlns:w="w">&l8;</w:document>'
        rewritten = io.BytesIO()
        with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(rewritten, "w") as new:
            for item in old.infolist():
                new.writestr(item.filename, bomb if item.filename == "word/document.xml" else old.read(item))

        with pytest.raises(Unreadable, match="entities"):
            read(tmp_path, "laughs.docx", rewritten.getvalue())

    def test_a_file_past_its_time_costs_a_line_and_the_next_one_is_read(self, tmp_path: Path) -> None:
        slow = b"<html><body><main>" + b"<p>word <b>word</b> word</p>" * 150_000 + b"</main></body></html>"
        (tmp_path / "slow.html").write_bytes(slow)
        (tmp_path / "fine.html").write_bytes(b"<html><body><main><p>Fine words.</p></main></body></html>")
        sources, _ = found(tmp_path)
        fine, late = sources
        patient, hasty = ReadingRoom(60), ReadingRoom(0.3)
        try:
            with pytest.raises(Unreadable, match="takes longer than"):
                hasty.read(late, late.load())
            assert patient.read(fine, fine.load())[0].text == "Fine words.\n"
        finally:
            patient.close()
            hasty.close()

    def test_a_reader_that_dies_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "fine.html").write_bytes(b"<html><body><main><p>Fine words.</p></main></body></html>")
        (file,), _ = found(tmp_path)
        room = ReadingRoom(60)
        try:
            room.read(file, file.load())
            assert room._process is not None
            room._process.kill()
            room._process.wait()

            assert room.read(file, file.load())[0].text == "Fine words.\n"
        finally:
            room.close()

    def test_an_enormous_file_is_not_opened(self, tmp_path: Path) -> None:
        with (tmp_path / "big.md").open("wb") as file:
            file.truncate(200_000_000)  # takes no room on the disk

        (source,), _ = found(tmp_path)

        with pytest.raises(Unreadable, match="larger than 100 MB"):
            source.load()

    def test_what_is_read_here_and_in_the_room_is_the_same(self, tmp_path: Path) -> None:
        (tmp_path / "a.html").write_bytes(b"<html lang=de><body><main><h1>A</h1><p>B c.</p></main></body></html>")
        (file,), _ = found(tmp_path)

        assert read_file(file, file.load()) == files.read_now(file, file.load())
