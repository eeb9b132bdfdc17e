"""Signed-in customers: what is theirs, on which device, and who else gets nothing."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid

import httpx
import pytest
from talking import arrive, dial
from websockets.exceptions import ConnectionClosed

from assistant.app import open_journal, open_profiles
from assistant.journal.port import read_whole
from assistant.server.identity import LEEWAY_SECONDS, Tokens
from assistant.server.secret import load_or_make_secret
from assistant.settings import load_settings


@pytest.fixture
def tokens(shared_server) -> Tokens:
    return Tokens(load_or_make_secret(load_settings(data_dir=shared_server.data_dir)))


async def test_a_signed_identity_is_welcomed_by_name(shared_server, tokens):
    async with arrive(shared_server, identity=tokens.sign_customer("cus-ada", name="Ada Byron")) as customer:
        assert customer.welcome["customer"] == {"name": "Ada Byron", "verified": True}


async def test_a_socket_is_a_customers_no_longer_than_the_token_says(shared_server, tokens):
    nearly_over = tokens.sign_customer("cus-ada", lifetime_seconds=1 - LEEWAY_SECONDS)
    async with arrive(shared_server, identity=nearly_over) as customer:
        told = await customer.receive()
        with pytest.raises(ConnectionClosed) as closed:
            await customer.receive()
    async with dial(shared_server) as again:
        refused = await again.hello(identity=nearly_over)

    assert (told["type"], told["code"]) == ("error", "unauthorized")
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "identity_expired")
    assert refused["code"] == "unauthorized"


async def test_nothing_more_is_written_in_the_name_of_a_customer_who_was_erased(shared_server, tokens):
    settings = load_settings(data_dir=shared_server.data_dir)
    identity = tokens.sign_customer("cus-gone", name="Gwen Gone")
    async with arrive(shared_server, identity=identity) as customer:
        await customer.answer((await customer.say("What does E2 mean?"))["seq"])
        open_profiles(settings).erase("cus-gone")
        await customer.send({"type": "say", "id": str(uuid.uuid4()), "text": "And what is E5?"})
        told = await customer.until(lambda frame: frame["type"] == "error")
        with pytest.raises(ConnectionClosed) as closed:
            await customer.until(lambda frame: frame["type"] == "ack")

    journal = open_journal(settings)
    said = [
        event.text
        for event in await read_whole(journal, customer.welcome["conversation"])
        if event.author.name == "Gwen Gone"
    ]
    await journal.close()
    assert (told["code"], closed.value.rcvd.code, closed.value.rcvd.reason) == (
        "unauthorized",
        1008,
        "identity_expired",
    )
    assert said == ["What does E2 mean?"]

    async with arrive(shared_server, identity=identity) as back:  # a signed return begins anew
        assert (await back.say("What does E5 mean?"))["type"] == "ack"


async def test_an_idle_connection_of_a_customer_who_was_erased_is_closed(shared_server, tokens):
    env = {**os.environ, "TELLONCE_DATA_DIR": str(shared_server.data_dir)}
    command = [sys.executable, "-m", "assistant", "profile", "erase", "cus-idle", "--yes"]
    async with (
        arrive(shared_server) as visitor,
        arrive(shared_server, identity=tokens.sign_customer("cus-idle", name="Ida Idle")) as customer,
    ):
        erasing = await asyncio.create_subprocess_exec(*command, env=env)
        assert await erasing.wait() == 0
        told = await customer.receive()
        with pytest.raises(ConnectionClosed) as closed:
            await customer.receive()
        assert (await visitor.say("What does E2 mean?"))["type"] == "ack"

    assert (told["code"], "erased" in told["message"]) == ("unauthorized", True)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "identity_expired")


async def test_nobody_is_a_customer_without_a_signature(shared_server):
    async with arrive(shared_server) as customer:
        assert customer.welcome["customer"] == {"name": None, "verified": False}


async def test_a_customers_conversation_follows_them_to_another_device(shared_server, tokens):
    identity = tokens.sign_customer("cus-bo", name="Bo")
    async with arrive(shared_server, identity=identity) as phone:
        ack = await phone.say("What does E2 mean?")
        await phone.answer(ack["seq"])
        conversation = phone.welcome["conversation"]

    async with arrive(shared_server, identity=identity, conversation=conversation) as laptop:
        await laptop.answer(ack["seq"])

    assert laptop.welcome["visitor"] != phone.welcome["visitor"]
    assert laptop.events == phone.events


async def test_signing_in_later_takes_the_conversation_along_and_closes_it_to_the_bare_visitor(shared_server, tokens):
    async with arrive(shared_server) as visitor:
        await visitor.answer((await visitor.say("What does E2 mean?"))["seq"])
        seat = visitor.welcome

    async with arrive(shared_server, seat=seat, identity=tokens.sign_customer("cus-cy", name="Cy")) as signed_in:
        await signed_in.quiet()
    async with dial(shared_server) as bare:
        refused = await bare.hello(visitor=seat["visitor"], conversation=seat["conversation"])
    async with dial(shared_server) as other:
        strange = await other.hello(
            visitor=seat["visitor"], conversation=seat["conversation"], identity=tokens.sign_customer("cus-eve")
        )

    assert signed_in.events == visitor.events
    assert (refused["code"], strange["code"]) == ("forbidden", "forbidden")


async def test_a_refused_hello_can_be_said_again_without_what_was_refused(shared_server):
    async with dial(shared_server) as customer:
        refused = await customer.hello(identity="no.token.atall")
        welcome = await customer.hello()

    assert refused["code"] == "unauthorized"
    assert welcome["type"] == "welcome"


@pytest.mark.parametrize("age_seconds", [-7200, 48 * 3600], ids=["expired", "too long-lived"])
async def test_an_identity_outside_its_time_is_refused(shared_server, age_seconds):
    secret = load_or_make_secret(load_settings(data_dir=shared_server.data_dir))
    clock = time.time() + min(age_seconds, 0)
    token = Tokens(secret, clock=lambda: clock).sign_customer("cus-ada", lifetime_seconds=max(age_seconds, 60))

    async with dial(shared_server) as customer:
        refused = await customer.hello(identity=token)

    assert (refused["type"], refused["code"]) == ("error", "unauthorized")


async def test_a_forged_identity_and_a_forged_visitor_are_refused(shared_server):
    stranger = Tokens("x" * 40)
    async with dial(shared_server) as customer:
        forged_identity = await customer.hello(identity=stranger.sign_customer("cus-ada"))
        forged_visitor = await customer.hello(visitor=stranger.issue_visitor()[1])

    assert (forged_identity["code"], forged_visitor["code"]) == ("unauthorized", "unauthorized")


async def test_a_strangers_conversation_is_forbidden_and_an_unknown_one_not_found(shared_server):
    async with arrive(shared_server) as owner:
        await owner.say("What does E2 mean?")
        conversation = owner.welcome["conversation"]

    async with dial(shared_server) as stranger:
        theirs = await stranger.hello(conversation=conversation)
        nobodys = await stranger.hello(conversation="0" * 32)

    assert (theirs["code"], nobodys["code"]) == ("forbidden", "not_found")


async def test_the_demo_signs_its_visitors_in(shared_server):
    async with httpx.AsyncClient(base_url=shared_server.url) as browser:
        someone = (await browser.get("/v1/demo")).json()["customers"][0]
        token = (await browser.post("/v1/demo/identity", json={"customer": someone["id"]})).json()["token"]

    async with arrive(shared_server, identity=token) as customer:
        assert customer.welcome["customer"] == {"name": someone["name"], "verified": True}
