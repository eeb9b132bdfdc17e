"""The extractive composer: answers made of sentences that stand in the passages. Floor: pure but for `encode`.

No model, no network. `candidates.py` says what may answer, this file what answers best, `writing.py` writes it down.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.turn.candidates import Asked, Candidate, about_of, holds_code, kind_of, list_candidates, names_in
from assistant.turn.citations import Citation
from assistant.turn.phrases import ANSWER_KINDS, ASKS_FOR_STEPS, TROUBLE, TROUBLE_PLACE, YES_OR_NO
from assistant.turn.sentences import CODE, FAQ, ITEM, ROW, SENTENCE, meanings, words_of
from assistant.turn.writing import Source, write_answer
from knowledge.documents import Findings, Found, Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

Encode = Callable[[Sequence[str]], "NDArray[Any]"]

# Weights of a unit's score; the cosine with the question counts once. Chosen on clapnq and held against the demo shop.
WORDS_WEIGHT = 0.2  # share of the question's words that the unit holds
WHOLE_BONUS, WHOLE_WORDS = 0.05, 3  # for a row or entry that tells all of a question with that many words
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
TORSO_PENALTY = 0.15  # for steps whose first is in another passage
ELSEWHERE_PENALTY = 0.2  # for rows and items of other tables and lists where the question tells of trouble
SCRAP_PENALTY = 0.15  # for a sentence too short to say something
MISMATCH_PENALTY = 0.2  # for an FAQ entry that asks how often when the customer asks how

MAX_COMPARED = 8  # units whose vectors are made; each costs 1 to 3 ms
MAX_ENTRIES = 5
COMPARED_CHARS = 180  # of a unit; a batch takes as long as its longest text
MAX_SENTENCES = 3
MAX_WORDS = 90
FILL_WORDS = 50  # an explanation shorter than this is filled up from its passage
MOST_FILL_WORDS = 90  # and never beyond this
FAQ_SAME_QUESTION = 0.75  # cosine from which two questions ask the same
FAQ_NOT_SAME = FAQ_SAME_QUESTION - 0.1
FAQ_SHARED_WORDS = 0.34  # less of the question's words in an entry, and it is about something else
FAQ_SURELY_SAME = 0.9  # and from which it does not matter how they begin
DOCUMENT_MARGIN = 0.3  # how far below the best a further sentence of its document may score
SENTENCE_MARGIN = 0.03  # and one of another
FAQ_MARGIN = 0.06
ROW_MARGIN = 0.04
DUPLICATE = 0.9  # cosine from which two sentences say the same
RELATED_QUESTION = 0.45
CLASH_MARGIN = 0.12  # so near behind, what is told of another product could be meant as well
MAX_CHOICES = 6


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's words with markers, what they stand on, and questions that its neighbours in the passages answer.

    `likeness` is the cosine of the question with what answers it, products' names apart; `told` the share of the
    question's words in it; `exact`: it holds the code asked about or continues the answer before. `products` are those
    it tells of.
    """

    text: str
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    related: tuple[str, ...] = ()
    likeness: float = 1.0
    told: float = 1.0
    exact: bool = False
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WhichProduct:
    """The question has a different answer for each of these."""

    products: tuple[str, ...]
    best: Composed


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
    candidate: Candidate
    score: float
    vector: Any
    likeness: float  # with the question; of an FAQ entry, its question's
    told: float

    @property
    def is_same_question(self) -> bool:
        return self.candidate.unit.kind == FAQ and self.likeness >= FAQ_SAME_QUESTION


def compose(
    question: str, findings: Findings, encode: Encode, asked: Asked | None = None
) -> Composed | WhichProduct | None:
    """The answer the passages give, in well-formed prose; None when they hold no sentence that may answer.

    Args:
        question: standing alone; `asked` says more about it where more is known.
        encode: texts -> unit vectors, shape (n, dimensions).
    """
    asked = asked or Asked(question, question)
    found = [hit for hit in findings.found if hit.passage.text.strip()]
    candidates, units = list_candidates(asked, found)
    scored = _score(asked, found, candidates, encode)
    if not scored:
        return None
    if choices := _clash(asked, scored):
        owned = tuple(name for name in choices if name in asked.subject.owned)
        if len(owned) != 1:
            return WhichProduct(
                (owned or choices)[:MAX_CHOICES], _composed(asked, scored, found, units, findings.release)
            )
        return compose(
            question, findings, encode, replace(asked, subject=replace(asked.subject, products=owned, certain=True))
        )
    return _composed(asked, scored, found, units, findings.release)


def _composed(
    asked: Asked, scored: Sequence[_Scored], found: Sequence[Found], units: Sequence[Sequence[Any]], release: int
) -> Composed:
    picked = _filled(asked, _pick(asked, scored), scored, units)
    ranks = list(dict.fromkeys(s.candidate.rank for s in picked))
    sources = [
        Source(
            found[rank].passage,
            tuple(units[rank]),
            tuple(s.candidate.at for s in picked if s.candidate.rank == rank),
            not any(s.is_same_question for s in picked if s.candidate.rank == rank),
        )
        for rank in ranks
    ]
    text, citations = write_answer(asked.words, sources, release)
    best = max(picked, key=lambda s: s.score)
    shows = ANSWER_KINDS.get(asked.kind or "")
    continues = best.candidate.continues and shows is not None and shows.search(best.candidate.unit.shown) is not None
    continues = continues and (best.told > 0 or asked.is_bare)
    return Composed(
        text,
        citations,
        tuple(found[rank].passage for rank in ranks),
        _related(scored, set(ranks)),
        best.likeness,
        best.told,
        continues or any(holds_code(c.quote, code) for c in citations for code in asked.codes),
        asked.subject.products if asked.subject.certain else _names(asked, best.candidate.about),
    )


def _related(scored: Sequence[_Scored], said: set[int]) -> tuple[str, ...]:
    entries = [
        s.candidate.unit.heading
        for s in sorted(scored, key=lambda s: -s.likeness)
        if s.candidate.unit.kind == FAQ and s.candidate.rank not in said and s.likeness >= RELATED_QUESTION
    ]
    return tuple(dict.fromkeys(entries))[:2]


def _names(asked: Asked, folded: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in asked.catalogue.names if name.casefold() in folded)


def _score(asked: Asked, found: Sequence[Found], candidates: Sequence[Candidate], encode: Encode) -> list[_Scored]:
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
        if candidate.unit.kind in (ROW, FAQ) and told[i] == 1.0 and len(ask.words) >= WHOLE_WORDS:
            score += WHOLE_BONUS
        if candidate.unit.kind == FAQ:
            alike = ask.asks_like(candidate.unit.heading, candidate.unit.shown, likeness)
            # "is there a warranty on ..." is answered by "how long is the warranty?" where that tells all of it
            alike = alike or (ask.kind is None and len(ask.words) > 1 and told[i] == 1.0)
            if not alike or told[i] < FAQ_SHARED_WORDS:
                likeness = min(likeness, FAQ_NOT_SAME)
            # The search compared the whole entry already; names of products would make it look alike.
            whole = hit.similarity - ANSWER_DISCOUNT if question == asked.question else 0.0
            likeness = max(likeness, min(whole, FAQ_NOT_SAME))
            score += FAQ_BONUS if alike and likeness >= FAQ_ALIKE else 0.0 if alike else -MISMATCH_PENALTY
        scored.append(_Scored(candidate, score + likeness, vectors[place], likeness, told[i]))
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
        topic = meanings(self.asked.unnamed(heading))
        value -= OFF_TOPIC_PENALTY * (1 - _share(topic, " ".join(self.words))) if topic else 0.0
        if candidate.is_torso:
            value -= TORSO_PENALTY
        head = unit.cells[0][1] if unit.cells else unit.heading
        if head in self.numbers or any(holds_code(head, code) for code in self.codes):
            value += CODE_BONUS
        if self.places and not any(name in f"{unit.heading} {unit.shown}".casefold() for name in self.places):
            value -= STRANGER_PENALTY
        if not self.asked.subject.certain and self.owned & candidate.about:
            value += OWNED_BONUS
        shows = ANSWER_KINDS.get(self.kind or "")
        if shows and shows.search(unit.shown):
            value += CONTINUES_BONUS if candidate.continues and self.asked.is_bare else SHOWS_BONUS
        if unit.kind == SENTENCE and len(words_of(unit.shown)) < 5:
            value -= SCRAP_PENALTY
        return value

    def asks_like(self, other: str, answer: str, same: float) -> bool:
        """Whether an FAQ entry answers this kind of question, as far as its question or its answer show."""
        theirs = kind_of(other)
        if same >= FAQ_SURELY_SAME or self.kind is None or self.kind == theirs:
            return True
        shows = ANSWER_KINDS.get(self.kind)
        return shows.search(answer) is not None if shows else theirs is None


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


def _clash(asked: Asked, scored: Sequence[_Scored]) -> tuple[str, ...]:
    """The products among which the question leaves open which it means; empty when that is clear."""
    if asked.subject.only is not None or not asked.catalogue.products:
        return ()
    best = scored[0]
    if len(best.candidate.about) != 1:
        return ()
    if asked.codes and asked.subject.certain and len(asked.subject.products) > 1:
        return asked.subject.products  # a code of one generation is no other generation's
    near = [s for s in scored if len(s.candidate.about) == 1 and (s is best or _may_be_meant(asked, best, s))]
    about = list(dict.fromkeys(name for s in near for name in s.candidate.about))
    if len(about) < 2:
        return ()
    names = {name.casefold(): name for name in asked.catalogue.names}
    return tuple(names[name] for name in about if name in names)


def _may_be_meant(asked: Asked, best: _Scored, other: _Scored) -> bool:
    """Whether this answers as well as the best: the same code, or as much of the question, as nearly."""
    unit = other.candidate.unit
    if asked.codes:
        head = unit.cells[0][1] if unit.cells else unit.heading
        return any(holds_code(head, code) for code in asked.codes)
    if other.told < best.told or not other.told:
        return False
    return asked.subject.certain or (
        other.score >= best.score - CLASH_MARGIN and other.likeness >= best.likeness - CLASH_MARGIN
    )


def _pick(asked: Asked, scored: Sequence[_Scored]) -> list[_Scored]:
    """The best unit and those that add to it, the best first, no two saying the same."""
    best = scored[0]
    if siblings := _told_by_place(asked, scored):
        return siblings
    if best.candidate.unit.kind in (ITEM, CODE) or best.is_same_question:
        return [best]
    picked = [best]
    count = len(words_of(best.candidate.unit.shown))
    for candidate in scored[1:20]:
        if len(picked) >= MAX_SENTENCES or count >= MAX_WORDS:
            break
        if candidate.score < best.score - _margin(best, candidate) or not _goes_with(candidate, picked):
            continue
        picked.append(candidate)
        count += len(words_of(candidate.candidate.unit.shown))
    return picked


def _filled(
    asked: Asked, picked: list[_Scored], scored: Sequence[_Scored], units: Sequence[Sequence[Any]]
) -> list[_Scored]:
    """A short answer to a question that asks for more than one fact, with more of the passage it stands in.

    The sentences of that passage that fit best come first, then those that follow.
    """
    best = picked[0]
    if best.candidate.unit.kind != SENTENCE or _is_one_fact(asked, best):
        return picked
    filled = list(picked)
    count = sum(len(words_of(one.candidate.unit.shown)) for one in filled)
    same = [s for s in scored if s.candidate.rank == best.candidate.rank and s.candidate.unit.kind == SENTENCE]
    same = [s for s in same if s.score >= best.score - DOCUMENT_MARGIN]
    for other in (*same, *_following(asked, best, units)):
        if count >= FILL_WORDS:
            break
        at = (other.candidate.rank, other.candidate.at)
        if at in {(one.candidate.rank, one.candidate.at) for one in filled}:
            continue
        length = len(words_of(other.candidate.unit.shown))
        if count + length <= MOST_FILL_WORDS:
            filled.append(other)
            count += length
    return filled


def _is_one_fact(asked: Asked, best: _Scored) -> bool:
    """Whether a time, a price or a measure is asked for and shown, or a plain yes or no."""
    shows = ANSWER_KINDS.get(asked.kind or "")
    return YES_OR_NO.search(asked.words) is not None or (
        shows is not None and shows.search(best.candidate.unit.shown) is not None
    )


def _following(asked: Asked, best: _Scored, units: Sequence[Sequence[Any]]) -> list[_Scored]:
    """The sentences after the best one, in its paragraph and of the same products."""
    own, after = best.candidate, []
    for at in range(own.at + 1, len(units[own.rank])):
        unit = units[own.rank][at]
        if unit.kind != SENTENCE or unit.group != own.unit.group or unit.shown.endswith(("?", ":")):
            break
        if about_of(unit, own.passage, asked.catalogue) != own.about:
            break
        after.append(_Scored(replace(own, at=at, unit=unit), best.score - DOCUMENT_MARGIN, best.vector, 0.0, 0.0))
    return after


def _told_by_place(asked: Asked, scored: Sequence[_Scored]) -> list[_Scored]:
    """The entries that tell the same for different countries, in their document's order, where none was named."""
    best, shows = scored[0], ANSWER_KINDS.get(asked.kind or "")
    if shows is None or asked.places or not asked.wanted:
        return []

    def is_one(s: _Scored) -> bool:
        unit, passage = s.candidate.unit, s.candidate.passage
        names = names_in(asked.catalogue.unnamed(unit.heading))
        same = passage.document_id == best.candidate.passage.document_id
        return unit.kind == FAQ and same and s.told >= best.told and bool(names) and bool(shows.search(unit.shown))

    alike = [s for s in scored if is_one(s)]
    if best not in alike or len(alike) < 2:
        return []
    return sorted(alike[:MAX_SENTENCES], key=lambda s: s.candidate.passage.start)


def _margin(best: _Scored, other: _Scored) -> float:
    one, two = best.candidate, other.candidate
    if one.unit.kind == FAQ:
        return FAQ_MARGIN
    if one.unit.kind == ROW:
        return ROW_MARGIN
    return DOCUMENT_MARGIN if one.passage.document_id == two.passage.document_id else SENTENCE_MARGIN


def _goes_with(other: _Scored, picked: Sequence[_Scored]) -> bool:
    kind = other.candidate.unit.kind
    if kind in (ITEM, CODE) or kind != picked[0].candidate.unit.kind:
        return False
    if kind == FAQ and other.likeness < FAQ_ALIKE:
        return False
    return all(float(other.vector @ one.vector) < DUPLICATE for one in picked)
