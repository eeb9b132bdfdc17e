"""The extractive composer: answers made of sentences that stand in the passages. Floor: pure but for `encode`.

No model, no network. `candidates.py` says what may answer, `scoring.py` how well, `choosing.py` which of it is said,
`writing.py` writes it down.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.turn.candidates import Asked, holds_code, list_candidates
from assistant.turn.choosing import clash, fill, pick
from assistant.turn.citations import Citation
from assistant.turn.phrases import ANSWER_KINDS
from assistant.turn.scoring import Encode, Scored, score_candidates
from assistant.turn.sentences import FAQ, Unit
from assistant.turn.writing import Source, write_answer
from knowledge.documents import Findings, Found, Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

RELATED_QUESTION = 0.45
MAX_CHOICES = 6


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's words with markers, what they stand on, and questions that its neighbours in the passages answer.

    `likeness` is the cosine of the question with what answers it, products' names apart; `told` the share of the
    question's words in it; `exact`: it holds the code asked about or continues the answer before. `products` are those
    it tells of. `best` is the stretch that it stands on, and scored by `lead` more than the next.
    """

    text: str
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    related: tuple[str, ...] = ()
    likeness: float = 1.0
    told: float = 1.0
    exact: bool = False
    products: tuple[str, ...] = ()
    best: Scored | None = None
    lead: float = 0.0


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
    scored = score_candidates(asked, found, candidates, encode)
    if not scored:
        return None
    if choices := clash(asked, scored):
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
    asked: Asked, scored: Sequence[Scored], found: Sequence[Found], units: Sequence[Sequence[Unit]], release: int
) -> Composed:
    picked = fill(asked, pick(asked, scored), scored, units)
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
        scored[0],
        scored[0].score - scored[1].score if len(scored) > 1 else 0.0,
    )


def _related(scored: Sequence[Scored], said: set[int]) -> tuple[str, ...]:
    entries = [
        s.candidate.unit.heading
        for s in sorted(scored, key=lambda s: -s.likeness)
        if s.candidate.unit.kind == FAQ and s.candidate.rank not in said and s.likeness >= RELATED_QUESTION
    ]
    return tuple(dict.fromkeys(entries))[:2]


def _names(asked: Asked, folded: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in asked.catalogue.names if name.casefold() in folded)
