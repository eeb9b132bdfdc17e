"""What every journal promises (`assistant.journal.port.Journal`), as tests for any adapter.

An adapter's test module subclasses `JournalContract` and gives it three fixtures: `journal`, empty, whose clock is the
fixture `clock` and which reports commits to the fixture `committed`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from assistant.errors import Forbidden, NotFound, StorageUnavailable, Superseded
from assistant.journal.events import Audience, Author, Event, Kind, NewEvent, Role
from assistant.journal.port import ChainReport, Journal, Unless
from assistant.journal.transcript import AGENT_FLOOR, ASSISTANT_FLOOR, ENDED_FLOOR, QUEUE_FLOOR

ADA = Author(Role.CUSTOMER, "Ada", "visitor-1")
BEN = Author(Role.AGENT, "Ben", "agent-7")
BOT = Author(Role.ASSISTANT, "Assistant")


@dataclass
class FixedClock:
    """Seconds since the epoch, moved by hand."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Committed:
    """What a journal told its readers, a list a commit."""

    commits: list[list[Event]] = field(default_factory=list)

    def __call__(self, events: Any) -> None:
        self.commits.append(list(events))

    @property
    def events(self) -> list[Event]:
        return [event for commit in self.commits for event in commit]


def says(text: str, client_id: str | None = None, author: Author = ADA) -> NewEvent:
    return NewEvent(Kind.MESSAGE, author, {"text": text}, client_id)


def notes(text: str) -> NewEvent:
    return NewEvent(Kind.NOTE, BEN, {"text": text})


async def reports(journal: Journal, conversation_id: str | None = None) -> list[ChainReport]:
    return [report async for report in journal.verify(conversation_id)]


class JournalContract:
    """Inherit, and provide the fixtures."""

    async def test_events_are_numbered_without_gaps_and_read_back_as_written(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="visitor-1", customer_id="ada", channel="sms")
        appended = await journal.append(
            conversation.id, [says("Hello — grüß dich, 你好 \U0001f600"), notes("knows us")]
        )
        appended_later = await journal.append(conversation.id, [says("Are you there?", "b")])
        events = await journal.read(conversation.id)
        assert events == [*appended.events, *appended_later.events]
        assert [event.seq for event in events] == [1, 2, 3]
        assert events[0].text == "Hello — grüß dich, 你好 \U0001f600"
        assert (events[1].author, events[1].kind, events[2].client_id) == (BEN, Kind.NOTE, "b")
        assert not appended.repeated

    async def test_prev_is_the_event_before_that_the_customer_may_see(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        await journal.append(conversation.id, [notes("a"), says("b"), notes("c"), notes("d"), says("e"), says("f")])
        assert [event.prev for event in await journal.read(conversation.id)] == [0, 0, 2, 2, 2, 5]

    async def test_reading_pages_by_seq_and_hides_internal_kinds_from_everyone(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        await journal.append(conversation.id, [says("1"), notes("2"), says("3"), says("4")])
        seqs = [event.seq for event in await journal.read(conversation.id, after=1, limit=2)]
        seen = [
            event.seq for event in await journal.read(conversation.id, after=1, audience=Audience.EVERYONE, limit=2)
        ]
        assert (seqs, seen) == ([2, 3], [3, 4])
        assert await journal.read(conversation.id, after=4) == []
        assert await journal.read("nowhere") == []

    async def test_a_client_id_sent_again_stores_nothing_and_gives_back_what_is_stored(
        self, journal: Journal, committed: Committed
    ) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        first = await journal.append(conversation.id, [says("Hello", "one")])
        again = await journal.append(conversation.id, [says("Hello, differently", "one")])
        assert again.repeated
        assert again.events == first.events == tuple(await journal.read(conversation.id))
        assert committed.events == list(first.events)

    async def test_ten_at_once_under_one_client_id_are_stored_once(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        appends = (journal.append(conversation.id, [says("Hello", "one")]) for _ in range(10))
        outcomes = await asyncio.gather(*appends)
        assert sum(not outcome.repeated for outcome in outcomes) == 1
        stored = await journal.read(conversation.id)
        assert [list(outcome.events) for outcome in outcomes] == [stored] * 10

    async def test_any_known_client_id_makes_the_whole_append_a_repeat(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        evidence = NewEvent(Kind.EVIDENCE, BOT, {"turn": 1})
        await journal.append(conversation.id, [evidence, says("The answer", "turn-1", BOT)])
        again = await journal.append(conversation.id, [evidence, says("Another answer", "turn-1", BOT)])
        assert (again.repeated, [event.text for event in again.events]) == (True, ["The answer"])
        assert len(await journal.read(conversation.id)) == 2

    async def test_the_same_client_id_is_another_one_in_another_conversation(self, journal: Journal) -> None:
        one, two = [await journal.create_conversation(visitor_id="v") for _ in range(2)]
        assert not (await journal.append(one.id, [says("a", "same")])).repeated
        assert not (await journal.append(two.id, [says("b", "same")])).repeated

    async def test_an_unknown_conversation_is_not_found(self, journal: Journal, committed: Committed) -> None:
        with pytest.raises(NotFound):
            await journal.append("nowhere", [says("Hello")])
        with pytest.raises(NotFound):
            await journal.attach_customer("nowhere", "ada")
        assert await journal.load_conversation("nowhere") is None
        assert committed.commits == []

    async def test_unless_refuses_only_when_such_a_kind_came_after(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        handoff = NewEvent(Kind.HANDOFF_REQUESTED, ADA, {"reason": "asked"})
        await journal.append(conversation.id, [handoff, says("Well?")])
        after_handoff = Unless(frozenset({Kind.HANDOFF_REQUESTED, Kind.CONVERSATION_ENDED}), after=1)
        from_the_start = Unless(frozenset({Kind.HANDOFF_REQUESTED}), after=0)
        await journal.append(conversation.id, [says("An answer", None, BOT)], unless=after_handoff)
        with pytest.raises(Superseded):
            await journal.append(conversation.id, [says("Too late", None, BOT)], unless=from_the_start)
        assert [event.seq for event in await journal.read(conversation.id)] == [1, 2, 3]

    async def test_unless_sees_what_was_submitted_just_before(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        await journal.append(conversation.id, [says("Well?")])
        handoff = NewEvent(Kind.HANDOFF_REQUESTED, ADA)
        unless = Unless(frozenset({Kind.HANDOFF_REQUESTED}), after=1)
        first, second = await asyncio.gather(
            journal.append(conversation.id, [handoff]),
            journal.append(conversation.id, [says("Too late", "turn-1", BOT)], unless=unless),
            return_exceptions=True,
        )
        assert not isinstance(first, BaseException)
        assert isinstance(second, Superseded)

    async def test_a_repeat_is_told_before_its_condition_is_asked(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        unless = Unless(frozenset({Kind.HANDOFF_REQUESTED}), after=0)
        await journal.append(conversation.id, [says("The answer", "turn-1", BOT)], unless=unless)
        await journal.append(conversation.id, [NewEvent(Kind.HANDOFF_REQUESTED, ADA)])
        assert (await journal.append(conversation.id, [says("The answer", "turn-1", BOT)], unless=unless)).repeated

    async def test_readers_hear_of_an_event_before_its_writer_does(
        self, journal: Journal, committed: Committed
    ) -> None:
        conversation = await journal.create_conversation(visitor_id="v")

        async def write(number: int) -> bool:
            appended = await journal.append(conversation.id, [says(str(number))])
            return appended.events[0] in committed.events

        assert all(await asyncio.gather(*(write(number) for number in range(30))))
        assert [event.seq for event in committed.events] == list(range(1, 31))

    async def test_time_never_goes_backwards_within_a_conversation(self, journal: Journal, clock: FixedClock) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        for now in (clock.now, clock.now - 86_400, clock.now + 1.5):
            clock.now = now
            await journal.append(conversation.id, [says("tick")])
        times = [event.at for event in await journal.read(conversation.id)]
        assert times == ["2027-01-15T08:00:00.000Z", "2027-01-15T08:00:00.000Z", "2027-01-15T08:00:01.500Z"]

    async def test_the_conversation_tells_floor_agent_and_what_is_owed(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        assert (conversation.floor, conversation.head_seq, conversation.unanswered_seq) == (ASSISTANT_FLOOR, 0, None)
        steps = [
            (says("Where is my order?"), (ASSISTANT_FLOOR, None, 1, 1)),
            (notes("a note"), (ASSISTANT_FLOOR, None, 1, 1)),
            (says("On its way.", "turn-1", BOT), (ASSISTANT_FLOOR, None, None, 3)),
            (NewEvent(Kind.HANDOFF_REQUESTED, ADA), (QUEUE_FLOOR, None, None, 4)),
            (says("Anybody?"), (QUEUE_FLOOR, None, None, 5)),
            (NewEvent(Kind.HANDOFF_ACCEPTED, BEN), (AGENT_FLOOR, "agent-7", None, 6)),
            (NewEvent(Kind.CONVERSATION_ENDED, BEN), (ENDED_FLOOR, None, None, 7)),
            (says("One more thing"), (ASSISTANT_FLOOR, None, 8, 8)),
        ]
        for event, expected in steps:
            await journal.append(conversation.id, [event])
            now = await journal.load_conversation(conversation.id)
            assert now is not None
            assert (now.floor, now.agent_id, now.unanswered_seq, now.head_customer_seq) == expected

    async def test_conversations_are_listed_newest_first_by_every_given_filter(
        self, journal: Journal, clock: FixedClock
    ) -> None:
        ids = []
        for visitor, customer in (("v1", None), ("v1", "ada"), ("v2", "ada"), ("v2", None)):
            clock.now += 1
            conversation = await journal.create_conversation(visitor_id=visitor, customer_id=customer)
            ids.append(conversation.id)
        for position in (2, 0, 1):  # the fourth stays empty
            clock.now += 1
            await journal.append(ids[position], [says("Hello")])
        await journal.append(ids[0], [NewEvent(Kind.HANDOFF_REQUESTED, ADA)])

        async def listed(**filters: Any) -> list[int]:
            return [ids.index(found.id) for found in await journal.list_conversations(**filters)]

        assert await listed() == [1, 0, 2]
        assert await listed(limit=2) == [1, 0]
        assert await listed(visitor_id="v1") == [1, 0]
        assert await listed(customer_id="ada") == [1, 2]
        assert await listed(customer_id="ada", visitor_id="v2") == [2]
        assert await listed(floors=[QUEUE_FLOOR, AGENT_FLOOR]) == [0]
        assert await listed(unanswered=True) == [1, 2]
        assert await listed(visitor_id="v2", empty=True) == [2, 3]
        assert len(await listed(limit=None)) == 3

    async def test_the_newest_event_of_a_kind_is_found(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v1")
        other = await journal.create_conversation(visitor_id="v1")
        await journal.append(conversation.id, [says("one"), says("two"), NewEvent(Kind.NOTE, ADA, {"text": "three"})])

        newest = await journal.newest(conversation.id, Kind.MESSAGE)

        assert newest is not None
        assert (newest.seq, newest.text) == (2, "two")
        assert await journal.newest(conversation.id, Kind.CONTEXT) is None
        assert await journal.newest(other.id, Kind.MESSAGE) is None

    async def test_a_customer_is_attached(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        await journal.append(conversation.id, [says("Hello")])
        await journal.attach_customer(conversation.id, "ada")
        assert [found.customer_id for found in await journal.list_conversations(customer_id="ada")] == ["ada"]

    async def test_a_conversation_never_moves_to_another_customer(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v1")
        await journal.attach_customer(conversation.id, "ada")
        await journal.attach_customer(conversation.id, "ada")

        with pytest.raises(Forbidden):
            await journal.attach_customer(conversation.id, "bob")

        found = await journal.load_conversation(conversation.id)
        assert found is not None
        assert found.customer_id == "ada"

    async def test_a_whole_journal_verifies(self, journal: Journal) -> None:
        one, two, empty = [await journal.create_conversation(visitor_id="v") for _ in range(3)]
        await journal.append(one.id, [says("a"), notes("b")])
        await journal.append(two.id, [says("c")])
        expected = {ChainReport(one.id, 2, 0), ChainReport(two.id, 1, 0), ChainReport(empty.id, 0, 0)}
        assert set(await reports(journal)) == expected
        assert await reports(journal, one.id) == [ChainReport(one.id, 2, 0)]

    async def test_a_journal_that_is_being_written_verifies(self, journal: Journal) -> None:
        conversations = [await journal.create_conversation(visitor_id="v") for _ in range(3)]

        async def write(conversation_id: str) -> None:
            for number in range(40):
                await journal.append(conversation_id, [says(str(number)), notes("beside")])

        writing = asyncio.gather(*(write(conversation.id) for conversation in conversations))
        found: list[ChainReport] = []
        while not writing.done():
            found += await reports(journal)
        assert [report for report in found if report.broken_seq is not None] == []
        assert len(found) >= 3
        await writing

    async def test_erasing_takes_words_and_author_and_leaves_a_chain_that_verifies(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        await journal.append(conversation.id, [says("My card is 4111", "a"), says("and my name Ada"), notes("card!")])
        assert await journal.erase(conversation.id, [1, 3, 99]) == 2
        first, second, _ = await journal.read(conversation.id)
        assert (first.data, first.author, first.seq, first.client_id) == (None, Author(Role.CUSTOMER), 1, "a")
        assert (second.text, second.author) == ("and my name Ada", ADA)
        assert await reports(journal) == [ChainReport(conversation.id, 3, 2)]
        assert await journal.erase(conversation.id) == 1
        assert await journal.erase(conversation.id) == 0
        await journal.append(conversation.id, [says("New words")])
        assert await reports(journal) == [ChainReport(conversation.id, 4, 3)]

    async def test_what_was_erased_is_told_of_the_conversations_asked_about(self, journal: Journal) -> None:
        first, second, third = [await journal.create_conversation(visitor_id="v") for _ in range(3)]
        for conversation in (first, second, third):
            await journal.append(conversation.id, [says("My card is 4111"), says("and my name Ada"), notes("card!")])
        await journal.erase(first.id, [1, 3])
        await journal.erase(third.id)
        assert await journal.erased([first.id, second.id, "nobody's"]) == {first.id: frozenset({1, 3})}
        assert await journal.erased([]) == {}

    async def test_a_repeat_of_an_erased_event_brings_nothing_back(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        await journal.append(conversation.id, [says("My card is 4111", "a")])
        await journal.erase(conversation.id)
        again = await journal.append(conversation.id, [says("My card is 4111", "a")])
        assert (again.repeated, again.events[0].data) == (True, None)

    async def test_data_that_json_cannot_hold_is_refused_and_harms_nobody(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        with pytest.raises(TypeError):
            await journal.append(conversation.id, [NewEvent(Kind.NOTE, BEN, {"when": object()})])
        with pytest.raises(TypeError):
            await journal.append(conversation.id, [says("half a letter \ud800")])
        await journal.append(conversation.id, [says("Hello")])
        assert len(await journal.read(conversation.id)) == 1

    async def test_an_id_that_is_no_text_is_unknown_and_harms_nobody(self, journal: Journal) -> None:
        half = "\ud800"
        conversation = await journal.create_conversation(visitor_id="v")
        outcomes = await asyncio.gather(
            journal.append(conversation.id, [says("Hello")]),
            journal.append(half, [says("Hello")]),
            journal.append(conversation.id, [says("Hello", half)]),
            journal.attach_customer(half, "ada"),
            journal.create_conversation(visitor_id=half),
            return_exceptions=True,
        )
        assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, True, True, True]
        assert not any(isinstance(outcome, StorageUnavailable) for outcome in outcomes)
        assert await journal.load_conversation(half) is None
        assert await journal.read(half) == []
        assert len(await journal.read(conversation.id)) == 1

    async def test_a_caller_who_gives_up_takes_nothing_back(self, journal: Journal, committed: Committed) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        task = asyncio.create_task(journal.append(conversation.id, [says("Hello", "one")]))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await journal.append(conversation.id, [says("Hello", "one")])).repeated
        assert [event.text for event in committed.events] == ["Hello"]

    async def test_closing_finishes_what_was_submitted_and_refuses_what_comes_later(self, journal: Journal) -> None:
        conversation = await journal.create_conversation(visitor_id="v")
        appends = [asyncio.create_task(journal.append(conversation.id, [says(str(n))])) for n in range(20)]
        await asyncio.sleep(0)
        await journal.close()
        assert [(await append).events[0].seq for append in appends] == list(range(1, 21))
        with pytest.raises(StorageUnavailable):
            await journal.append(conversation.id, [says("late")])
        with pytest.raises(StorageUnavailable):
            await journal.read(conversation.id)
        await journal.close()
