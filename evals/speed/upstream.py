"""A small model server for measuring: the OpenAI chat API, streamed, on loopback.

`PUT /pace` with `ttft=0.02;tps=50;n=90;` sets how every later answer comes: seconds to the first token, tokens a second
(0: at once), tokens. The first token is `<received ns>:<sent ns> `, monotonic: a reader can take off what this took.

Alone: `python -m evals.speed.upstream --port 9100`
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from dataclasses import dataclass
from typing import cast

import orjson

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"mock","choices":[{"index":0,"delta":'
OPEN = b',"logprobs":null,"finish_reason":null}]}\n\n'
CLOSED = EVENT + b'{},"logprobs":null,"finish_reason":"stop"}]}\n\n'
WORDS = [
    word + b" "
    for word in b"The water for green tea is best a little below the boil. Let it stand for a while.".split()
]


@dataclass(frozen=True, slots=True)
class Pace:
    """How answers are streamed."""

    ttft_seconds: float = 0.0
    tokens_per_second: float = 0.0
    tokens: int = 90

    @classmethod
    def of(cls, text: str) -> Pace:
        """The pace that a text tells; what it does not mention keeps its default."""
        given = dict(re.findall(r"\b(ttft|tps|n)=([\d.]+);", text))
        return cls(float(given.get("ttft", 0)), float(given.get("tps", 0)), int(given.get("n", 90)))


class Upstream(asyncio.Protocol):
    """One connection; one request at a time, kept alive."""

    pace = Pace()  # of all connections

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if len(rest) < length:
            return
        body, self._received = rest[:length], rest[length:]
        if head.startswith(b"PUT /pace "):
            Upstream.pace = Pace.of(body.decode())
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            return
        orjson.loads(body)
        self._answer(Upstream.pace, time.monotonic_ns())

    def _answer(self, pace: Pace, received_ns: int) -> None:
        start = self._loop.time() + pace.ttft_seconds
        step = 1 / pace.tokens_per_second if pace.tokens_per_second else 0.0
        self._transport.write(HEAD)

        def send(i: int) -> None:
            text = b"%d:%d " % (received_ns, time.monotonic_ns()) if i == 0 else WORDS[i % len(WORDS)]
            out = _chunk(EVENT + b'{"content":"%b"}' % text + OPEN)
            if i + 1 == pace.tokens:
                out += _chunk(CLOSED) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
            self._transport.write(out)
            if i + 1 < pace.tokens:
                self._timer = self._loop.call_at(start + (i + 1) * step, send, i + 1)

        self._timer = self._loop.call_at(start, send, 0)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def serve(port: int) -> None:
    """Serves until cancelled; prints the port it listens on."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    port = parser.parse_args().port
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(port))
    else:
        uvloop.run(serve(port))


if __name__ == "__main__":
    main()
