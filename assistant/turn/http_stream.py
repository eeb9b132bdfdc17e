"""Streamed answers over HTTP/1.1: one request, its answer handed on in the loop step it arrives in. Floor: adapter.

A general client puts a task, a queue and two loop steps between the socket and its reader. Here httptools parses what
the transport reads and calls the reader back at once; a request on a kept connection is one write.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass
from socket import SOCK_STREAM
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiohappyeyeballs import start_connection
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS = 10.0  # name, address and TLS handshake together
NEXT_ADDRESS_SECONDS = 0.25  # before the next address is tried as well (RFC 8305, section 8)
IDLE_SECONDS = 55.0  # a kept connection; many servers and load balancers close theirs after 60
IDLE_CONNECTIONS = 64
DRAIN_SECONDS = 1.0  # for the end of an answer that nobody reads any more
MAX_OVERHEAD_BYTES = 64 * 1024  # of headers, trailers and chunk sizes between two stretches of body
REFUSAL_BYTES = 500  # of the body of an answer other than 200
KEPT_HEADERS = frozenset({"retry-after", "location", "content-encoding", "content-length", "transfer-encoding"})

OnData = Callable[[bytes], bool]


class HttpFailure(Exception):
    """No whole answer came. `reason`: unreachable, reset, cut, malformed, encoded or oversized."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Unanswered(HttpFailure):
    """The connection closed before a byte of the answer: on a kept one, most likely before it saw the request."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """How an answer began. `headers`: those of KEPT_HEADERS, in lower case. `body`: the beginning of a refusal's."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Wire(Protocol):
    """The way to one address. Redirects are not followed: a 3xx is an answer like any other refusal."""

    async def post(self, body: bytes, on_data: OnData) -> HttpAnswer:
        """Sends `body`; calls `on_data` with each stretch of a 200's body until it returns True or the body ends.

        `on_data` is called synchronously, once a network read, in the caller's context. What it raises ends the
        exchange and is raised here; so does cancelling, and both close the connection at once.

        Raises:
            HttpFailure: no whole answer came.
        """
        ...

    async def close(self) -> None: ...


def open_wire(url: str, headers: Mapping[str, str]) -> Wire:
    """The way to `url`, through the proxy that the environment names for it, if any. Opens nothing yet.

    Raises:
        ValueError: `url` is no HTTP address, or a header has characters that no header may have.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("The model's address must be an http or https URL.")
    # Asked once: reading the environment's proxies at every request reads files.
    proxy = None if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)
    headers = {**headers, "Accept-Encoding": "identity"}
    return _ProxiedWire(url, headers, proxy) if proxy else _DirectWire(url, headers)


class _DirectWire:
    """Keep-alive connections to one address, the last used taken first so that the others may expire."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._head = _request_head(url, headers)
        # the default context reads SSL_CERT_FILE and the system's store: 20 ms, once
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        if self._tls is not None:
            self._tls.set_alpn_protocols(["http/1.1"])
        self._pool = _Pool()

    async def post(self, body: bytes, on_data: OnData) -> HttpAnswer:
        request = b"%b%d\r\n\r\n%b" % (self._head, len(body), body)
        if (kept := self._pool.take()) is not None:
            try:
                return await _ask(kept, request, on_data)
            except _Unanswered:
                pass
        return await _ask(await self._connect(), request, on_data)

    async def close(self) -> None:
        self._pool.close()
        await asyncio.sleep(0)

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                addresses = await loop.getaddrinfo(self._host, self._port, type=SOCK_STREAM)
                # uvloop's create_connection tries one address after the other, each to its end
                socket = await start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS, interleave=1)
                name = self._host if self._tls else None
                _, connection = await loop.create_connection(
                    lambda: _Connection(self._pool, loop), sock=socket, ssl=self._tls, server_hostname=name
                )
        except (OSError, UnicodeError) as error:
            # of OSError are also the name that is not found, the certificate that is not trusted, and the timeout
            raise HttpFailure("unreachable") from error
        return connection


async def _ask(connection: _Connection, request: bytes, on_data: OnData) -> HttpAnswer:
    answer = connection.send(request, on_data)
    try:
        return await answer
    except BaseException:
        connection.abandon(answer)
        raise


class _Pool:
    """The connections of one wire: all of them, and those that wait for a request."""

    def __init__(self) -> None:
        self.all: set[_Connection] = set()
        self._idle: list[_Connection] = []

    def take(self) -> _Connection | None:
        return self._idle.pop() if self._idle else None

    def keep(self, connection: _Connection) -> None:
        if len(self._idle) >= IDLE_CONNECTIONS:
            self._idle.pop(0).abort()
        self._idle.append(connection)

    def forget(self, connection: _Connection) -> None:
        self.all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        self._idle.clear()
        for connection in tuple(self.all):
            connection.abort()


class _Connection(asyncio.Protocol):
    """One connection, one exchange at a time. The `on_` methods are the parser's callbacks."""

    def __init__(self, pool: _Pool, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self._loop = loop
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._answer: asyncio.Future[HttpAnswer] | None = None  # as long as somebody reads
        self._on_data: OnData
        self._context: Context
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # from C to C: no frame of ours a chunk
        self._parser = HttpResponseParser(self)
        self._reset()
        self._whole = True

    def _reset(self) -> None:
        self._status = 0  # of the answer proper, once its headers are whole
        self._headers: dict[str, str] = {}
        self._refusal = b""
        self._overhead_bytes = 0
        self._whole = False
        self._reusable = False

    def send(self, request: bytes, on_data: OnData) -> asyncio.Future[HttpAnswer]:
        """Writes the request now; the answer's future fails with what went wrong."""
        self._stop_timer()
        self._reset()
        self._on_data = on_data
        # The transport calls us in the context of whoever opened it: another conversation's.
        self._context = copy_context()
        self._answer = answer = self._loop.create_future()
        self._transport.write(request)
        return answer

    def abandon(self, answer: asyncio.Future[HttpAnswer]) -> None:
        """Whoever waited for `answer` has gone. By now another request may be under way here: that one goes on."""
        if self._answer is answer:
            self.abort()

    def abort(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._pool.all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._pool.forget(self)
        if not self._status:
            self._fail(HttpFailure("reset") if self._overhead_bytes else _Unanswered("reset"))
        elif exc is None and self._ends_with_the_connection():
            self._settle()
        else:
            self._fail(HttpFailure("reset" if exc else "cut"))

    def data_received(self, data: bytes) -> None:
        if self._whole:  # Nobody asked: what comes now must never be taken for the next answer.
            self.abort()
            return
        self._overhead_bytes += len(data)
        failure: HttpFailure | None = None
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            cause = error.__context__
            failure = cause if isinstance(cause, HttpFailure) else HttpFailure("malformed")
        if self._pieces:
            self._hand_on()
        if self._whole:
            self._finish()
        elif failure is not None:
            self._fail(failure)
        elif self._overhead_bytes > MAX_OVERHEAD_BYTES:
            self._fail(HttpFailure("oversized"))

    def on_message_begin(self) -> None:
        if self._whole:
            self._reusable = False
            raise HttpFailure("malformed")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._status and (known := name.decode("latin-1").lower()) in KEPT_HEADERS:
            self._headers[known] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # an interim answer (RFC 9110, section 15.2): the answer proper follows
            self._headers.clear()
            return
        self._status = status
        if self._headers.get("content-encoding", "identity").lower() != "identity":
            raise HttpFailure("encoded")

    def on_message_complete(self) -> None:
        if self._status:
            self._whole = True
            self._reusable = self._parser.should_keep_alive()

    def _hand_on(self) -> None:
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        if self._answer is None or self._answer.done():
            return
        self._overhead_bytes = 0
        if self._status == 200:
            try:
                enough = self._context.run(self._on_data, data)
            except Exception as error:
                self._fail(error)
                return
        else:
            self._refusal = (self._refusal + data)[:REFUSAL_BYTES]
            enough = len(self._refusal) == REFUSAL_BYTES
        if enough:
            self._settle()
            if not self._whole:
                self._abort_after(DRAIN_SECONDS)

    def _finish(self) -> None:
        """The answer is whole, so that the connection may serve the next request."""
        self._stop_timer()
        self._settle()
        if not self._reusable:
            self.abort()
        elif not self._transport.is_closing():
            self._abort_after(IDLE_SECONDS)
            self._pool.keep(self)

    def _settle(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(HttpAnswer(self._status, self._headers, self._refusal))

    def _fail(self, error: Exception) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)
        self.abort()

    def _ends_with_the_connection(self) -> bool:
        """Neither a length nor chunks tell where the body ends (RFC 9112, section 6.3)."""
        chunked = self._headers.get("transfer-encoding", "").lower().endswith("chunked")
        return not chunked and "content-length" not in self._headers

    def _abort_after(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _ProxiedWire:
    """The same by way of a proxy, which aiohttp knows how to ask (CONNECT, credentials). Its hops cost 0.5 ms."""

    def __init__(self, url: str, headers: Mapping[str, str], proxy: str) -> None:
        self._url = url
        self._headers = headers
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes, on_data: OnData) -> HttpAnswer:
        import aiohttp

        request = self._ready_session().post(
            self._url, data=body, headers=self._headers, proxy=self._proxy, allow_redirects=False
        )
        try:
            async with request as response:
                try:
                    headers = {name.lower(): value for name, value in response.headers.items()}
                    if response.status != 200:
                        return HttpAnswer(response.status, headers, await response.content.read(REFUSAL_BYTES))
                    async for data in response.content.iter_any():
                        if on_data(data):
                            break
                    return HttpAnswer(200, headers)
                except BaseException:
                    # Whatever ends a half-read answer also ends the server's work on it.
                    response.close()
                    raise
        except aiohttp.ClientPayloadError as error:
            raise HttpFailure("cut") from error
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ServerTimeoutError) as error:
            raise HttpFailure("unreachable") from error
        except aiohttp.ClientError as error:
            raise HttpFailure("reset") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _ready_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS, ttl_dns_cache=300),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            )
        return self._session


def _request_head(url: str, headers: Mapping[str, str]) -> bytes:
    """Everything of a request that does not change, up to the number after `Content-Length: `."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    for line in lines:
        if re.search(r"[^\t\x20-\x7e]", line):
            # only the name: the value may be a credential
            raise ValueError(f"{line.split(':')[0]!r} has a character that a request may not have.")
    return "\r\n".join([*lines, "Content-Length: "]).encode("ascii")
