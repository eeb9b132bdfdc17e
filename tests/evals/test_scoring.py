"""Measures against values worked out by hand or published, and properties that hold for every input."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import scoring

words = st.lists(
    st.sampled_from(["the", "a", "drum", "stops", "spinning", "water", "filter", "door", "E17", "is"]), max_size=12
)
texts = words.map(" ".join)


def test_ranking_measures_of_one_query_are_those_worked_out_by_hand() -> None:
    qrels = {"q": {"a": 1, "b": 1, "z": 0}}
    run = {"q": [("x", 3.0), ("a", 2.0), ("y", 1.0), ("b", 0.5)]}

    scores = scoring.ranking_scores(qrels, run)

    ideal = 1 + 1 / math.log2(3)
    assert scores["recall@1"]["q"] == 0
    assert scores["recall@3"]["q"] == 0.5
    assert scores["recall@5"]["q"] == 1
    assert scores["mrr@10"]["q"] == 0.5
    assert scores["ndcg@5"]["q"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)


def test_a_query_that_found_nothing_counts_as_zero_and_an_unjudged_one_not_at_all() -> None:
    qrels = {"found": {"a": 1}, "nothing": {"b": 1}, "irrelevant": {"c": 0}}
    run = {"found": [("a", 1.0)], "unjudged": [("a", 1.0)]}

    assert scoring.ranking_scores(qrels, run)["recall@1"] == {"found": 1.0, "nothing": 0.0}


def test_an_empty_run_scores_zero_everywhere() -> None:
    scores = scoring.ranking_scores({"q": {"a": 1}}, {})

    assert {value for per_query in scores.values() for value in per_query.values()} == {0.0}
    assert set(scores) == set(scoring.RANKING_MEASURES)


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        pytest.param("The filter is clean.", "filter is clean", 1.0, id="articles, case, punctuation"),
        pytest.param("clean the filter", "clean the door", 0.5, id="one of two"),
        pytest.param("clean clean filter", "clean filter", 0.8, id="a repeated word counts once"),
        pytest.param("", "", 1.0, id="both empty"),
        pytest.param("", "filter", 0.0, id="one empty"),
        pytest.param("drum", "door", 0.0, id="nothing in common"),
    ],
)
def test_token_f1(answer: str, reference: str, expected: float) -> None:
    assert scoring.token_f1(answer, reference) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        # the worked examples of Lin 2004, section 3.1, with beta 1
        pytest.param("police kill the gunman", "police killed the gunman", 0.75, id="Lin S2"),
        pytest.param("the gunman kill police", "police killed the gunman", 0.5, id="Lin S3"),
        pytest.param("the gunman police killed", "police killed the gunman", 0.5, id="Lin S4"),
        pytest.param("", "police", 0.0, id="one empty"),
    ],
)
def test_rouge_l(answer: str, reference: str, expected: float) -> None:
    assert scoring.rouge_l(answer, reference) == pytest.approx(expected)


@given(words, words)
def test_the_longest_common_subsequence_is_that_of_the_textbook_table(left: list[str], right: list[str]) -> None:
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, a in enumerate(left, start=1):
        for j, b in enumerate(right, start=1):
            table[i][j] = table[i - 1][j - 1] + 1 if a == b else max(table[i - 1][j], table[i][j - 1])

    assert scoring._longest_common_subsequence(left, right) == table[-1][-1]


@given(texts, texts)
def test_text_measures_are_symmetric_bounded_and_full_for_a_text_and_itself(left: str, right: str) -> None:
    for measure in (scoring.token_f1, scoring.rouge_l):
        assert 0 <= measure(left, right) <= 1
        assert measure(left, right) == pytest.approx(measure(right, left))
        assert measure(left, left) == 1


def test_citation_markers_are_no_part_of_an_answer() -> None:
    assert scoring.without_markers("Clean it [1] weekly. [2][3]") == "Clean it weekly."
    assert scoring.without_markers("Press [Start], see [2024].") == "Press [Start], see [2024]."


def test_decisions_worked_out_by_hand() -> None:
    truth = [True, True, True, False, False]
    decided = [True, True, False, True, False]

    scores = scoring.decision_scores(truth, decided)

    assert scores.precision == pytest.approx(2 / 3)
    assert scores.recall == pytest.approx(2 / 3)
    assert scores.f1 == pytest.approx(2 / 3)


def test_decisions_with_nothing_under_the_line_are_zero() -> None:
    assert scoring.decision_scores([False], [False]) == scoring.Decisions(0.0, 0.0, 0.0)
