"""No hard fact leaves that the evidence lacks; every quote stands where its citation says."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.turn.citations import is_exact
from assistant.turn.guard import Evidence, Gate, check_whole, numbers_in, without_citations
from knowledge.documents import Document
from tests.turn.conftest import MANUAL, passage

WARRANTY = passage("The warranty lasts 2 years from the day of purchase.", document=MANUAL)
STEPS = passage(MANUAL.text[MANUAL.text.index("Descale") : MANUAL.text.index("\n\n## Warranty")], document=MANUAL)
EVIDENCE = Evidence(
    passages=(WARRANTY, STEPS),
    records="Order AM-1007: £129, expected on 25 November 2026. Write to help@shop.example or https://shop.example/help.",
    said="My code is ZX-99 and I paid 77 euros. See https://mine.example and me@mine.example",
    secrets=("=====[abc123]=====",),
    instructions="Answer from the numbered passages, the customer record and what this conversation says.",
)

EVIDENCE_NUMBERS = numbers_in("\n".join([WARRANTY.text, STEPS.text, EVIDENCE.records, EVIDENCE.said]))


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("The warranty lasts 2 years.", None),
        ("The warranty lasts two years.", None),
        ("The warranty lasts 5 years.", "number"),
        ("The warranty lasts five years.", "number"),
        ("The warranty lasts 3 years.", "number"),
        ("Descale it every 2 months.", "number"),
        ("Your order AM-1007 cost £129.00.", None),
        ("Your order AM-1008 is lost.", "code"),
        ("It arrives on 25 November 2026.", None),
        ("It arrives on 25 December 2026.", "date"),
        ("Your code ZX-99 is noted, you paid 77.", None),
        ("Write to help@shop.example.", None),
        ("Write to support@shop.example.", "email"),
        ("Write to me@mine.example.", "email"),
        ("See https://shop.example/help.", None),
        ("See https://evil.example/help.", "link"),
        ("See https://mine.example.", "link"),
        ("We are at 2 Mill Street.", "address"),
        ("I have refunded your order.", "promise"),
        ("We will send you a replacement.", "promise"),
        ("You will get a full refund.", "promise"),
        ("It is free of charge.", "promise"),
        ("=====[abc123]===== hello", "prompt"),
        ("Answer from the numbered passages, the customer record and what I say.", "prompt"),
        ("Fill the kettle and boil it.", None),
        ("1. Fill it with 0.5 l of vinegar.", None),
    ],
)
def test_a_sentence_leaves_only_when_its_facts_are_known(sentence: str, fault: str | None) -> None:
    assert EVIDENCE.fault_of(sentence) == fault


def test_a_promise_that_the_policy_makes_may_be_told() -> None:
    policy = Evidence(passages=(passage("We will refund the full price within 5 working days of the return."),))

    assert policy.fault_of("We will refund the full price within 5 working days.") is None
    assert (
        policy.fault_of("We will refund the full price and shipping today, gladly and without any return.") == "promise"
    )


def test_bad_sentences_are_dropped_and_the_others_stay() -> None:
    gate = check_whole(
        "The warranty lasts 2 years [1]. It covers 9 continents. Descale it every 3 months [2].", EVIDENCE, 3
    )

    assert gate.released == "The warranty lasts 2 years [1]. Descale it every 3 months [2]."
    assert [drop.reason for drop in gate.dropped] == ["number"]


def test_markers_point_to_real_passages_and_are_numbered_as_they_leave() -> None:
    gate = check_whole("Descale it every 3 months [2]. The warranty lasts 2 years [1] [7].", EVIDENCE, 3)

    assert gate.released == "Descale it every 3 months [1]. The warranty lasts 2 years [2]."
    assert [citation.quote for citation in gate.citations] == ["Descale the kettle every 3 months.", WARRANTY.text]
    assert all(is_exact(citation, {MANUAL.id: MANUAL}) for citation in gate.citations)


def test_a_marker_on_the_wrong_passage_is_moved_to_the_one_that_says_it() -> None:
    gate = check_whole("The warranty lasts 2 years from purchase [2].", EVIDENCE, 3)

    assert gate.citations[0].quote == WARRANTY.text


def test_a_torso_keeps_its_whole_sentences_only() -> None:
    gate = Gate(EVIDENCE, 3)
    gate.feed("The warranty lasts 2 years. Descale it every 3 mon")
    gate.finish(whole=False)

    assert gate.released.strip() == "The warranty lasts 2 years. [1]"


def test_lists_and_code_keep_their_shape() -> None:
    text = "So:\n\n1. Fill it with 0.5 l of vinegar.\n2. Boil it 9 times.\n3. Rinse it twice.\n\n```\nboil 88\n```\n"

    gate = check_whole(text, EVIDENCE, 3)

    assert "1. Fill it with 0.5 l of vinegar.\n" in gate.released
    assert "9" not in gate.released
    assert "88" not in gate.released
    assert "3. Rinse it twice." in gate.released


PIECES = st.sampled_from(["The warranty lasts 2 years [1].", "It costs £5.", "1. Fill it.\n", "See ", "[2]", "\n\n"])


@given(st.lists(PIECES), st.integers(0, 999))
def test_how_the_text_was_cut_into_pieces_changes_nothing(parts: list[str], seed: int) -> None:
    text = " ".join(parts)
    dice = random.Random(seed)
    gate = Gate(EVIDENCE, 3)
    at, out = 0, ""
    while at < len(text):
        step = dice.randint(1, 7)
        out += gate.feed(text[at : at + step])
        at += step
    out += gate.finish()

    assert out == gate.released
    assert out.split() == check_whole(text, EVIDENCE, 3).released.split()


@given(st.text(alphabet="ab 0123456789.,£:-[]%", max_size=200))
def test_no_number_leaves_that_is_not_in_the_evidence(text: str) -> None:
    released = check_whole(f"It takes {text}", EVIDENCE, 3).released

    assert all(n in EVIDENCE_NUMBERS for n in numbers_in(without_citations(released, range(100))))


@given(st.integers(0, 10**6))
def test_a_number_told_is_a_number_read(number: int) -> None:
    gate = check_whole(f"It takes {number} steps.", EVIDENCE, 3)

    assert bool(gate.released) is (numbers_in(str(number)) <= EVIDENCE_NUMBERS)


@given(st.text(min_size=20, max_size=300), st.data())
def test_every_quote_is_exact_whatever_the_document(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    document = Document("d", "d", "D", text, "text/markdown", "h")
    part = passage(text[start:end])
    part = part.__class__(
        **{**{f: getattr(part, f) for f in part.__slots__}, "document_id": "d", "start": start, "end": end}
    )

    gate = check_whole(f"{text[start:end]} [1]", Evidence(passages=(part,)), 1)

    assert all(is_exact(citation, {"d": document}) for citation in gate.citations)
