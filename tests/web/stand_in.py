"""A server that speaks PROTOCOL section 3 from memory, answers from a script and fails on demand.

The pages and their headers are the real ones; only conversations are pretended, so that a test can lose a frame, refuse
a hello or hold an answer back at will. What holds against the real server is in test_journeys.py.
"""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvicorn

from assistant.server.pages import Pages

QUOTE = "You may send it back within 45 days of delivery."
TEXT = f"# Returns\n\n## Time limit 🕊️\n\n{QUOTE} Used is fine.\n\n| Case | Days |\n|---|---|\n| Home | 45 |\n"
DOCUMENT = {
    "document": "returns",
    "release": 1,
    "title": "Returns",
    "source": "policies/returns.md",
    "media_type": "text/markdown",
    "url": None,
    "text": TEXT,
    "products": [],
}
START = TEXT.index(QUOTE)
CITATION = {
    "n": 1,
    "title": "Returns",
    "section": ["Time limit"],
    "url": f"/source/returns?release=1&start={START}&end={START + len(QUOTE)}",
    "quote": QUOTE,
    "release": 1,
    "document": "returns",
    "start": START,
    "end": START + len(QUOTE),
}
ANSWER = ["You may send it back within 45 days of delivery [1].", "\n\nUsed is fine, ", "as long as it is whole."]


@dataclass
class Script:
    """How the assistant behaves: pieces of its answer, seconds before each, and what is lost on the way."""

    pieces: list[str] = field(default_factory=lambda: list(ANSWER))
    piece_seconds: float = 0.05
    is_mute: bool = False  # frames are taken, and not even acted upon
    lose_acks: int = 0  # so many acks are swallowed
    lose_events: int = 0  # so many events are swallowed on live connections
    refuse_hellos: list[str] = field(default_factory=list)  # error codes for the next hellos
    refuse_says: list[dict[str, Any]] = field(default_factory=list)  # error fields for the next says
    suggestions: list[str] = field(default_factory=list)
    next_after_seconds: float | None = None  # so long after a person was asked for, the customer is next in line
    sign_in_ends: bool = False  # the identity runs out right after the next answer


@dataclass
class Talk:
    """One conversation in memory."""

    id: str
    owner: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    seqs: dict[str, int] = field(default_factory=dict)
    readers: set[Any] = field(default_factory=set)


class StandIn:
    """The server and all it remembers. Everything but the properties runs on its own thread's loop."""

    def __init__(self) -> None:
        self.script = Script()
        self.talks: dict[str, Talk] = {}
        self.hellos: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []
        self.url = ""
        self._pages = Pages()
        self._tasks: set[asyncio.Task[None]] = set()

    def messages(self, role: str) -> list[str]:
        return [
            event["data"]["text"]
            for talk in self.talks.values()
            for event in talk.events
            if event["kind"] == "message" and event["from"]["role"] == role
        ]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._chat(receive, send)
        elif scope["type"] == "http" and not await self._pages.respond(scope, send):
            found = scope["path"] == "/v1/documents/returns"
            body = json.dumps(DOCUMENT if found else {"code": "not_found", "detail": "Not here."}).encode()
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200 if found else 404, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _chat(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "tellonce.v1"})
        talk: Talk | None = None

        async def reply(frame: dict[str, Any]) -> None:
            await send({"type": "websocket.send", "text": json.dumps(frame)})

        try:
            while (message := await receive())["type"] == "websocket.receive":
                frame = json.loads(message["text"])
                self.frames.append(frame)
                if self.script.is_mute:
                    continue
                if frame["type"] == "hello":
                    talk = await self._hello(frame, reply)
                elif frame["type"] == "ping":
                    await reply({"type": "pong"})
                elif talk is not None and "id" in frame:
                    await self._act(talk, frame, reply)
        finally:
            if talk is not None:
                talk.readers.discard(reply)

    async def _hello(self, hello: dict[str, Any], reply: Any) -> Talk | None:
        self.hellos.append(hello)
        if self.script.refuse_hellos:
            await reply({"type": "error", "code": self.script.refuse_hellos.pop(0), "message": "Not like this."})
            return None
        talk = self.talks.get(hello["conversation"] or "")
        if hello["conversation"] and talk is None:
            await reply({"type": "error", "code": "not_found", "message": "This conversation could not be found."})
            return None
        if talk is None:
            talk = Talk(str(uuid.uuid4()))
            self.talks[talk.id] = talk
        name = "Amara Okafor" if hello["identity"] else None
        welcome = {"visitor": hello["visitor"] or "v", "conversation": talk.id, "seq": len(talk.events)}
        customer = {"name": name, "verified": name is not None}
        await reply({"type": "welcome", **welcome, "customer": customer, "resumed": True, "mode": "embedded"})
        for event in talk.events[hello["after"] :]:
            await reply(event)
        talk.readers.add(reply)
        return talk

    async def _act(self, talk: Talk, frame: dict[str, Any], reply: Any) -> None:
        if frame["type"] == "say" and self.script.refuse_says:
            await reply({"type": "error", "id": frame["id"], "message": "No.", **self.script.refuse_says.pop(0)})
            return
        if frame["id"] not in talk.seqs:
            talk.seqs[frame["id"]] = len(talk.events) + 1
            await self._append_for(talk, frame)
        if self.script.lose_acks:
            self.script.lose_acks -= 1
        else:
            await reply({"type": "ack", "id": frame["id"], "seq": talk.seqs[frame["id"]]})

    async def _append_for(self, talk: Talk, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "say":
                await self.append(talk, "message", "customer", {"text": frame["text"]}, frame["id"])
                task = asyncio.create_task(self._answer(talk, len(talk.events)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case "ask_human":
                data = {"reason": frame["reason"], "position": 2, "wait_seconds": 180}
                await self.append(talk, "handoff.requested", "customer", data, frame["id"])
                if self.script.next_after_seconds is not None:
                    await asyncio.sleep(self.script.next_after_seconds)
                    await self._tell(talk, {"type": "queue", "position": 1, "wait_seconds": None})
            case "end":
                await self.append(talk, "conversation.ended", "customer", {"by": "customer"}, frame["id"])
                scale = {"min": 1, "max": 7, "min_label": "Very easy", "max_label": "Very difficult"}
                question = "How easy was it to get this sorted out?"
                data = {"survey": "s1", "metric": "ces", "question": question, "scale": scale}
                await self.append(talk, "survey.offered", "system", data)
            case "survey":
                data = {"survey": frame["survey"], "metric": "ces", "score": frame["score"]}
                await self.append(talk, "survey.answered", "customer", data, frame["id"])

    async def _answer(self, talk: Talk, turn: int) -> None:
        pieces = self.script.pieces
        for n, text in enumerate(pieces):
            await asyncio.sleep(self.script.piece_seconds)
            await self._tell(talk, {"type": "draft", "turn": turn, "n": n, "text": text})
        data = {
            "text": "".join(pieces),
            "blocks": [
                {
                    "t": "p",
                    "c": [
                        {"t": "text", "text": "You may send it back within 45 days of delivery "},
                        {"t": "cite", "n": 1},
                        {"t": "text", "text": "."},
                    ],
                },
                {"t": "p", "c": [{"t": "text", "text": "".join(pieces[1:]).strip()}]},
            ],
            "citations": [CITATION],
            "outcome": "answered",
            "suggestions": self.script.suggestions,
            "mode": "embedded",
            "turn": turn,
        }
        await self.append(talk, "message", "assistant", data)
        if self.script.sign_in_ends:
            self.script.sign_in_ends = False
            await self._tell(talk, {"type": "error", "code": "unauthorized", "message": "This has expired."})

    async def append(
        self, talk: Talk, kind: str, role: str, data: dict[str, Any], client_id: str | None = None, name: str = ""
    ) -> None:
        seq = len(talk.events) + 1
        event = {"type": "event", "seq": seq, "prev": seq - 1, "kind": kind, "data": data}
        event |= {"at": datetime.now(UTC).isoformat(), "from": {"role": role, "name": name or role.title()}}
        if client_id:
            event["id"] = client_id
        talk.events.append(event)
        if self.script.lose_events:
            self.script.lose_events -= 1
        else:
            await self._tell(talk, event)

    async def _tell(self, talk: Talk, frame: dict[str, Any]) -> None:
        for reader in list(talk.readers):
            try:
                await reader(frame)
            except Exception:  # a reader that is gone reads the rest when it comes back
                talk.readers.discard(reader)


@contextmanager
def serve_stand_in() -> Iterator[StandIn]:
    """The stand-in on a free loopback port, for as long as the block lasts."""
    stand_in = StandIn()
    config = uvicorn.Config(stand_in, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    stand_in.url = f"http://127.0.0.1:{port}"
    try:
        yield stand_in
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)
