"""Elements of a page -> lines of light Markdown. Floor: pure but for lxml, whose elements it walks.

The walk is ours because numbered steps must keep their numbers and tables their cells.
"""

from __future__ import annotations

import re
from typing import Any

from knowledge.reading.html_cleaning import is_note, is_toggle, names_of
from knowledge.reading.light import tidy

BLOCKS = frozenset(
    """
    address article aside blockquote body center dd details div dl dt fieldset figcaption figure header html li main ol
    p pre section summary table ul hr h1 h2 h3 h4 h5 h6
    """.split()  # noqa: SIM905
)
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
PERMALINK = re.compile(r"\s*[¶#§🔗\u200b\u00b6]+\s*$")
MAX_SPAN = 50


def blocks_of(element: Any) -> list[str]:
    """The element as lines of light Markdown, blocks parted by empty lines."""
    return Walk().blocks(element, 0)


class Walk:
    """One walk through a page; it remembers the level of the heading that it stands below."""

    def __init__(self) -> None:
        self._level = 1
        self._in_note = False

    def blocks(self, element: Any, depth: int) -> list[str]:
        """What is in an element."""
        lines: list[str] = []
        words: list[str] = []

        def flush() -> None:
            paragraph = squeezed("".join(words))
            words.clear()
            if paragraph:
                lines.extend(["", _escaped(paragraph)])

        words.append(element.text or "")
        for child in element:
            if isinstance(child.tag, str):
                if child.tag in BLOCKS or is_toggle(child) or _holds_blocks(child):
                    flush()
                    lines.extend(self._block(child, depth))
                elif child.tag not in ("script", "style", "head"):
                    words.append(_inline(child))
            words.append(child.tail or "")
        flush()
        return lines

    def _block(self, element: Any, depth: int) -> list[str]:
        tag = element.tag
        if tag in HEADINGS:
            return self._heading(squeezed(_inline_of(element)), int(tag[1]))
        if tag in ("ul", "ol"):
            return self._list(element, depth)
        if tag == "table":
            return self._table(element, depth)
        if tag == "pre":
            return _code(element)
        if tag == "dl":
            return self._definitions(element, depth)
        if tag == "summary" or is_toggle(element):
            return self._fold(element)
        if tag == "blockquote" or (is_note(element) and not self._in_note):
            return self._note(element, depth)
        label = element.get("data-label")
        return [*(["", f"**{label}**"] if label else []), *self.blocks(element, depth)] if tag != "hr" else [""]

    def _heading(self, words: str, level: int) -> list[str]:
        words = heading_words(words)
        if not words:
            return []
        self._level = level
        return ["", f"{'#' * level} {words}"]

    def _fold(self, element: Any) -> list[str]:
        """What is pressed to open a fold: a heading where it asks something, else a title."""
        words = squeezed(_inline_of(element)).replace("**", "")
        if not words:
            return []
        if (
            words.endswith(("?", "？"))
            and next(element.iterancestors("li", "td"), None) is None
            and _ends_a_part(element)
        ):
            return ["", f"{'#' * min(self._level + 1, 6)} {words}"]
        return ["", f"**{words}**"]

    def _note(self, element: Any, depth: int) -> list[str]:
        self._in_note, before = True, self._in_note
        inside = tidy("\n".join(self.blocks(element, depth))).strip("\n").split("\n")
        self._in_note = before
        if not any(inside):
            return []
        if any(line.lstrip().startswith(("|", "```", "#")) for line in inside):
            return ["", *inside]
        title = (
            re.fullmatch(r"[\w ]{3,20}[:!]?", inside[0]) if element.tag != "blockquote" and len(inside) > 1 else None
        )
        if title:
            inside[0] = f"**{inside[0].rstrip(':!').capitalize()}**"
            inside = [inside[0], *inside[2 if not inside[1] else 1 :]]
        return ["", *(f"> {line}".rstrip() for line in inside)]

    def _definitions(self, element: Any, depth: int) -> list[str]:
        """Terms with what they mean: questions as headings, short ones as list items."""
        lines: list[str] = [""]
        term = ""
        for part in element.iter("dt", "dd"):
            if next(part.iterancestors("dl"), None) is not element:
                continue
            if part.tag == "dt":
                term = squeezed(_inline_of(part)).replace("**", "")
                if term.endswith(("?", "？")):
                    lines += ["", f"{'#' * min(self._level + 1, 6)} {term}"]
                    term = ""
                continue
            inside = tidy("\n".join(self.blocks(part, depth))).strip("\n")
            if not inside:
                continue
            if "\n" in inside or not term:
                lines += ["", *([f"**{term}**", ""] if term else []), *inside.split("\n"), ""]
            else:
                lines.append(f"- **{term}**: {inside.removeprefix(chr(92))}")
            term = ""
        return [*lines, ""]

    def _list(self, element: Any, depth: int) -> list[str]:
        lines: list[str] = [""]
        try:
            number = max(int(element.get("start") or 1), 0)
        except ValueError:
            number = 1
        for item in element:
            if not isinstance(item.tag, str):
                continue
            if item.tag in ("ul", "ol"):  # a list in a list without an item: wrong, but common
                lines.extend(f"  {line}" for line in self._list(item, depth + 1) if line.strip())
                continue
            mark = f"{number}. " if element.tag == "ol" else "- "
            inside = tidy("\n".join(self.blocks(item, depth + 1))).strip("\n").split("\n")
            if not any(line.strip() for line in inside):
                continue
            number += 1
            if element.tag == "ul" and len(inside) > 1 and inside[0].startswith("#"):  # an accordion made of a list
                lines.extend(["", *inside, ""])
                continue
            lines.append(f"{mark}{inside[0].lstrip().lstrip('#').lstrip()}")
            tight = [line for i, line in enumerate(inside[1:], 1) if line.strip() or _keeps_blank(inside, i)]
            lines.extend(f"{' ' * len(mark)}{line}".rstrip() for line in tight)
        return [*lines, ""]

    def _table(self, element: Any, depth: int) -> list[str]:
        if _is_layout(element):
            cells = (cell for cell in element.iter("td", "th") if next(cell.iterancestors("table"), None) is element)
            return [line for cell in cells for line in ["", *self.blocks(cell, depth)]]
        rows = [row for row in _grid(element) if any(row)]
        caption = element.find("caption")
        title = squeezed(_inline_of(caption)) if caption is not None else ""
        lead = ["", f"**{title}**"] if title else []
        if not rows:
            return lead
        if max(len(row) for row in rows) == 1:
            return [*lead, *(line for row in rows for line in ("", row[0]))]
        return [*lead, "", *pipe_table(rows), ""]


def pipe_table(rows: list[list[str]]) -> list[str]:
    """Rows of cells as a pipe table; the first row is the header."""
    width = max(len(row) for row in rows)
    padded = [[cell.replace("|", "\\|") for cell in row] + [""] * (width - len(row)) for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in padded]
    return [lines[0], f"|{' --- |' * width}", *lines[1:]]


def squeezed(words: str) -> str:
    """Words on one line, one blank between two of them."""
    return " ".join(words.replace("\u200b", "").split())


def heading_words(words: str) -> str:
    """The words of a heading without weight, and without the sign that links to it."""
    return PERMALINK.sub("", squeezed(words.replace("**", ""))).strip()


def _ends_a_part(element: Any) -> bool:
    """Whether what follows a fold has a heading of its own, so that a heading made of the fold does not claim it."""
    fold = element.getparent() if element.tag == "summary" else None
    following = fold.getnext() if fold is not None else None
    if following is None:
        return True
    return following.tag in ("details", *HEADINGS) or following.find("summary") is not None


def _holds_blocks(element: Any) -> bool:
    return len(element) > 0 and any(True for _ in element.iter("p", "ul", "ol", "table", "div", "dl", "pre", *HEADINGS))


def _is_layout(table: Any) -> bool:
    """Whether a table only places things beside each other."""
    if table.get("role") == "presentation" or next(table.iterdescendants("table"), None) is not None:
        return True
    return next(table.iterdescendants(*HEADINGS), None) is not None


def _grid(table: Any) -> list[list[str]]:
    """The cells by row and column; a cell over several rows is repeated in each, so that each row is whole."""
    rows: list[list[str]] = []
    below: dict[int, tuple[int, str]] = {}  # by column: in how many more rows, what
    for row in table.iter("tr"):
        if next(row.iterancestors("table"), None) is not table:
            continue
        cells: list[str] = []

        waiting, below = below, {}
        later: dict[int, tuple[int, str]] = {}
        for cell in (one for one in row if isinstance(one.tag, str) and one.tag in ("td", "th")):
            while len(cells) in waiting:
                left, words = waiting.pop(len(cells))
                if left > 1:
                    later[len(cells)] = (left - 1, words)
                cells.append(words)
            words = _cell(cell)
            for i in range(_span(cell, "colspan")):
                if (height := _span(cell, "rowspan")) > 1:
                    later[len(cells)] = (height - 1, words if i == 0 else "")
                cells.append(words if i == 0 else "")
        for column in sorted(waiting):
            left, words = waiting[column]
            cells += [""] * (column - len(cells)) + [words] if column >= len(cells) else []
            if left > 1:
                later[column] = (left - 1, words)
        below = later
        rows.append(cells)
    return rows


def _span(cell: Any, name: str) -> int:
    value = cell.get(name) or "1"
    return min(max(int(value), 1), MAX_SPAN) if value.isdecimal() else 1


def _cell(cell: Any) -> str:
    """The words of a cell on one line; the items of a list in it parted by semicolons."""
    for item in list(cell.iter("li"))[:-1]:
        item.tail = f"; {item.tail or ''}"
    return squeezed(_inline_of(cell)).replace(" ;", ";")


def _code(element: Any) -> list[str]:
    for line_break in list(element.iter("br")):
        line_break.tail = f"\n{line_break.tail or ''}"
    code = element.text_content().replace("\u00a0", " ").strip("\n")
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    inner = element.find("code")
    names = f"{element.get('class') or ''} {inner.get('class') or '' if inner is not None else ''}"
    language = re.search(r"\b(?:language|lang|highlight-source|brush:)-?\s?([\w+#-]{1,20})", names)
    return ["", f"{fence}{language.group(1) if language else ''}", *code.split("\n"), fence, ""] if code.strip() else []


def _keeps_blank(lines: list[str], i: int) -> bool:
    """Within a step an empty line is kept only inside code, where it means something."""
    return sum(line.lstrip().startswith("```") for line in lines[:i]) % 2 == 1


def _inline_of(element: Any) -> str:
    return (element.text or "") + "".join(
        (_inline(child) if isinstance(child.tag, str) else "") + (child.tail or "") for child in element
    )


def _inline(element: Any) -> str:
    tag, words = element.tag, _inline_of(element)
    if tag == "br":
        return "\n"
    if tag in ("script", "style") or not words.strip():
        return "" if tag in ("script", "style") else words
    before, after = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
    core = words.strip()
    if tag in ("b", "strong"):
        return f"{before}**{core}**{after}" if "**" not in core and "\n\n" not in core else words
    if tag in ("code", "kbd", "samp", "tt") and "`" not in core:
        return f"{before}`{core}`{after}"
    if tag == "a":
        href = element.get("href") or ""
        if "hash-link" in names_of(element) or "headerlink" in names_of(element):
            return ""
        if href.startswith(("http://", "https://", "mailto:", "tel:")) and not re.search(r"[\s()]", href):
            return f"{before}[{core}]({href}){after}" if "[" not in core else words
    if tag in ("li", "p", "div", "td", "dd", "dt"):
        return f" {words} "
    return words


def _escaped(paragraph: str) -> str:
    """A paragraph that begins like a heading, a list or a table by chance is kept a paragraph."""
    return re.sub(r"^(#{1,6} |[-+*] |>|\||```)", r"\\\1", paragraph)
