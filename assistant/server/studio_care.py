"""The studio's HTTP for the care of the knowledge: gaps, drafts, health, saved questions. Floor: door.

As in `studio.py`, roles content and admin only, and writes need an Origin of our own. Every route runs in a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import PlainTextResponse

from assistant.errors import BadFrame, NotFound
from assistant.server.care_views import (
    ChangedDraft,
    DraftView,
    GapsView,
    GapView,
    HealthView,
    ImportedQuestions,
    NewQuestion,
    RehearsedView,
    SavedQuestionsView,
    SavedQuestionView,
)
from assistant.server.studio import MAX_NUMBER, Editor, OfRelease, OpenStudio, StudioRooms, editor_of
from assistant.studio.care import Care
from assistant.studio.drafts import Draft
from assistant.studio.gap_views import ShownGap
from assistant.studio.saved_questions import SavedQuestion
from assistant.studio.written_cases import Said

REFRESH_SECONDS = 2.0  # how long a page waits for the newest conversations to be read
HEALTH_SECONDS = 5.0  # and for a release's own pages, once a release

QuestionId = Annotated[str, Path(max_length=120)]
Number = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
State = Literal["open", "drafted", "closed", "dismissed", "all"]
FindEditor = Callable[..., Awaitable[Editor]]


def care_routes(open_studio: OpenStudio) -> APIRouter:
    """Every route of the care, for `app.py` to mount."""
    router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])
    reading, writing = editor_of(open_studio), editor_of(open_studio, writes=True)
    cared = _Cared()
    _add_gaps(router, reading, writing, cared)
    _add_drafts(router, reading, writing, cared)
    _add_questions(router, reading, writing, cared)
    _add_health(router, reading, cared)
    return router


class _Cared:
    """The one `Care` over the studio's rooms, made when first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._care: Care | None = None

    def __call__(self, rooms: StudioRooms) -> Care:
        with self._lock:
            if self._care is None:
                self._care = Care(rooms.engine, rooms.library, rooms.settings)
            return self._care


def _add_gaps(router: APIRouter, reading: FindEditor, writing: FindEditor, cared: _Cared) -> None:
    @router.get("/gaps", summary="Questions that got no good answer, the most urgent first")
    def list_gaps(
        state: State = "open",
        since: Annotated[str | None, Query(max_length=40, description="RFC 3339: only those asked since then.")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        editor: Editor = Depends(reading),
    ) -> GapsView:
        care = cared(editor.rooms)
        up_to_date = care.catch_up(REFRESH_SECONDS)
        shown = care.gaps.shown(None if state == "all" else state, since=since, limit=limit)
        return GapsView(gaps=[_gap(one) for one in shown], up_to_date=up_to_date)

    @router.post("/gaps/{gap_id}/draft", status_code=201, summary="Begin an answer, prefilled where a person gave one")
    def make_draft(gap_id: Number, editor: Editor = Depends(writing)) -> DraftView:
        return _draft(cared(editor.rooms).gaps.draft(gap_id, editor.name))

    @router.post("/gaps/{gap_id}/dismiss", summary="Say that this is not ours to answer")
    def dismiss(gap_id: Number, editor: Editor = Depends(writing)) -> GapView:
        return _gap(cared(editor.rooms).gaps.dismiss(gap_id, editor.name))


def _add_drafts(router: APIRouter, reading: FindEditor, writing: FindEditor, cared: _Cared) -> None:
    @router.get("/drafts/{draft_id}", summary="A draft as it stands")
    def show_draft(draft_id: Number, editor: Editor = Depends(reading)) -> DraftView:
        return _draft(cared(editor.rooms).drafts.load(draft_id))

    @router.put("/drafts/{draft_id}", summary="Change a draft")
    def edit(draft_id: Number, changed: ChangedDraft, editor: Editor = Depends(writing)) -> DraftView:
        drafts, given = cared(editor.rooms).drafts, changed.model_dump(exclude_unset=True)
        return _draft(drafts.edit(draft_id, editor.name, **given))

    @router.post("/drafts/{draft_id}/accept", summary="Make a file of it, which the next reindex reads")
    def accept(draft_id: Number, editor: Editor = Depends(writing)) -> DraftView:
        rooms = editor.rooms
        draft = cared(rooms).drafts.accept(draft_id, editor.name, rooms.shelf.folder)
        rooms.library.add([str(rooms.shelf.folder)])
        return _draft(draft)

    @router.delete("/drafts/{draft_id}", status_code=204, summary="Forget a draft, with its file if it has one")
    def remove(draft_id: Number, editor: Editor = Depends(writing)) -> Response:
        cared(editor.rooms).drafts.remove(draft_id, editor.name, editor.rooms.shelf.folder)
        return Response(status_code=204)


def _add_questions(router: APIRouter, reading: FindEditor, writing: FindEditor, cared: _Cared) -> None:
    @router.get("/questions", summary="The questions that are asked again before a release")
    def list_questions(editor: Editor = Depends(reading)) -> SavedQuestionsView:
        return SavedQuestionsView(questions=[_question(one) for one in cared(editor.rooms).questions.list_all()])

    @router.post("/questions", status_code=201, summary="Save a question, or one from a conversation")
    def save(new: NewQuestion, editor: Editor = Depends(writing)) -> SavedQuestionView:
        care = cared(editor.rooms)
        if new.conversation is not None and new.seq is not None:
            return _question(care.save_from(new.conversation, new.seq, editor.name))
        if new.question is None:
            raise BadFrame("Give a `question`, or the `conversation` and the `seq` of one.")
        history = [Said(text, {}) for text in new.history]
        saved = care.questions.add(new.question, editor.name, history=history, expect=new.expect, tags=new.tags)
        return _question(saved)

    @router.delete("/questions/{question_id}", status_code=204, summary="Remove a saved question")
    def remove(question_id: QuestionId, editor: Editor = Depends(writing)) -> Response:
        cared(editor.rooms).questions.remove(question_id)
        return Response(status_code=204)

    @router.post("/questions/{question_id}/answer", summary="What it would be answered, without asking it")
    def answer(question_id: QuestionId, release: OfRelease = None, editor: Editor = Depends(writing)) -> RehearsedView:
        rooms = editor.rooms
        rehearsed = cared(rooms).answer(question_id, release)
        return RehearsedView.of(rehearsed, uses_model=rooms.settings.uses_model)

    @router.get("/questions.yaml", summary="All of them as a file of evals/cases", response_class=PlainTextResponse)
    def export(editor: Editor = Depends(reading)) -> PlainTextResponse:
        text = cared(editor.rooms).questions.as_yaml()
        if not text:
            raise NotFound("No question is saved yet.")
        named = {"content-disposition": 'attachment; filename="saved.yaml"'}
        return PlainTextResponse(text, media_type="application/yaml", headers=named)

    @router.post("/questions/import", status_code=201, summary="Save the questions of such a file")
    def import_questions(new: ImportedQuestions, editor: Editor = Depends(writing)) -> SavedQuestionsView:
        saved = cared(editor.rooms).questions.import_yaml(new.yaml, editor.name, new.file)
        return SavedQuestionsView(questions=[_question(one) for one in saved])


def _add_health(router: APIRouter, reading: FindEditor, cared: _Cared) -> None:
    @router.get("/health", summary="Documents unused, contradicting each other or out of date")
    def show_health(editor: Editor = Depends(reading)) -> HealthView:
        care = cared(editor.rooms)
        care.catch_up(REFRESH_SECONDS)
        return HealthView(**care.health(HEALTH_SECONDS))


def _gap(gap: ShownGap) -> GapView:
    return GapView(**gap.as_data())


def _draft(draft: Draft) -> DraftView:
    return DraftView(**draft.as_data())


def _question(question: SavedQuestion) -> SavedQuestionView:
    return SavedQuestionView(**question.as_data())
