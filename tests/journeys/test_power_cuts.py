"""SIGKILL at random moments of 100 turns: what was acknowledged is there once, what was cut short is settled.

The suite runs one seed; `pytest tests/journeys/test_power_cuts.py --seeds 8,9,10` runs others.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import dataclass, field

import pytest
from talking import Customer, Frame, arrive, is_answer
from websockets.exceptions import WebSocketException

QUESTIONS = (
    "How do I descale the kettle?",
    "How long does delivery take?",
    "Can I return an order?",
    "How long is the kettle's warranty?",
)
CUSTOMERS = 5
TURNS_A_LIFE = 20
LIVES = 5  # 100 turns in all
SEED = 7


@dataclass
class Talk:
    """One customer over several lives of the server: an outbox that resends until it is acknowledged."""

    seat: Frame = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    outbox: list[tuple[str, str]] = field(default_factory=list)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", metafunc.config.getoption("seeds") or [SEED])


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_nothing_acknowledged_is_lost_or_doubled_and_every_turn_is_settled(start_server, seed):
    server = start_server()
    talks = [Talk() for _ in range(CUSTOMERS)]
    chance = random.Random(seed)
    for talk in talks:
        async with arrive(server) as customer:
            talk.seat = customer.welcome

    for life in range(LIVES):
        for talk in talks:
            talk.outbox += [(str(uuid.uuid4()), chance.choice(QUESTIONS)) for _ in range(TURNS_A_LIFE // CUSTOMERS)]
        chats = [asyncio.create_task(chat(server, talk, chance.random() * 0.05)) for talk in talks]
        await asyncio.sleep(chance.uniform(0.02, 1.0))
        await asyncio.to_thread(server.kill)
        await asyncio.gather(*chats)
        await asyncio.to_thread(server.start, until_ready=life == LIVES - 1)

    for talk in talks:
        await chat(server, talk, 0.0)
        async with arrive(server, seat=talk.seat) as customer:
            await settled(customer, max(talk.acknowledged.values()))
            check(talk, customer)


async def chat(server, talk: Talk, pause_seconds: float) -> None:
    """Sends what is in the outbox, each message until its ack, until all is sent or the server dies."""
    try:
        async with arrive(server, seat=talk.seat) as customer:
            while talk.outbox:
                frame_id, text = talk.outbox[0]
                ack = await customer.say(text, frame_id)
                assert ack["type"] == "ack"
                talk.acknowledged[frame_id] = ack["seq"]
                talk.outbox.pop(0)
                await asyncio.sleep(pause_seconds)
    except (WebSocketException, OSError, EOFError):
        return


async def settled(customer: Customer, last_question: int) -> None:
    """Returns once the newest question has its answer, or the conversation is a person's to answer."""
    try:
        while not any(is_answer(e, last_question) or e["kind"] == "handoff.requested" for e in customer.events):
            await customer.receive()
    except TimeoutError:
        raise AssertionError(f"question {last_question} was never settled: {customer.events[-5:]}") from None
    await customer.quiet()


def check(talk: Talk, customer: Customer) -> None:
    messages = [event for event in customer.events if event["kind"] == "message"]
    said = [event for event in messages if event["from"]["role"] == "customer"]
    answers = [event for event in messages if event["from"]["role"] == "assistant"]
    assert {event["id"]: event["seq"] for event in said} == talk.acknowledged
    assert len(said) == len(talk.acknowledged) == LIVES * TURNS_A_LIFE // CUSTOMERS
    turns = [event["data"]["turn"] for event in answers]
    assert len(turns) == len(set(turns)), "a question was answered twice"
    assert set(turns) <= {event["seq"] for event in said}
    positions = [event["prev"] for event in customer.events[1:]]
    assert positions == [event["seq"] for event in customer.events[:-1]], "an event is missing"
