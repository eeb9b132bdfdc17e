"""The HTTP API: typed, documented at `/openapi.json`, refusing with RFC 9457 problems. Floor: door.

PROTOCOL section 5. FastAPI is imported here and nowhere else on the way to the first page.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from assistant import __version__
from assistant.channels.fields import MAX_TEXT_CHARACTERS, clean_text, is_uuid
from assistant.channels.inbound import Inbound
from assistant.channels.web import check_access
from assistant.errors import BadFrame, Forbidden, NotFound, TellonceError, TooLarge, Unauthorized
from assistant.journal.events import Audience, Author, Event, Role, frame_for_customer
from assistant.journal.port import Conversation, Journal, read_whole
from assistant.journal.rendering import CONTENT_SECURITY_POLICY, as_html, as_text
from assistant.profile.customer import Claims, Customer
from assistant.server.identity import Tokens
from assistant.server.limits import Limits
from assistant.server.metrics import Metrics
from assistant.server.problems import CODES, MEDIA_TYPE, SERVER_ERROR, encode, problem, problem_of
from assistant.server.readiness import Readiness
from assistant.server.shop import DemoShop, make_shop_router
from assistant.server.sign_in import COOKIE
from knowledge.documents import Document
from knowledge.errors import DocumentUnknown, KnowledgeError, ReindexRunning, ReleaseUnknown, SourceNotFound

logger = structlog.get_logger(__name__)

MAX_NUMBER = 2**53  # what JSON's readers keep exactly (RFC 8259 section 6), and what the database can count to

BEARER = HTTPBearer(
    scheme_name="bearer", bearerFormat="JWT", description="A visitor's or an identity token", auto_error=False
)
SESSION = APIKeyCookie(name=COOKIE, scheme_name="session", description="An agent's session", auto_error=False)
TEXT = {"schema": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class ApiRooms:
    """What the routes work with, once the stores are open."""

    journal: Journal
    inbound: Inbound
    tokens: Tokens
    limits: Limits
    metrics: Metrics
    read_document: Callable[[str, int | None], Awaitable[Document | None]]
    is_agent: Callable[[str], Awaitable[bool]]  # whether this session's account may read conversations
    recognise: Callable[[Claims], Awaitable[Customer]]


Rendering = Literal["json", "txt", "html"]
OpenRooms = Callable[[], Awaitable[ApiRooms]]


class Problem(BaseModel):
    """An RFC 9457 problem. `code` is stable; `detail` is a sentence for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retry_after_seconds: float | None = None


class Health(BaseModel):
    status: Literal["ok"] = "ok"
    version: str = __version__


class PartState(BaseModel):
    """`empty`: open, and nothing is in it yet."""

    ready: bool
    detail: str
    empty: bool = False


class ReadinessReport(BaseModel):
    """Every part by its name; `ready` when all of them are."""

    ready: bool
    parts: dict[str, PartState]


class DocumentView(BaseModel):
    """A document as it was indexed. Citations' offsets count the characters of `text`."""

    document: str
    release: int | None
    title: str
    source: str
    media_type: str
    url: str | None
    text: str
    products: list[str]


class NewConversation(BaseModel):
    conversation: str
    visitor: str = Field(description="The token to send as bearer from now on. Keep it: it is not shown again.")


class NewMessage(BaseModel):
    id: str | None = Field(None, description="A UUID made by the client; the same id again stores nothing twice.")
    text: str = Field(description=f"1 to {MAX_TEXT_CHARACTERS:,} characters; blank edges do not count.")


class Acknowledged(BaseModel):
    id: str
    seq: int
    repeated: bool


class TranscriptView(BaseModel):
    """The events this reader may see, shaped as the socket's `event` frames."""

    conversation: str
    events: list[dict[str, Any]]


def make_api(
    open_rooms: OpenRooms,
    readiness: Readiness,
    *,
    shop: DemoShop | None = None,
    more_routes: Sequence[BaseRoute] = (),
    description: Mapping[str, Any] | None = None,
) -> FastAPI:
    """The application. `shop` adds the demo's routes; `more_routes` are other rooms' own, `description` OpenAPI's paths
    of those.
    """
    api = FastAPI(
        title="Tellonce",
        version=__version__,
        summary="Customer support where customers tell it once.",
        docs_url=None,
        redoc_url=None,
        responses={"default": {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": "A problem (RFC 9457)."}},
    )
    _answer_problems(api)
    api.include_router(_operations(open_rooms, readiness))
    api.include_router(_conversations(open_rooms))
    api.include_router(_documents(open_rooms))
    if shop is not None:
        api.include_router(make_shop_router(shop, lambda: _tokens(open_rooms)))
    api.router.routes.extend(more_routes)
    _describe_also(api, description or {})
    return api


def _describe_also(api: FastAPI, paths: Mapping[str, Any]) -> None:
    """Adds these paths to `/openapi.json`, which is made when it is first asked for."""
    make = api.openapi

    def make_with_paths() -> dict[str, Any]:
        if api.openapi_schema is None:
            make()["paths"].update(paths)
        return make()

    api.openapi = make_with_paths  # type: ignore[method-assign]


async def _tokens(open_rooms: OpenRooms) -> Tokens:
    return (await open_rooms()).tokens


def _answer_problems(api: FastAPI) -> None:
    def respond(document: dict[str, Any]) -> Response:
        status, headers, body = encode(document)
        return Response(body, status, {key.decode(): value.decode() for key, value in headers})

    @api.exception_handler(TellonceError)
    async def refuse(request: Request, error: TellonceError) -> Response:
        return respond(problem_of(error))

    @api.exception_handler(KnowledgeError)
    async def refuse_knowledge(request: Request, error: KnowledgeError) -> Response:
        return respond(problem(*_status_of(error), str(error)))

    @api.exception_handler(RequestValidationError)
    async def refuse_shape(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return respond(problem(422, "bad_frame", _wrong_shape(first["loc"], first["type"], first["msg"])))

    @api.exception_handler(HTTPException)
    async def refuse_status(request: Request, error: HTTPException) -> Response:
        code = CODES.get(error.status_code, "unavailable")
        return respond(problem(error.status_code, code, str(error.detail)))

    @api.exception_handler(Exception)
    async def admit(request: Request, error: Exception) -> Response:
        logger.error("api.failed", path=request.url.path, exc_info=error)
        return respond(problem(500, "unavailable", SERVER_ERROR))


def _wrong_shape(place: Sequence[str | int], kind: str, message: str) -> str:
    """The sentence on what is wrong with a request: with its body as a whole, or with one of its fields."""
    if kind == "json_invalid":
        return "The body is not valid JSON."
    if tuple(place) == ("body",):
        return "The body must be a JSON object, sent with `content-type: application/json`."
    where = ".".join(str(part) for part in place[1:]) or str(place[0])
    return f"`{where}`: {message.removeprefix('Value error, ')}."


def _status_of(error: KnowledgeError) -> tuple[int, str]:
    """Status and code of what the knowledge refuses."""
    if isinstance(error, (ReleaseUnknown, DocumentUnknown)):
        return 404, "not_found"
    if isinstance(error, ReindexRunning):
        return 409, "conflict"
    if isinstance(error, SourceNotFound):
        return 400, "bad_frame"
    return 503, "unavailable"


def _operations(open_rooms: OpenRooms, readiness: Readiness) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", summary="Is the process alive?")
    async def healthz() -> Health:
        return Health()

    @router.get("/readyz", summary="Are stores, index and model open?", responses={503: {"model": ReadinessReport}})
    def readyz(response: Response) -> ReadinessReport:
        parts = readiness.parts
        is_ready = all(part.ready for part in parts.values())
        response.status_code = 200 if is_ready else 503
        response.headers["cache-control"] = "no-store"
        return ReadinessReport(ready=is_ready, parts={name: PartState(**asdict(p)) for name, p in parts.items()})

    @router.get(
        "/metrics",
        summary="Prometheus text format",
        response_class=Response,
        responses={200: {"content": {"text/plain": TEXT}}},
    )
    async def read_metrics() -> Response:
        return Response((await open_rooms()).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _documents(open_rooms: OpenRooms) -> APIRouter:
    router = APIRouter(prefix="/v1/documents", tags=["knowledge"])

    @router.get("/{document_id}", summary="A document's text as of one release")
    async def read_document(
        document_id: Annotated[str, Path(max_length=200)],
        release: Annotated[
            int | None, Query(ge=1, le=MAX_NUMBER, description="Default: the release that is live.")
        ] = None,
    ) -> DocumentView:
        document = await (await open_rooms()).read_document(document_id, release)
        if document is None:
            raise NotFound("This document is not in that release of the knowledge.")
        return DocumentView(
            document=document.id,
            release=release,
            title=document.title,
            source=document.source,
            media_type=document.media_type,
            url=document.url,
            text=document.text,
            products=list(document.products),
        )

    return router


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks over HTTP: a visitor or verified customer by bearer token, or an agent by session cookie."""

    visitor_id: str = ""
    customer_id: str | None = None
    is_agent: bool = False
    name: str | None = None

    @property
    def author(self) -> Author:
        return Author(Role.CUSTOMER, self.name, self.customer_id or self.visitor_id)


def _conversations(open_rooms: OpenRooms) -> APIRouter:
    router = APIRouter(prefix="/v1/conversations", tags=["conversations"])

    async def find_reader(
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
        session: Annotated[str | None, Security(SESSION)],
    ) -> Reader:
        rooms = await open_rooms()
        if bearer is not None and bearer.credentials.strip():
            return await _read_bearer(rooms, bearer.credentials.strip())
        if session and await rooms.is_agent(session):
            return Reader(is_agent=True)
        raise Unauthorized("Send the visitor token or an identity token as bearer, or sign in as an agent.")

    @router.post("", status_code=201, summary="Begin a conversation on a channel without a socket")
    async def begin(request: Request) -> NewConversation:
        rooms = await open_rooms()
        rooms.limits.count_conversation(request.client.host if request.client else None)
        visitor_id, token = rooms.tokens.issue_visitor()
        conversation = await rooms.journal.create_conversation(visitor_id=visitor_id, channel="http")
        return NewConversation(conversation=conversation.id, visitor=token)

    @router.post("/{conversation_id}/messages", status_code=201, summary="Say something")
    async def say(
        conversation_id: Annotated[str, Path(max_length=100)],
        message: NewMessage,
        reader: Reader = Depends(find_reader),
    ) -> Acknowledged:
        if reader.is_agent:
            raise Forbidden("Agents answer at the desk, where a conversation is taken before it is answered.")
        rooms = await open_rooms()
        conversation = await _load(rooms.journal, conversation_id, reader)
        text, message_id = _readable(message)
        rooms.limits.check_message(conversation.visitor_id)
        appended = await rooms.inbound.say(conversation.id, reader.author, text, message_id)
        if not appended.repeated:
            rooms.limits.count_message(conversation.visitor_id)
        return Acknowledged(id=message_id, seq=appended.events[0].seq, repeated=appended.repeated)

    @router.get(
        "/{conversation_id}/transcript",
        summary="The whole conversation",
        response_model=TranscriptView,
        responses={200: {"content": {"text/plain": TEXT, "text/html": TEXT}}},
    )
    async def read_transcript(
        conversation_id: Annotated[str, Path(max_length=100)],
        reader: Reader = Depends(find_reader),
        rendering: Annotated[Rendering, Query(alias="format", description="What to render")] = "json",
        after: Annotated[int, Query(ge=0, le=MAX_NUMBER, description="Only events with a greater seq")] = 0,
    ) -> Any:
        rooms = await open_rooms()
        conversation = await _load(rooms.journal, conversation_id, reader)
        audience = Audience.STAFF if reader.is_agent else Audience.EVERYONE
        events = [e for e in await read_whole(rooms.journal, conversation.id, audience=audience) if e.seq > after]
        return _render(conversation, events, rendering, staff=reader.is_agent)

    return router


async def _read_bearer(rooms: ApiRooms, token: str) -> Reader:
    try:
        return Reader(visitor_id=rooms.tokens.read_visitor(token))
    except Unauthorized:
        customer = await rooms.recognise(await rooms.tokens.identify(token))
        return Reader(customer_id=customer.id, name=customer.name)


async def _load(journal: Journal, conversation_id: str, reader: Reader) -> Conversation:
    conversation = await journal.load_conversation(conversation_id)
    if conversation is None:
        raise NotFound("This conversation could not be found.")
    if not reader.is_agent:
        check_access(conversation, reader.visitor_id, reader.customer_id)
    return conversation


def _readable(message: NewMessage) -> tuple[str, str]:
    text = clean_text(message.text)
    if not text:
        raise BadFrame("`text` needs at least one visible character.")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise TooLarge("A message may hold at most 8,000 characters. Please send it in parts.")
    if message.id is None:
        return text, str(uuid.uuid4())
    if not is_uuid(message.id):
        raise BadFrame("`id` must be a UUID made by the client.")
    return text, message.id


def _frame(event: Event, *, staff: bool) -> dict[str, Any]:
    """The event as its reader's socket would tell it; staff see every event, so the one before is always seq - 1."""
    frame = frame_for_customer(event, own=event.author.role is Role.CUSTOMER and not staff)
    return {**frame, "prev": event.seq - 1} if staff else frame


def _render(conversation: Conversation, events: list[Event], rendering: Rendering, *, staff: bool) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if rendering == "json":
        frames = [_frame(event, staff=staff) for event in events]
        view = TranscriptView(conversation=conversation.id, events=frames)
        return Response(view.model_dump_json(), media_type="application/json", headers=headers)
    if rendering == "txt":
        return Response(as_text(conversation, events), media_type="text/plain", headers=headers)
    headers["content-security-policy"] = CONTENT_SECURITY_POLICY
    return Response(as_html(conversation, events), media_type="text/html", headers=headers)
