"""Each way to break the protocol, over a real socket: the typed refusal, and what stays open."""

from __future__ import annotations

import asyncio
import json
import uuid

import httpx
import pytest
from talking import arrive, dial
from websockets.exceptions import ConnectionClosed, InvalidStatus

from evals.speed.processes import RawSocket


async def test_bad_frames_are_told_and_the_fifth_in_a_minute_closes(shared_server):
    async with arrive(shared_server) as customer:
        codes = []
        for frame in ("{", b"\x00", {"type": "dance"}, {"type": "say", "id": "1", "text": "x"}):
            await customer.send(frame)
            codes.append((await customer.receive())["code"])
        await customer.send({"type": "ping"})
        pong = await customer.receive()
        await customer.send("[]")
        fifth = await customer.receive()
        with pytest.raises(ConnectionClosed) as closed:
            await customer.receive()

    assert codes == ["bad_frame"] * 4
    assert pong == {"type": "pong"}
    assert fifth["code"] == "bad_frame"
    assert closed.value.rcvd.code == 1008


async def test_a_frame_over_64_kib_is_too_large_and_the_connection_stays(shared_server):
    async with arrive(shared_server) as customer:
        await customer.send({"type": "say", "id": str(uuid.uuid4()), "text": "x" * 65_536})
        error = await customer.receive()
        long = await customer.say("x" * 8_001)
        ack = await customer.say("x" * 8_000)

    assert error["code"] == "too_large"
    assert long["code"] == "too_large"
    assert ack["type"] == "ack"


async def test_a_frame_over_the_transports_bound_closes(shared_server):
    async with arrive(shared_server) as customer:
        await customer.send({"type": "say", "text": "x" * 1_200_000})
        with pytest.raises(ConnectionClosed) as closed:
            await customer.receive()

    assert closed.value.rcvd.code == 1009


async def test_hello_comes_first_and_once(shared_server):
    async with dial(shared_server) as customer:
        early = await customer.say("Hello?")
        welcome = await customer.hello()
        again = await customer.hello()

    assert early["code"] == "bad_frame"
    assert welcome["type"] == "welcome"
    assert again["code"] == "bad_frame"


@pytest.mark.slow
async def test_who_says_nothing_is_closed_after_ten_seconds(shared_server):
    async with dial(shared_server) as customer:
        started = asyncio.get_running_loop().time()
        with pytest.raises(ConnectionClosed) as closed:
            await customer.receive()

    assert closed.value.rcvd.code == 1008
    assert 9 < asyncio.get_running_loop().time() - started < 15


async def test_a_position_beyond_the_head_is_a_conflict(shared_server):
    async with arrive(shared_server) as customer:
        await customer.say("What does E2 mean?")
        seat = customer.welcome
    async with dial(shared_server) as again:
        beyond = await again.hello(visitor=seat["visitor"], conversation=seat["conversation"], after=10_000)
        nowhere = await again.hello(after=3)

    assert (beyond["code"], nowhere["code"]) == ("conflict", "conflict")


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_a_foreign_origin_is_refused_at_the_handshake(shared_server, origin):
    with pytest.raises(InvalidStatus) as refused:
        async with dial(shared_server, origin=origin):
            pass

    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["code"] == "forbidden"


async def test_our_own_origin_is_let_in(shared_server):
    async with dial(shared_server, origin=shared_server.url) as customer:
        assert (await customer.hello())["type"] == "welcome"


async def test_subprotocols(shared_server):
    async with dial(shared_server, subprotocols=["tellonce.v1"]) as chosen:
        assert chosen.socket.subprotocol == "tellonce.v1"
    async with dial(shared_server, subprotocols=None) as none:
        assert none.socket.subprotocol is None
        assert (await none.hello())["type"] == "welcome"
    with pytest.raises(InvalidStatus) as refused:
        async with dial(shared_server, subprotocols=["tellonce.v9"]):
            pass
    assert refused.value.response.status_code == 403


async def test_an_unknown_socket_is_not_found(shared_server):
    class Elsewhere:
        ws_url = shared_server.ws_url.replace("/ws/chat", "/ws/elsewhere")

    with pytest.raises(InvalidStatus) as refused:
        async with dial(Elsewhere):
            pass

    assert refused.value.response.status_code == 404


async def test_no_compression_is_negotiated(shared_server):
    from websockets.asyncio.client import connect

    async with connect(shared_server.ws_url, compression="deflate") as socket:
        assert "sec-websocket-extensions" not in socket.response.headers


async def test_too_many_messages_are_refused_with_a_time_and_repeats_stay_free(start_server):
    server = start_server(env={"TELLONCE_MESSAGE_LIMIT": "3/minute"})
    async with arrive(server) as customer:
        frame_id = str(uuid.uuid4())
        acks = [await customer.say("one", frame_id) for _ in range(5)]
        acks += [await customer.say(word) for word in ("two", "three")]
        refused = await customer.say("four")

    assert {ack["type"] for ack in acks} == {"ack"}
    assert refused["code"] == "rate_limited"
    assert 0 < refused["retry_after_seconds"] <= 60


async def test_conversations_begun_without_end_are_refused_and_those_that_are_there_go_on(start_server):
    server = start_server(env={"TELLONCE_CONVERSATION_LIMIT": "3/minute"})
    seats = []
    for _ in range(3):
        async with arrive(server) as customer:
            seats.append(customer.welcome)
    async with dial(server) as customer:
        refused = await customer.hello()
        resumed = await customer.hello(visitor=seats[0]["visitor"], conversation=seats[0]["conversation"])
    async with httpx.AsyncClient(base_url=server.url) as http:
        over_http = await http.post("/v1/conversations")
        elsewhere = await http.post("/v1/conversations", headers={"x-forwarded-for": "203.0.113.7"})

    assert refused["code"] == "rate_limited"
    assert 0 < refused["retry_after_seconds"] <= 60
    assert resumed["type"] == "welcome"
    assert (over_http.status_code, over_http.json()["code"]) == (429, "rate_limited")
    assert 0 < int(over_http.headers["retry-after"]) <= 60
    assert elsewhere.status_code == 201  # the proxy on this machine is believed


async def test_too_many_connections_are_refused_at_the_handshake(start_server):
    server = start_server(env={"TELLONCE_CONNECTION_LIMIT": "2/minute", "TELLONCE_TRUSTED_PROXIES": "192.0.2.1"})
    for _ in range(2):
        async with dial(server):
            pass
    with pytest.raises(InvalidStatus) as refused:
        async with dial(server, additional_headers={"x-forwarded-for": "203.0.113.7"}):  # of no proxy we know
            pass

    assert "handshake" not in server.logged()  # an expected refusal is no crash
    assert refused.value.response.status_code == 429
    assert json.loads(refused.value.response.body)["code"] == "rate_limited"


@pytest.mark.slow
async def test_a_peer_that_answers_no_ping_is_found(start_server):
    server = await asyncio.to_thread(start_server, env={"TELLONCE_PING_INTERVAL_SECONDS": "0.5"})
    silent = await RawSocket.connect(server.port)  # reads, but never pongs: a line dead in one direction
    silent.send({"type": "hello"})
    assert (await silent.receive())["type"] == "welcome"

    async with asyncio.timeout(10):
        with pytest.raises(asyncio.IncompleteReadError):
            await silent.receive()


async def test_a_stopping_server_says_that_it_goes_away(start_server):
    server = start_server()
    async with arrive(server) as customer, dial(server) as silent:
        await asyncio.to_thread(server.stop)
        for one in (customer, silent):
            with pytest.raises(ConnectionClosed) as closed:
                await one.receive()
            assert closed.value.rcvd.code == 1001
