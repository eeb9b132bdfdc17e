"""A customer at the other end of a real socket, for tests: says frames, collects what comes back."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

Frame = dict[str, Any]
PATIENCE_SECONDS = 20.0


class Customer:
    """One connection. `seen` holds every frame in the order it came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[Frame] = []
        self.welcome: Frame = {}

    async def send(self, frame: Frame | str | bytes) -> None:
        await self.socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def receive(self, patience_seconds: float = PATIENCE_SECONDS) -> Frame:
        raw = await asyncio.wait_for(self.socket.recv(), patience_seconds)
        frame: Frame = json.loads(raw)
        self.seen.append(frame)
        return frame

    async def until(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The first frame from now on that is wanted; the others are kept in `seen`."""
        while not wanted(frame := await self.receive()):
            pass
        return frame

    async def hello(self, **fields: Any) -> Frame:
        """The welcome, or the error, that answers this hello."""
        await self.send({"type": "hello", **fields})
        frame = await self.receive()
        if frame["type"] == "welcome":
            self.welcome = frame
        return frame

    async def ask(self, frame_type: str, **fields: Any) -> Frame:
        """Sends a frame with a new id (unless given); the ack or error that answers it."""
        frame_id = fields.pop("id", None) or str(uuid.uuid4())
        await self.send({"type": frame_type, "id": frame_id, **fields})
        return await self.until(lambda f: f.get("id") == frame_id and f["type"] in ("ack", "error"))

    async def say(self, text: str, frame_id: str | None = None) -> Frame:
        return await self.ask("say", id=frame_id, text=text)

    async def answer(self, turn: int) -> Frame:
        """The assistant's message that answers the question with this seq, come or yet to come."""
        for frame in self.seen:
            if is_answer(frame, turn):
                return frame
        return await self.until(lambda f: is_answer(f, turn))

    async def quiet(self, seconds: float = 0.3) -> list[Frame]:
        """Everything that comes until nothing has come for this long."""
        frames: list[Frame] = []
        try:
            while True:
                frames.append(await self.receive(seconds))
        except TimeoutError:
            return frames

    @property
    def events(self) -> list[Frame]:
        return [frame for frame in self.seen if frame["type"] == "event"]


def is_answer(frame: Frame, turn: int) -> bool:
    if frame["type"] != "event" or frame["kind"] != "message" or frame["from"]["role"] != "assistant":
        return False
    return bool(frame["data"]["turn"] == turn)


def of_kind(kind: str) -> Callable[[Frame], bool]:
    return lambda frame: frame["type"] == "event" and frame["kind"] == kind


@asynccontextmanager
async def dial(server: Any, **options: Any) -> AsyncIterator[Customer]:
    """An open socket that has said nothing yet."""
    options.setdefault("subprotocols", ["tellonce.v1"])
    async with connect(server.ws_url, compression=None, max_size=2**24, **options) as socket:
        yield Customer(socket)


@asynccontextmanager
async def arrive(server: Any, *, seat: Frame | None = None, after: int = 0, **fields: Any) -> AsyncIterator[Customer]:
    """A welcomed customer; `seat` is an earlier welcome to come back to."""
    if seat is not None:
        fields = {"visitor": seat["visitor"], "conversation": seat["conversation"], "after": after, **fields}
    async with dial(server) as customer:
        answer = await customer.hello(**fields)
        assert answer["type"] == "welcome", answer
        yield customer
