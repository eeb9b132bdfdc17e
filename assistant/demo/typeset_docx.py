"""Sets a manual as a Word document: real styles for headings and lists, running head, page numbers. Floor: python-docx.

The archive is packed again with a fixed date, so that the same manual gives the same bytes.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any

import docx
from docx.enum.section import WD_SECTION
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from assistant.demo.manual_source import PRINTED_AT, Block, Grid, Heading, Line, Listing, Manual, Paragraph, TwoColumns

ACCENT = RGBColor(0x0F, 0x6A, 0x63)


def typeset_docx(manual: Manual, *, keywords: str, comment: str) -> bytes:
    """The manual as a DOCX file with `keywords` among its properties.

    `comment` stands readable at the end of the file, as the archive's comment.
    """
    document = docx.Document()
    _set_face(document)
    _set_properties(document, manual, keywords)
    _set_running_head(document.sections[0], manual.title)
    document.add_paragraph(manual.title, style="Title")
    document.add_paragraph(manual.subtitle, style="Subtitle")
    for block in manual.blocks:
        _set_block(document, block)
    file = BytesIO()
    document.save(file)
    return _repack(file, comment)


def _set_face(document: Any) -> None:
    for name, size in (("Normal", 10.5), ("Title", 26), ("Subtitle", 12), ("Heading 1", 16), ("Heading 2", 12)):
        style = document.styles[name]
        style.font.name, style.font.size = "Calibri", Pt(size)
        if name != "Normal":
            style.font.color.rgb = ACCENT


def _set_properties(document: Any, manual: Manual, keywords: str) -> None:
    properties = document.core_properties
    properties.title, properties.subject, properties.author = manual.title, manual.subtitle, "Aldermorn Ltd"
    properties.created = properties.modified = PRINTED_AT
    properties.keywords, properties.language = keywords, "en-GB"


def _set_running_head(section: Any, title: str) -> None:
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.header.paragraphs[0].text = f"{title}\tAldermorn"
    foot = section.footer.paragraphs[0]
    foot.add_run("Page ")
    _add_field(foot, "PAGE")
    foot.add_run(" of ")
    _add_field(foot, "NUMPAGES")


def _add_field(paragraph: Any, name: str) -> None:
    """A field that the word processor fills in, ECMA-376 part 1, 17.16.5."""
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    paragraph._p.append(field)


def _set_block(document: Any, block: Block) -> None:
    match block:
        case Heading(level, line):
            _add_runs(document.add_paragraph(style=f"Heading {level - 1}"), line)
        case Paragraph(line):
            _add_runs(document.add_paragraph(), line)
        case Listing():
            _set_list(document, block)
        case Grid():
            _set_grid(document, block)
        case TwoColumns():
            section = document.add_section(WD_SECTION.CONTINUOUS)
            section._sectPr.xpath("./w:cols")[0].set(qn("w:num"), "2")


def _add_runs(paragraph: Any, line: Line, *, bold: bool = False) -> None:
    for run in line:
        added = paragraph.add_run(run.text)
        added.bold, added.italic = run.bold or bold or None, run.italic or None


def _set_list(document: Any, block: Listing) -> None:
    style = "List Number" if block.ordered else "List Bullet"
    numbering = _begin_numbering(document) if block.ordered else None
    for item in block.items:
        paragraph = document.add_paragraph(style=style)
        _add_runs(paragraph, item)
        if numbering is not None:
            paragraph._p.get_or_add_pPr().get_or_add_numPr().get_or_add_numId().val = numbering


def _begin_numbering(document: Any) -> int:
    """A numbering that begins at 1; without one of its own, every list goes on where the last one stopped."""
    numberings = document.part.numbering_part.element
    style_id = document.styles["List Number"].element.pPr.numPr.numId.val
    abstract_id = numberings.num_having_numId(style_id).abstractNumId.val
    numbering = numberings.add_num(abstract_id)
    numbering.add_lvlOverride(ilvl=0).add_startOverride(1)
    return int(numbering.numId)


def _set_grid(document: Any, grid: Grid) -> None:
    rows = [grid.head, *grid.rows] if grid.has_head else list(grid.rows)
    table = document.add_table(len(rows), len(grid.head), style="Table Grid")
    for number, row in enumerate(rows):
        for cell, line in zip(table.rows[number].cells, row, strict=True):
            _add_runs(cell.paragraphs[0], line, bold=grid.has_head and number == 0)
    if grid.has_head:
        _repeat_on_each_page(table.rows[0])
    document.add_paragraph()


def _repeat_on_each_page(row: Any) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _repack(file: BytesIO, comment: str) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(file) as before, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            entry = zipfile.ZipInfo(name, PRINTED_AT.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            after.writestr(entry, before.read(name))
        after.comment = comment.encode()
    return packed.getvalue()
