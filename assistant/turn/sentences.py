"""Text -> sentences, list items and table rows, each knowing where it stands. Floor: pure.

Reads the canonical light Markdown of `knowledge.documents.Document.text`; offsets count characters of the text given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.turn.phrases import AKIN, STOP

_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|no|nos|mr|mrs|ms|dr|prof|st|fig|art|max|min|incl|excl|ca|cf|tel|dept|inc|ltd|co|jr|sr"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|u\.s|u\.k|a\.m|p\.m)|(?<![^\W\d_])[A-Z])\.$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?:[.!?…]+[\"'”’)\]*_]*|[。！？]+)(?=\s|$)(?:\s*\[\d{1,2}\])*")
_LIST_ITEM = re.compile(r"^(\s{0,8})(?:([-*+•])|(\d{1,3})[.)])\s+(?=\S)")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_RULE_ROW = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")
_MARKER = re.compile(r"\s*\[\d{1,2}\](?!\()")
_NOTE_MARK = re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE)
_NOTE_LABEL = re.compile(r"^\*\*(\w[\w ]{0,20}):?\*\*\s*\n")
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_EMPHASISED = re.compile(r"^\*{1,2}([^*]+)\*{1,2}$")
TERM_WORDS = 2
LISTED_MEASURES = 4  # so many stand below each other

# columns whose cells speak for themselves
_TELLING = re.compile(
    r"\b(?:meaning|means|why|cause|causes|reason|remedy|solution|fix|action|advice|description|what|effect|result)\b",
    re.IGNORECASE,
)

SENTENCE, ITEM, ROW, CODE, FAQ = "sentence", "item", "row", "code", "faq"


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest thing worth quoting: `text[start:end]` of the passage is its exact wording.

    `shown` is the same, readable on its own: one line, no list marker, a row as `say_row` puts it.
    Units of one list, table or paragraph share `group`; `number` is a numbered item's own number.
    """

    kind: str
    shown: str
    start: int
    end: int
    group: int
    number: int | None = None
    heading: str = ""
    cells: tuple[tuple[str, str], ...] = ()  # rows: the name of each filled column and what stands in it


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences in one paragraph, in order, without the white space between them."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if _continues(text, start, match):
            continue
        spans.append((start, match.end()))
        start = match.end()
    spans.append((start, len(text)))
    trimmed = [(a + len(text[a:b]) - len(text[a:b].lstrip()), a + len(text[a:b].rstrip())) for a, b in spans]
    return [(a, b) for a, b in trimmed if a < b]


def _continues(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the full stop found is not the end: an abbreviation, an initial, or a small letter follows."""
    rest = text[match.end() :].lstrip()
    if not rest:
        return False
    stop = match[0].startswith(".")
    if stop and (_ABBREVIATION.search(text[max(start, match.start() - 12) : match.start() + 1]) is not None):
        return True
    if stop and re.fullmatch(r"\W*\d{1,3}", text[start : match.start()].strip()):
        return True
    return rest[0].islower() and not match[0].endswith("\n")


def split_units(text: str, lead: str = "") -> list[Unit]:
    """Every unit of a passage in reading order; headings are not units but name those below them.

    `lead` is the header row of a table in whose middle the text begins.
    """
    return list(_units(text, _cells(lead) if lead else []))


def words_of(text: str) -> list[str]:
    """The words of a text, lower case."""
    return [word.lower() for word in _WORD.findall(text)]


def meanings(text: str) -> frozenset[str]:
    """The content words of a text, those of one meaning (`phrases.AKIN`) become one."""
    return frozenset(_MEANINGS.get(word, word) for word in content_words(text))


def content_words(text: str) -> frozenset[str]:
    """The words that carry meaning, cut to a crude stem."""
    return frozenset(_stem(word) for word in words_of(text) if word not in STOP)


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "edly", "ed", "ies", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


_MEANINGS = {_stem(word): group.split()[0] for group in AKIN for part in group.split() for word in words_of(part)}


def show(text: str) -> str:
    """A stretch of a document as one line of prose: white space folded, footnote markers and marks of a note gone."""
    text = _NOTE_LABEL.sub(r"**\1:** ", _NOTE_MARK.sub("", _MARKER.sub("", text)))
    return " ".join(text.split())


def _units(text: str, lead: Sequence[str]) -> Iterator[Unit]:
    lines = _lines(text)
    at, group, heading = 0, 0, ""
    while at < len(lines):
        start, line = lines[at]
        group += 1
        if not line.strip():
            at += 1
        elif match := _HEADING.match(line):
            heading = match[1]
            at += 1
        elif line.lstrip().startswith("```"):
            at, unit = _code(lines, at, group, heading)
            if unit:
                yield unit
        elif line.lstrip().startswith("|") or (
            at + 1 < len(lines) and "|" in line and _RULE_ROW.match(lines[at + 1][1])
        ):
            at, rows = _table(lines, at, group, heading, lead if at == 0 else ())
            yield from rows
        elif _LIST_ITEM.match(line):
            at, items = _list(lines, at, group, heading)
            yield from items
        else:
            end = at
            while end + 1 < len(lines) and _is_prose(lines[end + 1][1]):
                end += 1
            stop = lines[end][0] + len(lines[end][1])
            for a, b in _with_their_term(text[start:stop]):
                if shown := show(text[start + a : start + b]):
                    yield Unit(SENTENCE, shown, start + a, start + b, group, heading=heading)
            at = end + 1


def _with_their_term(paragraph: str) -> list[tuple[int, int]]:
    """Its sentences; a word or two at its beginning ("Crema.", "No.") belong to what follows."""
    spans = split_sentences(paragraph)
    if len(spans) > 1 and len(words_of(paragraph[slice(*spans[0])])) <= TERM_WORDS:
        return [(spans[0][0], spans[1][1]), *spans[2:]]
    return spans


def _lines(text: str) -> list[tuple[int, str]]:
    found, at = [], 0
    for line in text.split("\n"):
        found.append((at, line))
        at += len(line) + 1
    return found


def _is_prose(line: str) -> bool:
    return bool(line.strip()) and not (
        _HEADING.match(line) or _LIST_ITEM.match(line) or line.lstrip().startswith(("|", "```"))
    )


def _code(lines: Sequence[tuple[int, str]], at: int, group: int, heading: str) -> tuple[int, Unit | None]:
    end = at + 1
    while end < len(lines) and not lines[end][1].lstrip().startswith("```"):
        end += 1
    last = min(end, len(lines) - 1)
    body = "\n".join(line for _, line in lines[at + 1 : end])
    unit = Unit(CODE, f"```\n{body}\n```", lines[at][0], lines[last][0] + len(lines[last][1]), group, heading=heading)
    return end + 1, unit if body.strip() else None


def _table(
    lines: Sequence[tuple[int, str]], at: int, group: int, heading: str, lead: Sequence[str]
) -> tuple[int, list[Unit]]:
    end = at
    while end < len(lines) and "|" in lines[end][1] and lines[end][1].strip():
        end += 1
    rows = [(start, line) for start, line in lines[at:end] if not _RULE_ROW.match(line)]
    has_head = bool(rows) and at + 1 < end and bool(_RULE_ROW.match(lines[at + 1][1]))
    head = _cells(rows[0][1]) if has_head else lead
    units = []
    for start, line in rows[1:] if has_head else rows:
        cells = _named_cells(head, _cells(line))
        if shown := say_row(cells):
            first, last = start + len(line) - len(line.lstrip()), start + len(line.rstrip())
            units.append(Unit(ROW, shown, first, last, group, heading=heading, cells=cells))
    return max(end, at + 1), units


def _cells(line: str) -> list[str]:
    parts = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    return [show(part.replace("\\|", "|")) for part in parts]


def _named_cells(head: Sequence[str], cells: Sequence[str]) -> tuple[tuple[str, str], ...]:
    names = [*head, *[""] * (len(cells) - len(head))]
    filled = [
        (name, _EMPHASISED.sub(r"\1", cell))
        for name, cell in zip(names, cells, strict=False)
        if cell and cell not in ("-", "–", "—")
    ]
    return tuple(filled)


def say_row(cells: Sequence[tuple[str, str]], *, listed: bool = False) -> str:
    """A row as a person would put it: `**E4**: Fan motor. Pull the plug for 10 minutes.`, `**Height**: 32 cm`.

    Columns that tell something in their own words (why, what to do) become sentences; measures keep the column's name.
    `listed`: several such measures stand below each other.
    """
    if not cells:
        return ""
    (_, first), *rest = cells
    if not rest:
        return first
    if len(rest) == 1 and not rest[0][0]:
        return f"**{first}**: {rest[0][1]}"
    if all(_TELLING.search(name) for name, _ in rest):
        return f"**{first}**: " + " ".join(f"{cell[0].upper()}{cell[1:].rstrip('.')}." for _, cell in rest)
    if len(rest) == 1:
        return f"**{first}**: {rest[0][1]}"
    if listed and len(rest) >= LISTED_MEASURES:
        return "\n".join([f"**{first}**", "", *(f"- {name}: {cell}" if name else f"- {cell}" for name, cell in rest)])
    return f"**{first}**: " + "; ".join(f"{name[0].lower()}{name[1:]}: {cell}" if name else cell for name, cell in rest)


def _list(lines: Sequence[tuple[int, str]], at: int, group: int, heading: str) -> tuple[int, list[Unit]]:
    items: list[list[int]] = []  # first and last line of each item
    end = at
    while end < len(lines):
        line = lines[end][1]
        if _LIST_ITEM.match(line):
            items.append([end, end])
        elif not line.strip():
            following = next((i for i in range(end + 1, len(lines)) if lines[i][1].strip()), None)
            if following is None or not (_LIST_ITEM.match(lines[following][1]) or lines[following][1].startswith("  ")):
                break
        elif _is_prose(line) and (line.startswith(" ") or lines[end - 1][1].strip()):
            items[-1][1] = end
        else:
            break
        end += 1
    return end, [_item(lines, first, last, group, heading) for first, last in items]


def _item(lines: Sequence[tuple[int, str]], first: int, last: int, group: int, heading: str) -> Unit:
    match = _LIST_ITEM.match(lines[first][1])
    assert match is not None
    shown = show(" ".join([lines[first][1][match.end() :], *(line for _, line in lines[first + 1 : last + 1])]))
    start = lines[first][0] + match.end()
    number = int(match[3]) if match[3] else None
    return Unit(ITEM, shown, start, lines[last][0] + len(lines[last][1].rstrip()), group, number, heading)
