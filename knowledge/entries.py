"""Passages -> what is embedded for them: of each its text, of some their question or title too. Floor: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from knowledge.chunking import embeddable, searchable
from knowledge.documents import Passage
from knowledge.embedding import content_key

TITLE_DISCOUNT = 0.05  # a title says what an article is about, a question what its answer answers
SHORT_CHARS = 200  # a text so short says one thing, and its title says what that is about
TELLING_SHARE = 0.9  # titles tell articles apart when at least this share of the documents has one of its own


@dataclass(frozen=True, slots=True)
class Entry:
    """A text to embed, the passage (by position) that it leads to, and what its cosine is lowered by."""

    text: str
    owner: int
    discount: float = 0.0


def entries_of(passages: Sequence[Passage]) -> list[Entry]:
    """First every passage's own text, in order; then the questions of FAQ entries and the titles of articles."""
    own = [Entry(embeddable(passage), i) for i, passage in enumerate(passages)]
    questions = [Entry(passage.question, i) for i, passage in enumerate(passages) if passage.question]
    return [*own, *questions, *_titles(passages)]


def _titles(passages: Sequence[Passage]) -> list[Entry]:
    """Titles of articles, where titles tell documents apart: those of a help site do, a pool's do not."""
    first: dict[str, int] = {}
    for i, passage in enumerate(passages):
        first.setdefault(passage.document_id, i)
    titles = Counter(passages[i].title for i in first.values())
    if not first or sum(count == 1 for count in titles.values()) < TELLING_SHARE * len(first):
        return []
    return [
        Entry(passages[i].title, i, TITLE_DISCOUNT)
        for i in first.values()
        if passages[i].title and not passages[i].question
    ]


def titles_taken_off(passages: Sequence[Passage]) -> tuple[list[str], list[int]]:
    """The distinct titles of longer texts, and for each passage which of them is its own; -1 where it has none."""
    own = [one.title if len(one.text) > SHORT_CHARS else "" for one in passages]
    titles = list(dict.fromkeys(title for title in own if title))
    places = {title: i for i, title in enumerate(titles)}
    return titles, [places.get(title, -1) for title in own]


def keys_of(passages: Iterable[Passage]) -> set[bytes]:
    """The keys of all texts that may ever have been embedded for these passages."""
    return {
        content_key(text)
        for passage in passages
        for text in (embeddable(passage), searchable(passage), passage.question, passage.title)
        if text
    }
