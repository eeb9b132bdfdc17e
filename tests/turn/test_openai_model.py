"""Whatever an endpoint does, it ends in an answer or in ModelUnavailable, in time, and lets go of the upstream."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import orjson
import pytest

from assistant.errors import ModelUnavailable
from assistant.settings import Settings
from assistant.turn.models import Breaker, Message
from assistant.turn.openai_model import OpenAIModel
from assistant.turn.scripted import ScriptedModel
from tests.turn.conftest import settings

MESSAGES = [Message("user", "How long is the warranty?")]
SHARED_MOCK = Path(__file__).resolve().parents[3] / "shared" / "bench" / "mock_openai.py"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def event(delta: dict[str, str], finish: str | None = None) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}) + b"\n\n"


class Endpoint:
    """A server that plays one handler a request, the last for ever; it keeps what it was asked."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []
        self.heads: list[str] = []
        self.closed = asyncio.Event()
        self.plays: list[Callable[[asyncio.StreamWriter], Awaitable[None]]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
                self.heads.append(head)
                self.bodies.append(orjson.loads(await reader.readexactly(length)))
                play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
                await play(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()
        finally:
            writer.close()


def stream(*chunks: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for chunk in chunks:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        writer.write(b"0\r\n\r\n")

    return play


def refuse(status: int, head: str = "") -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def play(writer: asyncio.StreamWriter) -> None:
        body = b'{"error": {"message": "no"}}'
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{head}\r\n".encode() + body)

    return play


DONE = b"data: [DONE]\n\n"
GOOD = stream(event({"content": "Two "}), event({"content": "years."}), event({}, "stop"), DONE)


@pytest.fixture
async def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
async def model(endpoint: Endpoint) -> AsyncIterator[OpenAIModel]:
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = OpenAIModel(model_settings(f"http://127.0.0.1:{port}/v1"))
    yield made
    await made.close()
    server.close()


def model_settings(url: str, model: str = "some-model", **values: object) -> Settings:
    return settings(
        model=model,
        openai_api_key="secret",
        openai_base_url=url,
        **{"model_first_text_seconds": 1.5, "model_deadline_seconds": 2.5, **values},
    )


async def said_by(model: OpenAIModel) -> str:
    pieces: list[str] = []
    await model.stream(MESSAGES, pieces.append, max_tokens=50)
    return "".join(pieces)


async def test_an_answer_is_streamed_with_key_and_budget(endpoint: Endpoint, model: OpenAIModel) -> None:
    endpoint.plays = [GOOD]

    assert await said_by(model) == "Two years."
    assert endpoint.bodies[0]["model"] == "some-model"
    assert endpoint.bodies[0]["max_tokens"] == 50
    assert endpoint.bodies[0]["stream"] is True
    assert "authorization: bearer secret" in endpoint.heads[0].lower()


async def test_what_arrives_in_one_read_leaves_in_one_piece(endpoint: Endpoint, model: OpenAIModel) -> None:
    endpoint.plays = [stream(*[event({"content": f"{n} "}) for n in range(50)], event({}, "stop"), DONE)]
    pieces: list[str] = []

    await model.stream(MESSAGES, pieces.append, max_tokens=50)

    assert "".join(pieces) == "".join(f"{n} " for n in range(50))
    assert len(pieces) < 50


@pytest.mark.parametrize(
    ("play", "reason"),
    [
        (stream(event({"content": "Two"}), b'data: {"choices":[{"delta":{"con\n\n', DONE), "malformed"),
        (stream(event({"content": "Two"}), b'data: {"error":{"message":"x"}}\n\n'), "error_event"),
        (stream(event({"content": "Two"}), DONE), "unfinished"),
        (stream(event({"content": "Two"})), "unfinished"),
        (stream(event({"content": "Two"}), event({}, "content_filter"), DONE), "finish:content_filter"),
        (stream(event({"content": "x" * 300_000}), event({}, "stop"), DONE), "oversized"),
        (stream(*[event({"content": "x" * 30_000})] * 3, event({}, "stop"), DONE), "oversized"),
        (stream(b"data: [1, 2]\n\n"), "malformed"),
        (stream(b'data: {"choices": [{"delta": {"content": 5}}]}\n\n'), "malformed"),
        (refuse(401), "http_401"),
        (refuse(400), "http_400"),
        (refuse(500), "http_500"),
        (refuse(429, "retry-after: 60\r\n"), "http_429"),
        (refuse(429, "retry-after: nan\r\n"), "http_429"),
        (refuse(302, "location: http://127.0.0.1:9/\r\n"), "http_302"),
    ],
)
async def test_every_fault_has_a_name(
    endpoint: Endpoint, model: OpenAIModel, play: Callable[[asyncio.StreamWriter], Awaitable[None]], reason: str
) -> None:
    endpoint.plays = [play]

    with pytest.raises(ModelUnavailable) as caught:
        await said_by(model)

    assert caught.value.reason == reason


async def test_a_finish_reason_without_done_is_a_whole_answer(endpoint: Endpoint, model: OpenAIModel) -> None:
    endpoint.plays = [stream(event({"content": "Two years."}), event({}, "stop"))]

    assert await said_by(model) == "Two years."


async def test_a_refusal_that_may_pass_is_tried_again_before_the_first_text(
    endpoint: Endpoint, model: OpenAIModel
) -> None:
    endpoint.plays = [refuse(503), refuse(429, "retry-after: 0\r\n"), GOOD]

    assert await said_by(model) == "Two years."
    assert len(endpoint.bodies) == 3


async def test_what_was_half_read_before_a_retry_is_forgotten(endpoint: Endpoint, model: OpenAIModel) -> None:
    async def cut_in_a_line(writer: asyncio.StreamWriter) -> None:
        await stream_head(writer, b'data: {"choices":[{"del')
        writer.close()

    endpoint.plays = [cut_in_a_line, GOOD]

    assert await said_by(model) == "Two years."


async def test_a_key_that_cannot_be_sent_is_misconfigured() -> None:
    values: dict[str, object] = {"openai_api_key": "key\nof a file", "openai_base_url": "http://127.0.0.1:9/v1"}
    model = OpenAIModel(settings(model="m", **values))

    with pytest.raises(ModelUnavailable) as caught:
        await said_by(model)

    assert caught.value.reason == "misconfigured"
    await model.close()


async def test_a_stream_that_breaks_after_text_is_not_begun_again(endpoint: Endpoint, model: OpenAIModel) -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        await stream_head(writer, event({"content": "Two"}))
        await asyncio.sleep(0.05)
        writer.transport.abort()

    endpoint.plays = [cut]

    with pytest.raises(ModelUnavailable) as caught:
        await said_by(model)

    assert caught.value.reason in ("cut", "reset")
    assert len(endpoint.bodies) == 1


async def stream_head(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    await writer.drain()


async def test_silence_and_drip_end_at_their_deadlines(endpoint: Endpoint, model: OpenAIModel) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        await stream_head(writer, event({"content": "T"}))
        while not writer.is_closing():
            writer.write(b"5\r\ndata:\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def silence(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    for play, reason, seconds in ((silence, "no_first_text", 1.5), (drip, "slow", 2.5)):
        endpoint.plays = [play]
        started = time.monotonic()
        with pytest.raises(ModelUnavailable) as caught:
            await said_by(model)
        assert caught.value.reason == reason
        assert time.monotonic() - started < seconds + 2


async def test_cancelling_closes_the_upstream_at_once(endpoint: Endpoint, model: OpenAIModel) -> None:
    began = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        await stream_head(writer, event({"content": "Two"}))

    endpoint.plays = [slow]
    task = asyncio.create_task(model.stream(MESSAGES, lambda _: began.set(), max_tokens=5))
    await began.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await asyncio.wait_for(endpoint.closed.wait(), 2)


async def test_nobody_at_the_address_is_unreachable() -> None:
    model = OpenAIModel(model_settings("http://127.0.0.1:9/v1"))

    with pytest.raises(ModelUnavailable) as caught:
        await said_by(model)

    assert caught.value.reason == "unreachable"
    await model.close()


async def test_a_short_call_answers_or_says_why_not(endpoint: Endpoint, model: OpenAIModel) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Which kettle?"}}
    body = orjson.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})

    async def whole(writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )

    endpoint.plays = [whole, refuse(500)]

    assert await model.complete(MESSAGES, max_tokens=9, deadline_seconds=5) == "Which kettle?"
    with pytest.raises(ModelUnavailable):
        await model.complete(MESSAGES, max_tokens=9, deadline_seconds=5)


async def test_the_breaker_rests_after_repeated_failures_and_tries_again_later() -> None:
    now = [0.0]
    inner = ScriptedModel(*[ModelUnavailable("down")] * 3, "Back again.")
    breaker = Breaker(inner, failures=3, rest_seconds=10, clock=lambda: now[0])

    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            await breaker.stream(MESSAGES, lambda _: None, max_tokens=5)
    assert breaker.resting
    with pytest.raises(ModelUnavailable) as caught:
        await breaker.stream(MESSAGES, lambda _: None, max_tokens=5)
    assert caught.value.reason == "resting"
    assert len(inner.sent) == 3

    now[0] = 11.0
    await breaker.stream(MESSAGES, lambda _: None, max_tokens=5)
    assert not breaker.resting


@pytest.fixture(scope="module")
def shared_mock() -> Iterator[str]:
    """The shared mock model server, where this checkout stands beside it."""
    if not SHARED_MOCK.is_file():
        pytest.skip("the shared mock model server is not on this machine")
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(SHARED_MOCK), "--port", str(port)], stdout=subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield f"http://127.0.0.1:{port}/v1"
    process.terminate()
    process.wait(5)


@pytest.mark.parametrize(
    "fault", ["500", "503", "reset", "cut", "hang", "hang0", "badsse", "errevent", "drip", "nofinish"]
)
async def test_the_shared_mocks_faults_end_as_unavailable(shared_mock: str, fault: str) -> None:
    model = OpenAIModel(model_settings(shared_mock, f"mock;tps=200;n=40;fault={fault}"))
    started = time.monotonic()

    with pytest.raises(ModelUnavailable):
        await said_by(model)

    assert time.monotonic() - started < 6
    await model.close()


@pytest.mark.parametrize("fault", ["429", "huge"])
async def test_the_shared_mocks_bounded_faults(shared_mock: str, fault: str) -> None:
    model = OpenAIModel(model_settings(shared_mock, f"mock;tps=200;n=40;ra=30;fault={fault}"))

    with pytest.raises(ModelUnavailable):
        await said_by(model)
    await model.close()


async def test_the_shared_mock_without_done_is_whole(shared_mock: str) -> None:
    model = OpenAIModel(model_settings(shared_mock, "mock;n=5;fault=nodone"))

    assert await said_by(model)
    await model.close()
