"""A customer who stops reading costs nobody else anything, and is told when the line is cut."""

from __future__ import annotations

import asyncio
import contextlib
import re
import urllib.request

import pytest
from talking import Customer, arrive
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close

LONG = "word " * 1_500


def slow_readers(server) -> float:
    with urllib.request.urlopen(f"{server.url}/metrics") as response:
        found = re.search(r"^tellonce_slow_readers_total (\S+)", response.read().decode(), re.MULTILINE)
    assert found is not None
    return float(found[1])


async def closing_of(customer: Customer) -> Close:
    """Reads all that is still on its way; the close frame behind it."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await customer.receive()
    close = customer.socket.protocol.close_rcvd
    assert close is not None
    return close


@pytest.mark.slow
async def test_a_slow_reader_is_cut_off_with_1013_and_loses_nothing(start_server):
    server = start_server(env={"TELLONCE_SEND_BUFFER_BYTES": "65536", "TELLONCE_MODEL": "embedded"})
    async with arrive(server) as writer, arrive(server, seat=writer.welcome) as sleeper:
        await writer.ask("ask_human")  # from here on nobody answers, and only the customer's words travel
        for sent in range(1_500):
            await writer.say(LONG)
            if sent % 50 == 0 and await asyncio.to_thread(slow_readers, server):
                break
        assert await asyncio.to_thread(slow_readers, server) == 1
        closed = await closing_of(sleeper)
        last = max(event["seq"] for event in sleeper.events)
        await writer.send({"type": "ping"})
        pong = await writer.until(lambda frame: frame["type"] == "pong")

    async with arrive(server, seat=sleeper.welcome, after=last) as again:
        await again.until(lambda frame: frame.get("seq") == writer.events[-1]["seq"])

    assert (closed.code, closed.reason) == (1013, "slow_reader")
    assert pong
    assert [event["seq"] for event in (*sleeper.events, *again.events)] == [event["seq"] for event in writer.events]


@pytest.mark.slow
async def test_a_long_journal_is_resumed_in_pages_of_bounded_memory(start_server):
    server = start_server()
    async with arrive(server) as writer:
        await writer.ask("ask_human")
        for _ in range(300):
            await writer.say(LONG)
        seat, events = writer.welcome, writer.events

    async with arrive(server, seat=seat) as again:
        await asyncio.sleep(1.0)  # not reading: the server must not run ahead without bound
        await again.until(lambda frame: frame.get("seq") == events[-1]["seq"])

    assert [event["seq"] for event in again.events] == [event["seq"] for event in events]
