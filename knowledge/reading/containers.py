"""Notes, tabs, steps, accordions of every Markdown dialect -> quotes, numbered steps, titled blocks. Floor: pure.

MDX components, `:::` containers, `!!!` and `===` blocks, GitBook and Hugo shortcodes are all the same thing: a kind, a
title and the lines inside. They are found here once, whatever they look like, and written as light Markdown.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.reading.fences import FENCE, lines_with_code

NOTES = frozenset(
    """
    note notes tip info information warning warn caution danger check important success question hint callout example
    alert admonition aside attention error failure bug abstract summary-note quote tldr seealso remember
    """.split()  # noqa: SIM905
)
TITLED = frozenset(
    """
    card linkcard accordion accordionitem tab tabitem tabpanel step expandable update details collapse collapsible
    toggle disclosure panel faq faqitem section paramfield responsefield frame
    """.split()  # noqa: SIM905
)
SECTIONS = frozenset(
    """
    accordion accordionitem expandable details collapse collapsible toggle disclosure faq faqitem
    """.split()  # noqa: SIM905
)
TITLE_NAMES = ("title", "label", "question", "heading", "header", "summary", "name", "path", "query", "body", "caption")
WORDS_NAMES = ("description", "caption", "text", "content")
# attributes hold quotes, and braces up to three deep; possessive, so that no input makes it try twice
ATTRIBUTES = r"""(?:[^<>"'{}]|"[^"<]*+"|'[^'<]*+'|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*+\})*+\})*+\})*+"""
TAG = re.compile(rf"</?+([A-Za-z][\w.-]*+)(?=[\s/>])({ATTRIBUTES})>")
ATTRIBUTE = re.compile(r"""([\w:-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|\{\s*+["'`]([^"'`]*+)["'`]\s*+\})""")
ADMONITION = re.compile(r"^( *+)(?:!!!|\?\?\?\+?)\s+([\w-]+)(?:\s+(?:inline|end))*\s*(?:\"([^\"]*)\")?\s*$")
ADMONITION_BARE = re.compile(r"^( *+)(?:!!!|\?\?\?\+?)\s+([\w-]+)\s+(\S.*)$")
TABBED = re.compile(r"^( *+)===[!+]?\s+\"([^\"]+)\"\s*$")
COLONS = re.compile(r"^\s*+(:{3,})\s*+(?:\{?\.?([A-Za-z][\w-]*+)\}?)?\s*+(.*)$")
BRACED = re.compile(r"^\s*+\{%-?\s*+(end)?(\w++)\s*+(.*?)-?%\}\s*$")
SHORTCODE = re.compile(r"^\s*+\{\{[<%]\s*+(/?)\s*+(\w[\w/-]*+)\s*+(.*?)/?[>%]\}\}\s*$")
SECTION = re.compile(r" {0,3}(#{1,6}) ")
OPENERS = frozenset("!?=:{<")  # what the first line of a container begins with
LONG_STEP_CHARS = 1500  # a step longer than this is a section of its own


@dataclass(frozen=True, slots=True)
class Container:
    """One block as it was opened. `family` is how it is closed: by a tag, colons, a shortcode."""

    family: str
    kind: str
    title: str
    words: str = ""


def unfold(lines: Sequence[str], level: int = 1, depth: int = 0) -> list[str]:
    """The lines with every container written as light Markdown; `level` is that of the heading they stand below."""
    if depth > 12:
        return list(lines)
    written: list[str] = []
    flagged = list(lines_with_code(lines))
    pairs = _pairs(flagged)
    i = 0
    while i < len(flagged):
        line, is_code = flagged[i]
        i += 1
        if is_code:
            written.append(line)
            continue
        if heading := SECTION.match(line):
            level = len(heading.group(1))
        may_open = line.lstrip()[:1] in OPENERS
        opened = _indented(line) or _fenced(line) if may_open else None
        if opened is None:
            written += [""] if may_open and not line.lstrip().startswith("<") and _closes(line) else [line]
            continue
        inside, i = _inside(flagged, i, opened, pairs)
        indent = len(line) - len(line.lstrip())
        block = _written(opened, inside, level, depth, is_last=_ends_here(flagged, i))
        written += (
            [f"{' ' * indent}{one}" if one else "" for one in block] if indent < 4 or _in_list(written) else block
        )
    return written


def attributes_of(source: str) -> dict[str, str]:
    """The attributes of a tag or shortcode that are plain words."""
    found = ATTRIBUTE.finditer(source)
    return {m.group(1).lower(): html.unescape(m.group(2) or m.group(3) or m.group(4) or "").strip() for m in found}


def title_of(attributes: dict[str, str]) -> str:
    return next((attributes[name] for name in TITLE_NAMES if attributes.get(name)), "")


def _indented(line: str) -> Container | None:
    """A block whose content is indented below it: MkDocs' admonitions and tabs."""
    if match := ADMONITION.match(line):
        title = match.group(3) if match.group(3) is not None else match.group(2).capitalize()
        return Container("indent", "details" if "???" in line and title.endswith("?") else "note", title)
    if match := ADMONITION_BARE.match(line):
        return Container("indent", "note", match.group(3))
    if match := TABBED.match(line):
        return Container("indent", "tab", match.group(2))
    return None


def _fenced(line: str) -> Container | None:
    """A block that is opened and closed by lines of their own."""
    if match := COLONS.match(line):
        if not match.group(2) and not match.group(3):
            return None
        title = match.group(3).strip(' []"')
        title = title_of(attributes_of(title)) or ("" if "=" in title or title.startswith("{") else title)
        return Container(match.group(1), (match.group(2) or "note").lower(), title)
    if match := BRACED.match(line):
        known = match.group(2) in ("hint", "tab", "step", "callout", "note", "alert", "details", "content")
        attributes = attributes_of(match.group(3))
        kind = "note" if match.group(2) in ("hint", "alert") else match.group(2)
        title = title_of(attributes) or attributes.get("style", "").capitalize()
        return Container(f"{{%{match.group(2)}", kind, title) if known and not match.group(1) else None
    if match := SHORTCODE.match(line):
        name = match.group(2).lower()
        if match.group(1) or name not in NOTES | TITLED or line.rstrip().endswith("/>}}"):
            return None
        attributes = attributes_of(match.group(3))
        bare = re.match(r'"([^"]+)"', match.group(3))
        return Container(f"{{<{name}", name, title_of(attributes) or (bare.group(1) if bare else ""))
    return _component(line)


def _component(line: str) -> Container | None:
    """A component, or <details>, that is opened by a tag alone on its line."""
    match = TAG.fullmatch(line.strip()) if line.lstrip().startswith("<") else None
    if match is None or match.group(0).startswith("</") or match.group(2).rstrip().endswith("/"):
        return None
    name = match.group(1)
    if not (name[0].isupper() or name.lower() in ("details", "aside")):
        return None
    attributes = attributes_of(match.group(2))
    kind = name.lower().split(".")[-1]
    title = title_of(attributes)
    if kind in ("admonition", "callout", "aside", "alert") and not title:
        title = attributes.get("type", "").capitalize() or "Note"
    return Container(f"<{name}", kind, title, next((attributes[n] for n in WORDS_NAMES if attributes.get(n)), ""))


def _inside(
    flagged: Sequence[tuple[str, bool]], start: int, opened: Container, pairs: dict[int, int]
) -> tuple[list[str], int]:
    """The lines within the container opened just before `start`, without their indent, and where the text goes on."""
    if opened.family == "indent":
        line = flagged[start - 1][0]
        margin = " " * (len(line) - len(line.lstrip()) + 4)
        end = start
        while end < len(flagged) and (not flagged[end][0].strip() or flagged[end][0].startswith(margin)):
            end += 1
        return [one[len(margin) :] for one, _ in flagged[start:end]], end
    end = pairs.get(start - 1, -1)
    if end < 0:
        return [], start  # never closed: its line goes, what follows stays as it is
    return _dedented([words for words, _ in flagged[start:end]]), end + 1


def _pairs(flagged: Sequence[tuple[str, bool]]) -> dict[int, int]:
    """Where each container that is opened is closed, by line; found in one pass, whatever is left open."""
    waiting: dict[str, list[int]] = {}
    pairs: dict[int, int] = {}
    for i, (line, is_code) in enumerate(flagged):
        if is_code or line.lstrip()[:1] not in OPENERS:
            continue
        if (closed := _closes(line)) is not None:
            if waiting.get(closed):
                pairs[waiting[closed].pop()] = i
        elif (opened := _fenced(line)) is not None:
            waiting.setdefault(opened.family, []).append(i)
    return pairs


def _closes(line: str) -> str | None:
    """The family of containers that a line closes, None for a line that closes none."""
    stripped = line.strip()
    if re.fullmatch(r":{3,}", stripped):
        return stripped
    if match := re.fullmatch(r"</([A-Za-z][\w.-]*+)\s*>", stripped):
        return f"<{match.group(1)}"
    if (match := BRACED.match(line)) and match.group(1):
        return f"{{%{match.group(2)}"
    if (match := SHORTCODE.match(line)) and match.group(1):
        return f"{{<{match.group(2).lower()}"
    return None


def _ends_here(flagged: Sequence[tuple[str, bool]], i: int) -> bool:
    """Whether what comes next begins a section of its own, or nothing comes."""
    rest = (one for one, _ in flagged[i:] if one.strip())
    following = next(rest, None)
    if following is None or SECTION.match(following):
        return True
    opened = _fenced(following) or _indented(following)
    return opened is not None and opened.kind in SECTIONS


def _written(opened: Container, inside: list[str], level: int, depth: int, *, is_last: bool) -> list[str]:
    kind, title = opened.kind, opened.title
    if kind == "details" and not title:
        title, inside = _summary(inside)
    if kind == "steps":
        return _steps(inside, level, depth)
    is_section = bool(title) and (kind in SECTIONS or kind == "step") and is_last
    block = unfold(inside, min(level + 1, 6) if is_section else level, depth + 1)
    if kind in NOTES:
        return ["", *quoted([f"**{title or kind.capitalize()}**", *_trimmed(block)]), ""]
    if not title:
        return ["", *block, ""]
    words = [opened.words, ""] if opened.words and opened.words != title else []
    if is_section:
        return ["", f"{'#' * min(level + 1, 6)} {title}", "", *words, *block, ""]
    return ["", f"**{title}**", "", *words, *block, ""]


def _steps(inside: list[str], level: int, depth: int) -> list[str]:
    """Steps as a numbered list; as sections where one of them is long or has sections of its own."""
    steps: list[tuple[str, list[str]]] = []
    other: list[str] = []
    flagged = list(lines_with_code(inside))
    pairs = _pairs(flagged)
    i = 0
    while i < len(flagged):
        line, is_code = flagged[i]
        opened = None if is_code else _component(line) or _fenced(line)
        i += 1
        if opened is None or opened.kind != "step":
            (steps[-1][1] if steps else other).append(line)
            continue
        block, i = _inside(flagged, i, opened, pairs)
        steps.append((opened.title, block))
    if not steps:
        return ["", *unfold(inside, level, depth + 1), ""]
    is_long = any(
        sum(map(len, block)) > LONG_STEP_CHARS or any(SECTION.match(one) for one in block) for _, block in steps
    )
    written = ["", *unfold(other, level, depth + 1), ""]
    for number, (title, block) in enumerate(steps, 1):
        lines = _trimmed(unfold(block, level + 1, depth + 1))
        if is_long:
            written += ["", f"{'#' * min(level + 1, 6)} {number}. {title}".rstrip(), "", *lines, ""]
            continue
        first, *more = [f"**{title}**", *lines] if title else lines or [""]
        written += [f"{number}. {first}", *(f"   {one}" if one.strip() else "" for one in more)]
    return [*written, ""]


def _summary(inside: list[str]) -> tuple[str, list[str]]:
    """The words of <summary> and the lines without it."""
    whole = "\n".join(inside)
    match = re.search(r"<summary[^<>]*>((?:(?!</summary>).)*)</summary>", whole[:5000], re.S | re.I)
    if match is None:
        return "", inside
    title = " ".join(re.sub(r"<[^<>]*>", "", match.group(1)).split()).strip("*# ")
    return title, (whole[: match.start()] + "\n\n" + whole[match.end() :]).split("\n")


def quoted(lines: list[str]) -> list[str]:
    """Lines as a `> ` note; a block with code or a table in it stays as it is, below its title, to stay readable."""
    lines = _trimmed(lines)
    if any(FENCE.match(line) or line.lstrip().startswith("|") for line in lines):
        return lines
    return [f"> {line}".rstrip() for line in lines]


def _trimmed(lines: list[str]) -> list[str]:
    start, end = 0, len(lines)
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return lines[start:end]


def _dedented(lines: list[str]) -> list[str]:
    margin = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    return [line[margin:] for line in lines]


def _in_list(written: Sequence[str]) -> bool:
    """Whether the last line at the margin is a list item: what is indented below it belongs to it."""
    for line in reversed(written):
        if line.strip() and not line.startswith(" "):
            return bool(re.match(r"(?:[-*+]|\d+[.)])\s", line))
        if re.match(r"\s+(?:[-*+]|\d+[.)])\s", line):
            return True
    return False
