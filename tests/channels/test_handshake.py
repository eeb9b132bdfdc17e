"""Who may open a socket, which words are spoken on it, and whose conversation one may read."""

from __future__ import annotations

import pytest

from assistant.channels.sockets import check_origin, choose_subprotocol
from assistant.channels.web import check_access
from assistant.errors import Forbidden
from assistant.journal.port import Conversation

ALLOWED = frozenset({"https://shop.example"})


def scope(origin: str | None = None, host: str = "support.example:8000", offered: tuple[str, ...] = ()):
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin is not None else [])
    return {"headers": headers, "subprotocols": list(offered)}


WELCOME = {
    "no browser": scope(None),
    "our own page": scope("http://support.example:8000"),
    "our own page behind a TLS proxy": scope("https://support.example:8000"),
    "our own page in other letters": scope("HTTP://Support.Example:8000"),
    "a default port left out": scope("https://support.example", host="support.example:443"),
    "an allowed site": scope("https://shop.example"),
}
REFUSED = {
    "a stranger's page": scope("https://evil.example"),
    "null": scope("null"),
    "empty": scope(""),
    "our name as a prefix": scope("http://support.example:8000.evil.example"),
    "our name as a user": scope("http://support.example:8000@evil.example"),
    "our host on another port": scope("http://support.example:9000"),
    "an allowed site without TLS": scope("http://shop.example"),
    "an extension": scope("chrome-extension://support.example:8000"),
    "no host to compare with": scope("http://", host=""),
    "a file": scope("file://"),
}


@pytest.mark.parametrize("handshake", WELCOME.values(), ids=WELCOME.keys())
def test_an_origin_is_let_in(handshake):
    check_origin(handshake, ALLOWED)


@pytest.mark.parametrize("handshake", REFUSED.values(), ids=REFUSED.keys())
def test_an_origin_is_refused(handshake):
    with pytest.raises(Forbidden):
        check_origin(handshake, ALLOWED)


def test_the_subprotocol_is_chosen_where_offered():
    assert choose_subprotocol(scope(offered=("chat", "tellonce.v1"))) == "tellonce.v1"
    assert choose_subprotocol(scope()) is None


def test_a_client_that_speaks_only_other_protocols_is_refused():
    with pytest.raises(Forbidden):
        choose_subprotocol(scope(offered=("tellonce.v2",)))


def conversation(visitor: str, customer: str | None) -> Conversation:
    return Conversation("c", visitor, customer, "web", "", 0, 0, "assistant", None, None, "")


ACCESS = {
    "its visitor": ("v1", None, ("v1", None), True),
    "its visitor, now signed in": ("v1", None, ("v1", "ada"), True),
    "another visitor": ("v1", None, ("v2", None), False),
    "another visitor, signed in": ("v1", None, ("v2", "ada"), False),
    "its customer on the same device": ("v1", "ada", ("v1", "ada"), True),
    "its customer on another device": ("v1", "ada", ("v2", "ada"), True),
    "its visitor without the identity": ("v1", "ada", ("v1", None), False),
    "another customer on the same device": ("v1", "ada", ("v1", "bob"), False),
    "another customer": ("v1", "ada", ("v2", "bob"), False),
}


@pytest.mark.parametrize(("visitor", "customer", "asks", "allowed"), ACCESS.values(), ids=ACCESS.keys())
def test_a_conversation_is_read_by_whom_it_belongs_to(visitor, customer, asks, allowed):
    if allowed:
        check_access(conversation(visitor, customer), *asks)
    else:
        with pytest.raises(Forbidden):
            check_access(conversation(visitor, customer), *asks)
