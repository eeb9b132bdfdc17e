"""The extractive composer: answers made of sentences that stand in the passages. Floor: pure but for `encode`.

No model, no network. Every part of the answer is quoted exactly (`citations.py`); nothing is written that was not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.turn.citations import Citation, cite
from assistant.turn.phrases import ASKS_FOR_STEPS, STOP
from assistant.turn.sentences import CODE, ITEM, ROW, SENTENCE, Unit, split_units, words_of
from knowledge.documents import Findings, Found, Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

Encode = Callable[[Sequence[str]], "NDArray[Any]"]

MAX_UNITS = 48  # sentences that are compared with the question: about 2 ms each to encode
MAX_SENTENCES = 3
MAX_WORDS = 120
FAQ_SAME_QUESTION = 0.72  # cosine from which two questions ask the same
FAQ_MAX_CHARACTERS = 1200
RELATED_QUESTION = 0.45
STEPS_BONUS = 0.12  # for numbered steps where the question asks how
SENTENCE_MARGIN = 0.16  # how far below the best a further sentence may score
DUPLICATE = 0.93  # cosine from which two sentences say the same

_LEANS_BACK = re.compile(
    r"^(?:it|this|that|these|those|they|he|she|however|but|so|then|also|otherwise|in this case|if so|such)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's words with markers, what they stand on, and questions that its neighbours in the passages answer."""

    text: str
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Scored:
    rank: int  # of its passage among the findings
    at: int  # in its passage
    unit: Unit
    score: float


def compose(question: str, findings: Findings, encode: Encode) -> Composed | None:
    """The answer the passages give to `question`, in well-formed prose; None when they hold no sentence at all.

    Args:
        question: standing alone.
        encode: texts -> unit vectors, shape (n, dimensions).
    """
    found = [hit for hit in findings.found if hit.passage.text.strip()]
    if not found:
        return None
    faq = _faq(question, found, encode)
    if faq is not None:
        chosen, related = faq
        passage = found[chosen].passage
        if len(passage.text) <= FAQ_MAX_CHARACTERS:
            return _whole(passage, findings.release, related)
        found = [found[chosen]]
    scored = _score(question, found, encode)
    if not scored:
        return None
    picked = _pick(scored, encode)
    return _write(
        question,
        picked,
        found,
        findings.release,
        faq[1] if faq else _related(question, found, encode, skip=picked[0].rank),
    )


def _faq(question: str, found: Sequence[Found], encode: Encode) -> tuple[int, tuple[str, ...]] | None:
    """The place of the FAQ entry that asks the same, and the other questions near it."""
    asked = [(i, hit.passage.question) for i, hit in enumerate(found) if hit.passage.question]
    if not asked:
        return None
    vectors = encode([question, *(text for _, text in asked)])
    nearness = vectors[1:] @ vectors[0]
    best = int(np.argmax(nearness))
    if nearness[best] < FAQ_SAME_QUESTION and not _same_words(question, asked[best][1]):
        return None
    order = np.argsort(-nearness)
    related = [asked[i][1] for i in order if i != best and nearness[i] >= RELATED_QUESTION]
    return asked[best][0], tuple(related[:2])


def _same_words(question: str, other: str) -> bool:
    mine, theirs = content_words(question), content_words(other)
    return bool(mine) and mine == theirs


def _related(question: str, found: Sequence[Found], encode: Encode, *, skip: int) -> tuple[str, ...]:
    asked = [hit.passage.question for i, hit in enumerate(found) if hit.passage.question and i != skip]
    if not asked:
        return ()
    vectors = encode([question, *asked])
    nearness = vectors[1:] @ vectors[0]
    return tuple(asked[i] for i in np.argsort(-nearness)[:2] if nearness[i] >= RELATED_QUESTION)


def _whole(passage: Passage, release: int, related: tuple[str, ...]) -> Composed:
    """The FAQ answer as it stands, less the question where the passage repeats it."""
    units = [unit for unit in split_units(passage.text) if unit.shown != passage.question]
    if not units:
        units = split_units(passage.text)
    lines = _paragraphs(units)
    start, end = units[0].start, max(unit.end for unit in units)
    start = _back_to_marker(passage.text, start)
    return Composed(_mark(lines, 1), (cite(1, passage, release, start, end),), (passage,), related)


def _score(question: str, found: Sequence[Found], encode: Encode) -> list[_Scored]:
    units = [
        (rank, at, unit) for rank, hit in enumerate(found) for at, unit in enumerate(split_units(hit.passage.text))
    ]
    units = [entry for entry in units if _is_answer(entry[2], question, found[entry[0]].passage)]
    wanted = content_words(question)
    overlaps = [_overlap(wanted, _context(unit, found[rank].passage)) for rank, _, unit in units]
    keep = sorted(range(len(units)), key=lambda i: (-overlaps[i] + 0.1 * units[i][0], i))[:MAX_UNITS]
    if not keep:
        return []
    vectors = encode([question, *(_context(units[i][2], found[units[i][0]].passage) for i in keep)])
    nearness = vectors[1:] @ vectors[0]
    top = max(hit.similarity for hit in found)
    steps = ASKS_FOR_STEPS.search(question) is not None
    scored = []
    for i, near in zip(keep, nearness, strict=True):
        rank, at, unit = units[i]
        prior = 0.5 * (top - found[rank].similarity) + 0.02 * rank
        bonus = STEPS_BONUS if steps and unit.number is not None else 0.0
        scored.append(_Scored(rank, at, unit, float(near) + 0.2 * overlaps[i] + bonus - prior))
    return sorted(scored, key=lambda s: -s.score)


def _is_answer(unit: Unit, question: str, passage: Passage) -> bool:
    """Not a bare title, not the FAQ's own question, not the customer's question come back."""
    if unit.kind == SENTENCE and (unit.shown.endswith("?") or len(words_of(unit.shown)) < 3):
        return False
    return unit.shown not in (passage.question, passage.title, question)


def _context(unit: Unit, passage: Passage) -> str:
    """A unit as it is compared: short ones need their heading to be understood."""
    heading = unit.heading or (passage.section[-1] if passage.section else passage.title)
    return unit.shown if unit.kind == SENTENCE and len(unit.shown) > 60 else f"{heading}: {unit.shown}"


def content_words(text: str) -> frozenset[str]:
    """The words that carry meaning, cut to a crude stem."""
    return frozenset(_stem(word) for word in words_of(text) if word not in STOP)


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "edly", "ed", "ies", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def _overlap(wanted: frozenset[str], text: str) -> float:
    return len(wanted & content_words(text)) / len(wanted) if wanted else 0.0


def _pick(scored: Sequence[_Scored], encode: Encode) -> list[_Scored]:
    """The best unit and those that add to it, the best first, no two saying the same."""
    best = scored[0]
    if best.unit.kind == ITEM:
        return [best]
    picked = [best]
    count = len(words_of(best.unit.shown))
    candidates = [s for s in scored[1:12] if s.score >= best.score - SENTENCE_MARGIN]
    vectors = encode([best.unit.shown, *(s.unit.shown for s in candidates)]) if candidates else None
    kept = [0]
    for i, candidate in enumerate(candidates, start=1):
        assert vectors is not None
        if len(picked) >= MAX_SENTENCES or count >= MAX_WORDS:
            break
        if candidate.unit.kind == ITEM and best.unit.kind != ITEM:
            continue
        if float(np.max(vectors[kept] @ vectors[i])) >= DUPLICATE:
            continue
        picked.append(candidate)
        kept.append(i)
        count += len(words_of(candidate.unit.shown))
    return picked


def _write(
    question: str, picked: Sequence[_Scored], found: Sequence[Found], release: int, related: tuple[str, ...]
) -> Composed:
    """Prose with a marker after each stretch that stands together, in the order of the passages picked."""
    ranks = list(dict.fromkeys(s.rank for s in picked))
    parts: list[str] = []
    citations: list[Citation] = []
    for rank in ranks:
        passage = found[rank].passage
        units = split_units(passage.text)
        wanted = _complete(question, sorted(s.at for s in picked if s.rank == rank), units)
        for run in _runs(wanted, units):
            n = len(citations) + 1
            start = _back_to_marker(passage.text, run[0].start) if len(run) > 1 else run[0].start
            citations.append(cite(n, passage, release, start, run[-1].end))
            parts.append(_mark(_paragraphs(run), n))
    return Composed(_join(parts), tuple(citations), tuple(found[rank].passage for rank in ranks), related)


def _complete(question: str, wanted: Sequence[int], units: Sequence[Unit]) -> list[int]:
    """What was picked, with what it cannot do without: the rest of its list, the sentence it leans on."""
    chosen = set(wanted)
    steps = ASKS_FOR_STEPS.search(question) is not None
    for at in wanted:
        unit = units[at]
        following = units[at + 1] if at + 1 < len(units) else None
        if unit.kind == ITEM:
            chosen |= _group(units, unit.group)
            first = min(_group(units, unit.group))
            if first and units[first - 1].kind == SENTENCE and units[first - 1].shown.endswith(":"):
                chosen.add(first - 1)
        elif following and (unit.shown.endswith(":") or (steps and following.number == 1)):
            chosen |= _group(units, following.group)
        elif unit.kind == SENTENCE and _LEANS_BACK.match(unit.shown) and at and units[at - 1].group == unit.group:
            chosen.add(at - 1)
    return sorted(chosen)


def _group(units: Sequence[Unit], group: int) -> set[int]:
    return {i for i, unit in enumerate(units) if unit.group == group}


def _runs(wanted: Sequence[int], units: Sequence[Unit]) -> list[list[Unit]]:
    runs: list[list[Unit]] = []
    last = None
    for at in wanted:
        if last is not None and at == last + 1:
            runs[-1].append(units[at])
        else:
            runs.append([units[at]])
        last = at
    return runs


def _back_to_marker(text: str, start: int) -> int:
    """The start of the line when only a list marker stands before `start`, so that a quoted list keeps its first."""
    line = text.rfind("\n", 0, start) + 1
    return line if re.fullmatch(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+", text[line:start]) else start


def _paragraphs(units: Sequence[Unit]) -> list[str]:
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


def _line(unit: Unit, *, alone: bool) -> str:
    if unit.kind == ITEM and unit.number is not None and not alone:
        return f"{unit.number}. {unit.shown}"
    if unit.kind in (ITEM, ROW) and not alone:
        return f"- {unit.shown}"
    if unit.kind == CODE:
        return unit.shown
    shown = unit.shown if unit.shown[-1:] in '.!?:…”"' else f"{unit.shown}."
    return shown[0].upper() + shown[1:] if shown[0].islower() and not re.match(r"\w*[\d_./]", shown) else shown


def _mark(blocks: Sequence[str], n: int) -> str:
    """The blocks with `[n]` at the end of the last, or before the list where that is the last."""
    *head, tail = blocks
    if tail.endswith("```"):
        tail = f"{tail}\n\n[{n}]"
    else:
        tail = f"{tail} [{n}]"
    return "\n\n".join([*head, tail])


def _join(parts: Sequence[str]) -> str:
    """Plain stretches run on as one paragraph; anything with a list, table or code stands on its own."""
    text = ""
    for part in parts:
        plain = "\n" not in part and not part.startswith(("- ", "```"))
        last = text.rsplit("\n\n", 1)[-1]
        glue = " " if text and plain and not re.match(r"(?:- |\d+\. |```)", last) and "\n" not in last else "\n\n"
        text = f"{text}{glue}{part}" if text else part
    return text
