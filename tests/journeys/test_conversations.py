"""Whole conversations: a customer at a real socket, a real server process behind it."""

from __future__ import annotations

import asyncio
import json
import urllib.request
import uuid

from talking import arrive, is_answer, of_kind

from assistant.app import open_journal
from assistant.journal.events import Kind
from assistant.journal.port import read_whole
from assistant.settings import load_settings


async def test_a_question_is_acknowledged_answered_and_cited(shared_server):
    async with arrive(shared_server) as customer:
        ack = await customer.say("How do I descale the kettle?")
        answer = await customer.answer(ack["seq"])

    message = answer["data"]
    citation = message["citations"][0]
    assert message["outcome"] == "answered"
    assert message["mode"] == "embedded"
    assert "[1]" in message["text"]
    assert citation["quote"] in document_behind(shared_server, citation)["text"]
    assert {"n", "title", "section", "url", "quote", "release"} <= set(citation)


def document_behind(server, citation):
    """The document as the source page loads it."""
    path, _, query = citation["url"].partition("?")
    address = f"{server.url}/v1/documents/{path.removeprefix('/source/')}?{query}"
    with urllib.request.urlopen(address) as response:
        return json.load(response)


async def test_drafts_come_in_order_and_before_the_answer(shared_server):
    async with arrive(shared_server) as customer:
        ack = await customer.say("How long is the kettle's warranty?")
        answer = await customer.answer(ack["seq"])

    drafts = [frame for frame in customer.seen if frame["type"] == "draft"]
    assert drafts
    assert [draft["n"] for draft in drafts] == list(range(len(drafts)))
    assert all(draft["turn"] == ack["seq"] for draft in drafts)
    assert customer.seen.index(drafts[-1]) < customer.seen.index(answer)


async def test_the_ack_comes_before_the_event_it_acknowledges(shared_server):
    async with arrive(shared_server) as customer:
        ack = await customer.say("Hello")
        event = await customer.until(of_kind("message"))

    assert event["seq"] == ack["seq"]
    assert event["id"] == ack["id"]
    assert customer.seen.index(ack) < customer.seen.index(event)


async def test_where_the_visitor_is_is_noted_when_it_changes_and_not_when_they_come_back(shared_server):
    kettle = {"url": "https://shop.example/kettle", "product": "kettle"}
    async with arrive(shared_server, page=kettle, locale="en") as customer:
        await customer.say("Hello")
    for page in (kettle, kettle, {"url": "https://shop.example/basket"}):
        async with arrive(shared_server, seat=customer.welcome, page=page, locale="en") as back:
            await back.say("Hello again")

    journal = open_journal(load_settings(data_dir=shared_server.data_dir))
    events = await read_whole(journal, customer.welcome["conversation"])
    await journal.close()
    places = [event.data["page"]["url"] for event in events if event.kind is Kind.CONTEXT]
    assert places == ["https://shop.example/kettle", "https://shop.example/basket"]


async def test_an_honest_no_offers_a_person(shared_server):
    async with arrive(shared_server) as customer:
        ack = await customer.say("What is the boiling point of tungsten on Jupiter?")
        answer = await customer.answer(ack["seq"])

    assert answer["data"]["outcome"] == "declined"
    assert answer["data"]["citations"] == []
    assert answer["data"]["suggestions"]


async def test_resuming_after_any_seq_brings_exactly_the_rest(shared_server):
    async with arrive(shared_server) as customer:
        for question in ("How do I descale the kettle?", "Can I return an order?", "What does E2 mean?"):
            await customer.answer((await customer.say(question))["seq"])
        whole, seat = customer.events, customer.welcome

    for position in range(len(whole) + 1):
        after = whole[position - 1]["seq"] if position else 0
        async with arrive(shared_server, seat=seat, after=after) as again:
            if position < len(whole):
                await again.until(lambda frame: frame.get("seq") == whole[-1]["seq"])
            assert again.welcome["resumed"] is True
            assert again.welcome["seq"] == whole[-1]["seq"]
            assert [f for f in again.events if f["type"] == "event"] == whole[position:]


async def test_every_event_names_the_one_before_it(shared_server):
    async with arrive(shared_server) as customer:
        for question in ("How do I descale the kettle?", "What does E5 mean?"):
            await customer.answer((await customer.say(question))["seq"])
        await customer.ask("end")
        await customer.quiet()

    before = 0
    for event in customer.events:
        assert event["prev"] == before
        before = event["seq"]


async def test_a_turn_survives_its_socket_and_its_answer_is_there_once(shared_server):
    async with arrive(shared_server) as customer:
        ack = await customer.say("How do I descale the kettle?")
        seat = customer.welcome
        customer.socket.transport.abort()

    async with arrive(shared_server, seat=seat, after=ack["seq"]) as again:
        await again.answer(ack["seq"])
        await again.quiet()

    assert len([frame for frame in again.seen if is_answer(frame, ack["seq"])]) == 1


async def test_the_same_message_ten_times_at_once_is_stored_once(shared_server):
    async with arrive(shared_server) as first:
        seat, frame_id = first.welcome, str(uuid.uuid4())

        async def send_again():
            async with arrive(shared_server, seat=seat) as tab:
                return await tab.say("Can I return an order?", frame_id)

        acks = await asyncio.gather(*(send_again() for _ in range(10)))
        await first.answer(acks[0]["seq"])
        await first.quiet()

    assert {ack["seq"] for ack in acks} == {acks[0]["seq"]}
    assert len([event for event in first.events if event["from"]["role"] == "customer"]) == 1
    assert len([event for event in first.events if event["from"]["role"] == "assistant"]) == 1


async def test_two_tabs_of_one_visitor_see_the_same_conversation(shared_server):
    async with arrive(shared_server) as one, arrive(shared_server, seat=one.welcome) as other:
        ack = await one.say("What does E2 mean?")
        await one.answer(ack["seq"])
        await other.answer(ack["seq"])

    assert one.events == other.events


async def test_a_rating_is_kept_and_internal(shared_server):
    async with arrive(shared_server) as customer:
        ack = await customer.say("Can I return an order?")
        answer = await customer.answer(ack["seq"])
        rated = await customer.ask("rate", seq=answer["seq"], useful=True, comment="quick")
        own = await customer.ask("rate", seq=ack["seq"], useful=True)
        nothing = await customer.ask("rate", seq=999, useful=True)
        frames = await customer.quiet()

    assert rated["type"] == "ack"
    assert rated["seq"] > answer["seq"]
    assert (own["code"], nothing["code"]) == ("bad_frame", "not_found")
    assert not [frame for frame in frames if frame["type"] == "event"]


async def test_the_end_asks_for_the_effort_and_keeps_one_score(shared_server):
    async with arrive(shared_server) as customer:
        await customer.answer((await customer.say("Can I return an order?"))["seq"])
        ended = await customer.ask("end")
        offered = await customer.until(of_kind("survey.offered"))
        ended_again = await customer.ask("end")
        survey = offered["data"]["survey"]
        off_scale = await customer.ask("survey", survey=survey, score=8)
        frame_id = str(uuid.uuid4())
        scored = await customer.ask("survey", id=frame_id, survey=survey, score=2, comment="fine")
        event = await customer.until(of_kind("survey.answered"))
        repeated = await customer.ask("survey", id=frame_id, survey=survey, score=2, comment="fine")
        changed = await customer.ask("survey", survey=survey, score=5)
        unknown = await customer.ask("survey", survey="ces-nothing", score=1)

    assert ended["type"] == "ack"
    assert ended_again["seq"] == ended["seq"]
    assert (offered["data"]["metric"], offered["data"]["scale"]["max"]) == ("ces", 7)
    assert off_scale["code"] == "bad_frame"
    assert scored["seq"] == repeated["seq"] == event["seq"]
    assert event["data"]["score"] == 2
    assert event["id"] == frame_id
    assert changed["code"] == "conflict"
    assert unknown["code"] == "not_found"


async def test_a_conversation_that_goes_on_after_its_end_is_open_again(shared_server):
    async with arrive(shared_server) as customer:
        await customer.ask("end")
        await customer.until(of_kind("survey.offered"))
        ack = await customer.say("Can I return an order?")
        answer = await customer.answer(ack["seq"])

    assert answer["data"]["outcome"] == "answered"


async def test_asking_for_a_person_twice_keeps_the_first_place(shared_server):
    async with arrive(shared_server) as customer:
        first = await customer.ask("ask_human", reason="I would rather talk")
        event = await customer.until(of_kind("handoff.requested"))
        second = await customer.ask("ask_human")
        await customer.say("Anybody there?")
        await customer.say("Hello?")
        frames = await customer.quiet(1.5)

    assert first["seq"] == second["seq"] == event["seq"]
    assert event["data"]["reason"] == "I would rather talk"
    assert event["data"]["position"] >= 1
    assert event["data"]["wait_seconds"] is None or event["data"]["wait_seconds"] >= 0
    said = [frame for frame in customer.events + frames if frame.get("from", {}).get("role") == "assistant"]
    assert len({frame["seq"] for frame in said if frame["type"] == "event"}) == 1  # a person will read it: said once
