"""Light Markdown -> the smallest stretches that are never cut: a table row, a list step, a code block, a sentence.

Floor: pure. `chunking.py` packs them into passages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from knowledge.reading.fences import FENCE
from knowledge.reading.light import HEADING, plain_words

Kind = Literal["heading", "row", "step", "code", "note", "sentence"]
ITEM = re.compile(r"^(\s*)(?:-|(\d{1,9})\.)\s+\S")
LIST_CHARS = 2400  # a numbered list stays whole up to here; a longer one is cut between its steps
CODE_CHARS = 6000  # a block of code stays whole up to here; a longer one is cut between its lines
LEAD_CHARS = 300
# a sentence ends at .!? with closing quotes, before a blank and something that can begin a sentence
SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]*_`]*\s+(?=[\"'“‘(\[*_`¿¡]*[A-ZÀ-ÞА-Я0-9])|[。！？]+|\n(?=\S)", re.S)
ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|no|nr|approx|fig|mr|mrs|ms|dr|st|inc|ltd|co|cf|al|max|min|tel|art|bzw|z\.b)|\b[A-Z])\.\s+$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Atom:
    """An uncuttable stretch `text[start:end]`. `level` and `words` belong to headings, `number` to steps (0: a bullet).

    `lead` is what was said above and must be read with it: a table's header row, the sentence before a list.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    words: str = ""
    lead: str = ""
    glued: bool = False  # must not begin a passage: it belongs to the atom before (a header row's rule, a list's rest)
    number: int = 0


def split_atoms(text: str) -> list[Atom]:
    """The atoms of a light Markdown text in order; together they hold every character that is not blank."""
    return list(_with_whole_lists(text, [atom for block in _blocks(text) for atom in _atoms_of(text, *block)]))


def split_sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Offsets of the sentences within `text[start:end]`, blanks between them left out."""
    begin = start
    for match in SENTENCE_END.finditer(text, start, end):
        if match.group(0) != "\n" and ABBREVIATION.search(text[max(begin, match.end() - 12) : match.end()]):
            continue
        if text[begin : match.end()].strip():
            yield _trimmed(text, begin, match.end())
        begin = match.end()
    if text[begin:end].strip():
        yield _trimmed(text, begin, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _line_spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end
        start = end + 1


def _blocks(text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Runs of lines: code, heading, table, list, note, paragraph."""
    lines = list(_line_spans(text))
    i = 0
    while i < len(lines):
        line = text[slice(*lines[i])]
        if not line.strip():
            i += 1
            continue
        kind = _kind_of(line)
        j = i + 1
        if kind == "code":
            fence = FENCE.match(line).group(1)  # type: ignore[union-attr]
            while j < len(lines) and text[slice(*lines[j])].strip() != fence:
                j += 1
            j = min(j + 1, len(lines))
        elif kind == "list":
            j = _end_of_list(text, lines, j)
        elif kind != "heading":
            while j < len(lines) and text[slice(*lines[j])].strip() and _continues(kind, text[slice(*lines[j])]):
                j += 1
        yield kind, lines[i:j]
        i = j


def _kind_of(line: str) -> str:
    if FENCE.match(line):
        return "code"
    if (heading := HEADING.match(line)) and heading.group(2):
        return "heading"
    if line.lstrip().startswith("|"):
        return "table"
    if line.lstrip().startswith(">"):
        return "note"
    return "list" if ITEM.match(line) else "paragraph"


def _continues(kind: str, line: str) -> bool:
    other = _kind_of(line)
    return other == kind or (kind == "note" and other == "paragraph")


def _end_of_list(text: str, lines: list[tuple[int, int]], j: int) -> int:
    """Where a list ends: at a line that is neither an item nor indented, blanks and code inside steps included."""
    fence = ""
    last = j
    while j < len(lines):
        line = text[slice(*lines[j])]
        indented = line.startswith("  ")
        if fence:
            fence = "" if line.strip() == fence else fence
        elif not line.strip():
            j += 1
            continue
        elif match := FENCE.match(line):
            if not indented:
                break
            fence = match.group(1)
        elif not (ITEM.match(line) or indented or (last == j and _kind_of(line) == "paragraph")):
            break
        j += 1
        last = j
    return last


def _atoms_of(text: str, kind: str, lines: list[tuple[int, int]]) -> Iterator[Atom]:
    start, end = _trimmed(text, lines[0][0], lines[-1][1])
    if kind == "heading":
        match = HEADING.match(text[start:end])
        assert match is not None, "blocks are headings by the same expression"
        yield Atom("heading", start, end, len(match.group(1)), plain_words(match.group(2)))
    elif kind == "table":
        yield from _rows(text, lines)
    elif kind == "list":
        yield from _steps(text, lines)
    elif kind == "code":
        yield from _code(text, start, end)
    elif kind == "note":
        yield Atom("note", start, end)
    else:
        for sentence in split_sentences(text, start, end):
            yield Atom("sentence", *sentence)


def _rows(text: str, lines: list[tuple[int, int]]) -> Iterator[Atom]:
    """Header and rule stay with the first row; each later row carries the header as its lead."""
    has_header = len(lines) > 1 and re.fullmatch(r"[\s|:-]+", text[slice(*lines[1])]) is not None
    head = text[slice(*lines[0])].strip() if has_header else ""
    for i, line in enumerate(lines):
        start, end = _trimmed(text, *line)
        later = has_header and i >= 2
        yield Atom("row", start, end, lead=head if later else "", glued=has_header and 1 <= i <= 2)


def _steps(text: str, lines: list[tuple[int, int]]) -> Iterator[Atom]:
    """One atom a top-level step, with everything that is nested in it."""
    items = [(start, match) for start, end in lines if (match := ITEM.match(text[start:end]))]
    margin = min(len(match.group(1)) for _, match in items)
    tops = [(start, int(match.group(2) or 0)) for start, match in items if len(match.group(1)) <= margin + 1]
    ends = [start for start, _ in tops[1:]] + [lines[-1][1]]
    for i, ((start, number), end) in enumerate(zip(tops, ends, strict=True)):
        begin = lines[0][0] if i == 0 else start
        yield Atom("step", *_trimmed(text, begin, end), number=number)


def _code(text: str, start: int, end: int) -> Iterator[Atom]:
    """A block of code; one that is too long falls into runs of lines, at its empty lines where it has some."""
    while end - start > CODE_CHARS:
        stop = text.rfind("\n\n", start + CODE_CHARS // 2, start + CODE_CHARS)
        stop = stop if stop > 0 else text.rfind("\n", start + 1, start + CODE_CHARS)
        stop = stop if stop > 0 else text.find("\n", start + CODE_CHARS, end)
        if stop < 0:
            break
        yield Atom("code", *_trimmed(text, start, stop))
        start = stop + 1
        while start < end and text[start] == "\n":
            start += 1
    yield Atom("code", start, end)


def _with_whole_lists(text: str, atoms: list[Atom]) -> Iterator[Atom]:
    """Numbered lists whose steps hold together, with the code and remarks that stand between the steps.

    A list that is short enough is glued into one; in a longer one each step keeps what follows it, and every step but
    the first carries the sentence before the list as its lead.
    """
    i = 0
    while i < len(atoms):
        end = _end_of_numbers(atoms, i) if atoms[i].kind == "step" and atoms[i].number else i + 1
        run = atoms[i:end]
        is_whole = len(run) > 1 and run[-1].end - run[0].start <= LIST_CHARS
        lead = _lead_before(text, atoms, i) if len(run) > 1 and not is_whole else ""
        yield run[0]
        begin = run[0].start
        for atom in run[1:]:
            if atom.kind == "step":
                begin = atom.start
            glued = is_whole or atom.glued or (atom.kind != "step" and atom.end - begin <= LIST_CHARS)
            yield replace(atom, glued=glued, lead=atom.lead if atom.kind == "row" else lead)
        i = end


def _end_of_numbers(atoms: list[Atom], start: int) -> int:
    """Where the numbered list ends that begins here: after its last step, whatever stands between the steps."""
    last, number = start, atoms[start].number
    for i in range(start + 1, len(atoms)):
        atom = atoms[i]
        if atom.kind == "heading":
            break
        if atom.kind == "step" and atom.number:
            if atom.number != number + 1 and not (last == i - 1 and atom.number > 0):
                break
            last, number = i, atom.number
    return last + 1


def _lead_before(text: str, atoms: list[Atom], i: int) -> str:
    before = atoms[i - 1] if i else None
    if before is None or before.kind != "sentence" or before.end - before.start > LEAD_CHARS:
        return ""
    return text[before.start : before.end]
