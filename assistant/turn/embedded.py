"""The extractive composer: answers made of sentences that stand in the passages. Floor: pure but for `encode`.

No model, no network. Every part of the answer is quoted exactly (`citations.py`); nothing is written that was not read.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.turn.citations import Citation, cite
from assistant.turn.phrases import ANSWER_KINDS, ASKS_FOR_STEPS, QUESTION_KINDS, STOP, TROUBLE, TROUBLE_PLACE
from assistant.turn.sentences import CODE, FAQ, ITEM, ROW, SENTENCE, Unit, split_units, words_of
from knowledge.documents import Findings, Found, Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

Encode = Callable[[Sequence[str]], "NDArray[Any]"]

# Weights of a unit's score; the cosine with the question counts once. Chosen on clapnq and held against the demo shop.
WORDS_WEIGHT = 0.25  # share of the question's words that the unit holds
RANK_WEIGHT = 0.35  # how far its passage stands behind the best, in the search's own score
STEPS_BONUS = 0.12  # for numbered steps where the question asks how
TROUBLE_BONUS = 0.12  # for what stands under troubleshooting where the question tells of trouble
CODE_BONUS = 0.3  # for the very code that was asked about
FAQ_BONUS = 0.08  # somebody wrote it as an answer
HEADING_WEIGHT = 0.15  # share of the question's words in the unit's own heading
ELSEWHERE_PENALTY = 0.1  # for rows and items of other tables and lists where the question tells of trouble
STRANGER_PENALTY = 0.2  # for what does not mention the product that was named
SCRAP_PENALTY = 0.15  # for a sentence too short to say something
MISMATCH_PENALTY = 0.2  # for an FAQ entry that asks how often when the customer asks how

MAX_UNITS = 28
MAX_SENTENCES = 3
MAX_WORDS = 110
MAX_ROWS = 3
FAQ_SAME_QUESTION = 0.75  # cosine from which two questions ask the same
FAQ_NOT_SAME = FAQ_SAME_QUESTION - 0.1
FAQ_SHARED_WORDS = 0.5  # less of the question's words in an entry, and a common product name made them look alike
FAQ_SURELY_SAME = 0.9  # and from which it does not matter how they begin
FAQ_MAX_WORDS = 180
PARAGRAPH_MARGIN = 0.4  # how far below the best a further sentence of its paragraph may score
SENTENCE_MARGIN = 0.16  # and one of another
FAQ_MARGIN = 0.1
DUPLICATE = 0.93  # cosine from which two sentences say the same
RELATED_QUESTION = 0.45

_LEANS_BACK = re.compile(
    r"^(?:it|this|that|these|those|they|he|she|however|but|so|then|also|otherwise|in this case|if so|such)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[^\s.?!])\s+([A-Z][\w-]+|[\w-]*\d[\w-]*)")
_ASKED_CODE = re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])[A-Za-z]{1,4}-?\d{1,4}\b")


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's words with markers, what they stand on, and questions that its neighbours in the passages answer."""

    text: str
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    related: tuple[str, ...] = ()


class RememberingEncode:
    """`encode` with a memory of what it encoded: the sentences of a library are asked about again and again."""

    def __init__(self, encode: Encode, *, size: int = 8192) -> None:
        self._encode = encode
        self._size = size
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._lock = Lock()

    def __call__(self, texts: Sequence[str]) -> NDArray[Any]:
        with self._lock:
            known = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known |= dict(zip(new, self._encode(new), strict=True))
        with self._lock:
            for text in texts:
                self._kept[text] = known[text]
                self._kept.move_to_end(text)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return np.stack([known[text] for text in texts])


@dataclass(frozen=True, slots=True)
class _Scored:
    rank: int  # of its passage among the findings
    at: int  # in its passage
    unit: Unit
    score: float
    vector: Any
    same_question: float = 0.0  # FAQ entries: how nearly it asks the same


def compose(question: str, findings: Findings, encode: Encode) -> Composed | None:
    """The answer the passages give to `question`, in well-formed prose; None when they hold no sentence at all.

    Args:
        question: standing alone.
        encode: texts -> unit vectors, shape (n, dimensions).
    """
    found = [hit for hit in findings.found if hit.passage.text.strip()]
    units = [units_of(hit.passage) for hit in found]
    scored = _score(question, found, units, encode)
    if not scored:
        return None
    picked = _pick(scored)
    ranks = {s.rank for s in picked}
    related = [found[s.rank].passage.question for s in sorted(scored, key=lambda s: -s.same_question)
               if s.unit.kind == FAQ and s.rank not in ranks and s.same_question >= RELATED_QUESTION]  # fmt: skip
    asked = tuple(text for text in dict.fromkeys(related) if text)[:2]
    return _write(question, picked, found, units, findings.release, asked)


def units_of(passage: Passage) -> list[Unit]:
    """What a passage can be quoted by: an FAQ entry's answer stays whole, everything else goes by the sentence."""
    units = [unit for unit in split_units(passage.text) if unit.shown not in (passage.question, passage.title)]
    if passage.question and units and sum(len(words_of(unit.shown)) for unit in units) <= FAQ_MAX_WORDS:
        start = _back_to_marker(passage.text, units[0].start)
        shown = "\n\n".join(_paragraphs(units))
        return [Unit(FAQ, shown, start, max(unit.end for unit in units), 1, heading=passage.question)]
    return units


def content_words(text: str) -> frozenset[str]:
    """The words that carry meaning, cut to a crude stem."""
    return frozenset(_stem(word) for word in words_of(text) if word not in STOP)


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "edly", "ed", "ies", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def _score(question: str, found: Sequence[Found], units: Sequence[Sequence[Unit]], encode: Encode) -> list[_Scored]:
    """The units worth comparing, best first."""
    entries = [
        (rank, at, unit)
        for rank, of_passage in enumerate(units)
        for at, unit in enumerate(of_passage)
        if _says_something(unit, question)
    ]
    wanted = content_words(question)
    contexts = [_context(unit, found[rank].passage) for rank, _, unit in entries]
    overlaps = [len(wanted & content_words(text)) / max(len(wanted), 1) for text in contexts]
    keep = sorted(range(len(entries)), key=lambda i: (0.1 * entries[i][0] - overlaps[i], i))[:MAX_UNITS]
    if not keep:
        return []
    questions = [found[entries[i][0]].passage.question or question for i in keep]
    vectors = encode([question, *(contexts[i] for i in keep), *questions])
    nearness = vectors[1:] @ vectors[0]
    ask = _Ask.of(question, max(hit.score for hit in found))
    scored = []
    for place, i in enumerate(keep):
        rank, at, unit = entries[i]
        same = float(nearness[len(keep) + place]) if unit.kind == FAQ else 0.0
        if overlaps[i] < FAQ_SHARED_WORDS:
            same = min(same, FAQ_NOT_SAME)
        score = max(float(nearness[place]), same) + WORDS_WEIGHT * overlaps[i] + ask.adjust(unit, found[rank])
        if unit.kind == FAQ:
            alike = ask.asks_like(unit.heading, unit.shown, same)
            score += FAQ_BONUS if alike else -MISMATCH_PENALTY
            same = same if alike else min(same, FAQ_NOT_SAME)
        scored.append(_Scored(rank, at, unit, score, vectors[1 + place], same))
    return sorted(scored, key=lambda s: -s.score)


@dataclass(frozen=True, slots=True)
class _Ask:
    """What a question looks for, beyond its words."""

    kind: str | None
    steps: bool
    trouble: bool
    names: frozenset[str]
    codes: frozenset[str]
    words: frozenset[str]
    top_score: float

    @classmethod
    def of(cls, question: str, top_score: float) -> _Ask:
        return cls(
            kind=_kind(question),
            steps=ASKS_FOR_STEPS.search(question) is not None,
            trouble=TROUBLE.search(question) is not None,
            names=frozenset(name.casefold() for name in _NAME.findall(question)),
            codes=frozenset(code.casefold() for code in _ASKED_CODE.findall(question)),
            words=content_words(question),
            top_score=top_score,
        )

    def adjust(self, unit: Unit, hit: Found) -> float:
        """What is added to a unit's nearness."""
        passage = hit.passage
        value = -RANK_WEIGHT * (self.top_score - hit.score)
        if self.steps and unit.number is not None:
            value += STEPS_BONUS
        place = " ".join((*passage.section, unit.heading))
        if self.trouble and TROUBLE_PLACE.search(place):
            value += TROUBLE_BONUS
        elif self.trouble and unit.kind in (ITEM, ROW):
            value -= ELSEWHERE_PENALTY
        if self.words and unit.kind != FAQ:
            heading = unit.heading or " ".join(passage.section[-1:])
            value += HEADING_WEIGHT * len(self.words & content_words(heading)) / len(self.words)
        text = f"{passage.title} {' '.join(passage.products)} {place} {unit.shown}".casefold()
        if self.codes and any(
            re.search(rf"(?<!\w){re.escape(code)}(?!\w)", unit.shown.casefold()) for code in self.codes
        ):
            value += CODE_BONUS
        if self.names and not any(name in text for name in self.names):
            value -= STRANGER_PENALTY
        if unit.kind == SENTENCE and len(words_of(unit.shown)) < 5:
            value -= SCRAP_PENALTY
        return value

    def asks_like(self, other: str, answer: str, same: float) -> bool:
        """Whether an FAQ entry answers this kind of question, as far as its question or its answer show."""
        theirs = _kind(other)
        if same >= FAQ_SURELY_SAME or self.kind is None or self.kind == theirs:
            return True
        shows = ANSWER_KINDS.get(self.kind)
        return shows.search(answer) is not None if shows else theirs is None


def _kind(question: str) -> str | None:
    return next((name for name, pattern in QUESTION_KINDS if pattern.search(question)), None)


def _says_something(unit: Unit, question: str) -> bool:
    """Not a bare title and not a question come back."""
    if unit.kind == SENTENCE and (unit.shown.endswith("?") or len(words_of(unit.shown)) < 3):
        return False
    return unit.shown != question


def _context(unit: Unit, passage: Passage) -> str:
    """A unit as it is compared: items, rows and answers need their heading to be understood."""
    if unit.kind == SENTENCE:
        return unit.shown
    heading = unit.heading or (passage.section[-1] if passage.section else passage.title)
    return f"{heading}: {unit.shown[:400]}"


def _pick(scored: Sequence[_Scored]) -> list[_Scored]:
    """The best unit and those that add to it, the best first, no two saying the same."""
    best = scored[0]
    if best.unit.kind in (ITEM, CODE):
        return [best]
    if best.unit.kind == FAQ and best.same_question >= FAQ_SAME_QUESTION:
        return [best]
    picked = [best]
    count = len(words_of(best.unit.shown))
    for candidate in scored[1:20]:
        if len(picked) >= MAX_SENTENCES or count >= MAX_WORDS:
            break
        if candidate.score < best.score - _margin(best, candidate) or not _goes_with(candidate, picked):
            continue
        picked.append(candidate)
        count += len(words_of(candidate.unit.shown))
    return picked


def _margin(best: _Scored, other: _Scored) -> float:
    if best.unit.kind == FAQ:
        return FAQ_MARGIN
    together = best.rank == other.rank and best.unit.group == other.unit.group
    return PARAGRAPH_MARGIN if together else SENTENCE_MARGIN


def _goes_with(candidate: _Scored, picked: Sequence[_Scored]) -> bool:
    best = picked[0]
    kinds = {best.unit.kind, candidate.unit.kind}
    if candidate.unit.kind in (ITEM, CODE) or (FAQ in kinds and len(kinds) > 1) or (ROW in kinds and len(kinds) > 1):
        return False
    if best.unit.kind == ROW and candidate.score < best.score - 0.05:
        return False
    return all(float(candidate.vector @ other.vector) < DUPLICATE for other in picked)


def _write(
    question: str,
    picked: Sequence[_Scored],
    found: Sequence[Found],
    units: Sequence[Sequence[Unit]],
    release: int,
    related: tuple[str, ...],
) -> Composed:
    """Prose with a marker after each stretch that stands together, in the order of the passages picked."""
    ranks = list(dict.fromkeys(s.rank for s in picked))
    parts: list[str] = []
    citations: list[Citation] = []
    for rank in ranks:
        passage = found[rank].passage
        of_passage = units[rank]
        for run in _runs(_complete(question, sorted(s.at for s in picked if s.rank == rank), of_passage), of_passage):
            n = len(citations) + 1
            start = _back_to_marker(passage.text, run[0].start) if len(run) > 1 else run[0].start
            citations.append(cite(n, passage, release, start, run[-1].end))
            parts.append(_introduced(_mark(_paragraphs(run), n), run, picked))
    return Composed(_join(parts), tuple(citations), tuple(found[rank].passage for rank in ranks), related)


def _introduced(text: str, run: Sequence[Unit], picked: Sequence[_Scored]) -> str:
    """An FAQ answer to another question says which; rows and steps are named by their heading."""
    unit = run[0]
    if unit.kind == FAQ:
        same = next(s.same_question for s in picked if s.unit is unit)
        if len(picked) == 1 and same >= FAQ_SAME_QUESTION:
            return text
        return f"**{unit.heading}**\n{text}" if "\n" not in text else f"**{unit.heading}**\n\n{text}"
    if unit.kind in (ITEM, ROW) and len(run) > 1 and unit.heading:
        return f"**{unit.heading}**\n\n{text}"
    return text


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
    if unit.kind in (CODE, FAQ):
        return unit.shown
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
        plain = "\n" not in part + last and not re.match(r"(?:- |\d+\. |```|\*\*)", part)
        glue = " " if plain and not re.match(r"(?:- |\d+\. |```|\*\*)", last) else "\n\n"
        text = f"{text}{glue}{part}" if text else part
    return text
