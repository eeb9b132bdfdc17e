"""What the routes of `studio_care.py` take and answer, shape by shape, as `/openapi.json` tells it. Floor: door."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from assistant.server.studio_views import FoundView
from assistant.studio.rehearsing import RehearsedAnswer, Searched
from assistant.turn.blocks import parse_blocks

SHOWN_PASSAGES = 3  # of what a search found, beside the answer made of it

GapState = Literal["open", "drafted", "closed", "dismissed"]


class ExampleView(BaseModel):
    """A question as it was asked, without what tells who asked; `agent_answer` is what a person wrote to it."""

    question: str
    conversation: str
    seq: int
    at: str
    reason: Literal["declined", "thumbed_down", "handed_over"]
    agent_answer: str | None


class DraftView(BaseModel):
    """An answer on its way. `left_out`: kinds of personal data that the prefilled text is without."""

    id: int
    gap: int | None
    question: str
    answer: str
    products: list[str]
    left_out: list[str]
    state: Literal["draft", "accepted"]
    made_by: str
    made_at: str
    edited_by: str | None
    edited_at: str | None
    accepted_by: str | None
    accepted_at: str | None
    file: str | None = Field(description="Its name among the uploads, once accepted.")


class GapView(BaseModel):
    """Questions that ask the same and got no good answer. One of them may be declined and handed over at once."""

    id: int
    label: str = Field(description="The most typical of its questions, made to stand alone.")
    count: int
    conversations: int
    declined: int
    thumbed_down: int
    handed_over: int
    first_at: str
    last_at: str
    products: list[str]
    state: GapState
    closed_at: str | None
    closed_release: int | None = Field(description="The release that answers it.")
    reopened_at: str | None = Field(description="When it was asked in vain again, after it had been closed.")
    urgency: float
    examples: list[ExampleView]
    draft: DraftView | None


class GapsView(BaseModel):
    """The most urgent first. `up_to_date`: false while the newest conversations are still being read."""

    gaps: list[GapView]
    up_to_date: bool


class ChangedDraft(BaseModel):
    """What is not given stays."""

    question: str | None = Field(None, max_length=500)
    answer: str | None = Field(None, max_length=20_000)
    products: list[str] | None = Field(None, max_length=20)


class SavedQuestionView(BaseModel):
    """A question that is asked again before a release. `history`: what the customer says before it."""

    id: str
    question: str
    history: list[str]
    customer: str | None
    tags: list[str]
    expect: dict[str, Any]
    conversation: str | None
    seq: int | None
    made_by: str
    made_at: str
    imported_from: str | None = Field(description="The file of cases it came from, if it did.")


class SavedQuestionsView(BaseModel):
    questions: list[SavedQuestionView]


class NewQuestion(BaseModel):
    """Either `question`, or `conversation` and `seq`: one that was really asked."""

    question: str | None = Field(None, max_length=8000)
    history: list[str] = Field(default_factory=list, max_length=20)
    tags: list[str] = Field(default_factory=list, max_length=20)
    expect: dict[str, Any] | None = Field(None, description="`outcome`, `facts`, `cites`, `never`, as in evals/cases.")
    conversation: str | None = Field(None, max_length=100)
    seq: int | None = Field(None, ge=1, le=2**53)


class ImportedQuestions(BaseModel):
    yaml: str = Field(max_length=2_000_000, description="A file in the shape of evals/cases.")
    file: str | None = Field(None, max_length=200, description="Its name: what that file brought before is replaced.")


class CitedView(BaseModel):
    """Marker `[n]` of an answer. `quote` stands in the document at `start` to `end`, character for character."""

    n: int
    title: str
    section: str
    url: str
    quote: str
    release: int
    document: str
    start: int
    end: int


class SearchedView(BaseModel):
    """A search behind an answer. `question`: as it stands without what was said before; `found`: the best of it."""

    question: str
    sureness: float
    found: list[FoundView]

    @classmethod
    def of(cls, searched: Searched) -> SearchedView:
        best = searched.findings.found[:SHOWN_PASSAGES]
        found = [FoundView.of(searched.question, one) for one in best]
        return cls(question=searched.question, sureness=searched.findings.sureness, found=found)


class RehearsedView(BaseModel):
    """What a customer would be told, and nobody was."""

    release: int
    text: str
    blocks: list[dict[str, Any]] = Field(description="The text as the widget draws it.")
    outcome: str = Field(description="`answered`, `acted`, `clarifying` or `declined`.")
    hand_over: str | None = Field(description="Why a person takes over with this answer, if one does.")
    citations: list[CitedView]
    sureness: float = Field(description="That the answer was found, 0 to 1; 0 where nothing was looked up.")
    searches: list[SearchedView] = Field(description="What was looked up for it, the surest first.")
    model_would_word_it: bool = Field(description="Whether customers are answered by a model, in words of its own.")

    @classmethod
    def of(cls, answer: RehearsedAnswer, *, uses_model: bool) -> RehearsedView:
        return cls(
            release=answer.release,
            text=answer.text,
            blocks=parse_blocks(answer.text, len(answer.citations)),
            outcome=answer.outcome,
            hand_over=answer.hand_over,
            citations=[CitedView(**citation.as_data()) for citation in answer.citations],
            sureness=answer.sureness,
            searches=sorted(map(SearchedView.of, answer.searches), key=lambda searched: -searched.sureness),
            model_would_word_it=uses_model,
        )


class SummaryView(BaseModel):
    """A document in a list."""

    id: str
    title: str
    source: str
    media_type: str
    language: str | None
    products: list[str]
    audience: str | None
    changed_at: str | None
    passages: int


class StaleView(SummaryView):
    """A document that may be out of date. `days` since its last change, where that is known; `why` in words."""

    days: int | None
    why: str


class ClaimView(BaseModel):
    """A place that says a number, and the exact words it says it in."""

    document: str
    title: str
    section: list[str]
    start: int
    end: int
    text: str
    number: str


class ContradictionView(BaseModel):
    what: str
    passages: list[ClaimView]


class HealthView(BaseModel):
    """What may need care in the release in service."""

    release: int | None
    unused: list[SummaryView] = Field(description="No customer was ever answered from these.")
    contradictions: list[ContradictionView]
    stale: list[StaleView]
    up_to_date: bool = Field(description="False while the release is still being read: look again.")
