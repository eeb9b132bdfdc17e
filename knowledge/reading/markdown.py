"""Markdown and MDX -> light Markdown: front matter read, components and HTML turned into plain blocks. Floor: pure.

Code passes through untouched. Every expression here takes time in proportion to its line: what people upload is not
always meant well.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence

from knowledge.reading.boilerplate import is_boilerplate
from knowledge.reading.containers import NOTES, TAG, TITLED, attributes_of, title_of, unfold
from knowledge.reading.fences import lines_with_code, whole_fences
from knowledge.reading.front_matter import particulars, split_front_matter
from knowledge.reading.light import HEADING, IMAGE, LINK, first_heading, tidy
from knowledge.reading.result import Reading

QUOTE_ALERT = re.compile(r"^(\s*+>)\s*+\[!(\w++)\][-+]?\s*+(.*)$")
DOCSIFY = re.compile(r"^\s*+([!?])>\s++(.*)$")
DIRECTIVE = re.compile(r"^(\s*+)(```++|~~~++|:::++)\{([\w-]++)\}\s*+(.*)$")
ESM = re.compile(
    r"^(?:import\s++(?:[\"'][^\"']*+[\"']|[\w*{}$,\s]{1,500}?\bfrom\s*+[\"'][^\"']*+[\"'])\s*+;?\s*+$"
    r"|import\s++\{[^}]*+$|import\s++[\w$]++,\s*+\{[^}]*+$"
    r"|export\s++(?:default\b|(?:const|let|var|function|class|async)\s|\*\s*+from|\{))"
)
EXPRESSION = re.compile(r"^\s*+\{(?:props|frontmatter|metadata|children|[A-Z][\w.]*+)[\w.$]*+\}\s*+$")
DROPPED_LINE = re.compile(
    r"^\s*+(?:\[TOC\]|\[\[_?toc_?\]\]|\{:\s*+toc\s*+\}|\{[%:][^{}]*+\}|\{#[\w-]++\}|\\(?:newpage|pagebreak)"
    r"|[-;]++8<[-]++.*|<<<\s*+@.*|@import\s.*|@\[[\w-]++\]\(.*\))\s*+$",
    re.I,
)
BLOCK_TAGS = frozenset(
    """
    accordiongroup cardgroup cards codegroup columns column filetree requestexample responseexample steps tabs
    """.split()  # noqa: SIM905
)
WITH_CONTENT = re.compile(r"<(script|style|svg|iframe|video|audio|object|noscript|canvas|select|button)\b", re.I)
REFERENCE = re.compile(r"^ {0,3}\[([^\]^][^\]]*+)\]:\s*+<?([^\s<>]++)>?(?:\s++[\"'(].*+)?\s*+$")
REFERENCED = re.compile(r"(?<!!)\[([^\[\]]{1,600}+)\]\[([^\[\]]{0,300}+)\]")
FOOTNOTE = re.compile(r"^ {0,3}\[\^[\w-]++\]:\s*+")
WIKI_LINK = re.compile(r"\[\[(?:[^\[\]|]{1,300}+\|)?([^\[\]|]{1,300}+)\]\]")
CODE_SPAN = re.compile(r"(?<!`)(`++)(?:(?!`).{1,2000}?(?<!`))\1(?!`)")
ICON = re.compile(
    r"(?<!\w):(?:material|fontawesome|octicons|simple|fa|heroicons|lucide)-[\w-]++:(?:\{[^{}]{0,200}+\})?"
)
SHORT_INLINE = re.compile(r"\{\{[<%][^{}]{0,500}?[>%]\}\}|\{%[^{}%]{0,500}+%\}")
MARKUP = frozenset("<>[{:&")  # a line without any of these says what it says
HTML_TAGS = frozenset(
    """
    a abbr article aside audio b big blockquote br button caption center cite code col colgroup dd del details div
    dl dt em embed figcaption figure font footer form h1 h2 h3 h4 h5 h6 header hr i iframe img input ins kbd label
    li link main mark meta nav object ol p path picture pre q s samp script section small source span strike strong
    style sub summary sup svg table tbody td tfoot th thead time tr tt u ul var video wbr
    """.split()  # noqa: SIM905 - as it stands in the HTML standard
)


def read_markdown(text: str) -> Reading:
    """Light Markdown of a Markdown or MDX page; title, language, products, audience and date from its front matter."""
    matter, body = split_front_matter(_one_newline(text))
    known = particulars(matter)
    plain = canonical_markdown(body)
    if not plain.strip() and known.description:
        plain = tidy(known.description)  # a page that a program fills: what it says of itself is all there is
    return Reading(
        text=plain,
        title=known.title or first_heading(plain),
        language=known.language,
        url=known.url,
        products=known.products,
        audience=known.audience,
        changed_at=known.changed_at,
    )


def canonical_markdown(text: str) -> str:
    """Any Markdown dialect as light Markdown: no raw HTML, no images, no components, relative links as words."""
    text = _one_newline(text).replace("\t", "    ")
    text = _outside_code("\n".join(_directives(text.split("\n"))), _without_html_blocks)
    closed = _closed_names(text)
    text = _outside_code(text, lambda part: _blocks_on_lines(_tags_on_one_line(part), closed))
    lines = unfold(list(_without_modules(text.split("\n"))))
    references = dict(_references(lines))
    written: list[str] = []
    for line, is_code in lines_with_code(_fenced_indents(lines)):
        if is_code:
            written.append(line.rstrip())
        elif line[:1].isalnum() or not any(kind.match(line) for kind in (REFERENCE, DROPPED_LINE, EXPRESSION)):
            written += _plain_lines(line, closed, references)
    kept = (line if is_code or not is_boilerplate(line) else "" for line, is_code in lines_with_code(_setext(written)))
    return tidy("\n".join(whole_fences(kept)))


def _one_newline(text: str) -> str:
    return re.sub(r"\r\n?|\u2028|\u2029|\x0b|\x0c|\x85", "\n", text).lstrip("\ufeff")


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """`change` applied to each stretch of text between fenced code blocks."""
    parts: list[tuple[bool, list[str]]] = []
    for line, is_code in lines_with_code(text.split("\n")):
        if not parts or parts[-1][0] != is_code:
            parts.append((is_code, []))
        parts[-1][1].append(line)
    return "\n".join("\n".join(lines) if is_code else change("\n".join(lines)) for is_code, lines in parts)


def _directives(lines: Sequence[str]) -> Iterator[str]:
    """MyST's notes, written as code fences with a name in braces, as `:::` containers."""
    closing = ""
    for line in lines:
        match = DIRECTIVE.match(line)
        if match and match.group(3) in NOTES and not closing:
            closing = match.group(2)
            yield f"{match.group(1)}:::{match.group(3)} {match.group(4)}"
        elif match and match.group(3) in ("code-block", "code", "sourcecode"):
            yield f"{match.group(1)}{match.group(2)}{match.group(4)}"
        elif closing and line.strip() == closing:
            closing = ""
            yield ":::"
        else:
            yield line


def _without_html_blocks(text: str) -> str:
    """Comments, scripts and frames dropped with what is in them; HTML tables and code become Markdown's."""
    text = _between(text, re.compile("<!--"), "-->", lambda _: "")
    text = _between(text, re.compile(r"\{/\*"), "*/}", lambda _: "")
    text = re.sub(r"\{\s?[\"']\s*[\"']\s?\}", " ", text)
    for name in {match.group(1).lower() for match in WITH_CONTENT.finditer(text)}:
        text = _between(text, re.compile(rf"<{name}\b", re.I), f"</{name}>", lambda _: "")
    for name in ("table", "pre", "dl"):
        if f"<{name}" in text.lower():
            text = _between(text, re.compile(rf"<{name}\b", re.I), f"</{name}>", _from_html)
    return text


def _from_html(fragment: str) -> str:
    from knowledge.reading.html import fragment_to_markdown

    return f"\n\n{fragment_to_markdown(fragment)}\n\n"


def _between(text: str, opening: re.Pattern[str], closing: str, change: Callable[[str], str]) -> str:
    """Each stretch from an opening mark to its closing one, changed; what is never closed stays."""
    parts: list[str] = []
    position = 0
    lower = text.lower()
    while (match := opening.search(text, position)) and (end := lower.find(closing, match.end())) >= 0:
        end += len(closing)
        if _in_code_span(text, match.start()):
            parts.append(text[position:end])
        else:
            parts += [text[position : match.start()], change(text[match.start() : end])]
        position = end
    return "".join([*parts, text[position:]])


def _in_code_span(text: str, place: int) -> bool:
    start = text.rfind("\n", 0, place) + 1
    return text.count("`", start, place) % 2 == 1


def _closed_names(text: str) -> frozenset[str]:
    """Names of the tags that are closed somewhere: a capitalised word in angle brackets may be a placeholder."""
    return frozenset(re.findall(r"</([A-Za-z][\w.-]*+)\s*+>", text))


def _tags_on_one_line(text: str) -> str:
    """A component whose attributes stand on lines of their own, on one line: the rest is read line by line."""
    return TAG.sub(lambda tag: " ".join(tag.group(0).split()) if "\n" in tag.group(0) else tag.group(0), text)


def _blocks_on_lines(text: str, closed: frozenset[str]) -> str:
    """Notes, tabs and the like opened or closed within a line get lines of their own."""
    lines: list[str] = []
    for line in text.split("\n"):
        if "<" not in line or line.lstrip().startswith("|"):
            lines.append(line)
            continue
        margin = line[: len(line) - len(line.lstrip())]
        spans = [m.span() for m in CODE_SPAN.finditer(line)]
        position = 0
        for tag in TAG.finditer(line):
            if _is_block(tag, closed) and not any(start <= tag.start() < end for start, end in spans):
                lines += [
                    margin + part.strip() for part in (line[position : tag.start()], tag.group(0)) if part.strip()
                ]
                position = tag.end()
        rest = line[position:]
        if not position or rest.strip():
            lines.append(margin + rest.strip() if position else line)
    return "\n".join(lines)


def _is_block(tag: re.Match[str], closed: frozenset[str]) -> bool:
    name = tag.group(1)
    kind = name.lower().split(".")[-1]
    if name in ("details", "summary"):
        return name == "details"
    return name[0].isupper() and name in closed and kind in NOTES | TITLED | BLOCK_TAGS


def _without_modules(lines: Sequence[str]) -> Iterator[str]:
    """The lines without the imports and exports of MDX, over as many lines as their brackets stay open."""
    depth = 0
    is_module = False
    for line, is_code in lines_with_code(lines):
        if is_code and not is_module:
            yield line
            continue
        if not is_module and not ESM.match(line):
            yield line
            continue
        depth += sum(line.count(mark) for mark in "{[(") - sum(line.count(mark) for mark in "}])")
        is_module = depth > 0 and bool(line.strip() or depth)
        depth = max(depth, 0)


def _references(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line, is_code in lines_with_code(lines):
        if not is_code and (match := REFERENCE.match(line)):
            yield match.group(1).lower(), match.group(2)


def _fenced_indents(lines: Sequence[str]) -> Iterator[str]:
    """Code that is only indented, outside of lists, gets a fence."""
    in_list = in_code = False
    before_blank = True
    waiting: list[str] = []  # empty lines that may belong to the code
    for line, is_code in lines_with_code(lines):
        indented = line.startswith("    ") and bool(line.strip()) and not is_code
        if in_code and not indented and line.strip():
            yield from ("```", *waiting)
            waiting, in_code = [], False
        if in_code and not line.strip():
            waiting.append("")
            continue
        if indented and (in_code or (before_blank and not in_list and not _looks_like_prose(line))):
            if not in_code:
                yield "```"
            yield from (*waiting, line[4:])
            waiting, in_code = [], True
            continue
        if not is_code and line.strip() and not line.startswith(" "):
            in_list = bool(re.match(r"(?:[-*+]|\d+[.)])\s", line))
        elif re.match(r" {1,3}(?:[-*+]|\d+[.)])\s", line):
            in_list = True
        before_blank = not line.strip()
        yield line
    if in_code:
        yield "```"


def _looks_like_prose(line: str) -> bool:
    """An indented paragraph, list, note or tag is no code, whatever the rules say: people indent within components."""
    return bool(
        re.match(r"\s+(?:[-*+>|<!]|\d+[.)] |\[|#+ )", line) or re.match(r"\s+[A-ZÀ-Þ][\w'’]*(?: [\w'’,-]+){4}", line)
    )


def _plain_lines(line: str, closed: frozenset[str], references: dict[str, str]) -> list[str]:
    """One line outside code, with its tags resolved, as one or more lines."""
    if MARKUP.isdisjoint(line):
        return [line]
    if match := QUOTE_ALERT.match(line):
        return [f"{match.group(1)} **{match.group(3) or match.group(2).capitalize()}**"]
    if match := DOCSIFY.match(line):
        return [f"> **{'Important' if match.group(1) == '!' else 'Tip'}** {match.group(2)}"]
    pieces: list[str] = []
    position = 0
    spans = [m.span() for m in CODE_SPAN.finditer(line)] if "`" in line else []
    for tag in TAG.finditer(line) if "<" in line else ():
        in_code = any(start <= tag.start() < end for start, end in spans)
        if in_code or not _is_markup(tag, closed):
            continue
        pieces += [line[position : tag.start()], _tag_words(tag)]
        position = tag.end()
    pieces.append(line[position:])
    whole = "".join(pieces)
    if position and not whole.strip():
        return [""]
    return [_inline(one, references) for one in whole.split("\n")]


def _is_markup(tag: re.Match[str], closed: frozenset[str]) -> bool:
    """Whether a tag is HTML or a component, and not a placeholder like <Your domain>."""
    name, rest = tag.group(1), tag.group(2).strip()
    if name.lower() in HTML_TAGS:
        return rest in ("", "/") or "=" in rest or name.islower()
    if not (name[0].isupper() or "." in name or "-" in name):
        return False
    return name in closed or rest.endswith("/") or re.match(r"[\w:-]++\s*+=\s*+[\"'{]|\{\.\.\.", rest) is not None


def _tag_words(tag: re.Match[str]) -> str:
    """What stands in the text for one tag: a line break, a component's title, or nothing."""
    name, closing = tag.group(1).lower(), tag.group(0).startswith("</")
    if name == "br":
        return " "
    if name in ("b", "strong"):
        return "**"
    if name in ("code", "kbd", "samp"):
        return "`"
    if name == "li":
        return "" if closing else "\n- "
    if name in ("h1", "h2", "h3", "h4", "h5", "h6"):
        return "\n" if closing else f"\n{'#' * int(name[1])} "
    if name in HTML_TAGS:
        return "\n" if name in ("p", "div", "ul", "ol", "tr", "dt", "dd", "summary", "figcaption") else ""
    attributes = attributes_of(tag.group(2)) if not closing else {}
    if not tag.group(0).endswith("/>") or name in ("image", "img", "icon", "video", "snippet"):
        return ""
    title, words = title_of(attributes), attributes.get("description") or attributes.get("text", "")
    if name in ("badge", "key", "kbd", "button"):
        return words or title
    return "\n".join(["", f"**{title}**" if title else "", words if words != title else "", ""]) if title else words


def _inline(line: str, references: dict[str, str]) -> str:
    """Images dropped, reference links resolved, links that lead nowhere outside of their site as their words."""
    if "[" in line:
        line = IMAGE.sub("", line)
        line = FOOTNOTE.sub("", line)
        line = re.sub(r"(?<=\S)\[\^[\w-]{1,60}+\]", "", line)
        line = REFERENCED.sub(lambda m: _resolved(m, references), line)
        line = LINK.sub(lambda m: m.group(0) if _is_absolute(m.group(2)) else m.group(1), line)
        line = WIKI_LINK.sub(r"\1", line)
    if "{" in line:
        line = SHORT_INLINE.sub("", line)
        line = re.sub(r"\s*+\{[#.:][^{}\n]*+\}\s*+$", "", line)
    if "<" in line:
        line = re.sub(r"<((?:https?://|mailto:)[^<>\s]{1,2000}+)>", r"\1", line)
    if ":" in line:
        line = ICON.sub("", line)
    return html.unescape(line) if "&" in line else line


def _resolved(link: re.Match[str], references: dict[str, str]) -> str:
    url = references.get((link.group(2) or link.group(1)).lower())
    return link.group(0) if url is None else f"[{link.group(1)}]({url})"


def _is_absolute(url: str) -> bool:
    return url.startswith(("http://", "https://", "mailto:", "tel:"))


def _setext(lines: Sequence[str]) -> Iterator[str]:
    """Headings underlined with === or --- become # headings; rules between paragraphs go; lists get one mark."""
    flagged = list(lines_with_code(lines))
    skip = False
    for i, (line, is_code) in enumerate(flagged):
        if skip:
            skip = False
            continue
        if is_code:
            yield line
            continue
        following = flagged[i + 1][0] if i + 1 < len(flagged) and not flagged[i + 1][1] else ""
        is_words = bool(line.strip()) and not re.match(r"\s*([#>|*+-]|\d+[.)] )", line)
        alone = i == 0 or not flagged[i - 1][0].strip()
        if is_words and alone and re.fullmatch(r" {0,3}(=+|-{2,})\s*", following):
            yield f"{'#' if following.strip()[0] == '=' else '##'} {line.strip()}"
            skip = True
        elif re.fullmatch(r" {0,3}([-*_])(?: *\1){2,}\s*", line):
            yield ""
        elif match := HEADING.match(line):
            yield f"{match.group(1)} {match.group(2)}" if match.group(2) else ""
        elif item := re.match(r"^(\s*)(?:[*+-]|(\d{1,9})[.)])\s+(.*)$", line):
            yield f"{item.group(1)}{item.group(2) + '.' if item.group(2) else '-'} {item.group(3)}"
        else:
            yield line
