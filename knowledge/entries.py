"""Passages -> what is embedded for them: of each its text, of some their question or title too. Floor: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.chunking import searchable
from knowledge.documents import Passage

TITLE_DISCOUNT = 0.05  # a title says what an article is about, a question what its answer answers
SHORT_ARTICLE_PASSAGES = 3
TELLING_SHARE = 0.9  # titles tell articles apart when at least this share of the documents has one of its own


@dataclass(frozen=True, slots=True)
class Entry:
    """A text to embed, the passage (by position) that it leads to, and what its cosine is lowered by."""

    text: str
    owner: int
    discount: float = 0.0


def entries_of(passages: Sequence[Passage]) -> list[Entry]:
    """First every passage's own text, in order; then the questions of FAQ entries and the titles of short articles."""
    own = [Entry(searchable(passage), i) for i, passage in enumerate(passages)]
    questions = [Entry(passage.question, i) for i, passage in enumerate(passages) if passage.question]
    return [*own, *questions, *_titles(passages)]


def _titles(passages: Sequence[Passage]) -> list[Entry]:
    """Titles of short articles, where titles tell documents apart: those of a help site do, a pool's do not."""
    first: dict[str, int] = {}
    sizes: Counter[str] = Counter()
    for i, passage in enumerate(passages):
        first.setdefault(passage.document_id, i)
        sizes[passage.document_id] += 1
    titles = Counter(passages[i].title for i in first.values())
    if not first or sum(count == 1 for count in titles.values()) < TELLING_SHARE * len(first):
        return []
    return [
        Entry(passages[i].title, i, TITLE_DISCOUNT)
        for document, i in first.items()
        if passages[i].title and sizes[document] <= SHORT_ARTICLE_PASSAGES and not passages[i].question
    ]
