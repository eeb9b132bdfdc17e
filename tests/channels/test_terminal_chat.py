"""What `tellonce chat` remembers of a conversation, and what it makes of a typed line."""

from __future__ import annotations

import io
import json
import uuid

import pytest
from rich.console import Console

from assistant.commands.chat import Conversation, JsonScreen, TextScreen, socket_address
from assistant.errors import Unavailable

WELCOME = {"type": "welcome", "visitor": "token", "conversation": "c1", "seq": 0, "resumed": False}


def message(seq: int, role: str, text: str, **more) -> dict:
    data = {"text": text, **more}
    return {"type": "event", "seq": seq, "kind": "message", "from": {"role": role, "name": None}, "data": data}


def test_it_comes_back_to_where_it_was():
    conversation = Conversation("identity")
    conversation.note(WELCOME)
    conversation.note(message(1, "customer", "hi"))
    conversation.note(message(4, "assistant", "hello"))

    hello = conversation.hello()

    assert (hello["visitor"], hello["conversation"], hello["after"]) == ("token", "c1", 4)
    assert hello["identity"] == "identity"


def test_a_line_stays_in_the_outbox_until_it_is_acknowledged():
    conversation = Conversation()
    said = conversation.act("hello")
    assert list(conversation.outbox.values()) == [said]

    conversation.note({"type": "ack", "id": said["id"], "seq": 1})

    assert conversation.outbox == {}


def test_an_event_that_came_already_is_not_shown_again():
    conversation = Conversation()

    assert conversation.note(message(2, "assistant", "hello")) is True
    assert conversation.note(message(2, "assistant", "hello")) is False


SURVEY = {"survey": "ces-1"}


@pytest.mark.parametrize(
    ("line", "survey", "frame"),
    [
        ("hello \n", None, {"type": "say", "text": "hello"}),
        ("/person", None, {"type": "ask_human"}),
        ("/end", None, {"type": "end"}),
        ("3", SURVEY, {"type": "survey", "survey": "ces-1", "score": 3}),
        ("3", None, {"type": "say", "text": "3"}),
        ("three", SURVEY, {"type": "say", "text": "three"}),
    ],
)
def test_a_typed_line_becomes_a_frame(line, survey, frame):
    sent = Conversation(survey=survey).act(line)

    assert uuid.UUID(sent.pop("id"))
    assert sent == frame


def test_a_blank_line_says_nothing():
    assert Conversation().act("  \n") is None


def test_an_answer_that_was_drafted_is_not_said_twice_and_its_source_is_shown():
    printed = io.StringIO()
    screen = TextScreen(Console(file=printed, width=100))

    screen.show({"type": "draft", "turn": 1, "n": 0, "text": "Every two months. [1]"})
    source = {"n": 1, "title": "Kettle", "section": "Descaling", "quote": "every two months"}
    screen.show(message(2, "assistant", "Every two months. [1]", citations=[source]))

    assert printed.getvalue().count("Every two months. [1]") == 1
    assert "[1] Kettle, Descaling: “every two months”" in printed.getvalue()


def test_a_number_is_a_score_only_while_a_survey_waits():
    conversation = Conversation()
    offered = {"type": "event", "seq": 1, "kind": "survey.offered", "data": {"survey": "ces-1"}}
    conversation.note(offered)
    scored = conversation.act("3")
    conversation.note({"type": "event", "seq": 2, "kind": "survey.answered", "data": {}})

    assert scored["type"] == "survey"
    assert conversation.act("3")["type"] == "say"


def test_a_program_reads_each_frame_on_a_line_and_nothing_else(capsys):
    screen = JsonScreen()
    frames = [WELCOME, message(2, "assistant", "Two\nlines, “quoted”.")]

    screen.tell("The line dropped.")
    for frame in frames:
        screen.show(frame)

    printed = capsys.readouterr()
    assert [json.loads(line) for line in printed.out.splitlines()] == frames
    assert "dropped" in printed.err


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws/chat"),
        ("https://help.example/page?x", "wss://help.example/ws/chat"),
        ("help.example:80", "ws://help.example:80/ws/chat"),
    ],
)
def test_the_socket_is_beside_the_page(url, address):
    assert socket_address(url) == address


def test_an_address_of_another_kind_is_refused_in_a_sentence():
    with pytest.raises(Unavailable, match="is not an address"):
        socket_address("ftp://help.example")


@pytest.mark.parametrize(
    ("wait_seconds", "told"),
    [(None, "You are now number 2 in the queue."), (180, "You are now number 2 in the queue, about 3 min.")],
)
def test_who_waits_is_told_when_the_place_moves(wait_seconds, told):
    printed = io.StringIO()
    TextScreen(Console(file=printed, width=100)).show({"type": "queue", "position": 2, "wait_seconds": wait_seconds})
    assert told in printed.getvalue()


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("handoff.accepted", "Sam", "You are talking to Sam now."),
        ("handoff.transferred", "Ben", "You are passed on to Ben."),
        ("handoff.transferred", None, "You are passed on to a colleague."),
    ],
)
def test_who_is_passed_on_is_not_told_that_somebody_is_there(kind, name, told):
    printed = io.StringIO()
    event = {"type": "event", "seq": 3, "kind": kind, "data": {"agent": {"name": name}}}
    TextScreen(Console(file=printed, width=100)).show(event)
    assert told in printed.getvalue()
