"""What the studio's routes answer, shape by shape, as `/openapi.json` tells it. Floor: door."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from assistant.studio.explaining import shared_words
from knowledge.documents import DocumentSummary, Found, Purged, ReleaseInfo

SourceKind = Literal["folder", "file", "page", "sitemap", "uploads"]


class SourceView(BaseModel):
    """Where documents come from. The uploads are one source, added with the first file."""

    id: int
    location: str
    kind: SourceKind
    added_at: str


class FaultView(BaseModel):
    """A source that could not be read, and why."""

    source: str
    reason: str


class JobView(BaseModel):
    """Long work. `done` of `total` steps of `what` (`total` 0: not known yet)."""

    id: str
    kind: Literal["reindex", "compare"]
    state: Literal["running", "done", "failed"]
    what: str
    done: int
    total: int
    started_at: str
    started_by: str
    ended_at: str | None
    report: dict[str, Any] | None = Field(description="What came of it, once `done`; of a comparison, its counts.")
    error: str | None = Field(description="A sentence that says what to do, once `failed`.")
    task: dict[str, Any] = Field(description="What it was asked: `publish`, or `release` and `against`.")


class KnowledgeView(BaseModel):
    """What is in service, and what it is made of."""

    release: int | None
    made_at: str | None
    documents: int
    passages: int
    embedder: str
    size_bytes: int
    sources: list[SourceView]
    faults: list[FaultView] = Field(description="Of the newest run.")
    job: JobView | None


class SavedFile(BaseModel):
    name: str
    bytes: int
    replaced: bool = Field(description="Whether this is a new version of a file that was there.")


class RefusedFile(BaseModel):
    name: str
    reason: str


class UploadView(BaseModel):
    """Saved files are read with the next reindex."""

    saved: list[SavedFile]
    refused: list[RefusedFile]


class NewSource(BaseModel):
    location: str = Field(max_length=2000, description="A page or a sitemap, with https:// or http://.")


class NewRun(BaseModel):
    publish: bool = Field(False, description="Put the new release in service at once, without a look at it.")


class NewComparison(BaseModel):
    against: int | None = Field(None, ge=1, description="The release to compare with; default: the one in service.")


class AnswerView(BaseModel):
    """What one of two releases answers."""

    text: str
    outcome: str
    citations: list[dict[str, Any]]
    sureness: float


class ComparedView(BaseModel):
    """A question and both answers. `history`: what the customer says before it; `file`: of the cases it is among."""

    id: str | None
    question: str
    history: list[str]
    origin: Literal["saved", "recent", "cases"]
    file: str | None
    before: AnswerView
    after: AnswerView
    change: Literal["outcome", "sources", "wording", "same"]


class ListedComparison(BaseModel):
    """Two releases that were compared. `counts`: questions, by change, and answered only now or only before."""

    release: int
    against: int
    made_by: str
    made_at: str
    counts: dict[str, int]


class ComparisonsView(BaseModel):
    comparisons: list[ListedComparison]


class ComparisonView(ListedComparison):
    questions: list[ComparedView]


class ListedDocument(BaseModel):
    """A document in a list. `answers`: how many answers of the last 90 days cited it."""

    id: str
    title: str
    source: str
    media_type: str
    language: str | None
    products: list[str]
    audience: str | None
    changed_at: str | None
    passages: int
    answers: int

    @classmethod
    def of(cls, document: DocumentSummary, answers: int) -> ListedDocument:
        return cls(
            id=document.id,
            title=document.title,
            source=document.source,
            media_type=document.media_type,
            language=document.language,
            products=list(document.products),
            audience=document.audience,
            changed_at=document.changed_at,
            passages=document.passages,
            answers=answers,
        )


class DocumentsView(BaseModel):
    release: int | None
    documents: list[ListedDocument]


class PassagePlace(BaseModel):
    """Where a passage lies in its document's text, in characters."""

    id: str
    section: list[str]
    start: int
    end: int
    page: int | None
    question: str | None
    position: int


class UnderstoodDocument(BaseModel):
    """A document as it was understood, with its passages in their order."""

    document: str
    release: int
    title: str
    source: str
    media_type: str
    url: str | None
    language: str | None
    products: list[str]
    audience: str | None
    changed_at: str | None
    text: str
    passages: list[PassagePlace]


class PurgedView(BaseModel):
    purged: Purged


class FoundPassage(BaseModel):
    id: str
    document: str
    title: str
    section: list[str]
    text: str
    start: int
    end: int
    page: int | None
    url: str | None
    products: list[str]
    question: str | None
    language: str | None
    audience: str | None
    position: int


class WhyPart(BaseModel):
    part: str
    value: float


class FoundView(BaseModel):
    """A result. The values of `why` add up to `score`; `terms` are the question's words that stand in the passage."""

    passage: FoundPassage
    score: float
    similarity: float
    sureness: float
    why: list[WhyPart]
    terms: list[str]

    @classmethod
    def of(cls, question: str, found: Found) -> FoundView:
        passage = found.passage
        return cls(
            passage=FoundPassage(
                id=passage.id,
                document=passage.document_id,
                title=passage.title,
                section=list(passage.section),
                text=passage.text,
                start=passage.start,
                end=passage.end,
                page=passage.page,
                url=passage.url,
                products=list(passage.products),
                question=passage.question,
                language=passage.language,
                audience=passage.audience,
                position=passage.position,
            ),
            score=found.score,
            similarity=found.similarity,
            sureness=found.sureness,
            why=[WhyPart(part=part, value=value) for part, value in found.why],
            terms=shared_words(question, passage),
        )


class SearchView(BaseModel):
    release: int
    sureness: float
    found: list[FoundView]


class ReleasesView(BaseModel):
    releases: list[ReleaseInfo]
