"""Why a passage was found, in the words of who asked. Floor: pure."""

from __future__ import annotations

from knowledge.documents import Passage
from knowledge.lexical import WORD, terms


def shared_words(question: str, passage: Passage) -> list[str]:
    """The words of the question, as they were written, that stand in the passage or in what it is headed by.

    Words count as the search counts them: by their stems, without those that every text has.
    """
    headed = (passage.title, *passage.section, passage.question or "", passage.lead, passage.text)
    there = set(terms("\n".join(headed)))
    words = (match.group(0) for match in WORD.finditer(question))
    return list(dict.fromkeys(word for word in words if there.intersection(terms(word))))
