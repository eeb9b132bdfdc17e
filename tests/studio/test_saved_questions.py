"""Saved questions: written, taken from conversations, as YAML that the evaluations read."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import BadFrame, NotFound
from assistant.profile.customer import Customer
from assistant.studio.personal import personal_of
from assistant.studio.saved_questions import SavedQuestions
from assistant.studio.written_cases import EXPECTED, OUTCOMES, Said
from evals.cases import CASES_FOLDER, Expectation, Outcome, load_suite

INES = "ines@shop.example"


@pytest.fixture
def saved(house) -> SavedQuestions:
    return SavedQuestions(house.engine)


async def test_a_question_is_kept_once_and_found_again(saved):
    first = saved.add("Can I return an order?", INES, expect={"outcome": "answered"})
    again = saved.add(" Can I return an order? ", "otto@shop.example", expect={"facts": ["30 days"]})
    other = saved.add("Can I return an order?", INES, history=[Said("Hello", {})])

    assert (first.id, again.id, other.id) == (
        "can-i-return-an-order",
        "can-i-return-an-order",
        "can-i-return-an-order-2",
    )
    assert (dict(again.expect), again.made_by) == ({"facts": ["30 days"]}, INES)
    assert {one.id for one in saved.list_all()} == {first.id, other.id}


async def test_one_click_keeps_a_real_question_with_what_was_said_before_and_without_who_said_it(house, saved):
    house.customers["cus_1"] = customer = Customer("cus_1", name="Ada Lovelace", email="ada@example.com")
    conversation = await house.conversation("cus_1")
    await house.ask(conversation, "How do I descale the kettle? I am Ada, of order A-104655")
    answer = await house.ask(conversation, "And how long does Lovelace let it stand?")
    await house.rate(conversation, answer.seq, useful=True)

    kept = saved.add_from(await house.events(conversation), answer.seq, INES, personal_of(customer))

    assert kept.question == "And how long does [name] let it stand?"
    assert [said.say for said in kept.history] == ["How do I descale the kettle? I am [name], of order [number]"]
    assert (kept.conversation, kept.seq, kept.customer) == (conversation, answer.data["turn"], None)
    assert dict(kept.expect) == {"outcome": "answered"}


async def test_a_message_that_is_no_question_to_the_assistant_is_not_kept(house, saved):
    conversation = await house.conversation()
    await house.ask(conversation, "Can you engrave it?")
    await house.hand_over(conversation)
    await house.agent_says(conversation, "Yes, we can.")
    events = await house.events(conversation)

    with pytest.raises(NotFound):
        saved.add_from(events, events[-1].seq, INES)
    await house.journal.erase(conversation)
    with pytest.raises(NotFound):
        saved.add_from(await house.events(conversation), 1, INES)


async def test_a_question_whose_conversation_is_erased_is_forgotten(house, saved):
    conversation = await house.conversation()
    answer = await house.ask(conversation, "How do I descale the kettle?")
    saved.add_from(await house.events(conversation), answer.seq, INES)
    saved.add("Can I return an order?", INES)

    await house.journal.erase(conversation)
    house.gaps.refresh()

    assert [one.question for one in saved.list_all()] == ["Can I return an order?"]


async def test_what_is_exported_is_a_suite_that_evaluations_run_and_reads_back_the_same(house, saved, tmp_path: Path):
    saved.add(
        "And the Mini?",
        INES,
        history=[Said("How loud is the Petrel?", {"outcome": "answered"})],
        expect={"facts": ["24 dB", "/24 ?dB/"], "never": ["22"], "cites": ["faq/air.md"]},
        tags=["air"],
    )
    saved.add("Où est ma commande ?", INES, customer="cus_tomasz")
    file = tmp_path / "saved.yaml"
    file.write_text(saved.as_yaml(), encoding="utf-8")

    suite = load_suite(str(file))
    before = [(one.id, one.as_case()) for one in saved.list_all()]
    for one in saved.list_all():
        saved.remove(one.id)
    saved.import_yaml(file.read_text(encoding="utf-8"), INES)

    assert [case.id for case in suite.cases] == ["and-the-mini", "ou-est-ma-commande"]
    assert suite.cases[0].turns[0].expect.outcomes == ("answered",)
    assert sorted(before, key=lambda one: one[0]) == sorted(
        ((one.id, one.as_case()) for one in saved.list_all()), key=lambda one: one[0]
    )


@pytest.mark.parametrize("file", sorted(CASES_FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
async def test_every_bundled_case_can_be_imported(saved, file: Path):
    cases = load_suite(str(file)).cases

    kept = saved.import_yaml(file.read_text(encoding="utf-8"), INES)

    assert [one.id for one in kept] == [case.id for case in cases]
    assert [len(one.history) + 1 for one in kept] == [len(case.turns) for case in cases]


async def test_a_file_that_is_imported_again_replaces_what_it_brought_and_nothing_else(saved):
    case = "{{id: {0}, customer: null, tags: [], turns: [{{say: '{1}'}}]}}"
    first = f"cases: [{case.format('back', 'Can I return it?')}, {case.format('lost', 'It is lost.')}]"
    saved.add("How do I descale the kettle?", INES)
    saved.import_yaml(first, INES, "returns.yaml")
    saved.import_yaml(f"cases: [{case.format('open', 'When are you open?')}]", INES, "shop.yaml")

    again = saved.import_yaml(f"cases: [{case.format('back', 'May I return it?')}]", INES, "returns.yaml")

    assert [(one.id, one.question) for one in again] == [("back", "May I return it?")]
    assert {(one.id, one.imported_from) for one in saved.list_all()} == {
        ("how-do-i-descale-the-kettle", None),
        ("back", "returns.yaml"),
        ("open", "shop.yaml"),
    }


async def test_every_turn_of_a_case_that_is_held_to_something_is_asked_after_what_precedes_it(saved):
    turns = [
        "{say: 'Hello'}",
        "{say: 'How loud is the Petrel?', expect: {facts: [22 dB]}}",
        "{say: 'And the Mini?', expect: {facts: [24 dB]}}",
    ]
    saved.import_yaml(f"cases: [{{id: loud, customer: cus_1, tags: [], turns: [{', '.join(turns)}]}}]", INES, "a.yaml")

    asked = saved.comparable()

    assert [(one.id, one.question, [turn.text for turn in one.history]) for one in asked] == [
        ("loud:2", "How loud is the Petrel?", ["Hello"]),
        ("loud", "And the Mini?", ["Hello", "How loud is the Petrel?"]),
    ]
    assert {(one.origin, one.file, one.customer) for one in asked} == {("cases", "a.yaml", "cus_1")}


def test_expectations_know_the_words_that_evaluations_know():
    assert set(Expectation.model_fields) == EXPECTED
    assert set(Outcome.__args__) == OUTCOMES


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a: [", "no YAML"),
        ("topic: x", "no `cases`"),
        ("cases: [{id: a}]", "Case a"),
        ("cases: [{id: a, turns: [{say: ''}]}]", "Case a"),
        ("cases: [{id: a, turns: [{say: b, expect: {outcome: won}}]}]", "Case a: `outcome`"),
        ("cases: [{id: a, turns: [{say: b, expect: {facts: ['/(/']}}]}]", "no regular expression"),
        ("cases: [{id: a, turns: [{say: b, expect: {other: 1}}]}]", "nothing else"),
    ],
)
async def test_a_file_of_another_shape_is_refused_with_the_place_and_nothing_is_kept(saved, text, names):
    with pytest.raises(BadFrame, match=names):
        saved.import_yaml(text, INES)

    assert saved.list_all() == []
    assert saved.as_yaml() == ""
