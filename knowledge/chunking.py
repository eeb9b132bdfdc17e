"""Document -> passages that keep their headings and exact offsets. Floor: pure; `blocks.py` says what is never cut.

A passage is as long as the embedding model reads (256 tokens). Small neighbouring sections share one; a long section
is cut between steps, rows or sentences; a question with its answer is one passage of its own.
"""

from __future__ import annotations

import bisect
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.blocks import LEAD_CHARS, Atom, split_atoms
from knowledge.documents import Document, Passage
from knowledge.reading.light import HEADING

VERSION = 3  # raised when the same document would be cut otherwise: passages are then made again
TARGET_CHARS = 1100  # about 250 tokens of English: what all-MiniLM reads
SMALL_CHARS = 240  # a section below this says little alone and is joined with its neighbour
TINY_CHARS = 120  # below this it is a remark ("You are done."), worth making a passage a little too long
ANSWER_CHARS = 2400  # a question's answer stays whole up to here
QUESTION_CHARS = 200
FAQ_TYPES = frozenset({"text/csv", "application/jsonl"})


@dataclass(frozen=True, slots=True)
class Section:
    """The atoms below one heading, up to the next heading of any level.

    `path` holds the headings, outermost first, and `begins` where each of them stands.
    """

    path: tuple[str, ...]
    begins: tuple[int, ...]
    level: int
    atoms: tuple[Atom, ...]
    question: str | None = None

    @property
    def size(self) -> int:
        return self.atoms[-1].end - self.atoms[0].start if self.atoms else 0


def cut(document: Document) -> list[Passage]:
    """The passages of a document in order: `document.text[p.start:p.end] == p.text` for each.

    Every character that is neither blank nor part of a leading heading is in exactly one passage; those headings are
    in `section` (or are the title). Where sections share a passage, each has its own heading in the text.
    """
    sections = list(_sections(document))
    pieces = [piece for group in _joined(sections) for piece in _pieces(document.text, group)]
    if not pieces and document.text.strip():
        atoms = tuple(split_atoms(document.text))
        pieces = [(Section((), (), 0, atoms), atoms)]
    return list(_passages(document, pieces))


def searchable(passage: Passage) -> str:
    """What a passage is found by: title, headings and question stand before its text."""
    return _below_headings(passage, passage.text)


def embeddable(passage: Passage) -> str:
    """What is embedded for a passage: `searchable`, less a heading at the very beginning of its text.

    That is the first one of several sections, and no name for the others; at the front it would draw the vector to it.
    """
    text = passage.text
    while HEADING.match(text.partition("\n")[0]) and not passage.question:
        text = text.partition("\n")[2].lstrip()
    return _below_headings(passage, text or passage.text)


def _below_headings(passage: Passage, text: str) -> str:
    headings = [h for h in passage.section if h != passage.title and h != passage.question]
    above = " > ".join([passage.title, *headings]) if passage.title else " > ".join(headings)
    return "\n".join(part for part in (above, passage.question, passage.lead, text) if part)


def _sections(document: Document) -> Iterator[Section]:
    path: list[Atom] = []
    atoms: list[Atom] = []
    is_faq = document.media_type in FAQ_TYPES

    def section() -> Section:
        below_title = [head for head in path if not (head.level == 1 and head.words == document.title)]
        last = path[-1] if path else None
        question = last.words if last and _is_question(last.words, level=last.level, is_faq=is_faq) else None
        names, begins = tuple(head.words for head in below_title), tuple(head.start for head in below_title)
        return Section(names, begins, last.level if last else 0, tuple(atoms), question)

    for atom in split_atoms(document.text):
        if atom.kind != "heading":
            atoms.append(atom)
            continue
        if atoms:
            yield section()
            atoms = []
        while path and path[-1].level >= atom.level:
            path.pop()
        path.append(atom)
    if atoms:
        yield section()


def _is_question(heading: str, *, level: int, is_faq: bool) -> bool:
    return len(heading) <= QUESTION_CHARS and (heading.rstrip().endswith(("?", "？")) or (is_faq and level == 2))


def _joined(sections: Sequence[Section]) -> Iterator[list[Section]]:
    """Runs of sections that share a passage: small neighbours below one heading, questions always alone."""
    group: list[Section] = []
    for section in sections:
        if group and _may_join(group, section):
            group.append(section)
            continue
        if group:
            yield group
        group = [section]
    if group:
        yield group


def _may_join(group: list[Section], section: Section) -> bool:
    if section.question or group[-1].question:
        return False
    whole = section.atoms[-1].end - group[0].atoms[0].start
    smaller = min(group[-1].size, section.size)
    limit = TARGET_CHARS + (SMALL_CHARS if smaller <= TINY_CHARS else 0)
    if whole > limit or smaller > SMALL_CHARS:
        return False
    return bool(_shared(group[0].path, section.path)) or len(group[0].path) <= 1


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return one[:length]


def _pieces(text: str, group: list[Section]) -> Iterator[tuple[Section, tuple[Atom, ...]]]:
    if len(group) > 1:
        path = group[0].path
        for section in group[1:]:
            path = _shared(path, section.path)
        first = group[0]
        heads = [Atom("heading", begin, begin) for begin in first.begins[len(path) :]]
        atoms = (*heads, *(atom for section in group for atom in section.atoms))
        yield Section(path, first.begins[: len(path)], first.level, atoms), atoms
        return
    section = group[0]
    limit = ANSWER_CHARS if section.question else TARGET_CHARS
    for atoms in _packed(_without_giants(text, section.atoms, limit), limit):
        yield section, atoms


def _packed(atoms: Sequence[Atom], limit: int) -> Iterator[tuple[Atom, ...]]:
    """Atoms in passages of about equal size: a section of 1,000 characters gives two halves, not 900 and 100."""
    if not atoms:
        return
    whole = atoms[-1].end - atoms[0].start
    if whole <= limit:
        yield tuple(atoms)
        return
    goal = whole / max(1, -(-whole // limit))
    packed: list[Atom] = []
    for unit in _units(atoms):
        if packed:
            size = packed[-1].end - packed[0].start
            rest = atoms[-1].end - unit[0].start
            too_long = unit[-1].end - packed[0].start > limit
            if too_long and size <= LEAD_CHARS and _introduces(packed[-1], unit[0]):
                too_long = False  # the sentence before a list goes with it, were it a little too long
            if too_long or (size >= goal * 0.85 and rest > SMALL_CHARS / 2 and not _introduces(packed[-1], unit[0])):
                yield tuple(packed)
                packed = []
        packed += unit
    yield tuple(packed)


def _units(atoms: Sequence[Atom]) -> Iterator[list[Atom]]:
    """Atoms that may not be parted, together."""
    unit: list[Atom] = []
    for atom in atoms:
        if unit and not atom.glued:
            yield unit
            unit = []
        unit.append(atom)
    if unit:
        yield unit


def _introduces(before: Atom, atom: Atom) -> bool:
    """A sentence before a list, a table or code usually says what it is: better not to part them."""
    return before.kind == "sentence" and atom.kind in ("step", "row", "code")


def _without_giants(text: str, atoms: Sequence[Atom], limit: int) -> list[Atom]:
    """Sentences too long for any passage (text without punctuation) fall into runs of words, notes into lines."""
    result: list[Atom] = []
    for atom in atoms:
        longest = limit if atom.kind == "sentence" else ANSWER_CHARS
        if atom.kind not in ("sentence", "note") or atom.end - atom.start <= longest:
            result.append(atom)
            continue
        start = atom.start
        while atom.end - start > longest:
            end = text.rfind("\n", start + longest // 4, start + longest) if atom.kind == "note" else -1
            end = text.rfind(" ", start + longest // 2, start + longest) if end < 0 else end
            end = start + longest if end < 0 else end
            result.append(replace(atom, start=start, end=end, glued=atom.glued and start == atom.start))
            start = end
            while start < atom.end and text[start].isspace():
                start += 1
        if start < atom.end:
            result.append(replace(atom, start=start, glued=False))
    return result


def _passages(document: Document, pieces: Sequence[tuple[Section, tuple[Atom, ...]]]) -> Iterator[Passage]:
    seen: Counter[str] = Counter()
    for position, (section, atoms) in enumerate(pieces):
        start, end = atoms[0].start, atoms[-1].end
        text = document.text[start:end]
        key = "\x1f".join((document.id, *section.path, text))
        seen[key] += 1
        yield Passage(
            id=hashlib.blake2b(f"{key}\x1f{seen[key]}".encode(), digest_size=10).hexdigest(),
            document_id=document.id,
            title=document.title,
            section=section.path,
            text=text,
            start=start,
            end=end,
            page=bisect.bisect_right(document.pages, start) or None,
            url=document.url,
            products=document.products,
            question=section.question,
            lead=atoms[0].lead,
            language=document.language,
            audience=document.audience,
            position=position,
        )
