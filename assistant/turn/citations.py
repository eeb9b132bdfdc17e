"""Where an answer stands: citations with quotes that are exact stretches of a stored document. Floor: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote as quote_url

from knowledge.blocks import Atom, split_atoms
from knowledge.documents import Document, Passage


@dataclass(frozen=True, slots=True)
class Citation:
    """Marker `[n]` of an answer. `quote` is `document.text[start:end]` of that release, character for character."""

    n: int
    title: str
    section: tuple[str, ...]
    quote: str
    release: int
    document: str
    start: int
    end: int

    @property
    def url(self) -> str:
        """The page of our own that opens the document at the quote."""
        place = quote_url(self.document, safe="")
        return f"/source/{place}?release={self.release}&start={self.start}&end={self.end}"

    def as_data(self) -> dict[str, Any]:
        """The citation as the message event carries it."""
        return {
            "n": self.n,
            "title": self.title,
            "section": " › ".join(self.section),
            "url": self.url,
            "quote": self.quote,
            "release": self.release,
            "document": self.document,
            "start": self.start,
            "end": self.end,
        }


def cite(n: int, passage: Passage, release: int, start: int, end: int) -> Citation:
    """A citation of `passage.text[start:end]`, its offsets turned into the document's."""
    return Citation(
        n=n,
        title=passage.title,
        section=(*passage.section, *_headings_above(passage.text, start)),
        quote=passage.text[start:end],
        release=release,
        document=passage.document_id,
        start=passage.start + start,
        end=passage.start + end,
    )


def _headings_above(text: str, at: int) -> tuple[str, ...]:
    """The headings within a text that `text[at:]` stands below, outermost first: sections may share a passage."""
    path: list[Atom] = []
    for atom in split_atoms(text):
        if atom.start >= at:
            break
        if atom.kind == "heading":
            path = [*(above for above in path if above.level < atom.level), atom]
    return tuple(heading.words for heading in path)


def is_exact(citation: Citation, documents: Mapping[str, Document]) -> bool:
    """Whether the quote stands in the stored document where the citation says."""
    document = documents.get(citation.document)
    return document is not None and document.text[citation.start : citation.end] == citation.quote
