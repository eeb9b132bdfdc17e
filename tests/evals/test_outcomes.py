"""Figures of a run, and when a run counts as worse than the accepted one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.errors import TellonceError
from evals.outcomes import (
    Result,
    decide_by_tag,
    decide_figures,
    decide_regressions,
    load_accepted,
    save_accepted,
    summarise,
)
from tests.evals.results import case_result, check, result, turn


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


def run_of(passes: list[bool], *, kept: bool = True, verified: bool = True) -> Result:
    checks = [check("fact", "weekly", passed) for passed in passes]
    cases = [case_result(f"c{i}", turn(one)) for i, one in enumerate(checks)]
    return result(*cases, case_result("promise", turn(check("never", "order number", kept), verified=verified)))


def test_a_run_like_the_accepted_one_is_not_worse() -> None:
    run = run_of([True] * 8)

    assert decide_regressions(run, summarise(run)) == []


@pytest.mark.parametrize(
    ("lost", "won", "is_worse"),
    [
        pytest.param(4, 0, False, id="four flips may be chance"),
        pytest.param(5, 0, True, id="five are not"),
        pytest.param(5, 3, False, id="flips both ways are noise"),
    ],
)
def test_flips_beyond_noise_are_worse(lost: int, won: int, is_worse: bool) -> None:
    before = run_of([True] * 8 + [False] * 4)
    after = run_of([False] * lost + [True] * (8 - lost) + [True] * won + [False] * (4 - won))

    assert bool(decide_regressions(after, summarise(before))) is is_worse


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"kept": False}, "kept from saying"), ({"verified": False}, "quotes verified")],
    ids=["said what must not be said", "a quote that does not stand"],
)
def test_one_broken_promise_is_worse(changed: dict[str, bool], named: str) -> None:
    (sentence,) = decide_regressions(run_of([True] * 8, **changed), summarise(run_of([True] * 8)))

    assert sentence.startswith(named)


def test_new_and_removed_cases_are_not_compared() -> None:
    before = summarise(run_of([True] * 8))
    after = result(*(case_result(f"new{i}", turn(check("fact", "x", False))) for i in range(9)))

    assert decide_regressions(after, before) == []


def test_what_was_accepted_is_kept_by_suite_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "accepted.json"
    save_accepted(result(), path)

    assert load_accepted(path) == {"demo/embedded": summarise(result())}
    assert load_accepted(tmp_path / "none.json") == {}


def test_a_spoilt_file_of_accepted_runs_is_told(tmp_path: Path) -> None:
    path = tmp_path / "accepted.json"
    path.write_text(json.dumps({"demo/embedded": {"figures": {}}}))

    with pytest.raises(TellonceError, match="evals run --accept"):
        load_accepted(path)
