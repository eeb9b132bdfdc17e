"""Pieces of type with their places -> lines -> headings by size, lists, tables, paragraphs. Floor: pure.

Running heads and page numbers are dropped; two columns are read one after the other. Heights are in points, upwards.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from knowledge.reading.html_blocks import pipe_table

BULLETS = "•●▪◦‣∙·■□–*\uf0b7\u2022\x7f"
MARKER = re.compile(rf"^(?:[{re.escape(BULLETS)}-]|\(?\d{{1,2}}[.)]?|[a-z][.)])$")
BULLET_START = re.compile(rf"^[{re.escape(BULLETS)}]\s+(?=\S)")
NUMBER_START = re.compile(r"^(\d{1,2})[.)]\s+(?=\S)")
ITEM = re.compile(r"^ *(?:-|\d+\.) ")
PAGE_NUMBER = re.compile(r"^(?:page|seite|p\.?)?\s*[-–]?\s*\d{1,4}\s*[-–]?(?:\s*(?:of|/|von)\s*\d{1,4})?$", re.I)
NARROW = frozenset(" iljtfrI.,;:'|!()[]")
WIDE = frozenset("mwMW@%—…")
RUNNING_LINES = 3  # heads and feet have at most so many lines
RUNNING_SHARE = 0.4  # of the pages: left and right ones may have heads of their own
RUNNING_PAGES = 4  # a chapter's own head stands on so many pages at least
EDGE = 0.12  # running heads stand in the outer eighth of a page
LARGER = 1.12  # a heading is at least this much larger than the body
PARAGRAPH_GAP = 1.55  # times the type size, between baselines: more is a new paragraph
NESTED = 0.7  # times the type size: an item that begins so much further right is within the one above
ROW_GAP = 1.35  # times the type size: lines of one cell stand closer
COLUMN_LINES = 6  # fewer lines make no column


@dataclass(frozen=True, slots=True)
class Piece:
    """What one drawing instruction wrote: its words, where its baseline begins, its size."""

    words: str
    x: float
    y: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page as drawn. `rules`: horizontal lines as (y, left, right)."""

    pieces: tuple[Piece, ...]
    rules: tuple[tuple[float, float, float], ...]
    bottom: float
    top: float


@dataclass(slots=True)
class Line:
    """Pieces on one baseline, in segments parted by wide gaps: (x, words)."""

    y: float
    size: float
    bold: bool
    segments: list[tuple[float, str]] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join(words for _, words in self.segments)

    @property
    def x(self) -> float:
        return self.segments[0][0]


def layout(pages: Sequence[Page]) -> list[str]:
    """Each page as light Markdown."""
    lines = [_in_reading_order(page) for page in pages]
    running = _running_heads(pages, lines)
    kept = [list(_without_margins(found, page, running)) for page, found in zip(pages, lines, strict=True)]
    body = _body_size(kept)
    levels = _heading_levels(kept, body)
    known = _words(kept)
    written = (_blocks(found, page, body, levels, known) for page, found in zip(pages, kept, strict=True))
    return ["\n".join(blocks).replace("\u00ad", "") for blocks in written]


def _words(pages: Sequence[Sequence[Line]]) -> frozenset[str]:
    """Every word that stands whole within a line."""
    lines = (line.words for lines in pages for line in lines)
    return frozenset(word for words in lines for word in re.findall(r"(?<![\w-])[^\W\d_]+(?![\w-])", words.lower()))


def _lines(pieces: Sequence[Piece]) -> list[Line]:
    """Pieces on about the same baseline become a line; lines from top to bottom."""
    lines: list[tuple[Line, list[Piece]]] = []
    for piece in sorted(pieces, key=lambda p: -p.y):
        if lines and abs(lines[-1][0].y - piece.y) < 0.35 * max(piece.size, 1.0):
            lines[-1][1].append(piece)
        else:
            lines.append((Line(piece.y, piece.size, piece.bold), [piece]))
    for line, parts in lines:
        order = {id(piece): i for i, piece in enumerate(pieces)}
        parts.sort(key=lambda p: (round(p.x), order[id(p)]))
        _fill(line, parts)
    return [line for line, _ in lines if line.segments]


def _fill(line: Line, parts: Sequence[Piece]) -> None:
    weight: Counter[tuple[float, bool]] = Counter()
    end = float("-inf")
    for piece in parts:
        words = re.sub(r"\s+", " ", piece.words)
        weight[(round(piece.size, 1), piece.bold)] += len(words)
        width = _width(words, piece.size)
        same_start = bool(line.segments) and abs(piece.x - parts[0].x) < 1 and len(line.segments) == 1
        if line.segments and (same_start or piece.x <= end + piece.size * 0.7):
            x, before = line.segments[-1]
            glue = (
                "" if before.endswith(" ") or words.startswith(" ") or piece.x < end - piece.size or same_start else " "
            )
            line.segments[-1] = (x, before + glue + words)
            end = max(end, piece.x) + width if not same_start else end + width
        elif words.strip():
            line.segments.append((piece.x, words))
            end = piece.x + width
    line.segments = [(x, re.sub(r"\s+", " ", words).strip()) for x, words in line.segments if words.strip()]
    if weight:
        (line.size, line.bold), _ = weight.most_common(1)[0]
        line.bold = all(piece.bold for piece in parts if piece.words.strip())


def _width(words: str, size: float) -> float:
    """About how wide words are set in a proportional type, from Helvetica's widths by kind of letter."""
    ems = sum(0.27 if c in NARROW else 0.78 if c in WIDE else 0.68 if c.isupper() else 0.54 for c in words)
    return ems * size


def _in_reading_order(page: Page) -> list[Line]:
    """The lines of a page; two columns of running text, if it has them, one after the other."""
    split = _column_split(page.pieces)
    if split is None:
        return _lines(page.pieces)
    groups: list[list[Piece]] = [[]]
    left: list[Piece] = []
    right: list[Piece] = []
    for piece in sorted(page.pieces, key=lambda p: -p.y):
        side = _side(piece, split)
        if side:
            (left if side < 0 else right).append(piece)
        else:  # over both columns: what stands above it is read first
            groups += [left, right, [piece]] if left or right else [[piece]]
            left, right = [], []
    order = {id(piece): i for i, piece in enumerate(page.pieces)}
    return [line for group in [*groups, left, right] for line in _lines(sorted(group, key=lambda p: order[id(p)]))]


def _side(piece: Piece, split: float) -> int:
    """-1 left of the gutter, 1 right of it, 0 across it."""
    if piece.x >= split - 2:
        return 1
    return 0 if piece.x + 0.9 * _width(piece.words, piece.size) > split else -1


def _column_split(pieces: Sequence[Piece]) -> float | None:
    """Where the right one of two text columns begins, None when there are none.

    A page is drawn column by column, a table row by row: that tells them apart.
    """
    if not pieces:
        return None
    first, last = min(p.x for p in pieces), max(p.x for p in pieces)
    starts = Counter(round(p.x) for p in pieces if p.x > first + 100 and p.x > first + 0.5 * (last - first))
    for x, count in starts.most_common(3):
        sides = [side for piece in pieces if (side := _side(piece, x))]
        switches = sum(a != b for a, b in pairwise(sides))
        if count >= COLUMN_LINES and sides.count(-1) >= COLUMN_LINES and switches <= 3:
            return float(x)
    return None


def _running_heads(pages: Sequence[Page], lines: Sequence[Sequence[Line]]) -> frozenset[tuple[str, int]]:
    """Words that stand at the same height in the margin of many pages, numbers apart: (words, height)."""
    seen: Counter[tuple[str, int]] = Counter()
    for page, found in zip(pages, lines, strict=True):
        seen.update({key for i in _outermost(found, page) for key in _keys(found[i])})
    often = max(2, RUNNING_SHARE * len(pages))
    return frozenset(key for key, count in seen.items() if count >= often or count >= RUNNING_PAGES)


def _without_margins(lines: Sequence[Line], page: Page, running: frozenset[tuple[str, int]]) -> Iterator[Line]:
    """The lines without running heads and page numbers."""
    outer = set(_outermost(lines, page))
    everywhere = {words for words, _ in running}  # a cover sets them elsewhere in its margin
    for i, line in enumerate(lines):
        is_running = not running.isdisjoint(_keys(line)) or everywhere.issuperset(
            _without_numbers(words) for _, words in line.segments
        )
        if i in outer and (is_running or PAGE_NUMBER.match(line.words)):
            continue
        yield line


def _outermost(lines: Sequence[Line], page: Page) -> list[int]:
    """The places of the first and last lines of a page in its margins; rows of a table are none of them."""
    heights = sorted({round(line.y) for line in lines})
    outer = {*heights[:RUNNING_LINES], *heights[-RUNNING_LINES:]}  # of two columns, the second one's head comes later
    edge = [i for i, line in enumerate(lines) if round(line.y) in outer and _at_edge(line, page)]
    return [i for i in edge if not _is_row(lines, i)]


def _is_row(lines: Sequence[Line], i: int) -> bool:
    """Whether a line has cells just where a line next to it has some."""
    columns = [x for x, _ in lines[i].segments]
    if len(columns) < 2:
        return False
    near = [lines[j] for j in (i - 2, i - 1, i + 1, i + 2) if 0 <= j < len(lines)]
    return any(
        len(line.segments) >= 2
        and abs(line.y - lines[i].y) < 6 * line.size
        and sum(_near(x, columns) for x, _ in line.segments) >= 2
        for line in near
    )


def _keys(line: Line) -> set[tuple[str, int]]:
    return {(_without_numbers(words), round(line.y / 2)) for _, words in line.segments if len(words) > 1}


def _at_edge(line: Line, page: Page) -> bool:
    height = page.top - page.bottom
    return line.y > page.top - EDGE * height or line.y < page.bottom + EDGE * height


def _without_numbers(words: str) -> str:
    return re.sub(r"\d+", "0", words)


def _body_size(pages: Sequence[Sequence[Line]]) -> float:
    sizes: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes[round(line.size, 1)] += len(line.words)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _heading_levels(pages: Sequence[Sequence[Line]], body: float) -> dict[float, int]:
    """Sizes larger than the body's, largest first, as heading levels."""
    sizes = sorted(
        {round(line.size, 1) for lines in pages for line in lines if line.size >= body * LARGER}, reverse=True
    )
    return {size: min(i, 5) for i, size in enumerate(sizes, 1)}


def _heading_level(line: Line, body: float, levels: dict[float, int]) -> int | None:
    words = line.words
    if len(words) > 150 or not re.search(r"[^\W\d_]", words) or len(line.segments) > 2:
        return None
    if line.size >= body * LARGER:
        return levels.get(round(line.size, 1))
    is_label = line.bold and len(words) <= 80 and not words.endswith((".", ":", ",", ";")) and len(line.segments) == 1
    return min(len(levels) + 1, 6) if is_label else None


def _blocks(
    lines: Sequence[Line], page: Page, body: float, levels: dict[float, int], known: frozenset[str]
) -> list[str]:
    written: list[str] = []
    margins: list[float] = []  # where the items of the lists that are open begin, outermost first
    i = 0
    before: Line | None = None
    while i < len(lines):
        line = lines[i]
        if (end := _table_end(lines, i)) is not None:
            written += ["", *pipe_table(_table_rows(lines[i:end], page)), ""]
            before, i = None, end
            continue
        i += 1
        item = _item_of(line)
        level = None if item else _heading_level(line, body, levels)
        follows = before is not None and 0 <= before.y - line.y <= PARAGRAPH_GAP * max(line.size, before.size)
        if level is not None:
            if (
                follows
                and before is not None
                and _heading_level(before, body, levels) == level
                and before.size == line.size
                and line.size > body
            ):
                written[-2] += f" {line.words}"  # a heading over two lines
            else:
                written += ["", f"{'#' * level} {line.words}", ""]
            before = line
            continue
        if item:
            mark, words = item
            if written and written[-1] and not ITEM.match(written[-1]):
                written.append("")
                margins = []
            margins = [x for x in margins if x < line.x - NESTED * line.size] + [line.x]
            written.append(f"{'   ' * min(len(margins) - 1, 5)}{mark} {words}")
        elif follows and written and written[-1]:
            written[-1] = _glued(written[-1], line.words, known)
        else:
            margins = []
            written += ["", _harmless(line.words)]
        before = line
    return written


def _glued(text: str, words: str, known: frozenset[str]) -> str:
    """Two lines of a paragraph as one; a word parted at a line's end is written as the document writes it elsewhere."""
    if text.endswith("\u00ad"):
        return text[:-1] + words
    if re.search(r"\b[A-Z]{1,3}-$", text) and words[:1].isdigit():
        return text + words  # a code: E-42
    if not re.search(r"[^\W\d_]-$", text) or not words[:1].islower():
        return f"{text} {words}"
    first = re.search(r"([^\W\d_]+)-$", text)
    second = re.match(r"[^\W\d_]+", words)
    if first and second:
        joined = (first.group(1) + second.group(0)).lower()
        apart = first.group(1).lower() in known and second.group(0).lower() in known
        if joined not in known and apart:
            return text + words
    return text[:-1] + words


def _harmless(words: str) -> str:
    return re.sub(r"^(#{1,6} |[-+] |>|\|)", r"\\\1", words)


def _item_of(line: Line) -> tuple[str, str] | None:
    """The mark and words of a list item: a mark alone before its words, or at their beginning."""
    first = line.segments[0][1]
    if len(line.segments) >= 2 and MARKER.match(first) and line.segments[1][0] - line.segments[0][0] < 4 * line.size:
        words = " ".join(words for _, words in line.segments[1:])
        number = re.sub(r"\D", "", first)
        return (f"{number}." if number else "-"), words
    if match := BULLET_START.match(line.words):
        return "-", line.words[match.end() :]
    if match := NUMBER_START.match(line.words):
        return f"{match.group(1)}.", line.words[match.end() :]
    return None


def _table_end(lines: Sequence[Line], start: int) -> int | None:
    """Where the table that begins at this line ends; None when none does."""
    if len(lines[start].segments) < 2 or _item_of(lines[start]):
        return None
    columns = [x for x, _ in lines[start].segments]
    anchors, end = 1, start + 1
    last = end
    while end < len(lines):
        line = lines[end]
        if lines[end - 1].y - line.y > 6 * line.size or line.y > lines[end - 1].y:
            break
        if not all(_near(x, columns) for x, _ in line.segments):
            break
        if len(line.segments) >= 2:
            anchors += 1
            last = end + 1
        end += 1
    last = _with_wrapped(lines, last, end, columns)
    return last if anchors >= 2 else None


def _with_wrapped(lines: Sequence[Line], last: int, end: int, columns: Sequence[float]) -> int:
    """Lines after the last full row that still belong to one of its cells: not in the first column, and close."""
    while last < end and abs(lines[last].x - columns[0]) > 3:
        if lines[last - 1].y - lines[last].y > PARAGRAPH_GAP * lines[last].size:
            break
        last += 1
    return last


def _near(x: float, columns: Sequence[float]) -> bool:
    return any(abs(x - column) <= 4 for column in columns)


def _columns(lines: Sequence[Line]) -> list[float]:
    """Where the columns of a table begin: where its first line has a cell, or more than one other line."""
    places: list[list[float]] = []
    for x, is_first in sorted((x, line is lines[0]) for line in lines for x, _ in line.segments):
        if places and x - places[-1][0] <= 4:
            places[-1][1] += 2 if is_first else 1
        else:
            places.append([x, 2 if is_first else 1])
    return [x for x, weight in places if weight >= 2]


def _table_rows(lines: Sequence[Line], page: Page) -> list[list[str]]:
    """Cells by column; rows by the rules drawn between them, by the gaps, or else by what is in the first column."""
    columns = _columns(lines)
    left, right = columns[0], columns[-1]
    rules = sorted(
        {
            round(y, 1)
            for y, x0, x1 in page.rules
            if x0 <= left + 3 and x1 >= right and lines[-1].y - 20 < y < lines[0].y + 20
        },
        reverse=True,
    )
    rows: list[list[str]] = []
    band = None
    bands = _bands(lines, left)
    for i, line in enumerate(lines):
        this = sum(1 for y in rules if y > line.y) if len(rules) >= 3 else bands[i] if bands else -1
        is_new = this != band if this >= 0 else abs(line.x - left) <= 4
        if not rows or is_new:
            rows.append([""] * len(columns))
        band = this
        for x, words in line.segments:
            column = min(range(len(columns)), key=lambda i: abs(columns[i] - x))
            rows[-1][column] = f"{rows[-1][column]} {words}".strip()
    return rows


def _bands(lines: Sequence[Line], left: float) -> list[int]:
    """Which row each line of a table belongs to, by the wider gaps between rows; [] where gaps do not tell.

    They tell where no row has two cells in the first column, and some row has lines without one.
    """
    bands = [0]
    for above, line in pairwise(lines):
        bands.append(bands[-1] + (above.y - line.y > ROW_GAP * line.size))
    firsts = Counter(band for band, line in zip(bands, lines, strict=True) if abs(line.x - left) <= 4)
    tells = len(firsts) == bands[-1] + 1 and max(firsts.values(), default=0) == 1 and len(lines) > len(firsts)
    return bands if tells else []
