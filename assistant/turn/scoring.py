"""How well each candidate answers: its likeness to the question, the words it tells, where it stands. Floor: pure.

`encode` makes the vectors and is handed in. `choosing.py` makes an answer of the best.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistant.turn.candidates import Asked, Candidate, holds_code, kind_of
from assistant.turn.phrases import ANSWER_KINDS, ASKS_FOR_STEPS, TROUBLE, TROUBLE_PLACE, YES_OR_NO
from assistant.turn.sentences import FAQ, ITEM, ROW, SENTENCE, Unit, meanings, words_of
from knowledge.documents import Found

if TYPE_CHECKING:
    from numpy.typing import NDArray

Encode = Callable[[Sequence[str]], "NDArray[Any]"]

# Weights of a unit's score; the cosine with the question counts once. Chosen on clapnq and held against the demo shop.
WORDS_WEIGHT = 0.2  # share of the question's words that the unit holds
WHOLE_BONUS, WHOLE_WORDS = 0.05, 2  # for a row or entry that tells all of a question with that many words
RANK_WEIGHT = 0.35  # how far its passage stands behind the best, in the search's own score
STEPS_BONUS = 0.12  # for numbered steps where the question asks how
TROUBLE_BONUS = 0.12  # for what stands under troubleshooting where the question tells of trouble
CODE_BONUS = 0.3  # for a row or entry about the very code or count that was asked about
STRANGER_PENALTY = 0.2  # for what does not mention the country, card or carrier that was named
ANSWER_DISCOUNT = 0.05  # an entry whose answer is like the question is hardly as sure as one whose question is
FAQ_ALIKE = 0.6
UNKNOWN_WORD_WEIGHT = 2.0
FAQ_BONUS = 0.08  # somebody wrote it as an answer
OWNED_BONUS = 0.08  # for what tells of a product that the customer owns
CONTINUES_BONUS = 0.25  # for what shows the kind of thing asked for, where the answer before was taken from
SHOWS_BONUS = 0.06  # for what shows the kind of thing asked for: a time, a price
HEADING_WEIGHT = 0.15  # share of the question's words in the unit's own heading
OFF_TOPIC_PENALTY = 0.15  # share of the heading's words that nobody asked about
OTHERS_PENALTY = 0.12  # for what tells of one product where none was spoken of, or of many where one was
FEW_PRODUCTS = 2
TORSO_PENALTY = 0.15  # for steps whose first is in another passage
ELSEWHERE_PENALTY = 0.2  # for rows and items of other tables and lists where the question tells of trouble
SCRAP_PENALTY = 0.15  # for a sentence too short to say something
STUB_WORDS = 5
ELSEWHERE_TOLD_PENALTY = 0.15  # for a step that only says where the rest is told
MISMATCH_PENALTY = 0.2  # for an FAQ entry that asks how often when the customer asks how

_POINTS_ELSEWHERE = re.compile(r"\(see\b[^()]*\)[.!]?$", re.IGNORECASE)

MAX_COMPARED = 8  # units whose vectors are made; each costs 1 to 3 ms
MAX_ENTRIES = 5
COMPARED_CHARS = 180  # of a unit; a batch takes as long as its longest text
FAQ_SAME_QUESTION = 0.75  # cosine from which two questions ask the same
FAQ_NOT_SAME = FAQ_SAME_QUESTION - 0.1
FAQ_SHARED_WORDS = 0.34  # less of the question's words in an entry, and it is about something else
FAQ_SURELY_SAME = 0.9  # and from which it does not matter how they begin


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate and how well it answers."""

    candidate: Candidate
    score: float
    vector: Any
    likeness: float  # with the question; of an FAQ entry, its question's
    told: float

    @property
    def is_same_question(self) -> bool:
        return self.candidate.unit.kind == FAQ and self.likeness >= FAQ_SAME_QUESTION


def score_candidates(
    asked: Asked, found: Sequence[Found], candidates: Sequence[Candidate], encode: Encode
) -> list[Scored]:
    """The candidates worth comparing, best first."""
    mask = asked.catalogue.mask
    told = _told(asked, candidates)
    order = sorted(range(len(candidates)), key=lambda i: (0.06 * candidates[i].rank - told[i], i))
    entries = [i for i in order if candidates[i].unit.kind == FAQ][:MAX_ENTRIES]
    keep = sorted([*entries, *[i for i in order if candidates[i].unit.kind != FAQ][:MAX_COMPARED]])
    if not keep:
        return []
    question = mask(asked.compared)
    vectors = encode([question, *(mask(_context(candidates[i])) for i in keep)])
    ask = _Ask.of(asked, max(hit.score for hit in found), [candidates[i] for i in keep])
    scored = []
    for place, i in enumerate(keep, start=1):
        candidate, likeness = candidates[i], float(vectors[place] @ vectors[0])
        hit = found[candidate.rank]
        score = WORDS_WEIGHT * told[i] + ask.adjust(candidate, hit)
        if ask.is_meant_by(candidate):
            told[i] = 1.0
        is_whole = told[i] == 1.0 and len(ask.words) >= WHOLE_WORDS
        if candidate.unit.kind in (ROW, FAQ) and (is_whole or ask.is_headed(candidate.unit)):
            score += WHOLE_BONUS
        if candidate.unit.kind == FAQ:
            alike = ask.asks_like(candidate.unit.heading, candidate.unit.shown, likeness)
            # "is there a warranty on ..." is answered by "how long is the warranty?" where that tells all of it
            alike = alike or (ask.kind is None and len(ask.words) > 1 and told[i] == 1.0)
            alike = alike and not _is_stub(candidate)
            # "how bright is it?" is not "how heavy is it?"
            alike = alike and (ask.kind != "measure" or told[i] > 0 or likeness >= FAQ_SURELY_SAME)
            if not alike or told[i] < FAQ_SHARED_WORDS:
                likeness = min(likeness, FAQ_NOT_SAME)
            # The search compared the whole entry already; names of products would make it look alike.
            whole = hit.similarity - ANSWER_DISCOUNT if question == asked.question else 0.0
            likeness = max(likeness, min(whole, FAQ_NOT_SAME))
            score += FAQ_BONUS if alike and likeness >= FAQ_ALIKE else 0.0 if alike else -MISMATCH_PENALTY
        scored.append(Scored(candidate, score + likeness, vectors[place], likeness, told[i]))
    return sorted(scored, key=lambda s: -s.score)


def _told(asked: Asked, candidates: Sequence[Candidate]) -> list[float]:
    """The share of what is asked that each candidate tells; what none of them tells counts twice."""
    wanted = asked.wanted
    held = []
    steps: dict[tuple[int, int], str] = {}
    steps_asked = ASKS_FOR_STEPS.search(asked.words) is not None
    for candidate in candidates:
        if steps_asked and candidate.unit.number is not None:  # steps are said together
            place = (candidate.rank, candidate.unit.group)
            steps[place] = f"{steps.get(place, '')} {candidate.unit.shown}"
    for candidate in candidates:
        said = steps.get((candidate.rank, candidate.unit.group), candidate.unit.shown)
        above = () if candidate.unit.kind == FAQ else (candidate.passage.title, *candidate.passage.section)
        columns = [name for name, _ in candidate.unit.cells]
        words = meanings(" ".join((*above, candidate.unit.heading, *columns, said)))
        held.append({word for word in wanted if any(_is_akin(word, other) for other in words)})
    known = set().union(*held) if held else set()
    whole = len(known) + UNKNOWN_WORD_WEIGHT * (len(wanted) - len(known))
    return [len(words) / whole if whole else 0.0 for words in held]


def _share(wanted: frozenset[str], text: str) -> float:
    """How much of the question stands in a text, a word counting as well for another form of itself."""
    words = meanings(text)
    return sum(any(_is_akin(word, other) for other in words) for word in wanted) / len(wanted) if wanted else 0.0


def _is_akin(word: str, other: str) -> bool:
    return word == other or (min(len(word), len(other)) >= 4 and (word.startswith(other) or other.startswith(word)))


@dataclass(frozen=True, slots=True)
class _Ask:
    """What a question looks for, beyond its words."""

    asked: Asked
    kind: str | None
    steps: bool
    trouble: bool
    yes_or_no: bool
    codes: frozenset[str]
    numbers: frozenset[str]
    words: frozenset[str]
    places: frozenset[str]
    owned: frozenset[str]
    top_score: float

    @classmethod
    def of(cls, asked: Asked, top_score: float, candidates: Sequence[Candidate]) -> _Ask:
        texts = [f"{c.unit.heading} {c.unit.shown}".casefold() for c in candidates]
        return cls(
            asked=asked,
            kind=asked.kind,
            steps=ASKS_FOR_STEPS.search(asked.words) is not None,
            trouble=TROUBLE.search(asked.question) is not None,
            yes_or_no=YES_OR_NO.search(asked.words) is not None,
            codes=asked.codes,
            numbers=_small_numbers(asked.catalogue.mask(asked.question)),
            words=asked.wanted,
            places=frozenset(name for name in asked.places if any(name in text for text in texts)),
            owned=frozenset(name.casefold() for name in asked.subject.owned),
            top_score=top_score,
        )

    def adjust(self, candidate: Candidate, hit: Found) -> float:
        """What is added to a candidate's nearness."""
        unit, passage = candidate.unit, candidate.passage
        value = -RANK_WEIGHT * (self.top_score - hit.score)
        if self.steps and unit.number is not None:
            value += STEPS_BONUS
        place = " ".join((*passage.section, unit.heading))
        in_trouble = TROUBLE_PLACE.search(place) is not None
        if self.trouble and in_trouble:
            value += TROUBLE_BONUS
        elif self.trouble and unit.kind in (ITEM, ROW):
            value -= ELSEWHERE_PENALTY
        elif self.trouble and unit.kind == FAQ and kind_of(unit.heading) == "measure":
            value -= ELSEWHERE_PENALTY  # how loud it is meant to be is no help with a noise
        elif self.steps and in_trouble and not self.codes:
            value -= TROUBLE_BONUS
        heading = unit.heading or " ".join(passage.section[-1:])
        if unit.kind != FAQ:
            value += HEADING_WEIGHT * _share(self.words, heading)
        topic = meanings(self.asked.unnamed(heading)) if not self.is_headed(unit) else frozenset[str]()
        value -= OFF_TOPIC_PENALTY * (1 - _share(topic, " ".join(self.words))) if topic else 0.0
        if unit.kind == ITEM and _POINTS_ELSEWHERE.search(unit.shown):
            value -= ELSEWHERE_TOLD_PENALTY
        if candidate.is_torso:
            value -= TORSO_PENALTY
        head = unit.cells[0][1] if unit.cells else unit.heading
        if head.split(" ")[0] in self.numbers or any(holds_code(head, code) for code in self.codes):
            value += CODE_BONUS + (SHOWS_BONUS if head.casefold() in self.codes else 0.0)  # its own row first
        if self.places and not any(name in f"{unit.heading} {unit.shown}".casefold() for name in self.places):
            value -= STRANGER_PENALTY
        if not self.asked.subject.certain and self.owned & candidate.about:
            value += OWNED_BONUS
        elif self._is_of_others(candidate):
            value -= OTHERS_PENALTY
        shows = ANSWER_KINDS.get(self.kind or "")
        if shows and shows.search(" ".join((unit.shown, *(name for name, _ in unit.cells)))):  # "Descale every"
            value += CONTINUES_BONUS if candidate.continues and self.asked.is_bare else SHOWS_BONUS
        elif shows and self.asked.is_bare:
            value -= MISMATCH_PENALTY
        elif shows and unit.number is not None:
            value -= STEPS_BONUS  # a step tells how, not how often or when
        if _is_stub(candidate) or (unit.kind == SENTENCE and len(words_of(unit.shown)) < STUB_WORDS):
            value -= SCRAP_PENALTY
        return value

    def is_headed(self, unit: Unit) -> bool:
        """Whether a row is headed by all that is asked: its weight, whatever the table is called."""
        return bool(unit.cells) and bool(self.words) and _share(self.words, unit.cells[0][1]) == 1.0

    def _is_of_others(self, candidate: Candidate) -> bool:
        about, subject = candidate.about, self.asked.subject
        return len(about) > FEW_PRODUCTS if subject.only else not subject.products and len(about) == 1

    def is_meant_by(self, candidate: Candidate) -> bool:
        """Whether an entry asks just what "how long does it take?" means here: the same of what was spoken of."""
        heading = candidate.unit.heading
        if candidate.unit.kind != FAQ or not self.asked.is_bare or self.kind is None or kind_of(heading) != self.kind:
            return False
        topic = self.asked.topic_of(heading)
        return bool(topic) and _share(topic, self.asked.question) == 1.0

    def asks_like(self, other: str, answer: str, same: float) -> bool:
        """Whether an FAQ entry answers this kind of question, as far as its question or its answer show."""
        theirs = kind_of(other)
        if same >= FAQ_SURELY_SAME or self.kind == theirs:
            return True
        if self.kind is None:  # "do you grind it?" is not "how long can I pause it?"
            return not self.yes_or_no or theirs not in ("time", "how often", "measure", "price")
        shows = ANSWER_KINDS.get(self.kind)
        return shows.search(answer) is not None if shows else theirs is None


def _is_stub(candidate: Candidate) -> bool:
    """Whether little is left of an entry that tells several products apart."""
    unit = candidate.unit
    of_all = len(words_of(candidate.passage.text[len(unit.heading) :]))
    left = len(words_of(unit.shown))
    return unit.kind == FAQ and left < STUB_WORDS and left < of_all / 2


_NUMBER_WORDS = {"one": "1", "once": "1", "two": "2", "twice": "2", "three": "3", "four": "4", "five": "5", "six": "6"}


def _small_numbers(text: str) -> frozenset[str]:
    """Counts in a question: "blinks red three times" is the row that begins with 3."""
    words = re.findall(r"\w+", text.lower())
    return frozenset(_NUMBER_WORDS.get(word, word) for word in words if word in _NUMBER_WORDS or word.isdigit())


def _context(candidate: Candidate) -> str:
    """A unit as it is compared: an entry by its question, a symptom alone, everything else with its heading."""
    unit, passage = candidate.unit, candidate.passage
    if unit.kind == FAQ:
        return unit.heading
    heading = unit.heading or (passage.section[-1] if passage.section else "")
    if unit.cells and TROUBLE_PLACE.search(heading):
        return f"{unit.cells[0][1]}. {unit.cells[1][1]}" if len(unit.cells) > 1 else unit.shown
    if unit.kind != SENTENCE:
        heading = heading or passage.title
    return f"{heading}: {unit.shown[:COMPARED_CHARS]}" if heading else unit.shown
