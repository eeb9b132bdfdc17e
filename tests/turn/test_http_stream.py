"""The streamed path's own HTTP client, against real loopback servers that keep to the protocol and that do not."""

from __future__ import annotations

import asyncio
import contextvars
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest

from assistant.turn import http_stream
from assistant.turn.http_stream import HttpAnswer, HttpFailure, Wire, open_wire

Play = Callable[[asyncio.StreamWriter], Awaitable[None]]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nTwo \r\n6;x=y\r\nyears.\r\n0\r\nX-Sum: 1\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nTwo years."


@pytest.fixture(params=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """Both loops the server may run on; they differ in how they connect, abort and report a reset."""
    if request.param == "uvloop":
        return cast(asyncio.AbstractEventLoopPolicy, pytest.importorskip("uvloop").EventLoopPolicy())
    return asyncio.DefaultEventLoopPolicy()


class Server:
    """Plays one answer a request, the last for ever, and counts connections and what was asked."""

    def __init__(self) -> None:
        self.plays: list[Play] = []
        self.asked: list[tuple[int, bytes]] = []  # connection, request
        self.writers: list[asyncio.StreamWriter] = []
        self.closed = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        number = len(self.writers)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                self.asked.append((number, head + await reader.readexactly(length)))
                play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
                await play(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()
        finally:
            writer.close()


def says(*pieces: bytes, then_close: bool = False, pause_seconds: float = 0.0) -> Play:
    async def play(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_seconds)
        if then_close:
            writer.close()

    return play


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    played = Server()
    listening = await asyncio.start_server(played.serve, "127.0.0.1", 0)
    played.port = listening.sockets[0].getsockname()[1]
    yield played
    listening.close()
    for writer in played.writers:
        writer.close()


@pytest.fixture
async def wire(server: Server) -> AsyncIterator[Wire]:
    made = open_wire(f"http://127.0.0.1:{server.port}/v1/chat?a=b", {"Authorization": "Bearer secret"})
    yield made
    await made.close()


async def read(wire: Wire, body: bytes = b"{}") -> tuple[HttpAnswer, bytes]:
    pieces: list[bytes] = []
    answer = await asyncio.wait_for(wire.post(body, lambda data: pieces.append(data) or False), 5)  # type: ignore[func-returns-value]
    return answer, b"".join(pieces)


async def failure_of(wire: Wire) -> str:
    with pytest.raises(HttpFailure) as caught:
        await read(wire)
    return caught.value.reason


async def test_a_request_names_path_host_and_length_and_asks_for_plain_bytes(server: Server, wire: Wire) -> None:
    server.plays = [says(SIZED)]

    await read(wire, b"abc")

    head, _, body = server.asked[0][1].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /v1/chat?a=b HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}".encode(),
        b"Authorization: Bearer secret",
        b"Accept-Encoding: identity",
        b"Content-Length: 3",
    ]
    assert body == b"abc"


async def test_on_a_kept_connection_the_request_leaves_before_the_call_first_waits(server: Server, wire: Wire) -> None:
    server.plays = [says(SIZED)]
    await read(wire)

    call = wire.post(b"now", lambda _: False).__await__()
    waits_for = next(call)
    await asyncio.sleep(0.05)  # nothing here runs the call

    assert server.asked[1][1].endswith(b"now")
    assert waits_for is not None
    call.close()


async def test_every_way_to_end_a_body_is_understood(server: Server, wire: Wire) -> None:
    until_close = says(b"HTTP/1.1 200 OK\r\n\r\nTwo years.", then_close=True)
    no_body = says(b"HTTP/1.1 204 No Content\r\n\r\n")
    for play, status, body in (
        (says(CHUNKED), 200, b"Two years."),
        (says(SIZED), 200, b"Two years."),
        (until_close, 200, b"Two years."),
        (no_body, 204, b""),
    ):
        server.plays = [play]
        answer, said = await read(wire)
        assert (answer.status, said) == (status, body)


@pytest.mark.parametrize("whole", [CHUNKED, SIZED, b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED])
async def test_an_answer_split_anywhere_is_the_same(server: Server, wire: Wire, whole: bytes) -> None:
    for at in range(1, len(whole)):
        server.plays = [says(whole[:at], whole[at:], pause_seconds=0.001)]
        assert (await read(wire))[1] == b"Two years.", at

    server.plays = [says(*(bytes([byte]) for byte in whole), pause_seconds=0.0005)]
    assert (await read(wire))[1] == b"Two years."
    assert len(server.writers) == 1


async def test_interim_answers_are_passed_over(server: Server, wire: Wire) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: br\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    server.plays = [says(interim + SIZED)]

    answer, body = await read(wire)

    assert (answer.status, body) == (200, b"Two years.")


async def test_one_read_is_one_call_however_many_chunks_came_in_it(server: Server, wire: Wire) -> None:
    server.plays = [says(CHUNKED)]
    pieces: list[bytes] = []

    await wire.post(b"{}", lambda data: pieces.append(data) or False)  # type: ignore[func-returns-value]

    assert pieces == [b"Two years."]


async def test_connections_are_kept_and_the_last_used_is_taken_first(server: Server, wire: Wire) -> None:
    server.plays = [says(CHUNKED, pause_seconds=0.02)]
    await asyncio.gather(read(wire), read(wire))
    assert len(server.writers) == 2

    for _ in range(3):
        await read(wire)

    assert len({number for number, _ in server.asked[2:]}) == 1
    assert len(server.writers) == 2


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", b"HTTP/1.0 200 OK\r\n"])
async def test_a_connection_that_will_not_be_kept_is_not(server: Server, wire: Wire, head: bytes) -> None:
    server.plays = [says(head + b"Content-Length: 2\r\n\r\nOK")]

    assert (await read(wire))[1] == b"OK"
    assert (await read(wire))[1] == b"OK"
    assert [number for number, _ in server.asked] == [1, 2]


async def test_an_idle_connection_that_the_server_closed_is_not_used(server: Server, wire: Wire) -> None:
    server.plays = [says(SIZED)]
    await read(wire)
    server.writers[0].close()
    await asyncio.sleep(0.05)

    await read(wire)

    assert [number for number, _ in server.asked] == [1, 2]


async def test_a_kept_connection_that_dies_unanswered_is_tried_once_more_on_a_new_one(
    server: Server, wire: Wire
) -> None:
    server.plays = [says(SIZED), reset, says(SIZED)]
    await read(wire)

    assert (await read(wire))[1] == b"Two years."
    assert [number for number, _ in server.asked] == [1, 1, 2]

    server.plays = [reset]
    assert await failure_of(wire) == "reset"
    assert [number for number, _ in server.asked[3:]] == [2, 3]


async def test_what_nobody_asked_for_is_never_taken_for_the_next_answer(server: Server, wire: Wire) -> None:
    server.plays = [says(SIZED + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), says(SIZED)]
    assert (await read(wire))[1] == b"Two years."
    assert (await read(wire))[1] == b"Two years."

    server.writers[-1].write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    await asyncio.sleep(0.05)
    assert (await read(wire))[1] == b"Two years."
    assert [number for number, _ in server.asked] == [1, 2, 3]


async def test_idle_connections_are_bounded_and_expire(
    server: Server, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_stream, "IDLE_CONNECTIONS", 2)
    monkeypatch.setattr(http_stream, "IDLE_SECONDS", 0.2)
    server.plays = [says(SIZED, pause_seconds=0.05)]
    await asyncio.gather(*(read(wire) for _ in range(4)))

    await asyncio.sleep(0.05)
    assert sum(not writer.is_closing() for writer in server.writers) == 2
    await asyncio.sleep(0.4)
    assert all(writer.is_closing() for writer in server.writers)


async def test_a_reader_who_has_enough_gets_the_answer_and_the_connection_is_kept(server: Server, wire: Wire) -> None:
    server.plays = [says(CHUNKED[:60], CHUNKED[60:], pause_seconds=0.05)]

    await wire.post(b"{}", lambda _: True)
    await asyncio.sleep(0.15)
    await wire.post(b"{}", lambda _: True)

    assert [number for number, _ in server.asked] == [1, 1]


async def test_an_end_that_does_not_come_is_not_waited_for(
    server: Server, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_stream, "DRAIN_SECONDS", 0.05)
    server.plays = [says(CHUNKED[:60])]

    await wire.post(b"{}", lambda _: True)

    await asyncio.wait_for(server.closed.wait(), 2)


async def test_cancelling_closes_the_connection(server: Server, wire: Wire) -> None:
    began = asyncio.Event()
    server.plays = [says(CHUNKED[:60])]
    task = asyncio.create_task(wire.post(b"{}", lambda _: began.set() or False))  # type: ignore[func-returns-value]
    await began.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await asyncio.wait_for(server.closed.wait(), 2)


async def test_a_reader_that_cancels_its_own_call_hears_nothing_more(server: Server, wire: Wire) -> None:
    heard: list[bytes] = []
    server.plays = [says(CHUNKED[:60], CHUNKED[60:])]

    def once(data: bytes) -> bool:
        heard.append(data)
        task.cancel()
        return False

    task = asyncio.create_task(wire.post(b"{}", once))
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)

    assert len(heard) == 1


async def test_what_the_reader_raises_reaches_the_caller_and_closes_the_connection(server: Server, wire: Wire) -> None:
    server.plays = [says(CHUNKED[:60])]

    def refuse(data: bytes) -> bool:
        raise LookupError(data)

    with pytest.raises(LookupError):
        await wire.post(b"{}", refuse)

    await asyncio.wait_for(server.closed.wait(), 2)


async def test_the_reader_runs_in_its_callers_context(server: Server, wire: Wire) -> None:
    """So that a log line on a kept connection names this conversation, not the one that opened it."""
    conversation = contextvars.ContextVar("conversation", default="")
    server.plays = [says(SIZED)]
    seen: list[str] = []

    async def ask(name: str) -> None:
        conversation.set(name)
        await wire.post(b"{}", lambda _: seen.append(conversation.get()) or False)  # type: ignore[func-returns-value]

    for name in ("first", "second"):
        await asyncio.create_task(ask(name))

    assert seen == ["first", "second"]
    assert len(server.writers) == 1


@pytest.mark.parametrize(
    ("play", "reason"),
    [
        (reset, "reset"),
        (says(b"HTTP/1.1 20", then_close=True), "reset"),
        (says(CHUNKED[:60], then_close=True), "cut"),
        (says(SIZED[:-2], then_close=True), "cut"),
        (says(b"SSH-2.0-OpenSSH_9\r\n"), "malformed"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "malformed"),
        (says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "malformed"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"), "encoded"),
        (says(b"HTTP/1.1 200 OK\r\n", *[b"X-A: " + b"a" * 4000 + b"\r\n"] * 300), "oversized"),
        (says(b"HTTP/1.1 200 OK\r\nX: ", *[b"a" * 4000] * 300), "oversized"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", *[b"a" * 4000] * 300), "oversized"),
        (says(*[b"HTTP/1.1 100 Continue\r\n\r\n" * 200] * 300), "oversized"),
    ],
    ids=range(12),
)
async def test_every_fault_of_a_server_has_a_name(server: Server, wire: Wire, play: Play, reason: str) -> None:
    server.plays = [play]

    assert await failure_of(wire) == reason


async def test_a_refusal_keeps_its_beginning_and_never_reaches_the_reader(server: Server, wire: Wire) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://x.example/\r\nRetry-After: 7\r\nContent-Length: 3000\r\n\r\n"
    server.plays = [says(head + b"n" * 3000)]

    answer, body = await read(wire)

    assert (answer.status, answer.body, body) == (302, b"n" * 500, b"")
    assert answer.headers["location"] == "http://x.example/"
    assert answer.headers["retry-after"] == "7"
    await read(wire)
    assert len(server.asked) == 2  # and nobody followed


async def test_nobody_there_is_unreachable_under_every_kind_of_name() -> None:
    for host in ("127.0.0.1:9", "[::1]:9", "localhost:9", "no.such.host.invalid", "a" * 70 + ".example"):
        assert await failure_of(open_wire(f"http://{host}/", {})) == "unreachable"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n", "ключ"])
def test_a_header_that_no_request_may_have_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(ValueError, match="Authorization") as caught:
        open_wire("http://127.0.0.1/", {"Authorization": value})

    assert value not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://x/", "no address", "http://", "https://x:port/"])
def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        open_wire(url, {})


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signed itself, and its key."""
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", str(paths[0]), "-keyout", str(paths[1])]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not on this machine")
    return paths


async def test_tls_trusts_the_certificates_it_is_told_to_and_no_others(
    server: Server, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    server.plays = [says(CHUNKED)]

    assert await failure_of(open_wire(f"https://localhost:{port}/", {})) == "unreachable"
    assert server.asked == []

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    for host in ("localhost", "127.0.0.1"):
        wire = open_wire(f"https://{host}:{port}/", {})
        assert (await read(wire))[1] == b"Two years."
        assert (await read(wire))[1] == b"Two years."
        await wire.close()
    assert [number for number, _ in server.asked] == [1, 1, 2, 2]
    listening.close()


async def test_a_proxy_of_the_environment_is_asked_instead(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    wire = open_wire("http://model.example/v1", {})
    cut = says(CHUNKED[:60], then_close=True)
    server.plays = [says(CHUNKED), says(b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 2\r\n\r\nno"), cut]

    assert (await read(wire))[1] == b"Two years."
    assert server.asked[0][1].startswith(b"POST http://model.example/v1 HTTP/1.1\r\n")
    refused = (await read(wire))[0]
    assert (refused.status, refused.body, refused.headers["location"]) == (302, b"no", "/x")
    assert await failure_of(wire) == "cut"
    await wire.close()

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server.plays = [says(SIZED)]
    direct = open_wire(f"http://127.0.0.1:{server.port}/v1", {})
    await read(direct)
    assert server.asked[-1][1].startswith(b"POST /v1 HTTP/1.1\r\n")
    await direct.close()
