"""Sets a manual as a PDF: cover, running heads, page numbers, ruled tables, two columns where asked. Floor: reportlab.

`invariant` fixes dates and ids, so that the same manual gives the same bytes.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from datetime import datetime
from html import escape
from io import BytesIO

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BalancedColumns,
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus import Paragraph as Text

from assistant.demo.manual_source import (
    PRINTED_AT,
    Block,
    Grid,
    Heading,
    Line,
    Listing,
    Manual,
    Paragraph,
    TwoColumns,
    plain,
)

WIDTH, HEIGHT = A4
MARGIN = 22 * mm
GUTTER = 8 * mm
COLUMN = (WIDTH - 2 * MARGIN - GUTTER) / 2
INK, ACCENT, LINE, TINT = (HexColor(colour) for colour in ("#1b2430", "#0f6a63", "#c9c3b6", "#eef3f1"))

BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9.5, leading=13.5, textColor=INK, spaceAfter=5)
ITEM = ParagraphStyle("item", parent=BODY, leftIndent=16, bulletIndent=0, bulletFontSize=9.5, spaceAfter=2)
CELL = ParagraphStyle("cell", parent=BODY, fontSize=8.5, leading=11, spaceAfter=0)
HEADINGS = {
    2: ParagraphStyle(
        "h2", parent=BODY, fontName="Helvetica-Bold", fontSize=15, leading=19, spaceBefore=14, spaceAfter=6
    ),
    3: ParagraphStyle(
        "h3", parent=BODY, fontName="Helvetica-Bold", fontSize=11, leading=14, spaceBefore=9, spaceAfter=4
    ),
}
TITLE = ParagraphStyle("title", parent=BODY, fontName="Helvetica-Bold", fontSize=28, leading=34, spaceAfter=10)
SUBTITLE = ParagraphStyle("subtitle", parent=BODY, textColor=ACCENT)


def typeset_pdf(manual: Manual, *, keywords: str) -> bytes:
    """The manual as a PDF file. `keywords` stands readable in its information dictionary.

    Set twice: only after the first time is the number of pages known that each page tells.
    """
    pages = _set(BytesIO(), manual, keywords, pages=0)
    file = BytesIO()
    _set(file, manual, keywords, pages=pages)
    return file.getvalue()


def _set(file: BytesIO, manual: Manual, keywords: str, *, pages: int) -> int:
    document = _Document(file, manual, keywords, pages)
    with _dated(PRINTED_AT):
        document.build(list(_tell(manual)))
    return int(document.page)


@contextlib.contextmanager
def _dated(day: datetime) -> Iterator[None]:
    """`invariant` documents are of the day that this variable tells, without it of the year 2000."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(day.timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


def _tell(manual: Manual) -> Iterator[Flowable]:
    yield from (Spacer(0, 60 * mm), Text(escape(manual.title), TITLE), Text(escape(manual.subtitle), SUBTITLE))
    yield from (NextPageTemplate("inner"), PageBreak())
    blocks = [(f"section-{number}", block) for number, block in enumerate(manual.blocks)]
    wide = list(itertools.takewhile(lambda keyed: not isinstance(keyed[1], TwoColumns), blocks))
    for key, block in wide:
        yield from _set_block(block, key, WIDTH - 2 * MARGIN)
    narrow = [part for key, block in blocks[len(wide) + 1 :] for part in _set_block(block, key, COLUMN)]
    if narrow:
        yield BalancedColumns(narrow, nCols=2, innerPadding=GUTTER)


class _Headline(Text):  # type: ignore[misc] # reportlab has no types
    """A heading that enters itself into the outline where it is drawn."""

    def __init__(self, line: Line, level: int, key: str) -> None:
        super().__init__(_markup(line), HEADINGS[level])
        self.line, self.level, self.key = line, level, key

    def draw(self) -> None:
        self.canv.bookmarkPage(self.key)
        self.canv.addOutlineEntry(plain(self.line), self.key, level=self.level - 2)
        super().draw()


class _Document(BaseDocTemplate):  # type: ignore[misc] # reportlab has no types
    """A cover, and pages with a running head and their number."""

    def __init__(self, file: BytesIO, manual: Manual, keywords: str, pages: int) -> None:
        super().__init__(
            file,
            pagesize=A4,
            title=manual.title,
            author="Aldermorn Ltd",
            subject=manual.subtitle,
            keywords=keywords,
            lang="en",
            invariant=1,
        )
        self.manual, self.pages = manual, pages
        frame = Frame(MARGIN, MARGIN, WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN, 0, 0, 0, 0, id="type area")
        self.addPageTemplates(
            [
                PageTemplate("cover", [frame], onPage=self._draw_cover),
                PageTemplate("inner", [frame], onPage=self._draw_running_head),
            ]
        )

    def _draw_cover(self, canvas: Canvas, _document: BaseDocTemplate) -> None:
        canvas.setFillColor(ACCENT)
        canvas.rect(0, HEIGHT - 18 * mm, WIDTH, 18 * mm, stroke=0, fill=1)
        canvas.setFillColor(HexColor("#ffffff"))
        canvas.setFont("Helvetica", 9.5)
        canvas.drawString(MARGIN, HEIGHT - 11.5 * mm, "Aldermorn")

    def _draw_running_head(self, canvas: Canvas, document: BaseDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(INK)
        canvas.drawString(MARGIN, HEIGHT - 14 * mm, self.manual.title)
        canvas.drawRightString(WIDTH - MARGIN, HEIGHT - 14 * mm, "Aldermorn")
        canvas.setStrokeColor(LINE)
        canvas.line(MARGIN, HEIGHT - 16 * mm, WIDTH - MARGIN, HEIGHT - 16 * mm)
        canvas.drawCentredString(WIDTH / 2, 12 * mm, f"Page {document.page} of {self.pages}")


def _set_block(block: Block, key: str, width: float) -> list[Flowable]:
    match block:
        case Heading(level, line):
            return [CondPageBreak(40 * mm), _Headline(line, level, key)]
        case Paragraph(line):
            return [Text(_markup(line), BODY)]
        case Listing():
            return [*_set_list(block), Spacer(0, 4)]
        case Grid():
            return [_set_grid(block, width), Spacer(0, 8)]
        case TwoColumns():
            raise ValueError("A manual turns to two columns once, and stays so to its end.")


def _set_list(block: Listing) -> list[Flowable]:
    """Items as paragraphs with a hanging mark: on one baseline, so that copied text keeps mark and words together."""
    marks = (f"{number}." if block.ordered else "–" for number in range(1, len(block.items) + 1))
    return [Text(_markup(item), ITEM, bulletText=mark) for mark, item in zip(marks, block.items, strict=True)]


def _set_grid(grid: Grid, width: float) -> Table:
    rows = [grid.head, *grid.rows] if grid.has_head else list(grid.rows)
    face = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
            ("LEFTPADDING", (0, 0), (-1, -1), 4),
            ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ]
    )
    if grid.has_head:
        face.add("BACKGROUND", (0, 0), (-1, 0), TINT)
    cells = [
        [Text(_markup(cell, bold=grid.has_head and number == 0), CELL) for cell in row]
        for number, row in enumerate(rows)
    ]
    return Table(cells, colWidths=_share_width(rows, width), repeatRows=int(grid.has_head), style=face, hAlign="LEFT")


def _share_width(rows: list[tuple[Line, ...]], width: float) -> list[float]:
    """Points for each column: by the root of its longest cell, so that long prose does not starve the short columns."""
    weights = [max(8, max(len(plain(cell)) for cell in column)) ** 0.5 for column in zip(*rows, strict=True)]
    return [width * weight / sum(weights) for weight in weights]


def _markup(line: Line, *, bold: bool = False) -> str:
    return "".join(_marked_up(run.text, bold=bold or run.bold, italic=run.italic) for run in line)


def _marked_up(text: str, *, bold: bool, italic: bool) -> str:
    marked = escape(text)
    marked = f"<i>{marked}</i>" if italic else marked
    return f"<b>{marked}</b>" if bold else marked
