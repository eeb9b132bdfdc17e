"""The typeset manuals are real files: they open, hold their source's words, are made again only when they must."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import docx
import pytest
from pypdf import PdfReader

from assistant.demo.loader import write_knowledge
from assistant.demo.make_manuals import PLAIN_FOLDER, SOURCE_FOLDER, TYPESET
from assistant.demo.manual_source import PRINTED_AT, Grid, Heading, Listing, Manual, Paragraph, parse_manual, plain

PDFS = [name for name, suffix in TYPESET.items() if suffix == ".pdf"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("knowledge")
    write_knowledge(made)
    return made


def source_of(name: str) -> Manual:
    return parse_manual((SOURCE_FOLDER / f"{name}.md").read_text(encoding="utf-8"))


def words_of(manual: Manual) -> list[str]:
    """Every cell, item, paragraph and heading of a manual, as words alone."""
    texts: list[str] = [manual.title, manual.subtitle]
    for block in manual.blocks:
        match block:
            case Heading(_, line) | Paragraph(line):
                texts.append(plain(line))
            case Listing(_, items):
                texts += [plain(item) for item in items]
            case Grid(head, rows):
                texts += [plain(cell) for row in (head, *rows) for cell in row]
    return [squeeze(text) for text in texts if text]


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def text_of_docx(document: Any) -> str:
    cells = (cell.text for table in document.tables for row in table.rows for cell in row.cells)
    return squeeze("".join(itertools.chain((paragraph.text for paragraph in document.paragraphs), cells)))


def text_of_pdf(path: Path) -> str:
    """The pages' words without running heads and page numbers."""
    pages = (page.extract_text() for page in PdfReader(path).pages)
    return squeeze("".join(re.sub(r"^.*\nAldermorn\nPage \d+ of \d+\n", "", page) for page in pages))


def test_every_plain_file_is_copied_and_every_source_typeset(folder: Path) -> None:
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    copied = {path.relative_to(PLAIN_FOLDER).as_posix() for path in PLAIN_FOLDER.rglob("*") if path.is_file()}
    assert files == copied | {f"manuals/{name}{suffix}" for name, suffix in TYPESET.items()}
    assert {path.suffix for path in folder.rglob("*.*")} == {".md", ".html", ".csv", ".pdf", ".docx"}


def test_the_same_sources_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = write_knowledge(tmp_path)

    assert again == sorted(again)
    assert all(path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes() for path in again)


def test_nothing_is_written_a_second_time(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in write_knowledge(tmp_path)}

    after = {path: path.stat().st_mtime_ns for path in write_knowledge(tmp_path)}

    assert after == before


@pytest.mark.parametrize("name", ["manuals/lark.pdf", "manuals/plover.docx", "policies/returns.md"])
def test_a_file_that_is_missing_or_spoilt_is_made_again(tmp_path: Path, name: str) -> None:
    write_knowledge(tmp_path)
    good = (tmp_path / name).read_bytes()

    for spoil in (lambda path: path.unlink(), lambda path: path.write_bytes(b"spoilt")):
        spoil(tmp_path / name)
        write_knowledge(tmp_path)
        assert (tmp_path / name).read_bytes() == good


@pytest.mark.parametrize("name", PDFS)
def test_a_pdf_holds_every_word_of_its_source_in_reading_order(folder: Path, name: str) -> None:
    text = text_of_pdf(folder / "manuals" / f"{name}.pdf")

    at = 0
    for words in words_of(source_of(name)):
        found = text.find(words, at)
        assert found >= 0, words
        at = found + len(words)


@pytest.mark.parametrize("name", PDFS)
def test_a_pdf_has_running_heads_page_numbers_and_an_outline(folder: Path, name: str) -> None:
    reader = PdfReader(folder / "manuals" / f"{name}.pdf")
    manual = source_of(name)
    count = len(reader.pages)

    inner = [page.extract_text() for page in reader.pages][1:]

    assert all(f"Page {number} of {count}" in text for number, text in enumerate(inner, start=2))
    assert all(text.startswith(manual.title) for text in inner)
    assert "Page" not in reader.pages[0].extract_text()
    headings = [plain(block.line) for block in manual.blocks if isinstance(block, Heading)]
    assert [entry.title for entry in _flat(reader.outline)] == headings
    assert reader.metadata is not None
    assert reader.metadata.title == manual.title


@pytest.mark.parametrize("name", PDFS)
def test_an_outline_entry_leads_to_the_page_of_its_heading(folder: Path, name: str) -> None:
    reader = PdfReader(folder / "manuals" / f"{name}.pdf")

    for entry in _flat(reader.outline):
        page = reader.get_destination_page_number(entry)
        assert page is not None
        assert entry.title in reader.pages[page].extract_text()


def test_the_last_page_of_a_pdf_has_two_columns(folder: Path) -> None:
    left_edges: list[float] = []
    page = PdfReader(folder / "manuals" / "lark-2.pdf").pages[-1]

    page.extract_text(visitor_text=lambda _text, cm, tm, _font, _size: left_edges.append(cm[4] + tm[4]))

    middle = float(page.mediabox.width) / 2
    assert any(edge > middle for edge in left_edges)
    assert any(0 < edge < middle for edge in left_edges)


def test_a_docx_holds_its_source_in_real_styles(folder: Path) -> None:
    document = docx.Document(str(folder / "manuals" / "plover.docx"))
    manual = source_of("plover")

    text = text_of_docx(document)
    styles = [paragraph.style.name for paragraph in document.paragraphs if paragraph.style]

    assert all(words in text for words in words_of(manual))
    headings = [block for block in manual.blocks if isinstance(block, Heading)]
    assert sum(style.startswith("Heading") for style in styles) == len(headings)
    assert len(document.tables) == sum(isinstance(block, Grid) for block in manual.blocks)
    assert document.sections[0].header.paragraphs[0].text.startswith(manual.title)


def test_each_numbered_list_of_a_docx_begins_at_one(folder: Path) -> None:
    document = docx.Document(str(folder / "manuals" / "plover.docx"))
    lists = [block for block in source_of("plover").blocks if isinstance(block, Listing) and block.ordered]

    numbered = [p for p in document.paragraphs if p.style and p.style.name == "List Number"]
    numberings = [p._p.pPr.numPr.numId.val for p in numbered]

    assert [len(list(items)) for _, items in itertools.groupby(numberings)] == [len(block.items) for block in lists]
    assert len(set(numberings)) == len(lists)


@pytest.mark.parametrize(
    ("markdown", "complaint"),
    [
        ("no title", "opens with a title"),
        ("# Title\n\nsub\n\n> quoted", "may not hold blockquote"),
        ("# Title\n\nsub\n\n[link](https://example.com)", "link_open"),
    ],
    ids=["no title", "a quotation", "a link"],
)
def test_a_source_that_cannot_be_typeset_is_refused(markdown: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_manual(markdown)


def _flat(outline: list[Any]) -> list[Any]:
    return [leaf for entry in outline for leaf in (_flat(entry) if isinstance(entry, list) else [entry])]


@pytest.mark.parametrize("name", PDFS)
def test_a_pdf_is_of_the_day_it_was_printed(folder: Path, name: str) -> None:
    information = PdfReader(folder / "manuals" / f"{name}.pdf").metadata

    assert information is not None
    assert information.modification_date == PRINTED_AT
