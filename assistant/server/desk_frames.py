"""The words of `/ws/desk`: agents' frames read, frames for agents written (PROTOCOL section 4). Floor: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson

from assistant.channels.fields import MAX_REASON_CHARACTERS, MAX_TEXT_CHARACTERS, Fields, read_object
from assistant.desk.people import Agent
from assistant.desk.presence import Status
from assistant.desk.queue import Place
from assistant.journal.bus import Draft, Typing
from assistant.journal.events import Event, Role

VERBS = ("accept", "say", "note", "return", "transfer", "close")
WORDED = ("say", "note")

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
    fields = Fields(read_object(raw))
    match fields.get("type"):
        case "hello":
            return Hello()
        case "ping":
            return Ping()
        case "status":
            if fields.get("status") not in ("online", "away"):
                raise fields.refuse("`status` is `online` or `away`.")
            return SetStatus(cast(Status, fields.get("status")))
        case "watch":
            after = fields.whole("after", least=0, default=0)
            return Watch(_conversation(fields), after, fields.get("on") is not False)
        case "typing":
            return Writing(_conversation(fields), fields.flag("on"))
        case str(verb) if verb in VERBS:
            return _read_act(cast(Verb, verb), fields)
    raise fields.refuse("This frame's `type` is not one of the protocol's.")


def _read_act(verb: Verb, fields: Fields) -> Act:
    frame_id = fields.required_id()
    text = fields.text("text", most=MAX_TEXT_CHARACTERS) if verb in WORDED else ""
    to = fields.words("to", most=100) if verb == "transfer" else None
    reason = fields.words("reason", most=MAX_REASON_CHARACTERS) if verb in ("transfer", "close") else None
    return Act(verb, frame_id, _conversation(fields), text, to, reason)


def _conversation(fields: Fields) -> str:
    value = fields.get("conversation")
    if not isinstance(value, str) or not 1 <= len(value) <= 100:
        raise fields.refuse("`conversation` must name a conversation.")
    return value


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
