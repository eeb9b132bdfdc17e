"""What every websocket of ours keeps to: who may shake hands, what the server's side of a socket can do, how long it
waits. Floor: door; `web.py` is the customers' socket, `server/desk.py` the agents'.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from assistant.errors import Forbidden

SUBPROTOCOL = "tellonce.v1"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

GOING_AWAY, POLICY, TRY_LATER = 1001, 1008, 1013
HELLO_DEADLINE_SECONDS = 10.0
BAD_FRAMES_A_MINUTE = 5
REPLAY_EVENTS = 100
REPLAY_BUFFER_BYTES = 256 * 1024  # a replay waits for its reader beyond this
REPLAY_STALL_SECONDS = 30.0
DRAFT_BUFFER_BYTES = 64 * 1024  # drafts are dropped beyond this; the whole answer follows as an event
TYPING_INTERVAL_SECONDS = 1.0


class Wire(Protocol):
    """One open socket, as the server gives it (`server.serving.DirectSocket`)."""

    def write_text(self, frame: bytes) -> None:
        """Hands one text frame to the transport in this turn of the loop; does nothing on a closed socket."""
        ...

    def write_now(self, frame: bytes) -> None:
        """The same without waiting for others of this turn to join it: for what comes alone, and is waited for."""
        ...

    @property
    def buffered_bytes(self) -> int:
        """What the transport holds because the reader has not taken it yet."""
        ...

    async def drained(self) -> None:
        """Returns once the reader has taken most of what is buffered, or is gone."""
        ...

    def cut_off(self, code: int, reason: str) -> None:
        """Sends a close frame behind what is buffered, and drops the connection soon after whatever the reader does."""
        ...


class Refused(Exception):
    """Ends the session with this close code; the reason is for whoever debugs a client."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class BadFrames:
    """Counts the frames of one connection that break the protocol. Most connections send none."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at: deque[float] | None = None

    def count(self) -> None:
        """Raises Refused at the fifth within a minute (PROTOCOL section 3)."""
        now = time.monotonic()
        self._at = recent = self._at or deque(maxlen=BAD_FRAMES_A_MINUTE)
        recent.append(now)
        if len(recent) == BAD_FRAMES_A_MINUTE and now - recent[0] < 60.0:
            raise Refused(POLICY, "too_many_bad_frames")


async def next_frame(receive: Receive) -> str | bytes | None:
    """The next message's payload; None once the customer is gone."""
    message = await receive()
    if message["type"] != "websocket.receive":
        return None
    text = message.get("text")
    return text if text is not None else bytes(message["bytes"])


async def first_frame(receive: Receive) -> str | bytes | None:
    """The same for who has not said hello yet. Raises Refused once they have kept us waiting for too long."""
    try:
        async with asyncio.timeout(HELLO_DEADLINE_SECONDS):
            return await next_frame(receive)
    except TimeoutError:
        raise Refused(POLICY, "hello_timeout") from None


async def keep_pace(wire: Wire) -> None:
    """Waits, during a replay, until the reader has taken most of it. Raises Refused when there is none any more."""
    if wire.buffered_bytes <= REPLAY_BUFFER_BYTES:
        return
    try:
        async with asyncio.timeout(REPLAY_STALL_SECONDS):
            await wire.drained()
    except TimeoutError:
        raise Refused(TRY_LATER, "slow_reader") from None


def check_origin(scope: Scope, allowed: frozenset[str]) -> None:
    """Refuses pages of other sites. No Origin means no browser, and so no page to protect the customer from.

    Raises:
        Forbidden: the Origin is neither our own nor among the allowed ones; "null" never is.
    """
    origin = find_header(scope, b"origin")
    if origin is None:
        return
    origin = origin.rstrip("/").lower()
    host = (find_header(scope, b"host") or "").lower()
    if origin in allowed or (host and _is_own(origin, host)):
        return
    raise Forbidden("This site is not allowed to speak with this server: add it to TELLONCE_ALLOWED_ORIGINS.")


def _is_own(origin: str, host: str) -> bool:
    """Whether a page of this origin came from this host. A proxy may hold the certificate, so both schemes count."""
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc in (host, host.removesuffix(_default_port(parts.scheme)))


def _default_port(scheme: str) -> str:
    return ":443" if scheme == "https" else ":80"


def choose_subprotocol(scope: Scope) -> str | None:
    """Ours where it is offered; None where nothing is.

    Raises:
        Forbidden: only other protocols are offered, so neither side would understand the other.
    """
    offered = scope.get("subprotocols") or ()
    if offered and SUBPROTOCOL not in offered:
        raise Forbidden(f"This server speaks {SUBPROTOCOL} only.")
    return SUBPROTOCOL if offered else None


def find_header(scope: Scope, name: bytes) -> str | None:
    """The first header of this name (lower case) in a request's ASGI scope."""
    for key, value in scope["headers"]:
        if key.lower() == name:
            return str(value, "latin-1")
    return None
