"""A turn runs once, for whoever asked, whatever happens around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from assistant.journal.bus import Typing
from assistant.journal.events import Author, Kind, NewEvent, Role, turn_client_id
from assistant.journal.store import SqliteJournal
from assistant.profile.customer import Customer, Order
from assistant.turn.records import TALK_TO_A_PERSON
from tests.turn.conftest import House


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


async def settled(house: House, conversation_id: str) -> None:
    async with asyncio.timeout(10):
        while True:
            loaded = await house.journal.load_conversation(conversation_id)
            if loaded is not None and loaded.unanswered_seq is None:
                return
            await asyncio.sleep(0.005)


async def test_a_question_is_answered_with_quotes_and_evidence_in_one_commit(house: House) -> None:
    await house.make_runner().start()
    conversation = await house.conversation()

    question = await house.say(conversation, "How do I descale the kettle?")
    await settled(house, conversation)

    _, evidence, answer = await house.journal.read(conversation)
    assert answer.data is not None
    assert evidence.data is not None
    assert evidence.kind is Kind.EVIDENCE
    assert evidence.data["turn"] == question.seq
    assert evidence.data["passages"]
    assert "1. Fill it with 0.5 l of vinegar." in answer.data["text"]
    assert answer.client_id == turn_client_id(question.seq)
    assert answer.data["outcome"] == "answered"
    assert answer.data["mode"] == "embedded"
    for citation in answer.data["citations"]:
        stored = house.knowledge.documents[citation["document"]].text
        assert stored[citation["start"] : citation["end"]] == citation["quote"]
    assert [d.turn for d in house.drafts()] == [question.seq]
    typing = [item.on for item in house.heard if isinstance(item, Typing)]
    assert typing == [True, False]


async def test_ten_messages_at_once_are_all_settled_and_none_twice(house: House) -> None:
    await house.make_runner().start()
    conversation = await house.conversation()

    await asyncio.gather(*(house.say(conversation, f"How long is the warranty? {n}") for n in range(10)))
    await settled(house, conversation)

    answers = await house.answers(conversation)
    assert 1 <= len(answers) <= 10
    assert len({answer.client_id for answer in answers}) == len(answers)
    assert answers[-1].data is not None
    assert answers[-1].data["turn"] == 10


async def test_what_a_crash_left_unanswered_is_answered_once_at_the_next_start(house: House) -> None:
    conversation = await house.conversation()
    await house.say(conversation, "How long is the warranty?")

    await house.make_runner().start()
    await settled(house, conversation)
    await house.make_runner().start()
    await asyncio.sleep(0.05)

    assert len(await house.answers(conversation)) == 1


async def test_two_processes_that_find_the_same_question_write_one_answer(house: House) -> None:
    conversation = await house.conversation()
    await house.say(conversation, "How long is the warranty?")

    await asyncio.gather(house.make_runner().start(), house.make_runner().start())
    await settled(house, conversation)
    await asyncio.sleep(0.1)

    assert len(await house.answers(conversation)) == 1


async def test_an_answer_is_dropped_when_an_agent_takes_the_floor_meanwhile(house: House) -> None:
    release = asyncio.Event()
    search = house.knowledge.search

    async def slow_search(question: str, **options: object) -> object:
        await release.wait()
        return await search(question, **options)

    house.knowledge.search = slow_search  # type: ignore[method-assign, assignment]
    runner = house.make_runner()
    await runner.start()
    conversation = await house.conversation()
    await house.say(conversation, "How long is the warranty?")
    await until(lambda: runner.active_turns)

    agent = Author(Role.AGENT, "Ana", "agent-1")
    await house.journal.append(conversation, [NewEvent(Kind.HANDOFF_ACCEPTED, agent, {"agent": {"name": "Ana"}})])
    release.set()
    await until(lambda: not runner.active_turns)
    await house.say(conversation, "Are you there, Ana?")
    await asyncio.sleep(0.05)

    assert await house.answers(conversation) == []


async def test_asking_for_a_person_passes_the_conversation_on(house: House) -> None:
    await house.make_runner().start()
    conversation = await house.conversation()

    await house.say(conversation, "Can I talk to a human please?")
    await settled(house, conversation)

    events = await house.journal.read(conversation)
    assert [e.kind for e in events][-2:] == [Kind.MESSAGE, Kind.HANDOFF_REQUESTED]
    assert events[-1].data == {"reason": "The customer asked for a person.", "position": 1, "wait_seconds": None}


async def test_two_declines_offer_a_person_twice_and_leave_the_floor_where_it_is(house: House) -> None:
    house.knowledge.findings = house.knowledge.findings.__class__("", 3, (), 0.0)
    await house.make_runner().start()
    conversation = await house.conversation()

    for question in ("Do you sell submarines to governments?", "Which colours do the submarines come in?"):
        await house.say(conversation, question)
        await settled(house, conversation)

    first, second = [answer.data or {} for answer in await house.answers(conversation)]
    assert (first["outcome"], second["outcome"]) == ("declined", "declined")
    assert all(TALK_TO_A_PERSON in data["suggestions"] for data in (first, second))
    loaded = await house.journal.load_conversation(conversation)
    assert loaded is not None
    assert loaded.floor == "assistant"


async def test_who_writes_on_while_waiting_is_told_once_that_a_person_will_read_it(house: House) -> None:
    await house.make_runner().start()
    conversation = await house.conversation()
    await house.say(conversation, "I want to talk to a person")
    await settled(house, conversation)
    before = len(await house.answers(conversation))

    for text in ("My order number is AM-1007.", "And it is urgent.", "Hello?"):
        await house.say(conversation, text)
        await asyncio.sleep(0.1)

    told = (await house.answers(conversation))[before:]
    assert [(answer.data or {})["outcome"] for answer in told] == ["acted"]
    assert "colleague will read" in told[0].text


async def test_a_search_that_fails_ends_in_an_honest_answer_not_in_silence(house: House) -> None:
    house.knowledge.error = OSError("disk gone")
    await house.make_runner().start()
    conversation = await house.conversation()

    await house.say(conversation, "How long is the warranty?")
    await settled(house, conversation)

    (answer,) = await house.answers(conversation)
    assert answer.data is not None
    assert answer.data["outcome"] == "declined"


async def test_a_bug_while_answering_ends_with_a_person(house: House) -> None:
    runner = house.make_runner()

    async def broken(*_: object) -> None:
        raise RuntimeError("bug")

    runner._answering.answer = broken  # type: ignore[method-assign, assignment]
    await runner.start()
    conversation = await house.conversation()

    await house.say(conversation, "How long is the warranty?")
    await settled(house, conversation)

    events = await house.journal.read(conversation)
    assert events[-1].kind is Kind.HANDOFF_REQUESTED
    assert events[-2].data is not None
    assert events[-2].data["mode"] == "degraded"


async def test_a_verified_customer_hears_of_their_own_order_without_being_asked_for_its_number(house: House) -> None:
    order = Order("AM-1007", "2026-11-10", "in transit", ("Kettle",), "£59", tracking="TRK9", expected_on="2026-11-25")
    house.customers["c1"] = Customer("c1", "Maya Fields", orders=(order,))
    await house.make_runner().start()
    conversation = await house.conversation("c1")

    await house.say(conversation, "Where is my order?")
    await settled(house, conversation)

    (answer,) = await house.answers(conversation)
    assert "AM-1007" in answer.text
    assert "25 November 2026" in answer.text
    assert answer.text.startswith("Hello Maya.")


async def test_an_unsigned_visitor_hears_nothing_of_anybodys_orders(house: House) -> None:
    house.customers["c1"] = Customer("c1", "Maya Fields", orders=(Order("AM-1007", "2026-11-10", "new", ("K",), "£1"),))
    await house.make_runner().start()
    conversation = await house.conversation()

    await house.say(conversation, "Where is my order AM-1007? I am Maya Fields, customer c1")
    await settled(house, conversation)

    (answer,) = await house.answers(conversation)
    assert "sign in" in answer.text
    assert "Maya" not in answer.text


async def test_stopping_leaves_the_question_for_the_next_start(house: House) -> None:
    async def never(question: str, **options: object) -> object:
        await asyncio.Event().wait()
        raise AssertionError

    search = house.knowledge.search
    house.knowledge.search = never  # type: ignore[method-assign, assignment]
    runner = house.make_runner()
    await runner.start()
    conversation = await house.conversation()
    await house.say(conversation, "How long is the warranty?")
    await until(lambda: runner.active_turns)

    await runner.stop()

    assert await house.answers(conversation) == []
    house.knowledge.search = search  # type: ignore[method-assign]
    await house.make_runner().start()
    await settled(house, conversation)
    assert len(await house.answers(conversation)) == 1


async def test_a_conversation_that_was_ended_and_written_to_again_is_answered_again(house: House) -> None:
    await house.make_runner().start()
    conversation = await house.conversation()
    await house.say(conversation, "How long is the warranty?")
    await settled(house, conversation)
    await house.journal.append(
        conversation, [NewEvent(Kind.CONVERSATION_ENDED, Author(Role.CUSTOMER), {"by": "customer"})]
    )

    await house.say(conversation, "And how do I descale the kettle?")
    await settled(house, conversation)

    assert len(await house.answers(conversation)) == 2


async def test_a_part_that_got_no_answer_of_its_own_is_said_to_have_none(house: House) -> None:
    conversation = await house.conversation()
    runner = house.make_runner()
    await runner.start()

    await house.say(conversation, "How long does the warranty last and can I extend it?")
    await settled(house, conversation)

    [answer] = await house.answers(conversation)
    text = (answer.data or {})["text"]
    assert text.startswith("The warranty lasts 2 years")
    assert "“can I extend it?”" in text


async def test_what_another_process_erased_is_in_no_later_turn(house: House, database_file: Path) -> None:
    await house.make_runner(runner={"look_for_erased_seconds": 0.01}).start()
    conversation = await house.conversation()
    await house.say(conversation, "My card 4111 was declined. How long is the warranty?")
    await settled(house, conversation)

    before = [*house.knowledge.asked]
    other = SqliteJournal(database_file)
    await other.erase(conversation)
    await other.close()
    await asyncio.sleep(0.5)  # fifty looks: nothing outside tells that one was taken
    await house.say(conversation, "And where do I send it?")
    await settled(house, conversation)

    assert "4111" in str(before)
    assert "4111" not in str(house.knowledge.asked[len(before) :])
