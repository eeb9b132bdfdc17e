"""Intervals, tests and calibration against values worked out by hand or published, and properties that hold always."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals import certainty


@pytest.mark.parametrize(
    ("truth", "confidence", "expected"),
    [
        pytest.param([False, False, True, True], [0.1, 0.4, 0.35, 0.8], 0.75, id="scikit-learn's own example"),
        pytest.param([True, False], [0.5, 0.5], 0.5, id="a tie is half"),
        pytest.param([True, False], [0.1, 0.9], 0.0, id="all wrong"),
        pytest.param([True, True], [0.1, 0.9], None, id="one kind only"),
    ],
)
def test_auroc(truth: list[bool], confidence: list[float], expected: float | None) -> None:
    assert certainty.auroc(truth, confidence) == expected


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_auroc_is_the_share_of_pairs_put_in_the_right_order(cases: list[tuple[bool, int]]) -> None:
    truth, confidence = [t for t, _ in cases], [float(c) for _, c in cases]
    yes = [c for t, c in cases if t]
    no = [c for t, c in cases if not t]

    value = certainty.auroc(truth, confidence)

    if not yes or not no:
        assert value is None
    else:
        pairs = [1.0 if y > n else 0.5 if y == n else 0.0 for y in yes for n in no]
        assert value == pytest.approx(sum(pairs) / len(pairs))


def test_wilson_gives_the_published_values() -> None:
    # 81 of 263 from Newcombe 1998, table I, method 3: 0.2553 to 0.3662; 0 of 20: 0 to 0.1611
    some, none = certainty.wilson(81, 263), certainty.wilson(0, 20)

    assert (round(some.low, 4), round(some.high, 4)) == (0.2553, 0.3662)
    assert (none.low, round(none.high, 4)) == (0.0, 0.1611)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_wilson_interval_holds_its_share(case: tuple[int, int]) -> None:
    hits, n = case
    interval = certainty.wilson(hits, n)

    assert 0 <= interval.low <= interval.value <= interval.high <= 1


@settings(deadline=None)  # the first draw imports numpy
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_a_bootstrap_interval_is_the_same_each_time_and_within_the_values(values: list[float]) -> None:
    interval = certainty.bootstrap(values, rounds=50)

    assert interval == certainty.bootstrap(values, rounds=50)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9


def test_a_bootstrap_interval_narrows_with_more_observations() -> None:
    few, many = certainty.bootstrap([0.0, 1.0] * 5), certainty.bootstrap([0.0, 1.0] * 200)

    assert many.high - many.low < (few.high - few.low) / 2


@pytest.mark.parametrize(
    ("worse", "better", "expected"),
    [pytest.param(0, 0, 1.0), pytest.param(5, 0, 1 / 32), pytest.param(4, 1, 6 / 32), pytest.param(0, 5, 1.0)],
)
def test_sign_test(worse: int, better: int, expected: float) -> None:
    assert certainty.sign_test(worse, better) == pytest.approx(expected)


def test_percentiles_lie_between_neighbours() -> None:
    assert certainty.percentile([4.0, 1.0, 3.0, 2.0], 50) == 2.5
    assert certainty.percentile([7.0], 95) == 7.0
    assert certainty.percentile([], 95) == 0.0


def test_checks_of_one_conversation_go_together() -> None:
    together = certainty.bootstrap_share([[True] * 10, [False] * 10] * 10)
    apart = certainty.bootstrap_share([[True], [False]] * 100)

    assert together.value == apart.value == 0.5
    assert together.high - together.low > 2 * (apart.high - apart.low)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        pytest.param([[True, True], [True]], certainty.Interval(1.0, certainty.wilson(2, 2).low, 1.0, 3), id="all"),
        pytest.param([[False], [False]], certainty.Interval(0.0, 0.0, certainty.wilson(0, 2).high, 2), id="none"),
        pytest.param([[], []], certainty.Interval(0.0, 0.0, 1.0, 0), id="nothing asked"),
    ],
)
def test_where_nothing_varies_the_ends_are_those_of_whole_conversations(
    groups: list[list[bool]], expected: certainty.Interval
) -> None:
    assert certainty.bootstrap_share(groups) == expected


def test_the_interval_of_an_auroc_is_that_of_delongs_formula() -> None:
    # by hand: placements 1, 1, .5 of the positives and 1, 2/3 of the negatives around an area of 5/6
    interval = certainty.auroc_interval([True, True, True, False, False], [0.9, 0.8, 0.4, 0.3, 0.6])

    assert interval is not None
    half = 1.959963984540054 * ((1 / 12) / 3 + (1 / 18) / 2) ** 0.5
    assert interval.value == pytest.approx(5 / 6)
    assert interval.low == pytest.approx(5 / 6 - half)
    assert interval.high == 1.0
    assert certainty.auroc_interval([True, True], [0.1, 0.2]) is None


def drawn(n: int, shift: float, seed: int) -> tuple[list[bool], list[float]]:
    draw = random.Random(seed)
    truth = [i % 2 == 0 for i in range(n)]
    return truth, [draw.gauss(shift if true else 0.0, 1.0) for true in truth]


def test_a_search_that_tells_less_apart_is_found_out_and_noise_is_not() -> None:
    truth, sure = drawn(400, 2.0, seed=1)
    draw = random.Random(2)
    noisy = [value + draw.gauss(0, 0.1) for value in sure]
    spoilt = [value + draw.gauss(0, 2.0) for value in sure]

    assert certainty.auroc_test(truth, sure, sure) == 1.0
    assert certainty.auroc_test(truth, sure, noisy) > 0.05
    assert certainty.auroc_test(truth, sure, spoilt) < 0.001
    assert certainty.auroc_test(truth, spoilt, sure) > 0.999, "better is not worse"


def test_the_scale_of_sureness_changes_no_auroc() -> None:
    truth, sure = drawn(60, 1.0, seed=3)

    assert certainty.auroc_test(truth, sure, [value / 7 - 3 for value in sure]) == 1.0


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param([1, 1, 1, 0], [0, 0, 0, 0], 1 / 8, id="three lost"),
        pytest.param([1, 0, 1], [0, 1, 1], 3 / 4, id="one each way"),
        pytest.param([0.5, 0.2], [0.5, 0.2], 1.0, id="nothing changed"),
        pytest.param([0, 0], [1, 1], 1.0, id="better"),
    ],
)
def test_a_randomization_test_of_few_changes_is_exact(before: list[float], after: list[float], expected: float) -> None:
    assert certainty.randomization_test(before, after) == pytest.approx(expected)


def test_a_randomization_test_of_many_changes_agrees_with_the_sign_test() -> None:
    before, after = [1.0] * 20 + [0.0] * 8, [0.0] * 20 + [1.0] * 8

    drawn_chance = certainty.randomization_test(before, after)

    assert drawn_chance == pytest.approx(certainty.sign_test(20, 8), abs=0.005)
    assert drawn_chance == certainty.randomization_test(before, after), "seeded"


@pytest.mark.parametrize(
    ("chances", "found"),
    [
        pytest.param({"a": 0.04}, ["a"], id="one alone"),
        pytest.param({"a": 0.04, "b": 0.5}, [], id="two share the level"),
        pytest.param({"b": 0.03, "a": 0.02}, ["a", "b"], id="the next has more room"),
        pytest.param({}, [], id="none"),
    ],
)
def test_several_tests_share_one_level(chances: dict[str, float], found: list[str]) -> None:
    assert certainty.holm(chances, 0.05) == found


def test_calibration_worked_out_by_hand() -> None:
    bins = certainty.calibrate([True, False, True, True], [0.12, 0.18, 0.95, 1.0])

    assert [(one.low, one.right.value, one.right.n) for one in bins] == [(0.1, 0.5, 2), (0.9, 1.0, 2)]
    assert bins[0].sureness == pytest.approx(0.15)
    assert certainty.calibration_error(bins) == pytest.approx((0.35 * 2 + 0.025 * 2) / 4)
    assert certainty.calibration_error([]) == 0.0
