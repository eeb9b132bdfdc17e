"""Drafts: prefilled, edited, accepted into a file that is found, and who did what."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from assistant.errors import BadFrame, NotFound
from assistant.profile.customer import Customer
from assistant.studio.drafts import Drafts, as_markdown
from knowledge.reading.markdown import read_markdown

INES, OTTO = "ines@shop.example", "otto@shop.example"
QUESTION = "Can you engrave a name on the kettle?"


@pytest.fixture
def uploads(house) -> Path:
    folder = house.settings.data_dir / "knowledge" / "uploads"
    house.library.add([str(house.pages)])
    return folder


async def gap_of(house, question=QUESTION, answer="Hello, yes: we engrave up to 12 letters for £15.", customer=None):
    conversation = await house.solved_by_nora(question, answer, customer)
    gaps = house.gaps
    await asyncio.to_thread(gaps.refresh)
    return gaps, next(g.gap.id for g in gaps.shown(None) if conversation in {e.conversation for e in g.examples})


async def test_a_draft_is_prefilled_from_the_agents_answer_and_made_once(house):
    gaps, gap = await gap_of(house)

    first, second = gaps.draft(gap, INES), gaps.draft(gap, OTTO)

    assert (first.question, first.answer) == (QUESTION, "Yes: we engrave up to 12 letters for £15.")
    assert (first.state, first.made_by, second) == ("draft", INES, first)


async def test_what_is_personal_in_the_agents_answer_is_left_out_and_told(house):
    house.customers["cus_1"] = Customer("cus_1", name="Ada Lovelace", email="ada@example.com")
    answer = "Hello Ada, we engrave up to 12 letters for £15. I wrote so to ada@example.com, about order A-104655."
    gaps, gap = await gap_of(house, answer=answer, customer="cus_1")

    draft = gaps.draft(gap, INES)

    assert draft.answer == "We engrave up to 12 letters for £15. I wrote so to [e-mail], about order [number]."
    assert set(draft.left_out) == {"e-mail address", "order or serial number"}


async def test_a_draft_with_holes_or_without_an_answer_is_not_accepted(house, uploads):
    conversation = await house.conversation()
    await house.ask(conversation, QUESTION)
    gaps = house.gaps
    await asyncio.to_thread(gaps.refresh)
    drafts, draft = Drafts(house.engine), gaps.draft(gaps.shown()[0].gap.id, INES)

    with pytest.raises(BadFrame, match="answer of a draft"):
        drafts.accept(draft.id, INES, uploads)
    drafts.edit(draft.id, INES, answer="Write to [e-mail] and we do it.")
    with pytest.raises(BadFrame, match=r"left out: .* \[e-mail\]"):
        drafts.accept(draft.id, INES, uploads)
    assert not list(uploads.rglob("*"))


async def test_an_accepted_draft_is_a_file_whose_question_is_found_and_who_did_what_is_kept(house, uploads):
    gaps, gap = await gap_of(house)
    drafts, draft = Drafts(house.engine), gaps.draft(gap, INES)
    drafts.edit(
        draft.id, OTTO, answer="Yes. Our workshop engraves up to 12 letters for £15.", products=["Fenwick kettle"]
    )

    accepted = drafts.accept(draft.id, INES, uploads)
    house.library.add([str(uploads)])
    await asyncio.to_thread(house.library.reindex)

    assert (accepted.state, accepted.made_by, accepted.edited_by, accepted.accepted_by) == (
        "accepted",
        INES,
        OTTO,
        INES,
    )
    assert accepted.file == "answers/can-you-engrave-a-name-on-the-kettle.md"
    (best, *_) = house.library.search(QUESTION).found
    assert (best.passage.question, best.passage.products) == (QUESTION, ("Fenwick kettle",))
    assert best.passage.text.strip() == "Yes. Our workshop engraves up to 12 letters for £15."


async def test_an_answer_accepted_again_overwrites_its_own_file_and_no_other(house, uploads):
    gaps, gap = await gap_of(house)
    drafts, draft = Drafts(house.engine), gaps.draft(gap, INES)
    (uploads / "answers").mkdir(parents=True)
    (uploads / "answers" / "can-you-engrave-a-name-on-the-kettle.md").write_text("somebody else's")
    first = drafts.accept(draft.id, INES, uploads)

    changed = drafts.edit(draft.id, OTTO, answer="Not any more.")
    again = drafts.accept(draft.id, OTTO, uploads)

    assert (changed.state, again.file, first.file) == (
        "draft",
        first.file,
        "answers/can-you-engrave-a-name-on-the-kettle-2.md",
    )
    assert "Not any more." in (uploads / again.file).read_text()
    assert (uploads / "answers" / "can-you-engrave-a-name-on-the-kettle.md").read_text() == "somebody else's"


async def test_a_removed_draft_takes_its_file_along(house, uploads):
    gaps, gap = await gap_of(house)
    drafts, draft = Drafts(house.engine), gaps.draft(gap, INES)
    file = uploads / drafts.accept(draft.id, INES, uploads).file

    drafts.remove(draft.id, INES, uploads)

    assert not file.exists()
    with pytest.raises(NotFound):
        drafts.load(draft.id)
    assert gaps.show(gap).state == "open"


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("../../etc/passwd?", "answers/etc-passwd.md"),
        ("Où est mon café ?", "answers/ou-est-mon-cafe.md"),
        ("返品できますか", "answers/answer.md"),
        ("x" * 400, f"answers/{'x' * 60}.md"),
    ],
)
async def test_a_file_is_named_safely_whatever_the_question(house, uploads, question, name):
    gaps, gap = await gap_of(house)
    drafts, draft = Drafts(house.engine), gaps.draft(gap, INES)
    drafts.edit(draft.id, INES, question=question)

    assert drafts.accept(draft.id, INES, uploads).file == name
    assert (uploads / name).is_file()


async def test_no_words_of_a_draft_break_its_front_matter_or_its_question(house, uploads):
    gaps, gap = await gap_of(house)
    drafts, draft = Drafts(house.engine), gaps.draft(gap, INES)
    draft = drafts.edit(draft.id, INES, question='Is "it":\n--- yes?', answer="# Big\n\nYes.", products=["A: b", "c"])

    reading = read_markdown(as_markdown(draft))

    assert (reading.title, tuple(reading.products)) == ('Is "it": --- yes?', ("A: b", "c"))
    assert '## Is "it": --- yes?' in reading.text
    assert "### Big" in reading.text


@pytest.mark.parametrize(
    "changes", [{"question": " "}, {"question": "x" * 501}, {"answer": "x" * 20_001}, {"products": ["a\nb"]}]
)
async def test_what_cannot_be_a_draft_is_refused_and_changes_nothing(house, changes):
    gaps, gap = await gap_of(house)
    drafts, draft = Drafts(house.engine), gaps.draft(gap, INES)

    with pytest.raises(BadFrame):
        drafts.edit(draft.id, INES, **changes)

    assert drafts.load(draft.id) == draft
