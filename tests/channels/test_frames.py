"""Client frames, one by one: what is read, what is refused, in which words."""

from __future__ import annotations

import contextlib
import json
import uuid

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.channels import fields, frames
from assistant.channels.fields import OversizedFrame, UnreadableFrame
from assistant.channels.frames import (
    AskHuman,
    End,
    Hello,
    Page,
    Ping,
    Rate,
    Say,
    Seen,
    SurveyAnswer,
    Writing,
    parse_frame,
)
from assistant.errors import RateLimited
from assistant.journal.events import Author, Event, Kind, Role

ID = "6f1d3c1e-6a3e-4a0c-9d57-0d2a4a8f9c11"

READ = {
    "a bare hello": ({"type": "hello"}, Hello(None, None, None, 0, None, Page())),
    "a whole hello": (
        {
            "type": "hello",
            "visitor": "v.t",
            "identity": "i.t",
            "conversation": "c1",
            "after": 7,
            "locale": "de-CH",
            "page": {"url": "https://shop.example/kettle", "title": "Kettle", "product": "Fenwick"},
        },
        Hello("v.t", "i.t", "c1", 7, "de-CH", Page("https://shop.example/kettle", "Kettle", "Fenwick")),
    ),
    "nulls are absences": (
        {"type": "hello", "visitor": None, "identity": None, "conversation": None, "after": None, "page": None},
        Hello(None, None, None, 0, None, Page()),
    ),
    "a locale that is none is left out": (
        {"type": "hello", "locale": "<script>"},
        Hello(None, None, None, 0, None, Page()),
    ),
    "a script address is left out": (
        {"type": "hello", "page": {"url": "javascript:alert(1)", "title": 4}},
        Hello(None, None, None, 0, None, Page()),
    ),
    "a message, trimmed": ({"type": "say", "id": ID, "text": "  hello\r\nthere \n"}, Say(ID, "hello\nthere")),
    "a message without its control characters": (
        {"type": "say", "id": ID, "text": "a\u0000b\u001b[31mc\u0085d\te"},
        Say(ID, "ab[31mcd\te"),
    ),
    "8,000 characters": ({"type": "say", "id": ID, "text": "é" * 8000}, Say(ID, "é" * 8000)),
    "fields we do not know": ({"type": "say", "id": ID, "text": "x", "mood": "fine"}, Say(ID, "x")),
    "typing": ({"type": "typing", "on": True}, Writing(True)),
    "seen": ({"type": "seen", "seq": 3}, Seen(3)),
    "a rating": ({"type": "rate", "id": ID, "seq": 4, "useful": False}, Rate(ID, 4, False, None)),
    "a rating without an id": ({"type": "rate", "seq": 4, "useful": True, "comment": "ta"}, Rate(None, 4, True, "ta")),
    "a survey": (
        {"type": "survey", "id": ID, "survey": "ces-1", "score": 2, "comment": " "},
        SurveyAnswer(ID, "ces-1", 2, None),
    ),
    "asking for a person": ({"type": "ask_human", "id": ID, "reason": "angry"}, AskHuman(ID, "angry")),
    "the end": ({"type": "end", "id": ID}, End(ID)),
    "ping": ({"type": "ping"}, Ping()),
}


@pytest.mark.parametrize(("raw", "frame"), READ.values(), ids=READ.keys())
def test_a_frame_is_read(raw, frame):
    assert parse_frame(json.dumps(raw)) == frame


REFUSED = {
    "not JSON": "{",
    "an array": "[]",
    "a number": "7",
    "no type": "{}",
    "a type that is no text": '{"type": 3}',
    "an unknown type": '{"type": "dance"}',
    "a server's type": '{"type": "welcome"}',
    "a lone surrogate": '{"type": "say", "id": "$ID", "text": "\\ud800"}',
    "a message without id": '{"type": "say", "text": "x"}',
    "an id that is no UUID": '{"type": "say", "id": "1", "text": "x"}',
    "an id like an answer's": '{"type": "say", "id": "turn-1", "text": "x"}',
    "a message without text": '{"type": "say", "id": "$ID"}',
    "a blank message": '{"type": "say", "id": "$ID", "text": " \\n\\u0000 "}',
    "a text that is none": '{"type": "say", "id": "$ID", "text": ["x"]}',
    "typing without on": '{"type": "typing"}',
    "on that is no truth": '{"type": "typing", "on": 1}',
    "seen that is negative": '{"type": "seen", "seq": -1}',
    "seen that is true": '{"type": "seen", "seq": true}',
    "a rating of nothing": '{"type": "rate", "id": "$ID", "useful": true}',
    "a rating without opinion": '{"type": "rate", "id": "$ID", "seq": 1}',
    "a survey without score": '{"type": "survey", "id": "$ID", "survey": "s"}',
    "a survey without name": '{"type": "survey", "id": "$ID", "score": 1}',
    "half a score": '{"type": "survey", "id": "$ID", "survey": "s", "score": 1.5}',
    "after that is text": '{"type": "hello", "after": "3"}',
    "after beyond what numbers hold": '{"type": "hello", "after": 9007199254740993}',
    "a page that is text": '{"type": "hello", "page": "x"}',
    "a token that is a number": '{"type": "hello", "visitor": 5}',
    "binary": b'{"type": "ping"}',
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_frame_is_refused_with_a_sentence(raw):
    with pytest.raises(UnreadableFrame) as refusal:
        parse_frame(raw.replace("$ID", ID) if isinstance(raw, str) else raw)

    assert refusal.value.code == "bad_frame"
    assert str(refusal.value).endswith(".")


def test_a_refusal_carries_the_id_of_its_frame():
    with pytest.raises(UnreadableFrame) as refusal:
        parse_frame(json.dumps({"type": "say", "id": ID, "text": ""}))

    assert orjson.loads(frames.error_frame(refusal.value))["id"] == ID


OVERSIZED = {
    "a text of 8,001 characters": json.dumps({"type": "say", "id": ID, "text": "x" * 8001}),
    "a frame over 64 KiB": json.dumps({"type": "say", "id": ID, "text": "x" * 65_536}),
    "a frame over 64 KiB only as bytes": json.dumps({"type": "ping", "x": "€" * 22_000}, ensure_ascii=False),
    "a comment that is a book": json.dumps({"type": "rate", "id": ID, "seq": 1, "useful": True, "comment": "x" * 2001}),
}


@pytest.mark.parametrize("raw", OVERSIZED.values(), ids=OVERSIZED.keys())
def test_what_is_too_large_is_refused_by_name(raw):
    with pytest.raises(OversizedFrame) as refusal:
        parse_frame(raw)

    assert refusal.value.code == "too_large"


def test_a_frame_of_exactly_64_kib_is_read():
    padding = fields.MAX_FRAME_BYTES - len('{"type":"ping","x":""}')

    assert parse_frame(json.dumps({"type": "ping", "x": "x" * padding}, separators=(",", ":"))) == Ping()


@given(st.text(max_size=200) | st.binary(max_size=50))
def test_no_input_raises_anything_but_a_refusal(raw):
    with contextlib.suppress(UnreadableFrame, OversizedFrame):
        parse_frame(raw)


@given(
    st.dictionaries(
        st.sampled_from(["type", "id", "text", "seq", "useful", "on", "survey", "score", "after", "page", "reason"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text(max_size=20)
        | st.sampled_from(["hello", "say", "typing", "seen", "rate", "survey", "ask_human", "end", "ping", ID])
        | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    )
)
def test_no_object_raises_anything_but_a_refusal(fields):
    with contextlib.suppress(UnreadableFrame, OversizedFrame):
        parse_frame(json.dumps(fields))


def test_own_messages_carry_the_clients_id_and_nobodys_internal_id():
    event = Event(
        "c", 2, 1, "2026-01-01T00:00:00.000Z", Kind.MESSAGE, Author(Role.CUSTOMER, "Ada", "vis_1"), {"text": "x"}, ID
    )

    frame = orjson.loads(frames.event_frame(event))

    assert frame["id"] == ID
    assert frame["from"] == {"role": "customer", "name": "Ada"}


def test_answers_do_not_carry_the_id_they_are_kept_under():
    event = Event("c", 2, 1, "2026-01-01T00:00:00.000Z", Kind.MESSAGE, Author(Role.ASSISTANT), {"text": "x"}, "turn-1")

    assert "id" not in orjson.loads(frames.event_frame(event))


def test_an_error_says_when_to_come_back():
    frame = orjson.loads(frames.error_frame(RateLimited(retry_after_seconds=12.34), ID))

    assert frame == {
        "type": "error",
        "code": "rate_limited",
        "message": RateLimited.default_message,
        "id": ID,
        "retry_after_seconds": 12.3,
    }


def test_every_uuid_version_is_an_id():
    for made in (uuid.uuid1(), uuid.uuid4(), uuid.uuid5(uuid.NAMESPACE_DNS, "x")):
        assert fields.is_uuid(str(made))
        assert not fields.is_uuid(made.hex)
