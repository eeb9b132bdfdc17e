"""What knowledge is made of: documents, passages, what a search finds. Floor: pure; this house's vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Document:
    """One file or page as it was understood.

    `text` is the stored text: every quote is an exact substring of it, and passage offsets count its characters.
    `id` is stable over re-reads of the same source. `url` is where the customer would find the original, if anywhere.
    """

    id: str
    source: str  # path relative to the root that was added, or the URL
    title: str
    text: str
    media_type: str  # text/markdown, text/html, application/pdf, …
    content_hash: str  # of the source's bytes and the reader's version
    language: str | None = None
    url: str | None = None
    products: tuple[str, ...] = ()
    changed_at: str | None = None  # RFC 3339
    pages: tuple[int, ...] = ()  # PDF: where each page begins in `text`, so that an offset knows its page
    audience: str | None = None  # whom it is for ("customers", "agents", …); None: everybody


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document that can be found and quoted: `document.text[start:end] == text`."""

    id: str  # of document id and content: the same passage keeps its id over releases
    document_id: str
    title: str  # the document's
    section: tuple[str, ...]  # heading path, outermost first
    text: str
    start: int
    end: int
    page: int | None = None  # 1-based, PDF
    url: str | None = None
    products: tuple[str, ...] = ()
    question: str | None = None  # FAQ entries: the question that `text` answers
    lead: str = ""  # the header row, when `text` begins in the middle of a table: read with it, never quoted
    language: str | None = None
    audience: str | None = None
    position: int = 0  # within its document, from 0: its neighbours are position - 1 and position + 1


@dataclass(frozen=True, slots=True)
class Found:
    """A passage a search found. `score` orders the results of one search; `similarity` is the cosine, -1..1.

    `sureness`, 0..1: how probably this very passage holds the answer. `why` names the parts that add up to `score`.
    """

    passage: Passage
    score: float
    similarity: float
    sureness: float = 0.0
    why: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """What one search found, best first, all from one release. `sureness` 0..1: how sure that the answer is in here.

    `corrections`: (word as written, what was searched for as well) for words that were probably misspelt.
    """

    question: str
    release: int
    found: tuple[Found, ...]
    sureness: float
    corrections: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation so far, oldest first in a history. `role`: customer or assistant."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class ReadingFault:
    """A source that could not be read: one line for the report, never the end of the run."""

    source: str
    reason: str  # a sentence that says what is wrong and what to do


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a reindex did, counted in documents; `passages` is the size of the new release."""

    release: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    passages: int = 0
    faults: tuple[ReadingFault, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class LibraryStatus:
    """What is in service: `release` None before the first reindex. Sizes in documents, passages and bytes."""

    release: int | None
    made_at: str | None  # RFC 3339
    documents: int
    passages: int
    embedder: str
    sources: tuple[str, ...]
    size_bytes: int
    releases_kept: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseInfo:
    """One release as people choose among them. Counts are of documents, against the release that it was made after."""

    number: int
    state: str  # live, kept (was in service once), candidate (never was)
    made_at: str  # RFC 3339
    made_by: str  # an agent's e-mail address, or "command"
    published_at: str | None  # when it was last put in service
    published_by: str | None
    documents: int
    passages: int
    embedder: str
    added: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document of one release in a list, without its text."""

    id: str
    title: str
    source: str
    media_type: str
    language: str | None
    products: tuple[str, ...]
    audience: str | None
    changed_at: str | None  # RFC 3339
    passages: int


@dataclass(frozen=True, slots=True)
class ReleaseChanges:
    """What differs between two releases, document by document, in the order of their titles."""

    release: int
    against: int | None
    added: tuple[DocumentSummary, ...]
    changed: tuple[DocumentSummary, ...]
    removed: tuple[DocumentSummary, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A file, folder or page that is read at each reindex."""

    id: int
    location: str  # an absolute path or a URL
    added_at: str  # RFC 3339


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge deleted for good. `files` are those of the data folder; `left` stay: not ours, or of others too."""

    documents: tuple[DocumentSummary, ...]
    releases: tuple[int, ...]  # that held them
    passages: int = 0
    vectors: int = 0
    files: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
