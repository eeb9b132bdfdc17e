"""What an agent may do and when, on a real journal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from desk_cast import ADA, BEN, MIA, asked_for_a_person, new_id, said

from assistant.desk.conduct import Conduct
from assistant.desk.people import Agent
from assistant.errors import Conflict, Forbidden, NotFound
from assistant.journal.events import Audience, Event, Kind, NewEvent
from assistant.journal.port import Appended, read_whole
from assistant.journal.store import SqliteJournal

Verb = Callable[[Conduct, Agent, str], Awaitable[Appended]]

NEEDING_THE_FLOOR = [
    pytest.param(lambda c, agent, where: c.say(agent, where, "Hello", new_id()), id="say"),
    pytest.param(lambda c, agent, where: c.give_back(agent, where, new_id()), id="return"),
    pytest.param(lambda c, agent, where: c.transfer(agent, where, new_id()), id="transfer"),
    pytest.param(lambda c, agent, where: c.close(agent, where, new_id()), id="close"),
]


async def seen_by_the_customer(journal: SqliteJournal, conversation_id: str) -> list[Event]:
    return await journal.read(conversation_id, audience=Audience.EVERYONE)


async def test_who_accepts_a_waiting_conversation_has_it(
    conduct: Conduct, journal: SqliteJournal, waiting: str
) -> None:
    appended = await conduct.accept(MIA, waiting, new_id())
    assert appended.events[0].data == {"agent": {"name": "Mia Stone"}}
    conversation = await journal.load_conversation(waiting)
    assert conversation is not None
    assert (conversation.floor, conversation.agent_id) == ("agent", MIA.id)


async def test_a_second_agent_is_told_who_has_it(conduct: Conduct, waiting: str) -> None:
    await conduct.accept(MIA, waiting, new_id())
    with pytest.raises(Conflict, match="Mia Stone has this conversation"):
        await conduct.accept(BEN, waiting, new_id())


async def test_of_many_who_accept_at_once_exactly_one_does(
    conduct: Conduct, journal: SqliteJournal, waiting: str
) -> None:
    attempts = (conduct.accept(agent, waiting, new_id()) for agent in (MIA, BEN) * 5)
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    winners = {o.events[0].author.id for o in outcomes if isinstance(o, Appended)}
    assert len(winners) == 1
    assert all(isinstance(o, Appended | Conflict) for o in outcomes)
    accepted = [e for e in await read_whole(journal, waiting) if e.kind is Kind.HANDOFF_ACCEPTED]
    assert len(accepted) == 1


async def test_accepting_again_changes_nothing(conduct: Conduct, journal: SqliteJournal, waiting: str) -> None:
    first = await conduct.accept(MIA, waiting, new_id())
    again = await conduct.accept(MIA, waiting, new_id())
    assert again.repeated
    assert again.events == first.events


@pytest.mark.parametrize(
    ("happened", "complaint"),
    [
        pytest.param([], "has not asked for a person", id="never asked"),
        pytest.param([asked_for_a_person(), NewEvent(Kind.CONVERSATION_ENDED, ADA, {})], "has ended", id="ended"),
    ],
)
async def test_only_who_waits_can_be_accepted(
    conduct: Conduct, journal: SqliteJournal, happened: list[NewEvent], complaint: str
) -> None:
    conversation = await journal.create_conversation(visitor_id="vis_1")
    await journal.append(conversation.id, [said("Hi"), *happened])
    with pytest.raises(Conflict, match=complaint):
        await conduct.accept(MIA, conversation.id, new_id())


@pytest.mark.parametrize("verb", NEEDING_THE_FLOOR)
async def test_only_the_agent_who_has_the_floor_may(
    conduct: Conduct, journal: SqliteJournal, waiting: str, verb: Verb
) -> None:
    with pytest.raises(Conflict, match="accept it first"):
        await verb(conduct, MIA, waiting)
    await conduct.accept(MIA, waiting, new_id())
    before = await read_whole(journal, waiting)
    with pytest.raises(Conflict, match="Mia Stone has this conversation"):
        await verb(conduct, BEN, waiting)
    assert await read_whole(journal, waiting) == before
    assert not (await verb(conduct, MIA, waiting)).repeated


@pytest.mark.parametrize("verb", NEEDING_THE_FLOOR)
async def test_nobody_may_do_anything_where_there_is_nothing(conduct: Conduct, verb: Verb) -> None:
    with pytest.raises(NotFound):
        await verb(conduct, MIA, "conv_nowhere")


async def test_what_an_agent_says_reaches_the_customer_with_its_blocks(
    conduct: Conduct, journal: SqliteJournal, waiting: str
) -> None:
    await conduct.accept(MIA, waiting, new_id())
    await conduct.say(MIA, waiting, "Hold the button for **5 s**.", new_id())
    last = (await seen_by_the_customer(journal, waiting))[-1]
    assert last.author.name == "Mia Stone"
    assert last.data is not None
    assert {"t": "b", "c": [{"t": "text", "text": "5 s"}]} in last.data["blocks"][0]["c"]


async def test_the_same_words_under_the_same_id_are_said_once_even_after_the_end(
    conduct: Conduct, journal: SqliteJournal, waiting: str
) -> None:
    await conduct.accept(MIA, waiting, new_id())
    frame_id = new_id()
    first = await conduct.say(MIA, waiting, "Hello", frame_id)
    assert (await conduct.say(MIA, waiting, "Hello", frame_id)).repeated
    await journal.append(waiting, [NewEvent(Kind.CONVERSATION_ENDED, ADA, {})])
    late = await conduct.say(MIA, waiting, "Hello", frame_id)
    assert (late.repeated, late.events) == (True, first.events)
    assert len([e for e in await read_whole(journal, waiting) if e.text == "Hello"]) == 1


async def test_an_id_of_somebody_elses_brings_nothing_back(
    conduct: Conduct, journal: SqliteJournal, waiting: str
) -> None:
    customers = (await read_whole(journal, waiting))[0].client_id
    assert customers is not None
    await conduct.accept(MIA, waiting, new_id())
    with pytest.raises(Forbidden, match="somebody else"):
        await conduct.say(MIA, waiting, "Hello", customers)


async def test_a_note_is_for_colleagues_whoever_has_the_floor(
    conduct: Conduct, journal: SqliteJournal, waiting: str
) -> None:
    await conduct.note(BEN, waiting, "Angry about the last repair.", new_id())
    await conduct.accept(MIA, waiting, new_id())
    await conduct.note(BEN, waiting, "Be kind.", new_id())
    notes = [e.text for e in await read_whole(journal, waiting) if e.kind is Kind.NOTE]
    assert notes == ["Angry about the last repair.", "Be kind."]
    assert Kind.NOTE not in {e.kind for e in await seen_by_the_customer(journal, waiting)}


async def test_a_conversation_passed_on_waits_again_and_its_reason_stays_inside(
    conduct: Conduct, journal: SqliteJournal, waiting: str
) -> None:
    await conduct.accept(MIA, waiting, new_id())
    await conduct.transfer(MIA, waiting, new_id(), to=BEN, reason="Difficult customer.")
    conversation = await journal.load_conversation(waiting)
    assert conversation is not None
    assert (conversation.floor, conversation.agent_id) == ("queue", None)
    seen = await seen_by_the_customer(journal, waiting)
    assert "Difficult" not in str(seen)
    assert seen[-1].data == {"agent": {"name": "Ben Hart"}, "from": {"name": "Mia Stone"}}
    await conduct.accept(BEN, waiting, new_id())


async def test_closing_ends_the_conversation_and_asks_what_it_cost(
    conduct: Conduct, journal: SqliteJournal, waiting: str
) -> None:
    await conduct.accept(MIA, waiting, new_id())
    await conduct.close(MIA, waiting, new_id())
    ended, offered = (await seen_by_the_customer(journal, waiting))[-2:]
    assert (ended.kind, offered.kind) == (Kind.CONVERSATION_ENDED, Kind.SURVEY_OFFERED)
    assert ended.data is not None
    assert ended.data["by"] == "agent"
    assert offered.data is not None
    assert (offered.data["metric"], offered.data["scale"]["max"]) == ("ces", 7)


async def test_why_an_agent_closed_stays_inside(conduct: Conduct, journal: SqliteJournal, waiting: str) -> None:
    await conduct.accept(MIA, waiting, new_id())
    await conduct.close(MIA, waiting, new_id(), "Abusive.")
    assert "Abusive" not in str(await seen_by_the_customer(journal, waiting))
    assert (await read_whole(journal, waiting))[-1].text == "Closed: Abusive."


async def test_who_closes_without_having_been_asked_anything_asks_nothing(
    conduct: Conduct, journal: SqliteJournal
) -> None:
    conversation = await journal.create_conversation(visitor_id="vis_1")
    await journal.append(conversation.id, [asked_for_a_person()])
    await conduct.accept(MIA, conversation.id, new_id())
    closed = await conduct.close(MIA, conversation.id, new_id())
    assert [e.kind for e in closed.events] == [Kind.CONVERSATION_ENDED]


async def test_an_agent_and_a_customer_who_end_at_once_end_it_once(
    conduct: Conduct, journal: SqliteJournal, waiting: str
) -> None:
    await conduct.accept(MIA, waiting, new_id())
    customer_ends = journal.append(waiting, [NewEvent(Kind.CONVERSATION_ENDED, ADA, {"by": "customer"})])
    outcomes = await asyncio.gather(customer_ends, conduct.close(MIA, waiting, new_id()), return_exceptions=True)
    assert any(isinstance(outcome, Conflict) for outcome in outcomes)
    ends = [e for e in await read_whole(journal, waiting) if e.kind is Kind.CONVERSATION_ENDED]
    assert len(ends) == 1


async def test_giving_back_lets_the_assistant_go_on(conduct: Conduct, journal: SqliteJournal, waiting: str) -> None:
    await conduct.accept(MIA, waiting, new_id())
    await conduct.give_back(MIA, waiting, new_id())
    await journal.append(waiting, [said("And the warranty?")])
    conversation = await journal.load_conversation(waiting)
    assert conversation is not None
    assert conversation.floor == "assistant"
    assert conversation.unanswered_seq == conversation.head_seq
