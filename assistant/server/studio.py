"""The studio's HTTP: `/v1/knowledge/…` for people who keep the knowledge. Floor: door.

Roles content and admin only; writes also need an Origin of our own. Reading, embedding and comparing happen in the
process that `studio/indexing.py` starts; what is slow here runs in threads, as every plain `def` below does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Security
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from assistant.channels.sockets import check_origin
from assistant.desk.people import Agent
from assistant.errors import BadFrame, Conflict, Forbidden, NotFound
from assistant.server.api import SESSION
from assistant.server.sign_in import current_agent
from assistant.server.studio_views import (
    ComparisonsView,
    ComparisonView,
    DocumentsView,
    FaultView,
    FoundView,
    JobView,
    KnowledgeView,
    ListedDocument,
    NewComparison,
    NewRun,
    NewSource,
    PassagePlace,
    PurgedView,
    RefusedFile,
    ReleasesView,
    SavedFile,
    SearchView,
    SourceKind,
    SourceView,
    UnderstoodDocument,
    UploadView,
)
from assistant.server.uploading import Received, receive_files
from assistant.studio.comparisons import Comparisons
from knowledge.documents import ReleaseChanges, ReleaseInfo
from knowledge.reading.kinds import describe_kind, is_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from assistant.desk.agents import Agents
    from assistant.journal.port import Journal
    from assistant.server.identity import Tokens
    from assistant.settings import Settings
    from assistant.studio.citing import CitationCounts
    from assistant.studio.indexing import Job, Jobs
    from assistant.studio.shelf import Shelf
    from knowledge.library import Library

logger = structlog.get_logger(__name__)

MAX_NUMBER = 2**53
QUESTION_MAX_CHARS = 2000

DocumentId = Annotated[str, Path(max_length=200)]
ReleaseNumber = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
OfRelease = Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="Default: the release in service.")]
Narrowing = Annotated[str | None, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class StudioRooms:
    """What the studio's routes work with, once the stores are open."""

    library: Library
    journal: Journal
    engine: Engine
    agents: Agents
    tokens: Tokens
    settings: Settings
    shelf: Shelf
    jobs: Jobs
    citations: CitationCounts


OpenStudio = Callable[[], Awaitable[StudioRooms]]


@dataclass(frozen=True, slots=True)
class Editor:
    """Who asks, and what with."""

    agent: Agent
    rooms: StudioRooms

    @property
    def name(self) -> str:
        """As releases and logs name them."""
        return self.agent.email


def editor_of(open_studio: OpenStudio, *, writes: bool = False) -> Callable[..., Awaitable[Editor]]:
    """A dependency: the signed-in editor. `writes`: only for our own pages, and for programs, which send no Origin."""

    async def find_editor(request: Request, session: Annotated[str | None, Security(SESSION)]) -> Editor:
        if writes:
            check_origin(request.scope, frozenset())
        rooms = await open_studio()
        agent = await current_agent(rooms.tokens, lambda: rooms.agents, session)
        if not agent.may_enter_studio:
            raise Forbidden("Your role does not include the studio. An admin can change it with `tellonce agents`.")
        return Editor(agent, rooms)

    return find_editor


def studio_routes(open_studio: OpenStudio) -> APIRouter:
    """Every route of the studio but those of its care (`studio_care.py`), for `app.py` to mount."""
    router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])
    reading, writing = editor_of(open_studio), editor_of(open_studio, writes=True)
    _add_shelf(router, reading, writing)
    _add_jobs(router, reading, writing)
    _add_documents(router, reading, writing)
    _add_releases(router, reading, writing)
    return router


FindEditor = Callable[..., Awaitable[Editor]]


def _add_shelf(router: APIRouter, reading: FindEditor, writing: FindEditor) -> None:
    @router.get("", summary="What is in service, its sources and the newest job")
    def show(editor: Editor = Depends(reading)) -> KnowledgeView:
        rooms = editor.rooms
        status = rooms.library.status()
        return KnowledgeView(
            release=status.release,
            made_at=status.made_at,
            documents=status.documents,
            passages=status.passages,
            embedder=status.embedder,
            size_bytes=status.size_bytes,
            sources=_sources(rooms),
            faults=[FaultView(source=fault.source, reason=fault.reason) for fault in rooms.library.faults()],
            job=_job(rooms.jobs.current()),
        )

    @router.post("/uploads", summary="Upload files (multipart, field `files`)", openapi_extra=_UPLOAD_BODY)
    async def upload(request: Request, editor: Editor = Depends(writing)) -> UploadView:
        rooms, received = editor.rooms, Received()
        try:
            await receive_files(request.headers.get("content-type", ""), request.stream(), rooms.shelf, received)
        except ClientDisconnect:
            raise BadFrame("The connection was lost: send the files that are not saved again.") from None
        finally:
            if received.saved:
                await run_in_threadpool(rooms.library.add, [str(rooms.shelf.folder)])
                logger.info("studio.uploaded", by=editor.name, files=[saved.name for saved in received.saved])
        return UploadView(
            saved=[SavedFile(name=s.name, bytes=s.size_bytes, replaced=s.replaced) for s in received.saved],
            refused=[RefusedFile(name=name, reason=reason) for name, reason in received.refused],
        )

    @router.post("/sources", status_code=201, summary="Add a page or a sitemap")
    def add_source(new: NewSource, editor: Editor = Depends(writing)) -> SourceView:
        location = new.location.strip()
        if not is_url(location):
            raise BadFrame("A source is an address with https:// or http://. Files are uploaded.")
        before = {source.id for source in _sources(editor.rooms)}
        editor.rooms.library.add([location])
        sources = _sources(editor.rooms)
        added = next((source for source in sources if source.id not in before), None)
        if added is None:
            raise Conflict("This address is among the sources already.")
        logger.info("studio.source_added", by=editor.name, location=added.location)
        return added

    @router.delete("/sources/{source_id}", summary="Remove a source; its documents leave with the next release")
    def remove_source(source_id: ReleaseNumber, editor: Editor = Depends(writing)) -> SourceView:
        source = next((source for source in _sources(editor.rooms) if source.id == source_id), None)
        if source is None:
            raise NotFound("This source is not there any more.")
        if source.kind == "uploads":
            raise Conflict("The uploads stay a source: delete the documents that should go.")
        editor.rooms.library.remove(source.location)
        logger.info("studio.source_removed", by=editor.name, location=source.location)
        return source


def _add_jobs(router: APIRouter, reading: FindEditor, writing: FindEditor) -> None:
    @router.get("/job", summary="The job that runs, or the one that ended last")
    async def show_job(editor: Editor = Depends(reading)) -> JobView | None:
        return _job(editor.rooms.jobs.current())

    @router.post("/reindex", status_code=202, summary="Make a new release of every source as it is now")
    async def reindex(new: NewRun | None = None, editor: Editor = Depends(writing)) -> JobView:
        publish = new is not None and new.publish
        await _check_free(editor.rooms)
        return _started(await editor.rooms.jobs.start("reindex", {"publish": publish}, editor.name))

    @router.post("/releases/{number}/compare", status_code=202, summary="Answer the saved questions by two releases")
    async def compare(
        number: ReleaseNumber, new: NewComparison | None = None, editor: Editor = Depends(writing)
    ) -> JobView:
        against = new.against if new is not None else None
        await run_in_threadpool(_check_kept, editor.rooms.library, number, against)
        other = against if against is not None else editor.rooms.library.release
        if number == other:
            raise Conflict(f"Release {number} answers like itself: name another in `against`.")
        task = {"release": number, "against": other}
        return _started(await editor.rooms.jobs.start("compare", task, editor.name))

    @router.delete("/job/{job_id}", summary="Stop this job, if it still runs")
    async def stop(job_id: Annotated[str, Path(max_length=100)], editor: Editor = Depends(writing)) -> JobView:
        return _started(await editor.rooms.jobs.cancel(job_id))


def _add_documents(router: APIRouter, reading: FindEditor, writing: FindEditor) -> None:
    @router.get("/documents", summary="The documents of a release")
    def list_documents(
        release: OfRelease = None,
        q: Annotated[str | None, Query(max_length=200, description="Words of title, source or product")] = None,
        editor: Editor = Depends(reading),
    ) -> DocumentsView:
        library = editor.rooms.library
        number = release if release is not None else library.release
        if number is None:
            return DocumentsView(release=None, documents=[])
        answers = editor.rooms.citations.load()
        words = (q or "").casefold().split()
        found = [ListedDocument.of(document, answers[document.id]) for document in library.documents(number)]
        return DocumentsView(release=number, documents=[one for one in found if _holds(one, words)])

    @router.get("/documents/{document_id}", summary="A document as it was understood")
    def show_document(
        document_id: DocumentId, release: OfRelease = None, editor: Editor = Depends(reading)
    ) -> UnderstoodDocument:
        library = editor.rooms.library
        number = release if release is not None else library.release
        document = library.document(document_id, number) if number is not None else None
        if document is None or number is None:
            raise NotFound("This document is not in that release of the knowledge.")
        places = [
            PassagePlace(
                id=passage.id,
                section=list(passage.section),
                start=passage.start,
                end=passage.end,
                page=passage.page,
                question=passage.question,
                position=passage.position,
            )
            for passage in library.passages(document_id, number)
        ]
        return UnderstoodDocument(
            document=document.id,
            release=number,
            title=document.title,
            source=document.source,
            media_type=document.media_type,
            url=document.url,
            language=document.language,
            products=list(document.products),
            audience=document.audience,
            changed_at=document.changed_at,
            text=document.text,
            passages=places,
        )

    @router.delete("/documents/{document_id}", summary="Delete a document everywhere, for good")
    def purge(document_id: DocumentId, editor: Editor = Depends(writing)) -> PurgedView:
        purged = editor.rooms.library.purge([document_id], editor.name)
        Comparisons(editor.rooms.engine).forget_documents([document_id])
        logger.info("studio.purged", by=editor.name, document=document_id)
        return PurgedView(purged=purged)

    @router.get("/search", summary="What a question finds, and why")
    def search(
        q: Annotated[str, Query(min_length=1, max_length=QUESTION_MAX_CHARS, description="As a customer would ask")],
        release: OfRelease = None,
        product: Narrowing = None,
        language: Narrowing = None,
        audience: Narrowing = None,
        document: Annotated[str | None, Query(max_length=200, description="Look into this document alone.")] = None,
        limit: Annotated[int, Query(ge=1, le=50)] = 10,
        editor: Editor = Depends(reading),
    ) -> SearchView:
        library = editor.rooms.library
        findings = library.search(
            q,
            limit=limit,
            product=product,
            language=language,
            audience=audience,
            document=document,
            release=release,
        )
        found = [FoundView.of(q, one) for one in findings.found]
        return SearchView(release=findings.release, sureness=findings.sureness, found=found)


def _add_releases(router: APIRouter, reading: FindEditor, writing: FindEditor) -> None:
    @router.get("/releases", summary="The releases that are kept, newest first")
    def list_releases(editor: Editor = Depends(reading)) -> ReleasesView:
        return ReleasesView(releases=list(editor.rooms.library.releases()))

    @router.get("/releases/{number}/changes", summary="What differs between two releases")
    def show_changes(
        number: ReleaseNumber,
        against: Annotated[
            int | None,
            Query(ge=1, le=MAX_NUMBER, description="Default: the one in service; for that one, the one before."),
        ] = None,
        editor: Editor = Depends(reading),
    ) -> ReleaseChanges:
        return editor.rooms.library.changes(number, against)

    @router.get("/comparisons", summary="The comparisons that are kept, newest first")
    def list_comparisons(editor: Editor = Depends(reading)) -> ComparisonsView:
        return ComparisonsView(comparisons=[asdict(one) for one in Comparisons(editor.rooms.engine).list_all()])

    @router.get("/releases/{number}/comparison", summary="The questions of a comparison, the gravest change first")
    def show_comparison(
        number: ReleaseNumber,
        against: Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="Default: the one in service.")] = None,
        editor: Editor = Depends(reading),
    ) -> ComparisonView:
        other = against if against is not None else editor.rooms.library.release
        if other is None:
            raise NotFound("Nothing is in service to compare with.")
        kept, questions = Comparisons(editor.rooms.engine).load(number, other)
        return ComparisonView(**asdict(kept), questions=questions)

    @router.post("/releases/{number}/publish", summary="Put a release in service")
    def publish(number: ReleaseNumber, editor: Editor = Depends(writing)) -> ReleaseInfo:
        release = editor.rooms.library.publish(number, editor.name)
        logger.info("studio.published", by=editor.name, release=number)
        return release

    @router.post("/releases/{number}/rollback", summary="Go back to a release that was in service")
    def roll_back(number: ReleaseNumber, editor: Editor = Depends(writing)) -> ReleaseInfo:
        release = editor.rooms.library.rollback(number, editor.name)
        logger.info("studio.rolled_back", by=editor.name, release=number)
        return release


_UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                    "required": ["files"],
                }
            }
        },
    }
}


def _check_kept(library: Library, number: int, against: int | None) -> None:
    """Raises NotFound where one of two releases to compare is not kept; a job would tell it seconds later."""
    kept = {release.number for release in library.releases()}
    for one in (number, against):
        if one is not None and one not in kept:
            raise NotFound(f"Release {one} is not kept: choose one of the list.")


def _sources(rooms: StudioRooms) -> list[SourceView]:
    uploads = str(rooms.shelf.folder)
    return [
        SourceView(id=s.id, location=s.location, kind=_kind_of(s.location, uploads), added_at=s.added_at)
        for s in rooms.library.sources()
    ]


def _kind_of(location: str, uploads: str) -> SourceKind:
    if location == uploads:
        return "uploads"
    kind = describe_kind(location)
    return "file" if kind == "zip" else kind


async def _check_free(rooms: StudioRooms) -> None:
    """Raises ReindexRunning where another process is at it: the job would fail, but only after it has started."""
    job = rooms.jobs.current()
    if job is None or job.state != "running":  # else it is ours, and that is told in better words
        await run_in_threadpool(rooms.library.check_free)


def _job(job: Job | None) -> JobView | None:
    return None if job is None else JobView(**asdict(job))


def _started(job: Job) -> JobView:
    return JobView(**asdict(job))


def _holds(document: ListedDocument, words: list[str]) -> bool:
    text = "\n".join((document.title, document.source, *document.products)).casefold()
    return all(word in text for word in words)
