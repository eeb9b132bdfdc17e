"""How probably the best stretch answers, where its passage tells of several things. Floor: pure but for `encode`.

A search compares whole passages. One that tells of opening hours, payment and parking is near to no question about
any of them, so the search is hardly ever sure of it; there the stretch itself has to tell (docs/decisions/0018).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from assistant.turn.candidates import Asked, Candidate
from assistant.turn.phrases import STOP, YES_OR_NO
from assistant.turn.scoring import Encode, Scored
from assistant.turn.sentences import ROW, split_sentences, split_units, words_of
from knowledge.sureness import logistic

# fitted by `python -m evals.fitting_closeness`
INTERCEPT = -3.40
WEIGHTS = (2.00, 3.59, 2.37, 4.24, 0.55, -0.76)  # of the signs, in their order
CLOSE_ENOUGH = 0.68  # from here on an answer is said; of those added, four in five are right, three on new companies
MOST_LEAD = 0.3
MOST_WORDS = 80  # of a stretch that are compared one by one
COMPARED_CHARS = 300


@dataclass(frozen=True, slots=True)
class Signs:
    """What closeness is told by.

    `likeness`: the cosine of the question with the stretch as it was compared, under its heading. `bare`: without it.
    `least`: how near the word of the question that is told least is to its nearest word there. `lead`: how much better
    the stretch is than the next, at most `MOST_LEAD`. `named`: a product is named, or an earlier turn leaned on;
    `yes_or_no`: whether something is so is asked; both 0 or 1.
    """

    likeness: float
    bare: float
    least: float
    lead: float
    named: float
    yes_or_no: float


def tells_of_several(candidate: Candidate) -> bool:
    """Whether the passage holds more than one paragraph, list or row."""
    units = split_units(candidate.passage.text, candidate.passage.lead)
    return len({(unit.group, unit.start if unit.kind == ROW else 0) for unit in units}) > 1


def read_signs(asked: Asked, best: Scored, lead: float, encode: Encode, *, named: bool) -> Signs:
    """The signs in the best stretch.

    Args:
        lead: how much better it scored than the next best; any for an only one.
        encode: texts -> unit vectors; single words are among them.
        named: a product is named or an earlier turn leaned on.
    """
    unit, passage = best.candidate.unit, best.candidate.passage
    wanted = _words_asked(asked.words)
    told = " ".join((passage.title, *passage.section, unit.heading, unit.shown, *(name for name, _ in unit.cells)))
    held = list(dict.fromkeys(word for word in words_of(told) if len(word) > 1))[:MOST_WORDS]
    question = asked.catalogue.mask(asked.compared)
    vectors = encode([question, unit.shown[:COMPARED_CHARS], *wanted, *held])
    least = 0.0
    if wanted and held:
        nearest = (vectors[2 : 2 + len(wanted)] @ vectors[2 + len(wanted) :].T).max(axis=1)
        least = float(nearest.min())
    return Signs(
        likeness=best.likeness,
        bare=float(vectors[0] @ vectors[1]),
        least=least,
        lead=min(lead, MOST_LEAD),
        named=float(named),
        yes_or_no=float(YES_OR_NO.search(asked.words) is not None),
    )


def closeness(signs: Signs) -> float:
    """How probably the stretch answers, 0..1."""
    return logistic(INTERCEPT, WEIGHTS, astuple(signs))


def _words_asked(text: str) -> list[str]:
    """The words that carry meaning in the last sentence that asks; in all of it where none does."""
    sentences = [text[start:end] for start, end in split_sentences(text)] or [text]
    asking = [sentence for sentence in sentences if sentence.endswith("?")] or sentences
    words = [word for word in words_of(asking[-1]) if word not in STOP and len(word) > 1]
    return list(dict.fromkeys(words or [word for word in words_of(text) if word not in STOP]))
