"""What every socket's frames have in common: JSON objects within bounds, their fields read by type. Floor: pure."""

from __future__ import annotations

import re
from typing import Any

import orjson

from assistant.errors import BadFrame, TooLarge

MAX_FRAME_BYTES = 64 * 1024
MAX_TEXT_CHARACTERS = 8_000
MAX_REASON_CHARACTERS = 500

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Everything below U+0020 but tab and line feed, DEL and the C1 range: invisible, and able to confuse terminals.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


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


def read_object(raw: str | bytes) -> dict[str, Any]:
    """The JSON object in one text message.

    Raises:
        UnreadableFrame: it is binary, not JSON, or no object.
        OversizedFrame: it has over 64 KiB.
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
    return fields


def clean_text(text: str) -> str:
    """The text as it is kept: line ends unified, control characters gone, blank edges trimmed."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def is_uuid(value: object) -> bool:
    """Whether this is a UUID in its usual 36-character form."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def readable_id(fields: dict[str, Any]) -> str | None:
    """The frame's id where it is one, so that a complaint can name it."""
    value = fields.get("id")
    return value if is_uuid(value) else None


class Fields:
    """Typed access to one frame's fields; every complaint names the field and carries the frame's id."""

    __slots__ = ("_fields", "frame_id")

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self.frame_id = readable_id(fields)

    def get(self, name: str) -> Any:
        """The field as it came; None where it is absent."""
        return self._fields.get(name)

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

    def text(self, name: str, *, most: int = MAX_FRAME_BYTES) -> str:
        """A text that must be there. Blank edges do not count, so `most` bounds what would be kept."""
        words = self.words(name, most=MAX_FRAME_BYTES)
        if words is None:
            raise self.refuse(f"`{name}` needs at least one visible character.")
        if len(words) > most:
            raise OversizedFrame(
                f"A message may hold at most {most:,} characters. Please send it in parts.", self.frame_id
            )
        return words
