"""An answer begun while its question goes to disk: sooner, never shown too soon, never for another question."""

from __future__ import annotations

import asyncio

import pytest

from assistant.journal.events import Author, Event, Kind, NewEvent, Role
from assistant.turn import runner as runner_module
from assistant.turn.runner import TurnRunner
from assistant.turn.scripted import ScriptedModel
from tests.turn.conftest import House
from tests.turn.test_runner import settled, until

VISITOR = Author(Role.CUSTOMER, None, "visitor-1")


def message(text: str, client_id: str = "c-1") -> NewEvent:
    return NewEvent(Kind.MESSAGE, VISITOR, {"text": text}, client_id)


async def begun(house: House, model: ScriptedModel) -> tuple[TurnRunner, str]:
    runner = house.make_runner(model=model, options={"stream": "token"})
    await runner.start()
    return runner, await house.conversation()


async def answers(house: House, conversation: str) -> list[Event]:
    await settled(house, conversation)
    return await house.answers(conversation)


async def test_the_model_is_asked_before_the_commit_and_only_once(house: House) -> None:
    model = ScriptedModel("Green tea wants water at a lower temperature.")
    runner, conversation = await begun(house, model)
    question = message("Which kettle for green tea?")

    await runner.foresee(conversation, [question], first=True)
    await until(lambda: model.sent)
    shown_before = house.drafts()
    await house.journal.append(conversation, [question])
    [answer] = await answers(house, conversation)

    assert shown_before == []
    assert "".join(draft.text for draft in house.drafts()).startswith("Green tea")
    assert answer.text.startswith("Green tea")
    assert len(model.sent) == 1


async def test_another_question_committed_first_is_answered_as_itself(house: House) -> None:
    model = ScriptedModel("To what was foreseen.", "To what was written.")
    runner, conversation = await begun(house, model)

    await runner.foresee(conversation, [message("Which kettle for green tea?")], first=True)
    await until(lambda: model.sent)
    await house.journal.append(conversation, [message("Which kettle for coffee?", "c-2")])
    [answer] = await answers(house, conversation)

    assert answer.text == "To what was written."
    assert all("foreseen" not in draft.text for draft in house.drafts())


async def test_a_repeat_of_a_known_message_asks_no_model(house: House) -> None:
    model = ScriptedModel("Once.")
    runner, conversation = await begun(house, model)
    question = message("Which kettle for green tea?")
    await house.journal.append(conversation, [question])
    await settled(house, conversation)

    await runner.foresee(conversation, [question])

    assert len(model.sent) == 1


async def test_nothing_is_begun_while_an_agent_has_the_floor(house: House) -> None:
    model = ScriptedModel("Hello.")
    runner, conversation = await begun(house, model)
    await house.journal.append(conversation, [message("Hello there, how are you doing today?")])
    await settled(house, conversation)
    agent = Author(Role.AGENT, "Ada", "agent-1")
    await house.journal.append(conversation, [NewEvent(Kind.HANDOFF_ACCEPTED, agent, {"agent": {"name": "Ada"}})])
    asked = len(model.sent)

    await runner.foresee(conversation, [message("Are you a person?", "c-2")])
    await asyncio.sleep(0.05)

    assert len(model.sent) == asked


async def test_a_question_that_never_arrives_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "HEAD_START_SECONDS", 0.05)
    model = ScriptedModel("For nobody.")
    runner, conversation = await begun(house, model)

    await runner.foresee(conversation, [message("Which kettle for green tea?")], first=True)
    await asyncio.sleep(0.2)

    assert house.drafts() == []
    assert await house.journal.read(conversation) == []
