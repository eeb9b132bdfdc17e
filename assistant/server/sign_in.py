"""Agents sign in: a password or a one-time link for a session cookie. Floor: door.

The cookie holds a signed token, out of reach of scripts, and other sites' pages can neither send it along with a write
(SameSite, and Origin is checked) nor read what it opens.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import structlog

from assistant.channels.sockets import check_origin
from assistant.errors import BadFrame, Forbidden, RateLimited, TellonceError, TooLarge, Unauthorized
from assistant.server.problems import encode, problem_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from assistant.desk.agents import Agents
    from assistant.desk.people import Agent
    from assistant.server.identity import Tokens

logger = structlog.get_logger(__name__)

COOKIE = "tellonce_session"
SESSION_SECONDS = 12 * 3600
BODY_MAX_BYTES = 4096
ATTEMPTS_AN_ADDRESS = "30/minute"  # over all accounts; each account has its own lock besides

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFUSED = {"default": {"description": "A problem (RFC 9457).", "content": _PROBLEM}}
_AGENT = {"type": "object", "properties": {"agent": {"type": ["object", "null"]}}, "required": ["agent"]}
_SESSION = {
    "200": {"description": "Who is signed in.", "content": {"application/json": {"schema": _AGENT}}},
    **_REFUSED,
}
_CREDENTIALS = {
    "type": "object",
    "properties": {"email": {"type": "string"}, "password": {"type": "string", "format": "password"}},
    "required": ["email", "password"],
}
_TOKEN = {"name": "token", "in": "query", "required": True, "schema": {"type": "string", "maxLength": 200}}

_TO = {"name": "to", "in": "query", "schema": {"type": "string", "enum": ["desk", "studio"]}}

# The same routes for people who read `/openapi.json`; FastAPI sees only those that are its own.
DESCRIPTION: dict[str, Any] = {
    "/v1/session": {
        "get": {"tags": ["agents"], "summary": "Which agent is signed in", "responses": _SESSION},
        "post": {
            "tags": ["agents"],
            "summary": "Sign an agent in: a session cookie",
            "requestBody": {"required": True, "content": {"application/json": {"schema": _CREDENTIALS}}},
            "responses": _SESSION,
        },
        "delete": {"tags": ["agents"], "summary": "Sign out, and close the open desks", "responses": _SESSION},
    },
    "/sign-in": {
        "get": {
            "tags": ["agents"],
            "summary": "Follow a one-time link to the desk or the studio",
            "parameters": [_TOKEN, _TO],
            "responses": {"303": {"description": "To the page, signed in or told that the link is used."}, **_REFUSED},
        }
    },
}


class Staffed(Protocol):
    """What signing in and out needs of `desk.DeskDoor`."""

    @property
    def tokens(self) -> Tokens: ...

    @property
    def agents(self) -> Callable[[], Agents]: ...

    async def sign_out(self, token: str) -> None: ...


OpenDesk = Callable[[], Awaitable[Staffed]]
Endpoint = Callable[["Request"], Awaitable["Response"]]


def session_token(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The session cookie's value in raw ASGI headers; None where there is none."""
    for name, value in headers:
        if name.lower() == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                key, _, content = pair.strip().partition("=")
                if key == COOKIE and content:
                    return content
    return None


async def current_agent(
    tokens: Tokens, agents: Callable[[], Agents], token: str | None, *, at_desk: bool = False
) -> Agent:
    """The agent this session belongs to.

    Raises:
        Unauthorized: no session, one that expired, was ended or is forged, or an account that is gone.
        Forbidden: `at_desk`, and this agent's role reads no conversations.
    """
    if not token:
        raise Unauthorized("Please sign in.")
    agent_id = tokens.read_agent(token)
    agent = await asyncio.to_thread(lambda: agents().load_for_session(agent_id, token))
    if agent is None:
        raise Unauthorized
    if at_desk and not agent.may_enter_desk:
        raise Forbidden("Your role does not include the desk. An admin can change it with `tellonce agents`.")
    return agent


def desk_routes(open_desk: OpenDesk) -> list[Route]:
    """The routes of signing in and out, for `app.py` to mount. `open_desk` waits until the stores are open."""
    from limits import parse
    from limits.storage import MemoryStorage
    from limits.strategies import MovingWindowRateLimiter
    from starlette.routing import Route

    desk = SignIn(
        open_desk, functools.partial(MovingWindowRateLimiter(MemoryStorage()).hit, parse(ATTEMPTS_AN_ADDRESS))
    )
    return [
        Route("/v1/session", _answering(desk.show), methods=["GET"]),
        Route("/v1/session", _answering(desk.sign_in), methods=["POST"]),
        Route("/v1/session", _answering(desk.sign_out), methods=["DELETE"]),
        Route("/sign-in", _answering(desk.follow_link), methods=["GET"]),
    ]


class SignIn:
    """The four endpoints. `hit(address)` counts an attempt and says whether it is within the allowance."""

    def __init__(self, open_desk: OpenDesk, hit: Callable[[str], bool]) -> None:
        self._open_desk = open_desk
        self._hit = hit

    async def show(self, request: Request) -> Response:
        """GET /v1/session: who is signed in."""
        desk = await self._open_desk()
        agent = await current_agent(desk.tokens, desk.agents, session_token(request.scope["headers"]))
        return _json({"agent": agent.as_data()})

    async def sign_in(self, request: Request) -> Response:
        """POST /v1/session {"email", "password"}: a session cookie."""
        check_origin(request.scope, frozenset())
        self._count(request)
        email, password = await _read_credentials(request)
        desk = await self._open_desk()
        agent = await asyncio.to_thread(lambda: desk.agents().sign_in(email, password))
        logger.info("desk.signed_in", agent=agent.id)
        return _with_session(_json({"agent": agent.as_data()}), request, desk, agent)

    async def sign_out(self, request: Request) -> Response:
        """DELETE /v1/session: the session proves nothing any more, and the desks it opened are closed."""
        check_origin(request.scope, frozenset())
        desk = await self._open_desk()
        if token := session_token(request.scope["headers"]):
            await desk.sign_out(token)
        response = _json({"agent": None})
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=_is_secure(request))
        return response

    async def follow_link(self, request: Request) -> Response:
        """GET /sign-in?token=…&to=…: a session cookie and the page; where the link is used up, the page says so."""
        from starlette.responses import RedirectResponse

        self._count(request)
        desk = await self._open_desk()
        token, to = request.query_params.get("token", "")[:200], request.query_params.get("to")
        try:
            agent = await asyncio.to_thread(lambda: desk.agents().redeem_link(token))
        except Unauthorized:
            page = "/studio" if to == "studio" else "/desk"
            return _private(RedirectResponse(f"{page}?link=used", status_code=303))
        return _with_session(_private(RedirectResponse(page_of(agent, to), status_code=303)), request, desk, agent)

    def _count(self, request: Request) -> None:
        address = request.client.host if request.client else "unknown"
        if not self._hit(address):
            raise RateLimited("There were many sign-ins at once. Please wait a minute.", retry_after_seconds=60)


def page_of(agent: Agent, to: str | None) -> str:
    """The page a link leads this agent to: the one it names, if their role opens it; otherwise their own."""
    if not agent.may_enter_desk or (to == "studio" and agent.may_enter_studio):
        return "/studio"
    return "/desk"


async def _read_credentials(request: Request) -> tuple[str, str]:
    # a form of another site can send text/plain, never application/json, without asking first
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadFrame("Send JSON (`content-type: application/json`) with `email` and `password`.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise TooLarge
    try:
        fields: Any = orjson.loads(body)
        email, password = fields["email"], fields["password"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise BadFrame("Send JSON with `email` and `password`.") from None
    if not isinstance(email, str) or not isinstance(password, str) or not email.strip() or not password:
        raise BadFrame("`email` and `password` must both be filled in.")
    return email, password


def _answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint with our refusals turned into problem documents."""

    @functools.wraps(endpoint)
    async def answer(request: Request) -> Response:
        from starlette.responses import Response

        try:
            return await endpoint(request)
        except TellonceError as error:
            status, headers, body = encode(problem_of(error))
            response = Response(body, status)
            response.raw_headers = headers
            return response

    return answer


def _with_session(response: Response, request: Request, desk: Staffed, agent: Agent) -> Response:
    response.set_cookie(
        COOKIE,
        desk.tokens.sign_agent(agent.id, SESSION_SECONDS),
        max_age=SESSION_SECONDS,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_secure(request),
    )
    return response


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _json(value: Any) -> Response:
    from starlette.responses import Response

    return _private(Response(orjson.dumps(value), media_type="application/json"))


def _private(response: Response) -> Response:
    response.headers["cache-control"] = "no-store"
    response.headers["referrer-policy"] = "no-referrer"
    return response
