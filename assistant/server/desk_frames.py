"""The words of `/ws/desk`: agents' frames read, frames for agents written (PROTOCOL section 4). Floor: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson

from assistant.channels.frames import (
    MAX_FRAME_BYTES,
    MAX_TEXT_CHARACTERS,
    OversizedFrame,
    UnreadableFrame,
    clean_text,
    is_uuid,
)
from assistant.desk.people import Agent
from assistant.desk.presence import Status
from assistant.desk.queue import Place
from assistant.journal.bus import Draft, Typing
from assistant.journal.events import Event, Role

VERBS = ("accept", "say", "note", "return", "transfer", "close")
WORDED = ("say", "note")
MAX_REASON_CHARACTERS = 500

Verb = Literal["accept", "say", "note", "return", "transfer", "close"]


@dataclass(frozen=True, slots=True)
class Hello:
    pass


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class SetStatus:
    status: Status


@dataclass(frozen=True, slots=True)
class Watch:
    """`on` false: no more of this conversation. `after`: the last seq the desk has."""

    conversation_id: str
    after: int
    on: bool


@dataclass(frozen=True, slots=True)
class Writing:
    conversation_id: str
    on: bool


@dataclass(frozen=True, slots=True)
class Act:
    """Something durable: it has an id, and gets an ack. `to`: the agent a conversation is passed on to."""

    verb: Verb
    id: str
    conversation_id: str
    text: str = ""
    to: str | None = None
    reason: str | None = None


DeskFrame = Hello | Ping | SetStatus | Watch | Writing | Act


def parse_desk_frame(raw: str | bytes) -> DeskFrame:
    """The frame in one text message; fields we do not know are ignored.

    Raises:
        UnreadableFrame: not JSON, an unknown type, or a field that is missing or off.
        OversizedFrame: over 64 KiB, or a text over 8,000 characters.
    """
    if isinstance(raw, bytes):
        raise UnreadableFrame("Frames are JSON text; a binary one arrived.")
    if len(raw) > MAX_FRAME_BYTES or len(raw.encode(errors="replace")) > MAX_FRAME_BYTES:
        raise OversizedFrame("A frame may hold at most 64 KiB. Please send this in smaller parts.")
    try:
        fields = orjson.loads(raw)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise UnreadableFrame("This frame is not valid JSON.") from None
    if not isinstance(fields, dict):
        raise UnreadableFrame("A frame is a JSON object with a `type`.")
    return _read(fields)


def _read(fields: dict[str, Any]) -> DeskFrame:
    frame_id = fields["id"] if is_uuid(fields.get("id")) else None
    match fields.get("type"):
        case "hello":
            return Hello()
        case "ping":
            return Ping()
        case "status":
            if fields.get("status") not in ("online", "away"):
                raise UnreadableFrame("`status` is `online` or `away`.", frame_id)
            return SetStatus(cast(Status, fields["status"]))
        case "watch":
            return Watch(_conversation(fields, frame_id), _whole(fields, frame_id), fields.get("on") is not False)
        case "typing":
            if not isinstance(fields.get("on"), bool):
                raise UnreadableFrame("`on` must be true or false.", frame_id)
            return Writing(_conversation(fields, frame_id), fields["on"])
        case str(verb) if verb in VERBS:
            return _read_act(cast(Verb, verb), fields, frame_id)
    raise UnreadableFrame("This frame's `type` is not one of the protocol's.", frame_id)


def _read_act(verb: Verb, fields: dict[str, Any], frame_id: str | None) -> Act:
    if frame_id is None:
        raise UnreadableFrame("`id` must be a UUID made by the client.")
    text = _words(fields, "text", frame_id, most=MAX_TEXT_CHARACTERS) if verb in WORDED else ""
    if verb in WORDED and not text:
        raise UnreadableFrame("`text` needs at least one visible character.", frame_id)
    to, reason = None, None
    if verb == "transfer":
        to = _words(fields, "to", frame_id, most=100) or None
    if verb in ("transfer", "close"):
        reason = _words(fields, "reason", frame_id, most=MAX_REASON_CHARACTERS) or None
    return Act(verb, frame_id, _conversation(fields, frame_id), text, to, reason)


def _conversation(fields: dict[str, Any], frame_id: str | None) -> str:
    value = fields.get("conversation")
    if not isinstance(value, str) or not 1 <= len(value) <= 100:
        raise UnreadableFrame("`conversation` must name a conversation.", frame_id)
    return value


def _whole(fields: dict[str, Any], frame_id: str | None) -> int:
    value = fields.get("after", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise UnreadableFrame("`after` must be a whole number of at least 0.", frame_id)
    return value


def _words(fields: dict[str, Any], name: str, frame_id: str, *, most: int) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableFrame(f"`{name}` must be text.", frame_id)
    text = clean_text(value)
    if len(text) > most:
        raise OversizedFrame(f"`{name}` may hold at most {most:,} characters.", frame_id)
    return text


def queue_frame(places: Sequence[Place], agent: Agent) -> bytes:
    """The whole queue, and whose desk this is."""
    items = [place.as_data() for place in places]
    return orjson.dumps({"type": "queue", "items": items, "agent": agent.as_data()})


def queue_change_frame(change: Place | str) -> bytes:
    key, value = ("removed", change) if isinstance(change, str) else ("changed", change.as_data())
    return orjson.dumps({"type": "queue", key: value})


def presence_frame(agents: Sequence[dict[str, Any]]) -> bytes:
    return orjson.dumps({"type": "presence", "agents": list(agents)})


def packet_frame(packet: dict[str, Any]) -> bytes:
    return orjson.dumps(packet)


def staff_event_frame(event: Event, reader: Agent) -> bytes:
    """An event as staff see it: every kind, and agents by id. The reader's own carry the client's id."""
    author: dict[str, Any] = {"role": event.author.role.value, "name": event.author.name}
    if event.author.role is Role.AGENT:
        author["id"] = event.author.id
    frame = {
        "type": "event",
        "conversation": event.conversation_id,
        "seq": event.seq,
        "prev": event.seq - 1,
        "at": event.at,
        "kind": event.kind.value,
        "audience": event.audience.value,
        "from": author,
        "data": event.data if event.data is not None else {"erased": True},
    }
    if event.client_id and event.author.id == reader.id:
        frame["id"] = event.client_id
    return orjson.dumps(frame)


def staff_draft_frame(draft: Draft) -> bytes:
    frame = {"type": "draft", "conversation": draft.conversation_id, "turn": draft.turn, "n": draft.n}
    return orjson.dumps({**frame, "text": draft.text})


def staff_typing_frame(typing: Typing) -> bytes:
    author = {"role": typing.author.role.value, "name": typing.author.name}
    return orjson.dumps({"type": "typing", "conversation": typing.conversation_id, "from": author, "on": typing.on})
