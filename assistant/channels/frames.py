"""The words of `/ws/chat`: client frames read, server frames written (PROTOCOL section 3). Floor: pure.

`web.py` carries them over a socket and decides what each one may do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from assistant.channels.fields import (
    MAX_REASON_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Fields,
    UnreadableFrame,
    clean_text,
    read_object,
    readable_id,
)
from assistant.errors import TellonceError
from assistant.journal.bus import Draft, Standing, Typing
from assistant.journal.events import Event, Role, frame_for_customer

MAX_COMMENT_CHARACTERS = 2_000
MAX_TOKEN_CHARACTERS = 8_192
ALSO_TOLD = frozenset({"queue"})  # told to who says in `hello` that they know it

_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,3}")


@dataclass(frozen=True, slots=True)
class Page:
    """Where the visitor is. What the host page says about itself: kept as context, never trusted."""

    url: str | None = None
    title: str | None = None
    product: str | None = None

    def as_data(self) -> dict[str, str]:
        pairs = (("url", self.url), ("title", self.title), ("product", self.product))
        return {name: value for name, value in pairs if value}


@dataclass(frozen=True, slots=True)
class Hello:
    visitor: str | None
    identity: str | None
    conversation: str | None
    after: int
    locale: str | None
    page: Page
    also: frozenset[str] = frozenset()  # frames beyond the protocol's that this client knows


@dataclass(frozen=True, slots=True)
class Say:
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Writing:
    """The `typing` frame."""

    on: bool


@dataclass(frozen=True, slots=True)
class Seen:
    seq: int


@dataclass(frozen=True, slots=True)
class Rate:
    id: str | None
    seq: int
    useful: bool
    comment: str | None


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    id: str
    survey: str
    score: int
    comment: str | None


@dataclass(frozen=True, slots=True)
class AskHuman:
    id: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class End:
    id: str


@dataclass(frozen=True, slots=True)
class Ping:
    pass


ClientFrame = Hello | Say | Writing | Seen | Rate | SurveyAnswer | AskHuman | End | Ping


def parse_frame(raw: str | bytes) -> ClientFrame:
    """The frame in one text message. Fields we do not know are ignored, so that newer clients can talk to us.

    Raises:
        UnreadableFrame: not JSON, not an object, an unknown type, or a field that is missing or out of its range.
        OversizedFrame: over 64 KiB, or a text over 8,000 characters (Unicode code points).
    """
    fields = read_object(raw)
    frame_type = fields.get("type")
    reader = _READERS.get(frame_type) if isinstance(frame_type, str) else None
    if reader is None:
        raise UnreadableFrame("This frame's `type` is not one of the protocol's.", readable_id(fields))
    return reader(Fields(fields))


def _shortened(value: object, most: int) -> str | None:
    return clean_text(value[:most]) or None if isinstance(value, str) else None


def _read_page(fields: Fields) -> Page:
    value = fields.get("page")
    if value is None:
        return Page()
    if not isinstance(value, dict):
        raise fields.refuse("`page` must be an object with `url`, `title` and `product`.")
    url = _shortened(value.get("url"), 2_048)
    if url is not None and not url.startswith(("https://", "http://")):
        url = None
    return Page(url, _shortened(value.get("title"), 300), _shortened(value.get("product"), 200))


def _read_locale(fields: Fields) -> str | None:
    value = fields.words("locale", most=35)
    return value if value is not None and _LOCALE.fullmatch(value) else None


def _read_hello(fields: Fields) -> Hello:
    return Hello(
        visitor=fields.words("visitor", most=MAX_TOKEN_CHARACTERS),
        identity=fields.words("identity", most=MAX_TOKEN_CHARACTERS),
        conversation=fields.words("conversation", most=100),
        after=fields.whole("after", least=0, default=0),
        locale=_read_locale(fields),
        page=_read_page(fields),
        also=_read_also(fields),
    )


def _read_also(fields: Fields) -> frozenset[str]:
    value = fields.get("also")
    return ALSO_TOLD & {name for name in value if isinstance(name, str)} if isinstance(value, list) else frozenset()


def _read_say(fields: Fields) -> Say:
    return Say(fields.required_id(), fields.text("text", most=MAX_TEXT_CHARACTERS))


def _read_rate(fields: Fields) -> Rate:
    return Rate(
        id=fields.optional_id(),
        seq=fields.whole("seq", least=1),
        useful=fields.flag("useful"),
        comment=fields.words("comment", most=MAX_COMMENT_CHARACTERS),
    )


def _read_survey(fields: Fields) -> SurveyAnswer:
    frame_id = fields.required_id()
    survey = fields.words("survey", most=100)
    if survey is None:
        raise fields.refuse("`survey` must name the survey that was offered.")
    return SurveyAnswer(
        frame_id, survey, fields.whole("score", least=0), fields.words("comment", most=MAX_COMMENT_CHARACTERS)
    )


_READERS: dict[str, Callable[[Fields], ClientFrame]] = {
    "hello": _read_hello,
    "say": _read_say,
    "typing": lambda fields: Writing(fields.flag("on")),
    "seen": lambda fields: Seen(fields.whole("seq", least=0)),
    "rate": _read_rate,
    "survey": _read_survey,
    "ask_human": lambda fields: AskHuman(fields.required_id(), fields.words("reason", most=MAX_REASON_CHARACTERS)),
    "end": lambda fields: End(fields.required_id()),
    "ping": lambda fields: Ping(),
}

PONG = b'{"type":"pong"}'


def welcome_frame(
    *,
    visitor: str,
    conversation: str,
    seq: int,
    customer_name: str | None,
    verified: bool,
    resumed: bool,
    mode: str,
) -> bytes:
    """`seq` is the newest event this reader may see."""
    return orjson.dumps(
        {
            "type": "welcome",
            "visitor": visitor,
            "conversation": conversation,
            "seq": seq,
            "customer": {"name": customer_name, "verified": verified},
            "resumed": resumed,
            "mode": mode,
        }
    )


def ack_frame(frame_id: str | None, seq: int) -> bytes:
    return orjson.dumps({"type": "ack", "id": frame_id, "seq": seq})


def event_frame(event: Event) -> bytes:
    """An event as the customer sees it; what customers did themselves carries the client's id."""
    return orjson.dumps(frame_for_customer(event, own=event.author.role is Role.CUSTOMER))


def draft_frame(draft: Draft) -> bytes:
    return orjson.dumps({"type": "draft", "turn": draft.turn, "text": draft.text, "n": draft.n})


def typing_frame(typing: Typing) -> bytes:
    author = {"role": typing.author.role.value, "name": typing.author.name}
    return orjson.dumps({"type": "typing", "from": author, "on": typing.on})


def queue_frame(standing: Standing) -> bytes:
    """Where a customer who waits stands now."""
    return orjson.dumps({"type": "queue", "position": standing.position, "wait_seconds": standing.wait_seconds})


def error_frame(error: TellonceError, frame_id: str | None = None) -> bytes:
    """What went wrong, for the person; the id of the frame that caused it; when to try again where that helps."""
    frame: dict[str, Any] = {"type": "error", "code": error.code, "message": str(error)}
    frame_id = frame_id or getattr(error, "frame_id", None)
    if frame_id is not None:
        frame["id"] = frame_id
    if error.retry_after_seconds is not None:
        frame["retry_after_seconds"] = round(error.retry_after_seconds, 1)
    return orjson.dumps(frame)
