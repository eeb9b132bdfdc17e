"""Picked units -> an answer's words with markers and citations. Floor: pure.

Every part is quoted exactly (`citations.py`); headings and names of columns are the only words that join them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.turn.citations import Citation, cite
from assistant.turn.phrases import ASKS_FOR_STEPS
from assistant.turn.sentences import CODE, FAQ, ITEM, ROW, SENTENCE, Unit, say_row, words_of
from knowledge.documents import Passage

_LEANS_BACK = re.compile(
    r"^(?:it|this|that|these|those|they|he|she|however|but|so|then|also|otherwise|in this case|if so|such)\b",
    re.IGNORECASE,
)
MARKER = re.compile(r"\[(\d{1,2})\](?!\()")
MOST_LIST_WORDS = 90  # of a longer list only the items that answer are said
_STEPS_ABOVE = re.compile(r"\bsteps? \d+(?:(?:,| and| to|–) ?\d+)* above\b", re.IGNORECASE)
_YES_OR_NO = re.compile(r"(?:yes|no|not)\b", re.IGNORECASE)
_BLOCK_START = re.compile(r"(?:- |\d+\. |```|\*\*)")


@dataclass(frozen=True, slots=True)
class Source:
    """A passage with its units, of which `picked` (positions) are to be said.

    `is_other_question`: it is an FAQ entry that asks something else than the customer, near as it is.
    """

    passage: Passage
    units: tuple[Unit, ...]
    picked: tuple[int, ...]
    is_other_question: bool = False


def write_answer(question: str, sources: Sequence[Source], release: int) -> tuple[str, tuple[Citation, ...]]:
    """Prose with a marker after each stretch that stands together, in the order of `sources`, and its citations."""
    parts: list[str] = []
    citations: list[Citation] = []
    entries = sum(source.units[at].kind == FAQ for source in sources for at in source.picked)
    for source in sources:
        for run in _runs(_complete(question, sorted(source.picked), source.units), source.units):
            n = len(citations) + 1
            text = source.passage.text
            start = back_to_marker(text, run[0].start) if len(run) > 1 else run[0].start
            citations.append(cite(n, source.passage, release, start, run[-1].end))
            # a bare "No." would answer a question that nobody asked, a bare remedy a fault that nobody told of
            bare = _YES_OR_NO.match(run[0].shown) is not None or not run[0].heading.endswith("?")
            named = entries > 1 or (source.is_other_question and bare)
            parts.append(_introduced(_mark(paragraphs(run), n), run, name_entry=named))
    return _join(parts), tuple(citations)


def paragraphs(units: Sequence[Unit]) -> list[str]:
    """Units as Markdown blocks: sentences of a paragraph joined, items and rows as lists, code as it is."""
    blocks: list[str] = []
    last: Unit | None = None
    for unit in units:
        line = _line(unit, alone=len(units) == 1)
        if last is not None and last.group == unit.group:
            blocks[-1] += (" " if unit.kind == SENTENCE else "\n") + line
        else:
            blocks.append(line)
        last = unit
    return blocks


def back_to_marker(text: str, start: int) -> int:
    """The start of the line when only a list marker stands before `start`, so that a quoted list keeps its first."""
    line = text.rfind("\n", 0, start) + 1
    return line if re.fullmatch(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+", text[line:start]) else start


def _introduced(text: str, run: Sequence[Unit], *, name_entry: bool) -> str:
    """Of several FAQ entries each says what it answers; a list of rows or steps is named by its heading."""
    unit = run[0]
    if unit.kind == FAQ and not name_entry:
        return text
    if unit.kind == FAQ or (unit.kind in (ITEM, ROW) and len(run) > 1):
        below = "\n" if unit.kind == FAQ and "\n" not in text else "\n\n"
        return f"**{unit.heading}**{below}{text}" if unit.heading else text
    return text


def _complete(question: str, wanted: Sequence[int], units: Sequence[Unit]) -> list[int]:
    """What was picked, with what it cannot do without: the rest of its list, the sentence it leans on."""
    chosen = set(wanted)
    steps = ASKS_FOR_STEPS.search(question) is not None
    for at in wanted:
        unit = units[at]
        following = units[at + 1] if at + 1 < len(units) else None
        if unit.kind == ITEM and (steps or unit.number is None) and _is_sayable(units, unit.group):
            chosen |= _group(units, unit.group)
            first = min(_group(units, unit.group))
            if first and units[first - 1].kind == SENTENCE and units[first - 1].shown.endswith(":"):
                chosen.add(first - 1)
        elif following and (unit.shown.endswith(":") or (steps and following.number == 1)):
            chosen |= _group(units, following.group)
        elif steps_meant := _STEPS_ABOVE.search(unit.shown):
            numbers = {int(number) for number in re.findall(r"\d+", steps_meant[0])}
            chosen |= {i for i, other in enumerate(units[:at]) if other.number in numbers}
        elif unit.kind == SENTENCE and _LEANS_BACK.match(unit.shown) and at and units[at - 1].group == unit.group:
            chosen.add(at - 1)
    return sorted(chosen)


def _is_sayable(units: Sequence[Unit], group: int) -> bool:
    """Whether a list is short enough to be said whole; numbered steps always are."""
    of_list = [unit for unit in units if unit.group == group]
    return of_list[0].number is not None or sum(len(words_of(unit.shown)) for unit in of_list) <= MOST_LIST_WORDS


def _group(units: Sequence[Unit], group: int) -> set[int]:
    return {i for i, unit in enumerate(units) if unit.group == group}


def _runs(wanted: Sequence[int], units: Sequence[Unit]) -> list[list[Unit]]:
    """Neighbours under one heading, each run to be quoted in one piece."""
    runs: list[list[Unit]] = []
    last = None
    for at in wanted:
        if last is not None and at == last + 1 and units[at].heading == units[last].heading:
            runs[-1].append(units[at])
        else:
            runs.append([units[at]])
        last = at
    return runs


def _line(unit: Unit, *, alone: bool) -> str:
    if unit.kind in (CODE, FAQ):
        return unit.shown
    if unit.kind == ROW and alone and unit.cells:
        row = say_row(unit.cells, listed=True)
        return row if row[-1] in ".!?:" or "\n" in row else f"{row}."
    if unit.kind == ITEM and unit.number is not None and not alone:
        return f"{unit.number}. {unit.shown}"
    if unit.kind in (ITEM, ROW) and not alone:
        return f"- {unit.shown}"
    shown = unit.shown if unit.shown[-1:] in '.!?:…”"' else f"{unit.shown}."
    return shown[0].upper() + shown[1:] if shown[0].islower() and not re.match(r"\w*[\d_./]", shown) else shown


def _mark(blocks: Sequence[str], n: int) -> str:
    """The blocks with `[n]` at the end of the last."""
    *head, tail = blocks
    glue = "\n\n" if tail.endswith("```") else " "
    return "\n\n".join([*head, f"{tail}{glue}[{n}]"])


def _join(parts: Sequence[str]) -> str:
    """Plain stretches run on as one paragraph; anything with a list, table or code stands on its own."""
    text = ""
    for part in parts:
        last = text.rsplit("\n\n", 1)[-1]
        plain = "\n" not in part + last and not _BLOCK_START.match(part)
        glue = " " if plain and not _BLOCK_START.match(last) else "\n\n"
        text = f"{text}{glue}{part}" if text else part
    return text


def join_answers(
    answers: Sequence[tuple[str, Sequence[Citation]]],
) -> tuple[str, tuple[Citation, ...]]:
    """Answers to several questions as one, their markers numbered through; what is quoted again is said once."""
    texts: list[str] = []
    citations: list[Citation] = []
    for text, own in answers:
        if all(any(_same_place(c, other) for other in citations) for c in own):
            continue
        shift = len(citations)
        texts.append(MARKER.sub(lambda match, by=shift: f"[{int(match[1]) + by}]", text))  # type: ignore[misc]
        citations += [replace(citation, n=citation.n + shift) for citation in own]
    return "\n\n".join(texts), tuple(citations)


def _same_place(one: Citation, other: Citation) -> bool:
    return one.document == other.document and other.start <= one.start and one.end <= other.end
