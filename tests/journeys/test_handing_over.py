"""A customer asks for a person, and a person answers: both sockets, one conversation."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from talking import Customer, arrive, of_kind
from websockets.asyncio.client import connect


class KeepTheCookie(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


def sign_in(server, path: str) -> str:
    """The session cookie that a sign-in link gives."""
    try:
        urllib.request.build_opener(KeepTheCookie).open(server.url + path)
    except urllib.error.HTTPError as redirect:
        return redirect.headers["set-cookie"].partition(";")[0]
    raise AssertionError("the link did not lead on to the desk")


@pytest.fixture
def cookie(shared_server, sign_in_path) -> str:
    return sign_in(shared_server, sign_in_path(shared_server))


def desk(server, cookie: str):
    address = server.ws_url.replace("/ws/chat", "/ws/desk")
    return connect(address, subprotocols=["tellonce.v1"], additional_headers={"Cookie": cookie}, compression=None)


async def test_a_person_takes_over_answers_and_closes(shared_server, cookie):
    async with arrive(shared_server) as customer, desk(shared_server, cookie) as socket:
        agent = Customer(socket)
        await agent.send({"type": "hello"})
        await agent.until(lambda frame: frame["type"] == "queue")
        await customer.say("My kettle is broken and I am upset")
        await customer.ask("ask_human", reason="upset")
        conversation = customer.welcome["conversation"]
        await agent.until(lambda f: f["type"] == "queue" and f.get("changed", {}).get("conversation") == conversation)

        await agent.send({"type": "watch", "conversation": conversation, "after": 0})
        accepted = await agent.ask("accept", conversation=conversation)
        packet = await agent.until(lambda frame: frame["type"] == "packet")
        arrived = await customer.until(of_kind("handoff.accepted"))
        said = await agent.ask("say", conversation=conversation, text="I am Sam. Let me see.")
        heard = await customer.until(
            lambda f: f["type"] == "event" and f["from"]["role"] == "agent" and f["kind"] == "message"
        )
        noted = await agent.ask("note", conversation=conversation, text="very upset")
        reply = await customer.say("Thank you")
        closed = await agent.ask("close", conversation=conversation)
        ended = await customer.until(of_kind("conversation.ended"))
        await customer.quiet()

    assert {accepted["type"], said["type"], noted["type"], closed["type"], reply["type"]} == {"ack"}
    assert "My kettle is broken" in json.dumps(packet)
    assert arrived["data"]["agent"]["name"]
    assert heard["data"]["text"] == "I am Sam. Let me see."
    assert ended["data"]["by"] == "agent"
    assert "very upset" not in json.dumps([frame for frame in customer.seen if frame["type"] == "event"][-6:])


async def test_who_waits_is_told_when_the_queue_moves(shared_server, cookie):
    async with (
        arrive(shared_server, also=["queue"]) as first,
        arrive(shared_server, also=["queue", "what nobody knows"]) as second,
        arrive(shared_server) as third,
        desk(shared_server, cookie) as socket,
    ):
        agent = Customer(socket)
        await agent.send({"type": "hello"})
        await agent.until(lambda frame: frame["type"] == "queue")
        asked = []
        for customer in (first, second, third):
            await customer.ask("ask_human")
            asked.append((await customer.until(of_kind("handoff.requested")))["data"]["position"])
            seen = customer.welcome["conversation"]
            await agent.until(lambda frame, seen=seen: frame.get("changed", {}).get("conversation") == seen)
        await agent.ask("accept", conversation=first.welcome["conversation"])
        moved = await second.until(lambda frame: frame["type"] == "queue")

        # a new connection is told where it stands now, not where it began
        async with arrive(shared_server, seat=second.welcome, also=["queue"]) as again:
            back = await again.until(lambda frame: frame["type"] == "queue")
        # who is passed on is told that, and at once where they stand
        await agent.ask("transfer", conversation=first.welcome["conversation"])
        await first.until(of_kind("handoff.transferred"))
        at_once = await first.receive()
        for customer in (first, second, third):
            await customer.ask("end")
        quiet = [*await first.quiet(), *await third.quiet()]

    assert moved["position"] == asked[1] - 1
    assert back["position"] == moved["position"]
    assert (at_once["type"], at_once["position"]) == ("queue", asked[2])
    assert not [frame for frame in (*third.seen, *quiet) if frame["type"] == "queue"]


async def test_a_customer_typing_is_seen_at_the_desk(shared_server, cookie):
    async with arrive(shared_server) as customer, desk(shared_server, cookie) as socket:
        agent = Customer(socket)
        await agent.send({"type": "hello"})
        await customer.ask("ask_human")
        conversation = customer.welcome["conversation"]
        await agent.send({"type": "watch", "conversation": conversation, "after": 0})
        await agent.until(of_kind("handoff.requested"))
        await agent.quiet(0.3)

        await customer.send({"type": "typing", "on": True})
        typing = await agent.until(lambda frame: frame["type"] == "typing")

    assert (typing["from"]["role"], typing["on"]) == ("customer", True)


async def test_an_agent_reads_the_whole_transcript_over_http(shared_server, cookie):
    async with arrive(shared_server) as customer:
        await customer.answer((await customer.say("Can I return an order?"))["seq"])
        conversation = customer.welcome["conversation"]

    request = urllib.request.Request(
        f"{shared_server.url}/v1/conversations/{conversation}/transcript", headers={"Cookie": cookie}
    )
    kinds = {event["kind"] for event in json.load(urllib.request.urlopen(request))["events"]}  # noqa: ASYNC210

    assert {"message", "turn.evidence"} <= kinds
