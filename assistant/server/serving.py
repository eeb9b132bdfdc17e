"""How the server listens: the socket, uvicorn and its settings, the way each request takes. Floor: door.

Everything that must be there at once (pages, sockets) is answered here without a framework; the rest is `api.py`'s.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol, cast

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from assistant.channels.sockets import GOING_AWAY, Receive, Scope, Send, find_header
from assistant.errors import Forbidden, NotFound, SettingsError, TellonceError
from assistant.server.hosts import Hosts
from assistant.server.pages import Pages
from assistant.server.problems import encode, problem_of, refuse_handshake
from assistant.settings import Settings

Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]

TRANSPORT_MAX_BYTES = 1024 * 1024  # frames between 64 KiB and this get a typed error; beyond it the socket closes, 1009
MAX_BODY_BYTES = 256 * 1024
UPLOADS_PATH = "/v1/knowledge/uploads"  # counts for itself: each of its files has a limit, and they go straight to disk
CLOSE_GRACE_SECONDS = 10.0
_WHOLE_TEXT = 0x81  # the first byte of a text message in one frame
SHUTDOWN_SECONDS = 10


class _Inbox:
    """What uvicorn uses of an `asyncio.Queue`, for one reader: half the calls from a frame to its session."""

    __slots__ = ("_loop", "_messages", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._messages: deque[Any] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        self._messages.append(message)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def empty(self) -> bool:
        return not self._messages

    async def get(self) -> Any:
        while not self._messages:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._messages.popleft()


class DirectSocket(WebSocketsSansIOProtocol):
    """uvicorn's websocket, with what an ASGI `send` cannot do: write without waiting, see what is buffered, and close
    a connection whose reader has stopped reading. Endpoints find it in `scope["extensions"]["tellonce.wire"]`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unflushed: list[bytes] = []
        self.queue = cast(Any, _Inbox(self.loop))

    def send_receive_event_to_app(self) -> None:
        """Pauses the sender only while messages wait here. uvicorn does at each, which costs two system calls."""
        pauses = not self.queue.empty()
        self.read_paused = self.read_paused or not pauses
        super().send_receive_event_to_app()
        self.read_paused = pauses

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # a refusal ends it properly; uvicorn would log each as a crash

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions["tellonce.wire"] = self
        try:
            await super().run_asgi()
        finally:
            extensions.clear()  # the cycle ends here instead of waiting for the collector

    def write_text(self, frame: bytes) -> None:
        """Frames of one turn of the event loop leave in one system call, at its end."""
        if self._is_open:
            if not self._unflushed:
                self.loop.call_soon(self._flush)
            self._unflushed.append(_text_head(len(frame)) + frame)

    def write_now(self, frame: bytes) -> None:
        if not self._is_open:
            return
        self._unflushed.append(_text_head(len(frame)) + frame)
        self._flush()

    @property
    def buffered_bytes(self) -> int:
        return self.transport.get_write_buffer_size() + sum(map(len, self._unflushed))

    async def drained(self) -> None:
        await self.writable.wait()

    def cut_off(self, code: int, reason: str) -> None:
        if not self._is_open:
            return
        self.stop_keepalive()
        self.conn.send_close(code, reason)
        self._flush()
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_GRACE_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        """Tells the client that this server goes away (1001, PROTOCOL section 3); uvicorn itself would say 1012."""
        if self.handshake_complete and self._is_open:
            self.stop_keepalive()
            self.conn.send_close(GOING_AWAY, "server_going_away")
            self._flush()
            self.close_sent = True
            self.queue.put_nowait({"type": "websocket.disconnect", "code": GOING_AWAY})
            self.transport.close()
        else:
            super().shutdown()

    @property
    def _is_open(self) -> bool:
        return not (self.close_sent or self.disconnected or self.transport.is_closing())

    def _flush(self) -> None:
        output, self._unflushed = self._unflushed, []
        if self.conn.writes:
            output += self.conn.data_to_send()
        if output and not self.transport.is_closing():
            self.transport.write(output[0] if len(output) == 1 else b"".join(output))


def _text_head(size_bytes: int) -> bytes:
    """What stands before a text message from a server (RFC 6455, section 5.2): whole, unmasked, its length.

    Written here since the library's way takes ten calls and a copy for each token of an answer.
    """
    if size_bytes < 126:
        return bytes((_WHOLE_TEXT, size_bytes))
    return (
        struct.pack("!BBH", _WHOLE_TEXT, 126, size_bytes)
        if size_bytes < 1 << 16
        else struct.pack("!BBQ", _WHOLE_TEXT, 127, size_bytes)
    )


class Rooms(Protocol):
    """What the front door leads to (`app.App`)."""

    pages: Pages
    hosts: Hosts

    async def start(self) -> None:
        """Called once on the event loop; returns at once, and goes on opening behind."""
        ...

    async def stop(self) -> None: ...

    async def api(self) -> Endpoint:
        """The HTTP API, once it is there."""
        ...

    async def sockets(self) -> Mapping[str, Endpoint]:
        """Path -> websocket endpoint, once the stores are open."""
        ...


class FrontDoor:
    """The ASGI application: who answers what. Few frames deep, because a socket keeps each of them for its life."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            endpoint = await self._socket(scope, send)
            if endpoint is not None:
                await endpoint(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await self._live(receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._rooms.hosts.check(find_header(scope, b"host") or "")
        except Forbidden as error:
            status, headers, body = encode(problem_of(error))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        if not await self._rooms.pages.respond(scope, send):
            read_body = receive if scope["path"] == UPLOADS_PATH else bounded(receive)
            await (await self._rooms.api())(scope, read_body, unsniffed(send))

    async def _socket(self, scope: Scope, send: Send) -> Endpoint | None:
        try:
            self._rooms.hosts.check(find_header(scope, b"host") or "")
            endpoint = (await self._rooms.sockets()).get(scope["path"])
            if endpoint is not None:
                return endpoint
            await refuse_handshake(send, NotFound())
        except TellonceError as error:
            await refuse_handshake(send, error)
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        """The lifespan protocol: start and stop."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._rooms.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._rooms.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def bounded(receive: Receive) -> Receive:
    """The request's body, refused (413) once it is longer than any request of ours."""
    received_bytes = 0

    async def receive_bounded() -> MutableMapping[str, Any]:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body") or b"")
        if received_bytes > MAX_BODY_BYTES:
            from starlette.exceptions import HTTPException

            raise HTTPException(413, "A request may hold at most 256 KiB.")
        return message

    return receive_bounded


def unsniffed(send: Send) -> Send:
    """Responses that no browser takes for anything but what they say they are."""

    async def send_unsniffed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"] = list(message.get("headers", ()))
            if not any(name == b"x-content-type-options" for name, _ in headers):
                headers.append((b"x-content-type-options", b"nosniff"))
        await send(message)

    return send_unsniffed


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        SettingsError: the address cannot be had; the sentence says why and what to do.
    """
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, UnicodeError, OverflowError) as error:
        raise SettingsError(f"The host {host!r} is not known here: use 127.0.0.1, 0.0.0.0 or a name.") from error
    listener = socket.socket(address[0], socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address[4])
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingsError(_bind_sentence(host, port, error)) from error
    listener.setblocking(False)
    return listener


def _bind_sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken on {host}: stop what listens there, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used without special rights: choose one above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: use 127.0.0.1 or 0.0.0.0 with --host."
    return f"Cannot listen on {host} port {port}: {error.strerror}. Choose another with --host and --port."


def address_of(listener: socket.socket) -> str:
    """The address people open, for example http://127.0.0.1:8000."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def make_server(rooms: Rooms, settings: Settings) -> uvicorn.Server:
    """uvicorn, set up: no compression (it costs 100 KB a connection), half-open sockets found within two intervals."""
    config = uvicorn.Config(
        FrontDoor(rooms),
        loop="uvloop" if _has("uvloop") else "asyncio",
        http="httptools",
        ws=DirectSocket,
        ws_max_size=TRANSPORT_MAX_BYTES,
        ws_ping_interval=settings.ping_interval_seconds,
        ws_ping_timeout=settings.ping_interval_seconds,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return uvicorn.Server(config)


def _has(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None
