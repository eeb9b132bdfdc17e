"""The demo's knowledge as plain text and as tables, read straight from its sources, for tests of its facts."""

from __future__ import annotations

import csv
import functools
import re
from html.parser import HTMLParser
from pathlib import Path

from assistant.demo.make_manuals import PLAIN_FOLDER, SOURCE_FOLDER, TYPESET

Row = dict[str, str]


@functools.cache
def knowledge_texts() -> dict[str, str]:
    """Each document's name within the knowledge folder, and its words."""
    texts = {path.relative_to(PLAIN_FOLDER).as_posix(): _words_of(path) for path in sorted(PLAIN_FOLDER.rglob("*.*"))}
    for name, suffix in TYPESET.items():
        texts[f"manuals/{name}{suffix}"] = _plain((SOURCE_FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    return texts


@functools.cache
def knowledge_tables() -> dict[str, list[list[Row]]]:
    """Each document's tables, a row as a dict by its column's head."""
    tables = {path.relative_to(PLAIN_FOLDER).as_posix(): _tables_of(path) for path in sorted(PLAIN_FOLDER.rglob("*.*"))}
    for name, suffix in TYPESET.items():
        tables[f"manuals/{name}{suffix}"] = _markdown_tables((SOURCE_FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    return tables


def manuals() -> dict[str, str]:
    return {name: text for name, text in knowledge_texts().items() if name.startswith("manuals/")}


def questions() -> list[str]:
    """Every question of the FAQ, Markdown and CSV."""
    asked = [
        line.removeprefix("## ")
        for path in sorted((PLAIN_FOLDER / "faq").glob("*.md"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    ]
    return asked + [row["question"] for row in quick_answers()]


def quick_answers() -> list[Row]:
    with (PLAIN_FOLDER / "faq" / "quick-answers.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows_with(*columns: str) -> list[tuple[str, Row]]:
    """Rows of every table that has these columns, each with its document's name."""
    return [
        (name, row)
        for name, tables in knowledge_tables().items()
        for table in tables
        for row in table
        if all(column in row for column in columns)
    ]


def fold(text: str) -> str:
    return re.sub(r"\s+", " ", text).casefold()


def _words_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        page = _Page()
        page.feed(text)
        return "".join(page.words)
    return _plain(text) if path.suffix == ".md" else text


def _plain(markdown: str) -> str:
    """Markdown without its marks for emphasis; enough to look a fact up."""
    return re.sub(r"\*\*|`|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)", "", markdown)


def _tables_of(path: Path) -> list[list[Row]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        page = _Page()
        page.feed(text)
        return [_rows(table[0], table[1:]) for table in page.tables if table]
    return _markdown_tables(text)


def _markdown_tables(text: str) -> list[list[Row]]:
    lines = re.findall(r"(?:^\|.*\|\n?)+", text, re.MULTILINE)
    cells = [[[cell.strip() for cell in _cells(line)] for line in table.splitlines()] for table in lines]
    return [_rows(table[0], table[2:]) for table in cells]


def _cells(line: str) -> list[str]:
    return _plain(line).strip().strip("|").split("|")


def _rows(head: list[str], body: list[list[str]]) -> list[Row]:
    return [dict(zip(head, row, strict=True)) for row in body]


class _Page(HTMLParser):
    """The words and the tables of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tables: list[list[list[str]]] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "p", "li", "h1", "h2", "h3"):
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.lasttag in ("td", "th", "em", "strong") and self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data.strip("\n")
