"""A message that goes on about our last answer: "why not?", "I did all that", "what does that part cost?". Floor: pure.

`from_passages.py` asks here what is meant, and searches and composes accordingly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.turn.before import Before
from assistant.turn.candidates import Asked, Candidate, codes_in, holds_code, parts_in
from assistant.turn.phrases import ASKS
from assistant.turn.sentences import meanings

_WHY = re.compile(
    r"^\W*(?:(?:and|but|so|ok|okay)\W+)?(?:why|how come)(?: not| is that| so| is it| then)?\W*$", re.IGNORECASE
)
_TRIED = re.compile(
    "|".join(
        (
            r"\b(?:tried|did|done|followed|checked) (?:(?:all|both|everything|each|most)(?: of)?|that|this|it|those"
            r"|these|so|the steps|as you said)\b",
            r"\bno (?:change|luck|difference|success|improvement)\b|\bsame (?:problem|thing|result)\b",
            r"\bstill (?:nothing|no\b|not|the same|there|broken|(?:does|is|wo)n'?t)",
            r"\bnothing (?:changed|helped|happen\w+)\b",
            r"\b(?:did|has|have|does)(?: not|n'?t) (?:help|work|change|fix|solve)\w*\b",
            r"\b(?:is|it's|its|comes?|came|keeps? coming) back(?: again)?\W*$",
        )
    ),
    re.IGNORECASE,
)
# what a document says for the case that its advice does not help
_IF_IT_STAYS = re.compile(
    r"\bif (?:it|this|that|they|the \w+|[a-z]?\d+)\b[^.;]{0,20}"
    r"\b(?:stays?|returns?|remains?|persists?|(?:comes?|came) back|does not (?:help|work|go)|happens again)\b"
    r"|\bif (?:nothing|none of|that does not) helps?\b",
    re.IGNORECASE,
)


def asks_why(asked: Asked, before: Before) -> bool:
    """Whether it asks for the reason of our last answer and says nothing else."""
    return bool(before.asked and before.cited) and _WHY.match(asked.words) is not None


def why_asked(asked: Asked, before: Before) -> Asked:
    """The question before, to be answered by what our answer did not say."""
    question = before.asked or asked.question
    return replace(asked, question=question, words=question, leans_back=False, cited=(), said=before.cited)


def was_tried(words: str, before: Before) -> bool:
    """Whether the customer has done what we said, and it did not help; not when they ask something."""
    return bool(before.cited) and _TRIED.search(words) is not None and "?" not in words and not ASKS.match(words)


def what_then(candidates: Sequence[Candidate], before: Before, codes: Sequence[str]) -> list[Candidate]:
    """What the documents say for the case that the advice did not help: of the code in question, or of that advice."""
    then = [candidate for candidate in candidates if _IF_IT_STAYS.search(candidate.unit.shown)]
    of_code = [one for one in then if any(holds_code(one.unit.shown, code) for code in codes)]
    return of_code or [one for one in then if _was_quoted(one, before)]


def _was_quoted(one: Candidate, before: Before) -> bool:
    start, end = one.passage.start + one.unit.start, one.passage.start + one.unit.end
    return any(place.overlaps(one.passage.document_id, start, end) for place in before.cited)


def parts_meant(asked: Asked, before: Before) -> tuple[str, ...]:
    """The part numbers that our last answer named, where the price of "that", "that part" or "the gasket" is asked."""
    if asked.kind != "price" or not asked.leans_back or codes_in(asked.catalogue.mask(asked.words)):
        return ()
    spoken_of = asked.is_bare or bool(asked.own & meanings(before.quoted))
    return tuple(sorted(parts_in(before.quoted))) if spoken_of else ()
