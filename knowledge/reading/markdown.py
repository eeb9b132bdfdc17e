"""Markdown and MDX -> light Markdown: front matter read, components, admonitions and HTML turned into plain blocks.

Floor: pure. Code blocks pass through untouched; everything else is rewritten line by line.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from knowledge.reading.result import Reading

FENCE = re.compile(r"^\s*(```+(?![^`\n]*`)|~~~+)")  # a line with further ticks is a code span that begins it
HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
ADMONITION = re.compile(r"^(\s*)(?:!!!|\?\?\?\+?)\s+([\w-]+)(?:\s+inline(?:\s+end)?)?\s*(?:\"([^\"]*)\"|(\S.*?))?\s*$")
CONTAINER = re.compile(r"^\s*:::+\s*([\w-]*)\s*(.*)$")
QUOTE_ALERT = re.compile(r"^\s*>\s*\[!(\w+)\]\s*(.*)$")
TABBED = re.compile(r"^(\s*)===[!+]?\s+\"([^\"]+)\"\s*$")
MDX_STATEMENT = re.compile(r"^(import|export)\s+.*(from\s+['\"]|[=({]|['\"];?\s*$)")
TAG = re.compile(r"</?([A-Za-z][\w.-]*)((?:\s+[^<>]*?)?)\s*/?>", re.S)
ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|\{["'`]([^"'`]*)["'`]\})""")
IMAGE = re.compile(r"!\[[^\]]*\](?:\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\])(?:\{[^}]*\})?")
LINK = re.compile(
    r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])+)\]\(\s*<?([^()\s>]*(?:\([^()]*\)[^()\s>]*)*)>?(?:\s+[\"'][^\"']*[\"'])?\s*\)(?:\{[^}]*\})?"
)
REFERENCE = re.compile(r"^ {0,3}\[([^\]^][^\]]*)\]:\s*<?(\S+?)>?(?:\s+[\"'(].*[\"')])?\s*$")
REFERENCED = re.compile(r"(?<!!)\[([^\]]+)\]\[([^\]]*)\]")
COMMENT = re.compile(r"<!--.*?-->|\{/\*.*?\*/\}", re.S)
CODE_SPAN = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
NOTES = frozenset(
    (
        "note",
        "tip",
        "info",
        "warning",
        "caution",
        "danger",
        "check",
        "important",
        "success",
        "question",
        "hint",
        "callout",
        "example",
    )
)
TITLED = frozenset(("card", "accordion", "tab", "step", "expandable", "update", "details", "summary", "frame"))
HTML_TAGS = frozenset(
    """
    a abbr article aside audio b big blockquote br button caption center cite code col colgroup dd del details div
    dl dt em embed figcaption figure font footer form h1 h2 h3 h4 h5 h6 header hr i iframe img input ins kbd label
    li link main mark meta nav object ol p path picture pre q s samp script section small source span strike strong
    style sub summary sup svg table tbody td tfoot th thead time tr tt u ul var video wbr
    """.split()  # noqa: SIM905 - as it stands in the HTML standard
)


def read_markdown(text: str) -> Reading:
    """Light Markdown of a Markdown or MDX page; title, language, products and date from its front matter."""
    matter, body = split_front_matter(text)
    plain = canonical_markdown(body)
    title = _words(matter.get("title")) or first_heading(plain)
    return Reading(
        text=plain,
        title=title,
        language=_words(matter.get("lang") or matter.get("language") or matter.get("locale")),
        url=_url(matter.get("url") or matter.get("canonical_url") or matter.get("canonical")),
        products=_several(matter.get("products") or matter.get("product")),
        changed_at=_words(matter.get("updated") or matter.get("lastmod") or matter.get("last_updated")),
    )


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The YAML front matter as a dict and the rest; ({}, text) where there is none or it is no mapping."""
    match = re.match(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", text, re.S)
    if match is None:
        return {}, text
    import yaml

    try:
        matter = yaml.safe_load(match.group(1))
    except (yaml.YAMLError, ValueError):  # ValueError: a date that does not exist
        matter = None
    return (matter if isinstance(matter, dict) else {}), text[match.end() :]


def first_heading(text: str) -> str | None:
    """The words of the first heading of a light Markdown text, None when there is none."""
    for line, is_code in lines_with_code(text.split("\n")):
        if not is_code and (match := HEADING.match(line)):
            return plain_words(match.group(2)) or None
    return None


def plain_words(inline: str) -> str:
    """Inline Markdown without its marks: links become their text, emphasis and code ticks go."""
    inline = LINK.sub(r"\1", IMAGE.sub("", inline))
    inline = re.sub(r"(\*\*|__|~~|`)", "", inline)
    return re.sub(r"(?<!\w)[*_](\S(?:.*?\S)?)[*_](?!\w)", r"\1", inline).strip()


def lines_with_code(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Each line with whether it belongs to a fenced code block, fences included."""
    fence = ""
    for line in lines:
        match = FENCE.match(line)
        if fence:
            yield line, True
            closes = match is not None and match.group(1)[0] == fence[0] and len(match.group(1)) >= len(fence)
            if match is not None and closes and line.strip() == match.group(1):
                fence = ""
        elif match:
            fence = match.group(1)
            yield line, True
        else:
            yield line, False


def canonical_markdown(text: str) -> str:
    """Any Markdown dialect as light Markdown: no raw HTML, no images, no components, relative links as words."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").lstrip("\ufeff")
    text = _outside_code(text, lambda part: _tables_from_html(_tags_on_one_line(COMMENT.sub("", part))))
    lines = _unfold_admonitions(text.split("\n"))
    references = dict(_references(lines))
    written: list[str] = []
    open_notes: list[str] = []
    level = 1
    for line, is_code in lines_with_code(lines):
        if is_code:
            written.append(line.rstrip())
            continue
        if (
            MDX_STATEMENT.match(line)
            or REFERENCE.match(line)
            or re.fullmatch(r"\s*\[TOC\]\s*|\s*\{[%:].*[%}]\s*", line)
        ):
            continue
        if match := HEADING.match(line):
            level = len(match.group(1))
        for plain in _plain_lines(line, level, open_notes, references):
            written.append(plain)
    return tidy("\n".join(_setext_headings(written)))


def tidy(text: str) -> str:
    """No trailing blanks, no more than one empty line, one newline at the end; '' for nothing but blanks."""
    text = "\n".join(line.rstrip() for line in text.replace("\u00a0", " ").replace("\u200b", "").split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", text).strip("\n")
    return f"{text}\n" if text.strip() else ""


def _outside_code(text: str, change: Any) -> str:
    """`change` applied to each stretch of text between fenced code blocks."""
    parts: list[tuple[bool, list[str]]] = []
    for line, is_code in lines_with_code(text.split("\n")):
        if not parts or parts[-1][0] != is_code:
            parts.append((is_code, []))
        parts[-1][1].append(line)
    return "\n".join("\n".join(lines) if is_code else change("\n".join(lines)) for is_code, lines in parts)


def _tags_on_one_line(text: str) -> str:
    """A component whose attributes stand on lines of their own, on one line: the rest is read line by line."""
    return TAG.sub(lambda tag: " ".join(tag.group(0).split()) if "\n" in tag.group(0) else tag.group(0), text)


def _tables_from_html(text: str) -> str:
    """HTML tables in Markdown become pipe tables."""
    if "<table" not in text.lower():
        return text
    from knowledge.reading.html import fragment_to_markdown

    return re.sub(
        r"<table\b.*?</table>", lambda m: f"\n\n{fragment_to_markdown(m.group(0))}\n\n", text, flags=re.S | re.I
    )


def _unfold_admonitions(lines: list[str]) -> list[str]:
    """`!!! note "Title"` with its indented block, and MkDocs tabs, become quotes and paragraphs with a bold title."""
    written: list[str] = []
    i = 0
    flagged = list(lines_with_code(lines))
    while i < len(flagged):
        line, is_code = flagged[i]
        note = None if is_code else ADMONITION.match(line)
        tab = None if is_code else TABBED.match(line)
        i += 1
        if note is None and tab is None:
            written.append(line)
            continue
        indent = len((note or tab).group(1)) + 4  # type: ignore[union-attr]
        block: list[str] = []
        while i < len(flagged) and (not flagged[i][0].strip() or flagged[i][0].startswith(" " * indent)):
            block.append(flagged[i][0][indent:])
            i += 1
        block = _unfold_admonitions(block)
        if tab:
            written += ["", f"**{tab.group(2)}**", "", *block, ""]
        elif note:
            title = note.group(4) or (note.group(3) if note.group(3) is not None else note.group(2).capitalize())
            written += ["", *_quoted([f"**{title}**", "", *block] if title else block), ""]
    return written


def _quoted(lines: list[str]) -> list[str]:
    """Lines as a `> ` note; a block with code or a table in it stays as it is, below its title, to stay readable."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    if any(FENCE.match(line) or line.lstrip().startswith("|") for line in lines):
        return lines
    return [f"> {line}".rstrip() for line in lines]


def _references(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line, is_code in lines_with_code(lines):
        if not is_code and (match := REFERENCE.match(line)):
            yield match.group(1).lower(), match.group(2)


def _plain_lines(line: str, level: int, open_notes: list[str], references: dict[str, str]) -> list[str]:
    """One line outside code, with its tags resolved, as one or more lines."""
    if match := CONTAINER.match(line):
        return _container(match.group(1), match.group(2), open_notes)
    if match := QUOTE_ALERT.match(line):
        return [f"> **{match.group(1).capitalize()}** {match.group(2)}".rstrip()]
    pieces: list[str] = []
    position = 0
    spans = [m.span() for m in CODE_SPAN.finditer(line)]
    for tag in TAG.finditer(line):
        name = tag.group(1)
        in_code = any(start <= tag.start() < end for start, end in spans)
        if in_code or not (name.lower() in HTML_TAGS or (name[0].isupper() and not name.isupper()) or "." in name):
            continue
        pieces.append(line[position : tag.start()])
        pieces.append(_tag_words(tag, level, open_notes))
        position = tag.end()
    pieces.append(line[position:])
    whole = "".join(pieces)
    if position and not whole.strip():
        return [""]
    inside = [_inline(one.lstrip() if open_notes else one, references) for one in whole.split("\n")]
    if not open_notes:
        return inside
    return [f"> {one}" if one.strip() and not one.startswith(">") else one for one in inside]


def _container(name: str, title: str, open_notes: list[str]) -> list[str]:
    if not name:
        if open_notes:
            open_notes.pop()
        return [""]
    open_notes.append(name)
    words = title.strip(' []"{}') or name.capitalize()
    return ["", f"> **{words}**"]


def _tag_words(tag: re.Match[str], level: int, open_notes: list[str]) -> str:
    """What stands in the text for one tag: a line break, a component's title, or nothing."""
    name, closing = tag.group(1).lower(), tag.group(0).startswith("</")
    if name == "br":
        return " "
    if name in NOTES:
        if closing:
            if name in open_notes:
                open_notes.remove(name)
            return "\n"
        if not tag.group(0).rstrip().endswith("/>"):
            open_notes.append(name)
        return f"\n> **{name.capitalize()}** "
    if name in ("b", "strong"):
        return "**"
    if name in ("code", "kbd", "samp"):
        return "`"
    if name == "li":
        return "" if closing else "\n- "
    if name in ("h1", "h2", "h3", "h4", "h5", "h6"):
        return "\n" if closing else f"\n{'#' * int(name[1])} "
    if closing or name not in TITLED:
        return "\n" if name in ("p", "div", "ul", "ol", "tr", "details") else ""
    attributes = {m.group(1): m.group(2) or m.group(3) or m.group(4) or "" for m in ATTRIBUTE.finditer(tag.group(2))}
    title = html.unescape(attributes.get("title") or attributes.get("label") or "").strip()
    if not title:
        return "\n"
    return (
        f"\n{'#' * min(level + 1, 6)} {title}\n" if name in ("accordion", "step", "expandable") else f"\n**{title}**\n"
    )


def _inline(line: str, references: dict[str, str]) -> str:
    """Images dropped, reference links resolved, links that lead nowhere outside of their site as their words."""
    line = IMAGE.sub("", line)
    line = REFERENCED.sub(
        lambda m: (
            f"[{m.group(1)}]({references[key]})"
            if (key := (m.group(2) or m.group(1)).lower()) in references
            else m.group(0)
        ),
        line,
    )
    line = LINK.sub(lambda m: m.group(0) if _is_absolute(m.group(2)) else m.group(1), line)
    line = re.sub(r"<((?:https?://|mailto:)[^<>\s]+)>", r"\1", line)
    line = re.sub(r"\s*\{[#.:][^{}]*\}\s*$", "", line)
    line = re.sub(r"(?<!\w):(?:material|fontawesome|octicons|simple)-[\w-]+:(?:\{[^}]*\})?", "", line)
    return html.unescape(line) if "&" in line else line


def _is_absolute(url: str) -> bool:
    return url.startswith(("http://", "https://", "mailto:", "tel:"))


def _setext_headings(lines: list[str]) -> Iterator[str]:
    """Headings underlined with === or --- become # headings; rules between paragraphs go."""
    flagged = list(lines_with_code(lines))
    skip = False
    for i, (line, is_code) in enumerate(flagged):
        if skip:
            skip = False
            continue
        following = flagged[i + 1][0] if i + 1 < len(flagged) and not flagged[i + 1][1] else ""
        is_words = bool(line.strip()) and not is_code and not re.match(r"\s*([#>|*+-]|\d+[.)] )", line)
        alone = i == 0 or not flagged[i - 1][0].strip()
        if is_words and alone and re.fullmatch(r" {0,3}(=+|-{2,})\s*", following):
            yield f"{'#' if following.strip()[0] == '=' else '##'} {line.strip()}"
            skip = True
        elif not is_code and re.fullmatch(r" {0,3}([-*_])(?: *\1){2,}\s*", line):
            yield ""
        elif not is_code and (match := HEADING.match(line)):
            yield f"{match.group(1)} {match.group(2)}"
        elif not is_code and (item := re.match(r"^(\s*)(?:[*+-]|(\d+)[.)])\s+(.*)$", line)):
            yield f"{item.group(1)}{item.group(2) + '.' if item.group(2) else '-'} {item.group(3)}"
        else:
            yield line


def _words(value: Any) -> str | None:
    return str(value).strip() or None if value is not None and not isinstance(value, (dict, list)) else None


def _url(value: Any) -> str | None:
    words = _words(value)
    return words if words and words.startswith(("https://", "http://")) else None


def _several(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else str(value).split(",") if value else []
    return tuple(str(one).strip() for one in values if str(one).strip())
