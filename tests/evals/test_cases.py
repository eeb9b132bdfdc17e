"""Written conversations: bundled ones fit their schema, a broken one is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.cases import (
    DEMO_SUITE,
    Answer,
    Case,
    Expectation,
    MalformedCases,
    Saying,
    check_answer,
    find,
    load_suite,
    read_topic,
)

GOOD = """
topic: orders
cases:
  - id: where-is-it
    customer: cus_tomasz
    tags: [order]
    turns:
      - say: Where is my Petrel?
        expect: {outcome: [answered, acted], facts: ["/18 November|2026-11-18/"], never: [your order number]}
      - say: Thanks
"""


def written(folder: Path, text: str, name: str = "orders.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_cases_is_read(tmp_path: Path) -> None:
    topic = read_topic(written(tmp_path, GOOD))

    (case,) = topic.cases
    assert case.customer == "cus_tomasz"
    assert case.turns[0].expect.outcomes == ("answered", "acted")
    assert case.turns[1].expect == Expectation()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("customer: cus_tomasz", "customers: x", "where-is-it: customer", id="misspelt key"),
        pytest.param("outcome: [answered, acted]", "outcome: solved", "turns 1: expect: outcome:", id="outcome"),
        pytest.param("/18 November|2026-11-18/", "/18 (November/", "regular expression", id="pattern"),
        pytest.param("say: Thanks", "say: ''", "turns 2: say:", id="empty saying"),
        pytest.param("id: where-is-it", "id: Where Is It", "cases .*id:", id="id"),
        pytest.param("topic: orders", "topic: [orders", "line 3: not YAML", id="not YAML"),
        pytest.param("topic: orders", "", "topic:", id="no topic"),
    ],
)
def test_a_broken_file_is_told_with_the_place(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = written(tmp_path, GOOD.replace(old, new))

    with pytest.raises(MalformedCases, match=expected) as caught:
        read_topic(path)

    assert str(path) in str(caught.value)


def test_a_case_id_may_be_used_once_in_a_suite(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    written(tmp_path, GOOD, "more.yaml")

    with pytest.raises(MalformedCases, match="'where-is-it' is used twice"):
        load_suite(str(tmp_path))


def test_a_suite_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MalformedCases, match=r"There is no suite .*Name demo"):
        load_suite(str(tmp_path / "none.yaml"))


def test_the_bundled_cases_fit_the_schema() -> None:
    suite = load_suite(DEMO_SUITE)

    assert len(suite.cases) >= 30
    assert any(case.customer for case in suite.cases)
    assert any(len(case.turns) > 1 for case in suite.cases)


ANSWER = Answer(
    text="Your Petrel left  today and arrives on 18 November.",
    outcome="answered",
    quotes=("Parcels take two days.",),
    sources=("policies/shipping.md",),
    suggestions=("Change the address",),
)


@pytest.mark.parametrize(
    ("expected", "passed"),
    [
        pytest.param(Expectation(outcome="answered"), True, id="outcome"),
        pytest.param(Expectation(outcome=("declined", "handoff")), False, id="other outcome"),
        pytest.param(Expectation(outcome="handoff"), False, id="nobody was called"),
        pytest.param(Expectation(facts=("petrel LEFT today",)), True, id="literal, case and spacing"),
        pytest.param(Expectation(facts=("/18 nov|2026-11-18/",)), True, id="pattern"),
        pytest.param(Expectation(facts=("two days",)), False, id="a quote alone does not tell the customer"),
        pytest.param(Expectation(facts=("18.November",)), False, id="a literal is no pattern"),
        pytest.param(Expectation(cites=("policies/returns.md", "policies/shipping.md")), True, id="one source of two"),
        pytest.param(Expectation(cites=("shipping.md",)), True, id="source by its last part"),
        pytest.param(Expectation(cites=("policies/returns.md",)), False, id="other source"),
        pytest.param(Expectation(never=("order number",)), True, id="not said"),
        pytest.param(Expectation(never=("take two days",)), False, id="said in a quote"),
        pytest.param(Expectation(never=("change the",)), False, id="said in a suggestion"),
    ],
)
def test_an_answer_is_held_to_what_is_expected(expected: Expectation, passed: bool) -> None:
    (check,) = check_answer(expected, ANSWER)

    assert check.passed is passed


def test_a_failed_check_tells_what_was_found() -> None:
    expected = Expectation(outcome="declined", cites=("a.md",), never=("/arrives on \\d+/",))

    assert [check.found for check in check_answer(expected, ANSWER)] == [
        "answered",
        "policies/shipping.md",
        "arrives on 18",
    ]


def test_nothing_expected_checks_nothing() -> None:
    assert check_answer(Expectation(), ANSWER) == []


def test_words_are_found_in_the_first_text_that_holds_them() -> None:
    assert find("b c", ["a", "x B\n C y"]) == "B C"
    assert find("d", ["a"]) is None


def test_a_case_can_be_made_in_code() -> None:
    case = Case(id="one", customer=None, tags=(), turns=(Saying(say="Hello"),))

    assert case.turns[0].expect.outcomes == ()


def test_a_declined_answer_that_calls_a_person_is_both() -> None:
    answer = Answer("I could not find this.", "declined", handed_over=True)

    assert [
        check_answer(Expectation(outcome=word), answer)[0].passed for word in ("declined", "handoff", "answered")
    ] == [
        True,
        True,
        False,
    ]
