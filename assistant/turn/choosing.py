"""What is said of the scored candidates: the best with what adds to it, or which product is meant. Floor: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.turn.candidates import Asked, Candidate, about_of, holds_code, names_in
from assistant.turn.phrases import ANSWER_KINDS, YES_OR_NO
from assistant.turn.scoring import FAQ_ALIKE, FAQ_SAME_QUESTION, Scored
from assistant.turn.sentences import CODE, FAQ, ITEM, ROW, SENTENCE, Unit, meanings, words_of

MAX_SENTENCES = 3
MAX_WORDS = 90
FILL_WORDS = 50  # an explanation shorter than this is filled up from its passage
MOST_FILL_WORDS = 90  # and never beyond this
DOCUMENT_MARGIN = 0.3  # how far below the best a further sentence of its document may score
HEADING_MARGIN = 0.1  # and one below another heading of it, which is about something else
SENTENCE_MARGIN = 0.03  # and one of another document
FAQ_MARGIN = 0.06
ROW_MARGIN = 0.04
CASES_MARGIN = 0.1  # for a row that tells as much for another case: hard water, soft water
DUPLICATE = 0.9  # cosine from which two sentences say the same
CLASH_MARGIN = 0.12  # so near behind, what is told of another product could be meant as well


def clash(asked: Asked, scored: Sequence[Scored]) -> tuple[str, ...]:
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


def _may_be_meant(asked: Asked, best: Scored, other: Scored) -> bool:
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


def pick(asked: Asked, scored: Sequence[Scored]) -> list[Scored]:
    """The best unit and those that add to it, the best first, no two saying the same."""
    best = scored[0]
    if siblings := _told_by_place(asked, scored) or _rows_named(asked, scored):
        return siblings
    if best.candidate.unit.kind in (ITEM, CODE) or best.is_same_question:
        return [best]
    # a yes or no that tells all of the question needs no more
    is_told = YES_OR_NO.search(asked.words) is not None and best.told == 1.0 and best.likeness >= FAQ_SAME_QUESTION
    picked = [best]
    count = len(words_of(best.candidate.unit.shown))
    for candidate in scored[1:20]:
        if len(picked) >= MAX_SENTENCES or count >= MAX_WORDS:
            break
        if candidate.score < best.score - _margin(best, candidate) or not _goes_with(candidate, picked):
            continue
        if is_told and candidate.told < best.told:
            continue
        picked.append(candidate)
        count += len(words_of(candidate.candidate.unit.shown))
    return picked


def fill(asked: Asked, picked: list[Scored], scored: Sequence[Scored], units: Sequence[Sequence[Unit]]) -> list[Scored]:
    """A short answer to a question that asks for more than one fact, with more of the passage it stands in.

    The sentences of that passage that fit best come first, then those that follow.
    """
    best = picked[0]
    if best.candidate.unit.kind != SENTENCE or _is_one_fact(asked, best):
        return picked
    filled = list(picked)
    count = sum(len(words_of(one.candidate.unit.shown)) for one in filled)
    same = [s for s in scored if s.candidate.rank == best.candidate.rank and s.candidate.unit.kind == SENTENCE]
    same = [s for s in same if s.score >= best.score - _margin(best, s)]
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


def _is_one_fact(asked: Asked, best: Scored) -> bool:
    """Whether a time, a price or a measure is asked for and shown, or a plain yes or no."""
    shows = ANSWER_KINDS.get(asked.kind or "")
    return YES_OR_NO.search(asked.words) is not None or (
        shows is not None and shows.search(best.candidate.unit.shown) is not None
    )


def _following(asked: Asked, best: Scored, units: Sequence[Sequence[Unit]]) -> list[Scored]:
    """The sentences after the best one, in its paragraph and of the same products."""
    own, after = best.candidate, []
    for at in range(own.at + 1, len(units[own.rank])):
        unit = units[own.rank][at]
        if unit.kind != SENTENCE or unit.group != own.unit.group or unit.shown.endswith(("?", ":")):
            break
        if about_of(unit, own.passage, asked.catalogue) != own.about:
            break
        after.append(Scored(replace(own, at=at, unit=unit), best.score - DOCUMENT_MARGIN, best.vector, 0.0, 0.0))
    return after


def _rows_named(asked: Asked, scored: Sequence[Scored]) -> list[Scored]:
    """The rows of one table that the question names by their heads: "a root canal or a crown?"; none if not several."""
    words = meanings(asked.question)
    best = scored[0].candidate
    if best.unit.kind != ROW:
        return []
    same = [s for s in scored if (s.candidate.rank, s.candidate.unit.group) == (best.rank, best.unit.group)]
    named = [s for s in same if (head := meanings(s.candidate.unit.cells[0][1])) and head <= words]
    return sorted(named, key=lambda s: s.candidate.at) if len(named) > 1 and scored[0] in named else []


def _told_by_place(asked: Asked, scored: Sequence[Scored]) -> list[Scored]:
    """The entries that tell the same for different countries, in their document's order, where none was named."""
    best, shows = scored[0], ANSWER_KINDS.get(asked.kind or "")
    if shows is None or asked.places or not asked.wanted:
        return []

    def is_one(s: Scored) -> bool:
        unit, passage = s.candidate.unit, s.candidate.passage
        names = names_in(asked.catalogue.unnamed(unit.heading))
        same = passage.document_id == best.candidate.passage.document_id
        return unit.kind == FAQ and same and s.told >= best.told and bool(names) and bool(shows.search(unit.shown))

    alike = [s for s in scored if is_one(s)]
    if best not in alike or len(alike) < 2:
        return []
    return sorted(alike[:MAX_SENTENCES], key=lambda s: s.candidate.passage.start)


def _margin(best: Scored, other: Scored) -> float:
    one, two = best.candidate, other.candidate
    if one.unit.kind == FAQ:
        return FAQ_MARGIN
    if one.unit.kind == ROW:
        return CASES_MARGIN if _is_other_case(best, other) else ROW_MARGIN
    if one.passage.document_id != two.passage.document_id:
        return SENTENCE_MARGIN
    return DOCUMENT_MARGIN if _heading(one) == _heading(two) else HEADING_MARGIN


def _heading(candidate: Candidate) -> tuple[str, ...]:
    """All headings that a unit stands under."""
    return (*candidate.passage.section, candidate.unit.heading)


def _goes_with(other: Scored, picked: Sequence[Scored]) -> bool:
    kind = other.candidate.unit.kind
    if kind in (ITEM, CODE) or kind != picked[0].candidate.unit.kind:
        return False
    if kind == FAQ and (other.likeness < FAQ_ALIKE or other.told < picked[0].told):
        return False
    return all(float(other.vector @ one.vector) < DUPLICATE or _is_other_case(one, other) for one in picked)


def _is_other_case(one: Scored, other: Scored) -> bool:
    """Whether two rows of one table tell as much of the question: alike in words, each holds for a case of its own."""
    a, b = one.candidate, other.candidate
    same_table = a.unit.kind == b.unit.kind == ROW and (a.rank, a.unit.group) == (b.rank, b.unit.group)
    return same_table and one.told == other.told > 0
