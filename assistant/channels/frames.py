"""The words of `/ws/chat`: client frames read, server frames written (PROTOCOL section 3). Floor: pure.

`web.py` carries them over a socket and decides what each one may do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from assistant.errors import BadFrame, TellonceError, TooLarge
from assistant.journal.bus import Draft, Typing
from assistant.journal.events import Event, Role, frame_for_customer

SUBPROTOCOL = "tellonce.v1"
MAX_FRAME_BYTES = 64 * 1024
MAX_TEXT_CHARACTERS = 8_000
MAX_COMMENT_CHARACTERS = 2_000
MAX_REASON_CHARACTERS = 500
MAX_TOKEN_CHARACTERS = 8_192

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,3}")
# Everything below U+0020 but tab and line feed, DEL and the C1 range: invisible, and able to confuse terminals.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


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


class UnreadableFrame(BadFrame):
    """A frame that breaks the protocol. `frame_id` is its id where one could be read, so the client can match it."""

    def __init__(self, message: str, frame_id: str | None = None) -> None:
        super().__init__(message)
        self.frame_id = frame_id


class OversizedFrame(TooLarge):
    """A frame or a text beyond its bound."""

    def __init__(self, message: str, frame_id: str | None = None) -> None:
        super().__init__(message)
        self.frame_id = frame_id


def parse_frame(raw: str | bytes) -> ClientFrame:
    """The frame in one text message. Fields we do not know are ignored, so that newer clients can talk to us.

    Raises:
        UnreadableFrame: not JSON, not an object, an unknown type, or a field that is missing or out of its range.
        OversizedFrame: over 64 KiB, or a text over 8,000 characters (Unicode code points).
    """
    if isinstance(raw, bytes):
        raise UnreadableFrame("Frames are JSON text; a binary one arrived.")
    # A character is at least one byte, so the encoding is paid only for texts near the bound.
    if len(raw) > MAX_FRAME_BYTES or (len(raw) > MAX_FRAME_BYTES // 4 and len(raw.encode()) > MAX_FRAME_BYTES):
        raise OversizedFrame("A frame may hold at most 64 KiB. Please send this in smaller parts.")
    try:
        fields = orjson.loads(raw)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise UnreadableFrame("This frame is not valid JSON.") from None
    if not isinstance(fields, dict):
        raise UnreadableFrame("A frame is a JSON object with a `type`.")
    frame_type = fields.get("type")
    reader = _READERS.get(frame_type) if isinstance(frame_type, str) else None
    if reader is None:
        raise UnreadableFrame("This frame's `type` is not one of the protocol's.", _readable_id(fields))
    return reader(_Fields(fields))


def clean_text(text: str) -> str:
    """The text as it is kept: line ends unified, control characters gone, blank edges trimmed."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def is_uuid(value: object) -> bool:
    """Whether this is a UUID in its usual 36-character form."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _readable_id(fields: dict[str, Any]) -> str | None:
    value = fields.get("id")
    return value if is_uuid(value) else None


class _Fields:
    """Typed access to one frame's fields; every complaint names the field and carries the frame's id."""

    __slots__ = ("_fields", "frame_id")

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self.frame_id = _readable_id(fields)

    def refuse(self, message: str) -> UnreadableFrame:
        return UnreadableFrame(message, self.frame_id)

    def required_id(self) -> str:
        if self.frame_id is None:
            raise self.refuse("`id` must be a UUID made by the client.")
        return self.frame_id

    def optional_id(self) -> str | None:
        return None if self._fields.get("id") is None else self.required_id()

    def flag(self, name: str) -> bool:
        value = self._fields.get(name)
        if not isinstance(value, bool):
            raise self.refuse(f"`{name}` must be true or false.")
        return value

    def whole(self, name: str, *, least: int, default: int | None = None) -> int:
        value = self._fields.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**53:
            raise self.refuse(f"`{name}` must be a whole number of at least {least}.")
        return value

    def words(self, name: str, *, most: int) -> str | None:
        """An optional text, cleaned; None where it is absent or blank."""
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refuse(f"`{name}` must be text.")
        if len(value) > most:
            raise OversizedFrame(f"`{name}` may hold at most {most:,} characters.", self.frame_id)
        return clean_text(value) or None

    def page(self) -> Page:
        value = self._fields.get("page")
        if value is None:
            return Page()
        if not isinstance(value, dict):
            raise self.refuse("`page` must be an object with `url`, `title` and `product`.")
        url = _shortened(value.get("url"), 2_048)
        if url is not None and not url.startswith(("https://", "http://")):
            url = None
        return Page(url, _shortened(value.get("title"), 300), _shortened(value.get("product"), 200))

    def locale(self) -> str | None:
        value = self.words("locale", most=35)
        return value if value is not None and _LOCALE.fullmatch(value) else None


def _shortened(value: object, most: int) -> str | None:
    return clean_text(value[:most]) or None if isinstance(value, str) else None


def _read_hello(fields: _Fields) -> Hello:
    return Hello(
        visitor=fields.words("visitor", most=MAX_TOKEN_CHARACTERS),
        identity=fields.words("identity", most=MAX_TOKEN_CHARACTERS),
        conversation=fields.words("conversation", most=100),
        after=fields.whole("after", least=0, default=0),
        locale=fields.locale(),
        page=fields.page(),
    )


def _read_say(fields: _Fields) -> Say:
    frame_id = fields.required_id()
    # Blank edges do not count, so the bound is checked on what would be kept.
    text = fields.words("text", most=MAX_FRAME_BYTES)
    if text is None:
        raise fields.refuse("`text` needs at least one visible character.")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise OversizedFrame("A message may hold at most 8,000 characters. Please send it in parts.", frame_id)
    return Say(frame_id, text)


def _read_rate(fields: _Fields) -> Rate:
    return Rate(
        id=fields.optional_id(),
        seq=fields.whole("seq", least=1),
        useful=fields.flag("useful"),
        comment=fields.words("comment", most=MAX_COMMENT_CHARACTERS),
    )


def _read_survey(fields: _Fields) -> SurveyAnswer:
    frame_id = fields.required_id()
    survey = fields.words("survey", most=100)
    if survey is None:
        raise fields.refuse("`survey` must name the survey that was offered.")
    return SurveyAnswer(
        frame_id, survey, fields.whole("score", least=0), fields.words("comment", most=MAX_COMMENT_CHARACTERS)
    )


_READERS: dict[str, Callable[[_Fields], ClientFrame]] = {
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


def error_frame(error: TellonceError, frame_id: str | None = None) -> bytes:
    """What went wrong, for the person; the id of the frame that caused it; when to try again where that helps."""
    frame: dict[str, Any] = {"type": "error", "code": error.code, "message": str(error)}
    frame_id = frame_id or getattr(error, "frame_id", None)
    if frame_id is not None:
        frame["id"] = frame_id
    if error.retry_after_seconds is not None:
        frame["retry_after_seconds"] = round(error.retry_after_seconds, 1)
    return orjson.dumps(frame)
