"""A customer's end of a websocket, as thin as it can be: what it does itself would be counted as the server's.

The clock is read when bytes leave and when they arrive; framing is the library's, around that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, cast

import orjson
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.uri import parse_uri


class Customer(asyncio.Protocol):
    """One connection. Make it with `connect`."""

    def __init__(self, url: str, subprotocols: Sequence[str]) -> None:
        self._wire = ClientProtocol(parse_uri(url), subprotocols=cast(Any, subprotocols or None), max_size=None)
        self._transport: asyncio.Transport
        self._frames: asyncio.Queue[tuple[int, dict[str, Any]] | None] = asyncio.Queue()
        self._open = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(cls, url: str, *subprotocols: str) -> Customer:
        """A connection whose handshake is done."""
        uri = parse_uri(url)
        _, customer = await asyncio.get_running_loop().create_connection(
            lambda: cls(url, subprotocols), uri.host, uri.port
        )
        await customer._open
        return customer

    def say(self, frame: dict[str, Any]) -> int:
        """Sends a frame; the monotonic nanoseconds at which it left."""
        self._wire.send_text(orjson.dumps(frame))
        data = b"".join(self._wire.data_to_send())
        left_ns = time.monotonic_ns()
        self._transport.write(data)
        return left_ns

    async def until(self, kind: str, role: str | None = None) -> tuple[int, dict[str, Any]]:
        """The next frame of this type (and author), and the monotonic nanoseconds at which it arrived.

        Raises:
            RuntimeError: the server complained, or closed.
        """
        while (arrived := await self._frames.get()) is not None:
            frame = arrived[1]
            if frame["type"] == "error":
                raise RuntimeError(f"The server refused: {frame['message']}")
            if frame["type"] == kind and (role is None or frame["from"]["role"] == role):
                return arrived
        raise RuntimeError(f"The server closed before it sent {kind}.")

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._wire.send_request(self._wire.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        arrived_ns = time.monotonic_ns()
        self._wire.receive_data(data)
        for event in self._wire.events_received():
            if isinstance(event, Response):
                self._settle_handshake()
            elif isinstance(event, Frame) and event.opcode.name == "TEXT":
                self._frames.put_nowait((arrived_ns, orjson.loads(event.data)))
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._frames.put_nowait(None)
        if not self._open.done():
            self._open.set_exception(exc or ConnectionError("The server closed during the handshake."))

    def _settle_handshake(self) -> None:
        if (error := self._wire.handshake_exc) is not None:
            self._open.set_exception(error)
        else:
            self._open.set_result(None)

    def _flush(self) -> None:
        if data := b"".join(self._wire.data_to_send()):
            self._transport.write(data)
