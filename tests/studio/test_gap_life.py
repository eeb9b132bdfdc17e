"""Gaps from their first question to their end: what opens, groups, closes and reopens them, and what erasing does."""

from __future__ import annotations

import asyncio

import pytest

from assistant.errors import NotFound
from assistant.journal.events import ASSISTANT, Author, Kind, NewEvent, Role, turn_client_id
from assistant.journal.store import SqliteJournal
from assistant.profile.customer import Customer
from assistant.studio.drafts import Drafts
from assistant.studio.gap_store import GapStore

ENGRAVING = "Can you engrave a name on the kettle?"
ENGRAVING_TOO = "Do you engrave kettles with my name?"
ANSWER = (
    "Hello, yes: our workshop engraves up to 12 letters on the kettle for £15. It takes one more day.\n\nBest, Nora"
)
PAGE = """# Engraving

## Can you engrave a name on the kettle?

Yes. Our workshop engraves a name of up to 12 letters on the kettle for £15. It takes one more day.
"""


async def refreshed(house, state="open"):
    gaps = house.gaps
    await asyncio.to_thread(gaps.refresh)
    return gaps.shown(state)


async def test_a_declined_question_that_an_agent_answered_is_a_gap_with_that_answer(house):
    conversation = await house.conversation()
    declined = await house.ask(conversation, ENGRAVING)
    assert declined.data["outcome"] == "declined"
    await house.hand_over(conversation)
    await house.agent_says(conversation, "Hello there, one moment please.")
    await house.agent_says(conversation, ANSWER)
    await house.end(conversation)

    (gap,) = await refreshed(house)

    data = gap.as_data()
    assert (data["label"], data["count"], data["declined"], data["handed_over"]) == (ENGRAVING, 1, 1, 1)
    (example,) = data["examples"]
    assert (example["conversation"], example["reason"], data["state"]) == (conversation, "handed_over", "open")
    assert example["agent_answer"].startswith("Yes: our workshop engraves up to 12 letters on the kettle for £15.")
    assert "Nora" not in example["agent_answer"]


async def test_an_answer_that_was_thumbed_down_is_a_gap_and_one_that_helped_is_none(house):
    unhappy, happy = await house.conversation(), await house.conversation()
    poor = await house.ask(unhappy, "How long does delivery take?")
    good = await house.ask(happy, "How do I descale the kettle?")
    assert (poor.data["outcome"], good.data["outcome"]) == ("answered", "answered")
    await house.rate(unhappy, poor.seq, useful=False)
    await house.rate(happy, good.seq, useful=True)

    (gap,) = await refreshed(house)

    data = gap.as_data()
    assert (data["label"], data["thumbed_down"], data["declined"]) == ("How long does delivery take?", 1, 0)


async def test_a_gaps_products_are_written_as_the_documents_write_them(house):
    await asyncio.to_thread(house.write, "lark.md", "---\nproducts: [Lark 2]\n---\n# Lark 2\n\nIt boils water.\n")
    await house.ask(await house.conversation(), "Can you engrave a name on my LARK 2?")

    (gap,) = await refreshed(house)

    assert gap.as_data()["products"] == ["Lark 2"]
    assert house.gaps.draft(gap.gap.id, "ines@shop.example").products == ("Lark 2",)


async def test_small_talk_and_asking_for_a_person_at_once_are_no_gaps(house):
    conversation = await house.conversation()
    await house.ask(conversation, "Hello!")
    await house.hand_over(conversation)

    assert await refreshed(house, None) == []


async def test_questions_that_ask_the_same_are_one_gap_and_others_are_their_own(house):
    for text in (ENGRAVING, ENGRAVING_TOO, "Do you sell gift vouchers?"):
        await house.ask(await house.conversation(), text)

    shown = await refreshed(house)

    assert [gap.as_data()["count"] for gap in shown] == [2, 1]
    assert shown[1].label == "Do you sell gift vouchers?"


async def test_reading_the_journal_again_counts_nothing_twice_and_moves_nothing(house):
    conversation = await house.conversation()
    await house.ask(conversation, ENGRAVING)
    (first,) = await refreshed(house)
    other = house.gaps
    await house.hand_over(conversation)
    await house.ask(await house.conversation(), ENGRAVING_TOO)
    await asyncio.gather(asyncio.to_thread(other.refresh), asyncio.to_thread(house.gaps.refresh))

    (gap,) = await refreshed(house)

    data = gap.as_data()
    assert (gap.gap.id, data["count"], data["declined"], data["handed_over"]) == (first.gap.id, 2, 2, 1)


async def test_a_gap_closes_when_a_release_answers_it_and_the_draft_was_only_the_way(house):
    await house.solved_by_nora(ENGRAVING, ANSWER)
    gaps = house.gaps
    await asyncio.to_thread(gaps.refresh)
    (gap,) = gaps.shown("open")
    draft = gaps.draft(gap.gap.id, "ines@shop.example")
    assert [one.gap.id for one in gaps.shown("drafted")] == [gap.gap.id]

    release = await asyncio.to_thread(house.write, "engraving.md", PAGE, publish=False)
    await asyncio.to_thread(gaps.refresh)
    still = gaps.shown("drafted")
    house.library.publish(release, "ines@shop.example")
    await asyncio.to_thread(gaps.refresh)

    (closed,) = gaps.shown("closed")
    assert len(still) == 1
    assert (closed.gap.closed_release, closed.draft, gaps.shown("open")) == (release, draft, [])


async def test_a_release_that_says_something_else_closes_nothing(house):
    await house.ask(await house.conversation(), ENGRAVING)
    await refreshed(house)

    await asyncio.to_thread(house.write, "vouchers.md", "# Gift vouchers\n\nVouchers are valid for three years.\n")

    assert len(await refreshed(house, "open")) == 1


async def test_a_closed_gap_opens_again_when_it_is_asked_in_vain_or_its_answer_is_rolled_back(house):
    await house.ask(await house.conversation(), ENGRAVING)
    before = house.library.release
    await refreshed(house)
    with_page = await asyncio.to_thread(house.write, "engraving.md", PAGE)
    assert len(await refreshed(house, "closed")) == 1

    house.library.rollback(before, "ines@shop.example")
    (reopened,) = await refreshed(house, "open")
    house.library.publish(with_page, "ines@shop.example")
    (closed_again,) = await refreshed(house, "closed")
    await asyncio.to_thread(house.write, "engraving.md", "# Engraving\n\nNo page yet.\n")
    await house.ask(await house.conversation(), ENGRAVING_TOO)
    (open_again,) = await refreshed(house, "open")

    assert reopened.gap.reopened_at
    assert closed_again.gap.reopened_at is None
    assert (open_again.gap.id, open_again.as_data()["count"]) == (reopened.gap.id, 2)
    assert open_again.gap.reopened_at


async def test_an_answer_that_was_thumbed_down_is_not_closed_by_being_given_again(house):
    conversation = await house.conversation()
    poor = await house.ask(conversation, "How long does delivery take?")
    await house.rate(conversation, poor.seq, useful=False)
    await refreshed(house)

    await asyncio.to_thread(house.write, "vouchers.md", "# Gift vouchers\n\nVouchers are valid for three years.\n")
    still_open = await refreshed(house, "open")
    page = "# Delivery\n\n## How long does delivery take?\n\nDelivery takes two days in the city and five elsewhere.\n"
    await asyncio.to_thread(house.write, "delivery.md", page)

    assert len(still_open) == 1
    assert len(await refreshed(house, "closed")) == 1


async def test_what_a_model_declined_is_not_closed_by_what_the_embedded_way_knew_all_along(house):
    text = "How do I descale the kettle?"
    journal = SqliteJournal(house.settings.data_dir / "tellonce.db")  # which no turn listens to
    conversation = (await journal.create_conversation(visitor_id="vis_2")).id
    notes = {"turn": 1, "intent": "question", "question": text, "standalone": text, "release": house.library.release}
    declined = {"text": "I could not find this.", "outcome": "declined", "citations": [], "turn": 1}
    said = [
        NewEvent(Kind.MESSAGE, Author(Role.CUSTOMER, None, "vis_2"), {"text": text}, "q"),
        NewEvent(Kind.EVIDENCE, ASSISTANT, notes, "evidence-1"),
        NewEvent(Kind.MESSAGE, ASSISTANT, declined, turn_client_id(1)),
    ]
    await journal.append(conversation, said)
    await journal.close()
    await refreshed(house)

    await asyncio.to_thread(house.write, "vouchers.md", "# Gift vouchers\n\nVouchers are valid for three years.\n")
    still_open = await refreshed(house, "open")
    page = f"# Limescale\n\n## {text}\n\nPour in a litre of vinegar, wait for an hour and rinse the kettle twice.\n"
    await asyncio.to_thread(house.write, "descaling.md", page)

    assert [gap.label for gap in still_open] == [text]
    assert [gap.label for gap in await refreshed(house, "closed")] == [text]


async def test_what_is_erased_in_the_journal_is_gone_from_the_gaps_with_its_untouched_draft(house):
    kept = await house.solved_by_nora("Do you sell gift vouchers?", "Yes, we sell vouchers of £20 and £50 at the till.")
    erased = await house.solved_by_nora(ENGRAVING, ANSWER)
    gaps = house.gaps
    await asyncio.to_thread(gaps.refresh)
    of_erased = next(gap for gap in gaps.shown() if gap.examples[0].conversation == erased)
    draft = gaps.draft(of_erased.gap.id, "ines@shop.example")

    await house.journal.erase(erased)
    await asyncio.to_thread(gaps.refresh)

    (left,) = gaps.shown(None)
    assert left.examples[0].conversation == kept
    with pytest.raises(NotFound):
        gaps.show(of_erased.gap.id)
    with pytest.raises(NotFound):
        Drafts(house.engine).load(draft.id)
    assert [one.place[0] for one in GapStore(house.engine).questions()] == [kept]


async def test_a_gap_that_loses_one_of_its_questions_keeps_the_others(house):
    first, second = await house.conversation(), await house.conversation()
    await house.ask(first, ENGRAVING)
    await house.ask(second, ENGRAVING_TOO)
    (both,) = await refreshed(house)

    await house.journal.erase(first)

    (left,) = await refreshed(house)
    assert (left.gap.id, left.label, left.as_data()["count"]) == (both.gap.id, ENGRAVING_TOO, 1)


async def test_what_tells_who_asked_is_not_shown(house):
    house.customers["cus_1"] = Customer("cus_1", name="Ada Lovelace", email="ada@example.com", phone="+44 7700 900142")
    await house.solved_by_nora(
        "Can you engrave the name Lovelace on a kettle? Write to ada@example.com or +44 7700 900142",
        "Dear Ada, yes: our workshop engraves up to 12 letters for £15. I put a note on order A-104655. Regards, Nora",
        "cus_1",
    )

    (gap,) = await refreshed(house)

    shown = f"{gap.label} {gap.examples[0].question} {gap.examples[0].agent_answer}"
    for private in ("Ada", "Lovelace", "example.com", "900142", "A-104655", "Nora"):
        assert private not in shown
    assert "engraves up to 12 letters for £15" in shown


async def test_a_dismissed_gap_stays_away_however_often_it_is_asked(house):
    await house.ask(await house.conversation(), ENGRAVING)
    gaps = house.gaps
    await asyncio.to_thread(gaps.refresh)
    (gap,) = gaps.shown()

    gaps.dismiss(gap.gap.id, "ines@shop.example")
    await house.ask(await house.conversation(), ENGRAVING_TOO)

    assert await refreshed(house) == []
    (dismissed,) = await refreshed(house, "dismissed")
    assert (dismissed.as_data()["count"], dismissed.gap.dismissed_by) == (2, "ines@shop.example")


async def test_another_embedding_model_keeps_every_question_in_its_gap(house, monkeypatch):
    for text in (ENGRAVING, ENGRAVING_TOO, "Do you sell gift vouchers?"):
        await house.ask(await house.conversation(), text)
    before = [(gap.gap.id, gap.as_data()["count"]) for gap in await refreshed(house)]

    monkeypatch.setattr(type(house.library.embedder), "revision", property(lambda self: "another:1"))
    after = await refreshed(house)

    assert [(gap.gap.id, gap.as_data()["count"]) for gap in after] == before
    assert GapStore(house.engine).progress().embedder == "another:1"


async def test_documents_that_answers_quoted_are_known_as_used(house):
    answer = await house.ask(await house.conversation(), "How do I descale the kettle?")
    gaps = house.gaps
    await asyncio.to_thread(gaps.refresh)

    assert gaps.used_documents() == {answer.data["citations"][0]["document"]: answer.at}
