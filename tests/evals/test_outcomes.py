"""Figures of a run of written conversations."""

from __future__ import annotations

from evals.outcomes import decide_by_tag, decide_figures
from tests.evals.results import case_result, result, turn


def test_figures_are_shares_of_what_was_checked() -> None:
    figures = decide_figures(result())

    assert (figures["conversations passed"].value, figures["conversations passed"].n) == (0.5, 2)
    assert figures["outcome right"].value == 1
    assert figures["facts told"].n == 1
    assert figures["kept from saying"].value == 0
    assert (figures["quotes verified"].value, figures["quotes verified"].n) == (1, 2)


def test_a_quote_that_does_not_stand_fails_its_conversation() -> None:
    broken = result(case_result("one", turn(verified=False)))

    assert decide_figures(broken)["conversations passed"].value == 0
    assert decide_figures(broken)["quotes verified"].value == 0


def test_tags_come_worst_first() -> None:
    assert [(tag, share.value) for tag, share in decide_by_tag(result()).items()] == [("signed-in", 0.0), ("care", 0.5)]


def test_latency_is_told_by_median_and_tail() -> None:
    run = result(*(case_result(f"c{i}", turn(latency_ms=float(i))) for i in range(1, 102)))

    assert run.latency_ms == {"p50": 51.0, "p95": 96.0}
