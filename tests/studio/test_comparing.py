"""What a release would change: rehearsed answers, told apart, over saved and real questions."""

from __future__ import annotations

import asyncio

import pytest

from assistant.profile.customer import Customer, OwnedProduct
from assistant.studio.comparable import CASES, Comparable
from assistant.studio.comparing import compare_releases, tell_change
from assistant.studio.journal_reading import JournalReading
from assistant.studio.rehearsing import Rehearsal, RehearsedAnswer
from assistant.studio.saved_questions import SavedQuestions
from knowledge.documents import Turn
from knowledge.errors import ReleaseUnknown

PAGE = "# Engraving\n\n## Can you engrave a name on the kettle?\n\nYes, a name of up to 12 letters, for £15.\n"


async def compared(house, release, against=None, **options):
    def compare():
        return compare_releases(house.library, house.settings, house.engine, release, against, **options)

    return await asyncio.to_thread(compare)


async def test_a_rehearsal_answers_as_the_live_turn_did_and_writes_nothing(house):
    conversation = await house.conversation()
    live = await house.ask(conversation, "How do I descale the kettle?")
    head = JournalReading(house.engine).head()

    rehearsed = await Rehearsal(house.library, house.settings).answer("How do I descale the kettle?")

    assert (rehearsed.text, rehearsed.outcome) == (live.data["text"], live.data["outcome"])
    assert [c.as_data() for c in rehearsed.citations] == live.data["citations"]
    assert 0 < rehearsed.sureness <= 1
    assert JournalReading(house.engine).head() == head


async def test_a_rehearsal_sees_the_release_that_it_is_asked_about_and_no_other(house):
    before = house.library.release
    after = await asyncio.to_thread(house.write, "engraving.md", PAGE, publish=False)
    rehearsal = Rehearsal(house.library, house.settings)

    old = await rehearsal.answer("Can you engrave a name on the kettle?", release=before)
    new = await rehearsal.answer("Can you engrave a name on the kettle?", release=after)

    assert (old.outcome, new.outcome) == ("declined", "answered")
    assert {citation.release for citation in new.citations} == {after}
    assert house.library.release == before


async def test_history_tells_what_a_question_is_about(house):
    await asyncio.to_thread(house.write, "engraving.md", PAGE)
    rehearsal = Rehearsal(house.library, house.settings)
    history = (Turn("customer", "Can you engrave a name on the kettle?"), Turn("assistant", "Yes."))

    leaning = await rehearsal.answer("And how much is it?", history)
    alone = await rehearsal.answer("And how much is it?")
    both = await rehearsal.converse(["Can you engrave a name on the kettle?", "And how much is it?"])

    assert "£15" in leaning.text
    assert both[1].text == leaning.text
    assert "£15" not in alone.text


async def test_a_release_that_is_not_kept_cannot_be_rehearsed(house):
    with pytest.raises(ReleaseUnknown):
        await compared(house, 99)
    with pytest.raises(ReleaseUnknown):
        await Rehearsal(house.library, house.settings).answer("Can I return an order?", release=99)


async def test_a_comparison_tells_each_kind_of_change_and_the_gravest_first(house):
    saved = SavedQuestions(house.engine)
    for question in ("Can you engrave a name on the kettle?", "How do I descale the kettle?"):
        saved.add(question, "ines@shop.example")
    page = "# Parcels\n\n## Can I return an order with a dented box?\n\nA dented box may go back in 60 days.\n"
    saved.add("Can I return an order with a dented box?", "ines@shop.example")
    before = await asyncio.to_thread(house.write, "dents.md", page)
    (house.pages / "dents.md").rename(house.pages / "boxes.md")  # the same words, now told by another page
    release = await asyncio.to_thread(house.write, "engraving.md", PAGE, publish=False)
    steps: list[tuple[int, int]] = []

    comparison = await compared(house, release, progress=lambda done, total, what: steps.append((done, total)))

    report = comparison.as_data()
    assert (report["release"], report["against"]) == (release, before)
    assert [(q["question"], q["change"], q["origin"]) for q in report["questions"]] == [
        ("Can you engrave a name on the kettle?", "outcome", "saved"),
        ("Can I return an order with a dented box?", "sources", "saved"),
        ("How do I descale the kettle?", "same", "saved"),
    ]
    assert report["counts"] == {
        "questions": 3, "outcome": 1, "sources": 1, "wording": 0, "same": 1, "gained": 1, "lost": 0
    }  # fmt: skip
    assert "£15" in report["questions"][0]["after"]["text"]
    assert steps[-1] == (6, 6)
    assert house.library.release == before


async def test_another_wording_of_the_same_page_is_told_as_wording(house):
    SavedQuestions(house.engine).add("Can you engrave a name on the kettle?", "ines@shop.example")
    before = await asyncio.to_thread(house.write, "engraving.md", PAGE)
    release = await asyncio.to_thread(house.write, "engraving.md", PAGE.replace("£15", "£18"), publish=False)

    (question,) = (await compared(house, release, before)).questions

    assert question.change == "wording"
    assert ("£15" in question.before.text, "£18" in question.after.text) == (True, True)


async def test_questions_that_find_the_same_are_composed_once(house, monkeypatch):
    SavedQuestions(house.engine).add("How do I descale the kettle?", "ines@shop.example")
    for n in range(20):
        (house.pages / f"kettle-{n}.md").write_text(
            f"# Kettle tip {n}\n\nFill the kettle above mark {n} of the tank.\n"
        )
    await asyncio.to_thread(house.library.reindex)
    release = await asyncio.to_thread(
        house.write, "vouchers.md", "# Vouchers\n\nValid for three years.\n", publish=False
    )
    answered = []
    original = Rehearsal._answer

    async def counted(self, question, number):
        answered.append(number)
        return await original(self, question, number)

    monkeypatch.setattr(Rehearsal, "_answer", counted)
    (question,) = (await compared(house, release)).questions

    assert question.change == "same"
    assert answered == [house.library.release]
    assert {citation.release for citation in question.after.citations} == {release}


async def test_last_weeks_real_questions_are_asked_again_each_wording_once_and_without_who_asked(house):
    house.customers["cus_1"] = Customer("cus_1", name="Ada Lovelace", products=(OwnedProduct("Fenwick kettle"),))
    first = await house.conversation("cus_1")
    await house.ask(first, "Hello!")
    await house.ask(first, "Can Lovelace be engraved on the kettle? ada@example.com")
    second = await house.conversation()
    await house.ask(second, "Can I return an order?")
    third = await house.conversation()
    await house.ask(third, "can I return an order")
    release = await asyncio.to_thread(house.write, "engraving.md", PAGE, publish=False)

    comparison = await compared(house, release, load_customer=house.customers.get)

    asked = {one.asked.question: one for one in comparison.questions}
    assert set(asked) == {"Can [name] be engraved on the kettle? [e-mail]", "can I return an order"}
    assert {one.asked.origin for one in comparison.questions} == {"recent"}
    engraving = asked["Can [name] be engraved on the kettle? [e-mail]"]
    assert "Ada" not in engraving.before.text + engraving.after.text


async def test_a_question_that_is_saved_and_was_asked_lately_is_asked_once(house):
    saved = SavedQuestions(house.engine)
    saved.add("Can I return an order?", "ines@shop.example")
    first = await house.conversation()
    await house.ask(first, "can I return an order")
    await house.ask(first, "How do I descale the kettle?")
    later = await house.ask(first, "How often?")
    saved.add_from(await house.events(first), later.seq, "ines@shop.example")
    second = await house.conversation()
    await house.ask(second, "Can I return an order?")
    await house.ask(second, "And is the label free?")  # another question: what it goes back to was said here
    saved.add("And is the label free?", "ines@shop.example")
    release = await asyncio.to_thread(house.write, "engraving.md", PAGE, publish=False)

    comparison = await compared(house, release)

    assert sorted((one.asked.question, one.asked.origin) for one in comparison.questions) == [
        ("And is the label free?", "recent"),
        ("And is the label free?", "saved"),
        ("Can I return an order?", "saved"),
        ("How do I descale the kettle?", "recent"),
        ("How often?", "saved"),
    ]


async def test_the_callers_own_cases_are_compared_with_their_history(house):
    release = await asyncio.to_thread(house.write, "engraving.md", PAGE, publish=False)
    history = (Turn("customer", "Can you engrave a name on the kettle?"),)
    case = Comparable("engraving-price", "And how much is it?", CASES, history)

    (question,) = (await compared(house, release, cases=[case])).questions

    data = question.as_data()
    assert (data["id"], data["origin"], data["history"]) == ("engraving-price", "cases", [history[0].text])
    assert "£15" in data["after"]["text"]


def answer(text, outcome="answered", hand_over=None):
    return RehearsedAnswer(text, outcome, (), 0.5, 1, hand_over)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (answer("Two days."), answer("Two\ndays."), "same"),
        (answer("Two days."), answer("Three days."), "wording"),
        (answer("Two days."), answer("I do not know.", "declined"), "outcome"),
        (answer("One moment."), answer("One moment.", hand_over="safety"), "outcome"),
    ],
)
def test_answers_without_sources_are_told_apart(before, after, change):
    assert tell_change(before, after) == change
