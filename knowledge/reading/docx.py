"""DOCX -> light Markdown: heading styles, lists, tables, in the order of the page. Floor: store."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Any

from knowledge.reading.dates import as_rfc3339
from knowledge.reading.faults import Unreadable
from knowledge.reading.front_matter import audience_of, product_tags, tagged
from knowledge.reading.html_blocks import pipe_table
from knowledge.reading.language import declared_language
from knowledge.reading.light import first_heading, tidy
from knowledge.reading.result import Reading

MAX_UNPACKED_BYTES = 300_000_000
MAX_PARTS = 10_000
PROLOGUE_BYTES = 4096
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
OLE_MAGIC = b"\xd0\xcf\x11\xe0"  # a password-protected DOCX, or a DOC, is an OLE container


def read_docx(data: bytes) -> Reading:
    """The text of a Word document.

    Raises:
        Unreadable: it is encrypted, broken, an old DOC, or unpacks to more than 300 MB.
    """
    if data.startswith(OLE_MAGIC):
        raise Unreadable("it is protected by a password or an old DOC file: save it as DOCX without a password")
    _check_archive(data)
    import docx
    from docx.opc.constants import RELATIONSHIP_TYPE

    try:
        document = docx.Document(io.BytesIO(data))
        _accept_changes(document.element.body)
        lines = list(_body(document))
    except Exception as error:  # python-docx raises what lxml, zipfile and its own parser happen to raise
        raise Unreadable(f"it is broken ({type(error).__name__}): open it in Word and save it again") from error
    text = tidy("\n".join(lines)).replace("\n```\n\n```\n", "\n")  # code whose lines are paragraphs
    if not any(part.reltype == RELATIONSHIP_TYPE.CORE_PROPERTIES for part in document.part.package.rels.values()):
        return Reading(text=text, title=first_heading(text))  # the library would make properties up, dated now
    core = document.core_properties
    return Reading(
        text=text,
        title=(core.title or "").strip() or first_heading(text),
        language=declared_language(core.language),
        products=product_tags(core.keywords),
        audience=audience_of(list(tagged(core.keywords, "audience"))),
        changed_at=as_rfc3339(core.modified),
    )


def _check_archive(data: bytes) -> None:
    """Sizes are read from the archive's directory before anything is unpacked: a bomb says so itself."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            items = archive.infolist()
            if sum(item.file_size for item in items) > MAX_UNPACKED_BYTES or len(items) > MAX_PARTS:
                raise Unreadable("it unpacks to more than 300 MB: split it")
            if any(item.flag_bits & 0x1 for item in items):
                raise Unreadable("it is protected by a password: save it without one")
            for item in items:
                if item.filename.endswith((".xml", ".rels")):
                    _check_part(archive.open(item).read(PROLOGUE_BYTES))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError) as error:
        raise Unreadable("this is not a DOCX file: open it in Word and save it as DOCX") from error


def _check_part(start: bytes) -> None:
    """A part of a DOCX declares no document type: one that does wants entities unfolded, or files read."""
    if b"<!DOCTYPE" in start or b"<!ENTITY" in start or "<!DOCTYPE".encode("utf-16-le") in start:
        raise Unreadable("it declares entities, which no DOCX needs: it is not read")


def _accept_changes(body: Any) -> None:
    """Tracked insertions and content controls count as text, deletions do not: as the document is printed."""
    for gone in list(body.iter(f"{W}del", f"{W}moveFrom")):
        gone.getparent().remove(gone)
    for wrapper in list(body.iter(f"{W}ins", f"{W}moveTo", f"{W}smartTag", f"{W}sdt")):
        parent = wrapper.getparent()
        content = wrapper.find(f"{W}sdtContent") if wrapper.tag == f"{W}sdt" else wrapper
        place = parent.index(wrapper)
        for child in list(content) if content is not None else []:
            parent.insert(place, child)
            place += 1
        parent.remove(wrapper)


def _body(document: Any) -> Any:
    numbers: dict[tuple[str, int], int] = {}
    formats = _number_formats(document)
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            numbers.clear()
            yield from _table(block)
        else:
            yield from _paragraph(block, numbers, formats)


def _paragraph(paragraph: Any, numbers: dict[tuple[str, int], int], formats: dict[str, str]) -> list[str]:
    style = (paragraph.style.name if paragraph.style is not None else "") or ""
    words = _words(paragraph)
    if not words.strip() or style.lower().startswith(("toc ", "table of ")):
        return []
    heading = re.match(r"(?:Heading|Überschrift|Titre|Título) (\d)", style)
    if heading or style == "Title":
        numbers.clear()
        level = min(int(heading.group(1)), 6) if heading else 1
        return ["", f"{'#' * level} {words.replace('**', '').strip()}", ""]
    item = _list_item(paragraph, style, formats)
    if item is None:
        if re.search(r"code|preformatted|source", style, re.I):
            return ["", "```", *paragraph.text.split("\n"), "```", ""]
        return ["", " ".join(words.split()), ""]
    kind, list_id, level = item
    if kind == "bullet":
        return [f"{'  ' * level}- {words.strip()}"]
    key = (list_id, level)
    for deeper in [k for k in numbers if k[0] == list_id and k[1] > level]:
        del numbers[deeper]
    numbers[key] = numbers.get(key, 0) + 1
    return [f"{'   ' * level}{numbers[key]}. {words.strip()}"]


def _list_item(paragraph: Any, style: str, formats: dict[str, str]) -> tuple[str, str, int] | None:
    """Kind, list and depth of a list paragraph: by its own numbering, or by the name of its style."""
    properties = paragraph._p.pPr
    numbering = properties.numPr if properties is not None else None
    if numbering is not None and numbering.numId is not None and numbering.numId.val:
        level = int(numbering.ilvl.val) if numbering.ilvl is not None else 0
        number_id = str(numbering.numId.val)
        return formats.get(f"{number_id}/{level}", "bullet"), number_id, level
    match = re.match(r"List (Bullet|Number)(?: (\d))?", style)
    if match:
        return ("bullet" if match.group(1) == "Bullet" else "number"), style, int(match.group(2) or 1) - 1
    return None


def _number_formats(document: Any) -> dict[str, str]:
    """'bullet' or 'number' for each list and depth, as the document's numbering part defines them."""
    try:
        part = document.part.numbering_part.element
    except (KeyError, NotImplementedError, AttributeError):
        return {}
    abstract: dict[str, dict[str, str]] = {}
    for definition in part.iter(f"{W}abstractNum"):
        abstract[definition.get(f"{W}abstractNumId")] = {
            level.get(f"{W}ilvl"): "bullet" if kind.get(f"{W}val") in ("bullet", "none") else "number"
            for level in definition.iter(f"{W}lvl")
            for kind in level.iter(f"{W}numFmt")
        }
    formats = {}
    for number in part.iter(f"{W}num"):
        reference = number.find(f"{W}abstractNumId")
        for level, kind in abstract.get(reference.get(f"{W}val") if reference is not None else "", {}).items():
            formats[f"{number.get(f'{W}numId')}/{level}"] = kind
    return formats


def _words(paragraph: Any) -> str:
    """The paragraph's words with bold and web links marked; runs of like weight are joined first."""
    parts: list[tuple[bool, str]] = []
    for piece in paragraph.iter_inner_content():
        if hasattr(piece, "address"):  # a hyperlink
            words = piece.text.strip()
            link = f"[{words}]({piece.url})" if (piece.url or "").startswith("http") and words else piece.text
            parts.append((False, link))
        elif parts and parts[-1][0] == bool(piece.bold):
            parts[-1] = (parts[-1][0], parts[-1][1] + piece.text)
        else:
            parts.append((bool(piece.bold), piece.text))
    return "".join(_bold(words) if bold else words for bold, words in parts).replace("\n", " ")


def _bold(words: str) -> str:
    core = words.strip()
    if not core:
        return words
    before, after = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
    return f"{before}**{core}**{after}"


def _table(table: Any) -> list[str]:
    rows: list[list[str]] = []
    for row in table.rows:
        cells: list[str] = []
        previous = None
        for cell in row.cells:  # a merged cell comes once for each column it spans
            cells.append("" if cell._tc is previous else " ".join(" ".join(_words(p) for p in cell.paragraphs).split()))
            previous = cell._tc
        rows.append([cell.replace("**", "") for cell in cells] if not rows else cells)
    rows = [row for row in rows if any(row)]
    return ["", *pipe_table(rows), ""] if rows else []
