"""PDF -> light Markdown with page offsets: pieces of type -> lines -> headings, lists, tables. Floor: store.

pypdf tells each piece's place and size; `pdf_layout.py` has the rules that make lines and blocks of them.
"""

from __future__ import annotations

import io
import math
from typing import Any

from knowledge.reading.dates import as_rfc3339
from knowledge.reading.faults import Unreadable
from knowledge.reading.front_matter import audience_of, product_tags, tagged
from knowledge.reading.language import declared_language
from knowledge.reading.light import first_heading, tidy
from knowledge.reading.pdf_layout import Page, Piece, layout
from knowledge.reading.result import Reading

MAX_PAGES = 5000
LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"})


def read_pdf(data: bytes) -> Reading:
    """The text of a PDF with the offset at which each page begins.

    Raises:
        Unreadable: it is encrypted, broken, has no text (a scan), or more than 5,000 pages.
    """
    import pypdf

    if b"%PDF-" not in data[:2048]:
        raise Unreadable("this is not a PDF: open it in a PDF reader and export it again")
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("it is protected by a password: save a copy without one")
        if len(reader.pages) > MAX_PAGES:
            raise Unreadable(f"it has more than {MAX_PAGES:,} pages: split it")
        pages = [_page(page) for page in reader.pages]
        details = reader.metadata
    except Unreadable:
        raise
    except Exception as error:  # pypdf raises its own errors and whatever a broken file makes Python raise
        raise Unreadable(f"it is broken ({type(error).__name__}): open it in a PDF reader and save it again") from error
    if not any(page.pieces for page in pages):
        raise Unreadable("it holds no text, only pictures of pages: run text recognition (OCR) on it first")
    text, starts = _joined(layout(pages))
    return Reading(
        text=text,
        title=_title(details, text),
        language=declared_language(_language(reader)),
        products=product_tags(_detail(details, "/Keywords")),
        audience=audience_of(list(tagged(_detail(details, "/Keywords"), "audience"))),
        changed_at=_changed(details),
        pages=starts,
    )


def _page(page: Any) -> Page:
    pieces: list[Piece] = []
    rules: list[tuple[float, float, float]] = []

    def text_seen(text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        words = text.replace("\n", "").translate(LIGATURES)
        if not words.strip():
            return
        x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        scale = math.hypot(tm[2], tm[3]) * math.hypot(cm[2], cm[3]) or 1.0
        name = str((font or {}).get("/BaseFont", "")).lower()
        pieces.append(Piece(words, x, y, abs(size) * scale, "bold" in name or "black" in name or "heavy" in name))

    pen = [0.0, 0.0]

    def operator_seen(operator: bytes, operands: Any, cm: list[float], tm: list[float]) -> None:
        try:
            numbers = [float(o) for o in operands]
        except (TypeError, ValueError):
            return
        if operator == b"m" and len(numbers) == 2:
            pen[:] = numbers
        elif operator == b"l" and len(numbers) == 2:
            if abs(numbers[1] - pen[1]) < 0.5:
                _add_rule(rules, cm, pen[0], numbers[0], pen[1])
            pen[:] = numbers
        elif operator == b"re" and len(numbers) == 4:
            x, y, width, height = numbers
            for edge in (y, y + height):
                _add_rule(rules, cm, x, x + width, edge)

    page.extract_text(visitor_text=text_seen, visitor_operand_before=operator_seen)
    return Page(tuple(pieces), tuple(rules), float(page.mediabox.bottom), float(page.mediabox.top))


def _add_rule(rules: list[tuple[float, float, float]], cm: list[float], x0: float, x1: float, y: float) -> None:
    left, right = sorted((x0 * cm[0] + cm[4], x1 * cm[0] + cm[4]))
    if right - left > 20:
        rules.append((y * cm[3] + cm[5], left, right))


def _joined(pages: list[str]) -> tuple[str, tuple[int, ...]]:
    text = ""
    starts = []
    for page in pages:
        starts.append(len(text))
        plain = tidy(page)
        text += f"{plain}\n" if plain else ""
    return text.rstrip("\n") + "\n", tuple(min(start, max(len(text) - 1, 0)) for start in starts)


def _title(details: Any, text: str) -> str | None:
    title = _detail(details, "/Title").strip()
    is_name = (
        not title
        or title.lower() in ("untitled", "(anonymous)", "anonymous")
        or title.lower().endswith((".doc", ".docx", ".indd"))
    )
    return first_heading(text) if is_name else title


def _detail(details: Any, name: str) -> str:
    return str((details or {}).get(name) or "")


def _changed(details: Any) -> str | None:
    try:
        changed = details.modification_date if details else None
    except (ValueError, AttributeError):
        return None
    return as_rfc3339(changed)


def _language(reader: Any) -> object:
    """The language that the document declares for itself as a whole."""
    try:
        return str(reader.trailer["/Root"].get("/Lang") or "")
    except (KeyError, AttributeError, TypeError):
        return None
