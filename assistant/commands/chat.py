"""`tellonce chat`: the conversation in a terminal, over the same socket as the widget. Floor: door.

`Conversation` keeps what the protocol asks a client to keep (seat, last seq, outbox); a screen shows it, to people or
to programs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import threading
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from urllib.parse import urlsplit

import typer

from assistant.channels.sockets import SUBPROTOCOL
from assistant.commands.terminal import JsonFlag, print_json_line
from assistant.errors import TellonceError, Unauthorized, Unavailable

if TYPE_CHECKING:
    from rich.console import Console
    from websockets.asyncio.client import ClientConnection


LONGEST_WAIT_SECONDS = 10.0
PIPED_QUIET_SECONDS = 1.0
HELP = "Write and press Enter. /person asks for a person, /end ends, /quit leaves."

Frame = dict[str, Any]


def chat(
    url: Annotated[str, typer.Option(help="Where Tellonce is served.")] = "http://127.0.0.1:8000",
    customer: Annotated[
        str | None, typer.Option("--as", help="Sign in as this customer (id); needs the demo or the data folder.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Talk to the assistant from this terminal. With --json every frame of the server's is a line of JSON.

    Example: tellonce chat --as cus_amara
    """
    from assistant.commands.terminal import out

    identity = sign_in_as(url, customer) if customer else None
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(talk(socket_address(url), identity, JsonScreen() if as_json else TextScreen(out)))


def socket_address(url: str) -> str:
    """`https://host/x` -> `wss://host/ws/chat`. Raises Unavailable for what is no web address."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise Unavailable(f"{url!r} is not an address: use one such as http://127.0.0.1:8000.")
    return f"{scheme}://{parts.netloc}/ws/chat"


def sign_in_as(url: str, customer_id: str) -> str:
    """An identity token: from the demo's switch, else signed with this machine's own secret.

    Raises:
        Unauthorized: the demo knows no such customer.
    """
    import httpx

    from assistant.app import open_identity
    from assistant.settings import load_settings

    try:
        reply = httpx.post(f"{url.rstrip('/')}/v1/demo/identity", json={"customer": customer_id}, timeout=10)
    except httpx.HTTPError as error:
        raise Unavailable(f"Nothing answers at {url}: start it with `tellonce demo`, or name it with --url.") from error
    if reply.status_code == 200:
        return str(reply.json()["token"])
    if reply.headers.get("content-type", "").startswith("application/problem") and "customer" in reply.text:
        raise Unauthorized(f"The demo has no customer {customer_id!r}: `GET {url}/v1/demo` lists them.")
    return open_identity(load_settings()).sign_customer(customer_id)


@dataclass
class Conversation:
    """A client's memory of one conversation. Pure: frames in, frames out."""

    identity: str | None = None
    visitor: str | None = None
    id: str | None = None
    last_seq: int = 0
    outbox: dict[str, Frame] = field(default_factory=dict)  # id -> frame, until it is acknowledged
    survey: Frame | None = None  # the data of the one that waits for a score
    is_leaving: bool = False

    def hello(self) -> Frame:
        return {
            "type": "hello",
            "also": ["queue"],
            "visitor": self.visitor,
            "identity": self.identity,
            "conversation": self.id,
            "after": self.last_seq,
            "page": {"title": "Terminal"},
        }

    def note(self, frame: Frame) -> bool:
        """Takes a server's frame in; False for an event that is known already."""
        match frame["type"]:
            case "welcome":
                self.visitor, self.id = frame["visitor"], frame["conversation"]
            case "ack" | "error":
                self.outbox.pop(frame.get("id") or "", None)
            case "event":
                if frame["seq"] <= self.last_seq:
                    return False
                self.last_seq = frame["seq"]
                self.outbox.pop(frame.get("id") or "", None)
                self._note_survey(frame)
        return True

    def _note_survey(self, event: Frame) -> None:
        if event["kind"] == "survey.offered":
            self.survey = event["data"]
        elif event["kind"] == "survey.answered":
            self.survey = None

    def act(self, line: str) -> Frame | None:
        """What a typed line means: a message, a command, or the score a survey waits for. None for a blank line."""
        frame_id = str(uuid.uuid4())
        words = line.strip()
        frame: Frame
        if not words:
            return None
        if words == "/person":
            frame = {"type": "ask_human", "id": frame_id}
        elif words == "/end":
            frame = {"type": "end", "id": frame_id}
        elif self.survey is not None and words.isdigit():
            frame = {"type": "survey", "id": frame_id, "survey": self.survey["survey"], "score": int(words)}
        else:
            frame = {"type": "say", "id": frame_id, "text": words}
        self.outbox[frame_id] = frame
        return frame


class Screen(Protocol):
    """Who sees a conversation: `show` its new frames, `tell` what happens to the line."""

    def show(self, frame: Frame) -> None: ...

    def tell(self, words: str) -> None: ...


class JsonScreen:
    """Shows a conversation to a program: each frame on a line, as the server sent it; the rest to standard error."""

    def show(self, frame: Frame) -> None:
        print_json_line(frame)

    def tell(self, words: str) -> None:
        sys.stderr.write(f"{words}\n")


def _place(standing: Frame) -> str:
    """Where somebody who waits stands, in words."""
    wait = standing.get("wait_seconds")
    return f"number {standing.get('position')} in the queue{f', about {round(wait / 60) or 1} min' if wait else ''}"


class TextScreen:
    """Shows a conversation to people as it comes: drafts while they are written, sources below the answers."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._drafted = ""

    def tell(self, words: str) -> None:
        self._end_draft()
        self._console.print(f"[dim]{words}[/]", highlight=False)

    def show(self, frame: Frame) -> None:
        match frame["type"]:
            case "welcome":
                self._show_welcome(frame)
            case "draft":
                self._show_draft(frame)
            case "error":
                self.tell(f"({frame['message']})")
            case "queue":
                self.tell(f"You are now {_place(frame)}.")
            case "event":
                self._show_event(frame)

    def _show_welcome(self, frame: Frame) -> None:
        if frame["resumed"]:
            self.tell("connected again")
            return
        name = frame["customer"]["name"]
        self.tell(f"{f'Signed in as {name}. ' if name else ''}{HELP}")

    def _show_draft(self, frame: Frame) -> None:
        if not self._drafted:
            self._console.print("[bold cyan]Assistant[/] ", end="")
        self._drafted += frame["text"]
        self._console.print(frame["text"], end="", markup=False, highlight=False, soft_wrap=True)

    def _show_event(self, frame: Frame) -> None:
        data, kind = frame["data"], frame["kind"]
        if kind == "message":
            self._show_message(frame)
        elif kind == "handoff.requested":
            self.tell(f"A person was asked for: you are {_place(data)}.")
        elif kind == "handoff.accepted":
            self.tell(f"You are talking to {(data.get('agent') or {}).get('name') or 'a colleague'} now.")
        elif kind == "handoff.transferred":
            self.tell(f"You are passed on to {(data.get('agent') or {}).get('name') or 'a colleague'}.")
        elif kind == "handoff.returned":
            self.tell("The assistant is back.")
        elif kind == "survey.offered":
            scale = data["scale"]
            ends = f"{scale['min']} {scale['min_label'].lower()}, {scale['max']} {scale['max_label'].lower()}"
            self.tell(f"{data['question']} Type a number: {ends}.")
        elif kind == "survey.answered":
            self.tell("Thank you.")
        elif kind == "conversation.ended":
            self.tell("The conversation has ended. Write to go on.")

    def _show_message(self, frame: Frame) -> None:
        role, data = frame["from"]["role"], frame["data"]
        if role == "customer":
            return
        if self._drafted:
            self._end_draft()
        else:
            self._console.print(f"[bold cyan]{frame['from']['name'] or role.title()}[/] ", end="")
            self._console.print(data.get("text", ""), markup=False, highlight=False, soft_wrap=True)
        for source in data.get("citations") or ():
            section = f", {source['section']}" if source.get("section") else ""
            line = f"  [{source['n']}] {source['title']}{section}: “{source['quote']}”"
            self._console.print(line, style="dim", markup=False, highlight=False)

    def _end_draft(self) -> None:
        if self._drafted:
            self._console.print()
            self._drafted = ""


async def talk(address: str, identity: str | None, screen: Screen) -> None:
    """Talks until the input ends or /quit; reconnects and resumes in between, with a wait that grows and varies."""
    from websockets.exceptions import InvalidStatus, WebSocketException

    conversation = Conversation(identity)
    lines = read_lines()
    failures = 0
    while True:
        try:
            if await _connect_once(address, conversation, screen, lines):
                return
            failures = 0
        except InvalidStatus as error:
            raise Unavailable(f"{address} refused the connection ({error.response.status_code}).") from error
        except (OSError, WebSocketException, TimeoutError) as error:
            if conversation.id is None:
                raise Unavailable(
                    f"Nothing answers at {address}: start it with `tellonce demo`, or name it with --url."
                ) from error
            failures += 1
        if conversation.is_leaving:
            return
        screen.tell("The line dropped. Connecting again; what you write is kept.")
        await asyncio.sleep(random.uniform(0.2, min(LONGEST_WAIT_SECONDS, 0.5 * 2**failures)))


async def _connect_once(
    address: str, conversation: Conversation, screen: Screen, lines: asyncio.Queue[str | None]
) -> bool:
    """One connection, until it drops (False) or the person leaves (True)."""
    from websockets.asyncio.client import connect

    async with connect(address, subprotocols=[SUBPROTOCOL], compression=None, open_timeout=10) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps(conversation.hello()))
        typing: asyncio.Task[None] | None = None
        try:
            async for frame in _frames(socket):
                if conversation.note(frame):
                    screen.show(frame)
                if frame["type"] == "error" and conversation.id is None:
                    raise TellonceError(frame["message"])
                if frame["type"] == "welcome":
                    for waiting in list(conversation.outbox.values()):
                        await socket.send(json.dumps(waiting))
                    typing = asyncio.create_task(_send_lines(socket, conversation, lines))
            return conversation.is_leaving
        finally:
            if typing is not None:
                typing.cancel()
                await asyncio.gather(typing, return_exceptions=True)


async def _frames(socket: ClientConnection) -> AsyncIterator[Frame]:
    async for raw in socket:
        yield json.loads(raw)


async def _send_lines(socket: ClientConnection, conversation: Conversation, lines: asyncio.Queue[str | None]) -> None:
    """Sends what is typed; returns, and closes the socket, when the person leaves."""
    while True:
        line = await lines.get()
        if line is None or line.strip() in ("/quit", "/exit"):
            conversation.is_leaving = True
            await socket.close()
            return
        frame = conversation.act(line)
        if frame is not None:
            await socket.send(json.dumps(frame))
            await _await_answer(conversation)


async def _await_answer(conversation: Conversation) -> None:
    """Gives each piped line its answer before the next one: waits until it is acknowledged and nothing more comes."""
    last_seq, quiet_seconds = -1, 0.0
    while quiet_seconds < PIPED_QUIET_SECONDS and not sys.stdin.isatty():
        await asyncio.sleep(0.1)
        is_quiet = conversation.last_seq == last_seq and not conversation.outbox
        last_seq, quiet_seconds = conversation.last_seq, quiet_seconds + 0.1 if is_quiet else 0.0


def read_lines() -> asyncio.Queue[str | None]:
    """Typed lines as they come, None at the end. Read in a thread of its own: a terminal cannot be awaited."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="typed-lines", daemon=True).start()
    return lines
