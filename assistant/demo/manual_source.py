"""A manual as its author wrote it: Markdown in, blocks with runs out. Floor: pure.

`typeset_pdf.py` and `typeset_docx.py` set the blocks; nothing else reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from markdown_it import MarkdownIt
from markdown_it.token import Token

TWO_COLUMNS = "<!-- two columns -->"
PRINTED_AT = datetime(2026, 10, 1, tzinfo=UTC)  # of every manual, whenever it is set: the same bytes each time


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one face."""

    text: str
    bold: bool = False
    italic: bool = False


Line: TypeAlias = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    level: int  # 1 is the manual's title
    line: Line


@dataclass(frozen=True, slots=True)
class Paragraph:
    line: Line


@dataclass(frozen=True, slots=True)
class Listing:
    ordered: bool
    items: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. `head` is empty cells where the author left the head blank."""

    head: tuple[Line, ...]
    rows: tuple[tuple[Line, ...], ...]

    @property
    def has_head(self) -> bool:
        return any(plain(cell) for cell in self.head)


@dataclass(frozen=True, slots=True)
class TwoColumns:
    """From here on, the page has two columns."""


Block: TypeAlias = Heading | Paragraph | Listing | Grid | TwoColumns


@dataclass(frozen=True, slots=True)
class Manual:
    """The title, the line under it (model and edition), and everything after."""

    title: str
    subtitle: str
    blocks: tuple[Block, ...]


def plain(line: Line) -> str:
    """The words without their faces."""
    return "".join(run.text for run in line)


def parse_manual(markdown: str) -> Manual:
    """The manual in `markdown`, which opens with a `#` title and one paragraph of model and edition.

    Raises:
        ValueError: the source does not open so, or holds something that no typesetter knows.
    """
    match list(_read_blocks(MarkdownIt("commonmark").enable("table").parse(markdown))):
        case [Heading(1, title), Paragraph(subtitle), *blocks]:
            return Manual(plain(title), plain(subtitle), tuple(blocks))
    raise ValueError("A manual opens with a title (#) and one paragraph of model and edition.")


def _read_blocks(tokens: Sequence[Token]) -> Iterator[Block]:
    at = 0
    while at < len(tokens):
        end = _end_of(tokens, at)
        yield _read_block(tokens[at : end + 1])
        at = end + 1


def _end_of(tokens: Sequence[Token], start: int) -> int:
    depth = 0
    for at in range(start, len(tokens)):
        depth += tokens[at].nesting
        if depth == 0:
            return at
    raise ValueError(f"{tokens[start].type} is not closed.")


def _read_block(tokens: Sequence[Token]) -> Block:
    opening = tokens[0]
    match opening.type:
        case "heading_open":
            return Heading(int(opening.tag[1:]), read_line(tokens[1]))
        case "paragraph_open":
            return Paragraph(read_line(tokens[1]))
        case "bullet_list_open" | "ordered_list_open":
            ordered = opening.type == "ordered_list_open"
            return Listing(ordered, tuple(read_line(token) for token in tokens if token.type == "inline"))
        case "table_open":
            return _read_grid(tokens)
        case "html_block" if opening.content.strip() == TWO_COLUMNS:
            return TwoColumns()
    raise ValueError(f"Line {(opening.map or [0])[0] + 1}: a manual may not hold {opening.type}.")


def _read_grid(tokens: Sequence[Token]) -> Grid:
    rows: list[list[Line]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(read_line(token))
    head, *body = (tuple(row) for row in rows)
    return Grid(head, tuple(body))


def read_line(inline: Token) -> Line:
    """The runs of one `inline` token; code is set in italics, as the manuals print what a display shows."""
    runs: list[Run] = []
    bold = italic = False
    for token in inline.children or ():
        match token.type:
            case "strong_open" | "strong_close":
                bold = token.nesting > 0
            case "em_open" | "em_close":
                italic = token.nesting > 0
            case "softbreak" | "hardbreak":
                runs.append(Run(" ", bold, italic))
            case "text" | "code_inline":
                runs.append(Run(token.content, bold, italic or token.type == "code_inline"))
            case other:
                raise ValueError(
                    f"{other} in {inline.content!r}: a manual's line holds text, *emphasis* and **weight**."
                )
    return tuple(run for run in runs if run.text)
