"""When a run counts as worse than the accepted one, and how an accepted run is kept."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from assistant.errors import TellonceError
from evals.accepted import (
    AcceptedSet,
    accepted_name,
    decide_regressions,
    earlier_of_accepted,
    load_accepted,
    save_accepted,
    summarise,
)
from evals.outcomes import Result
from evals.sets import CONFIDENCE, RIGHT
from tests.evals.results import asked, case_result, check, result, set_result, turn


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


def test_conversations_are_kept_by_suite_and_mode(tmp_path: Path) -> None:
    save_accepted(result(), tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["demo.embedded.json"]
    assert load_accepted("demo.embedded", tmp_path) == summarise(result())
    assert load_accepted("other.embedded", tmp_path) is None


def test_a_set_is_kept_question_by_question(tmp_path: Path) -> None:
    run = set_result(*(asked(i, ndcg=i / 10, confidence=i / 7) for i in range(8)), asked(8))
    save_accepted(run, tmp_path)

    kept = load_accepted(accepted_name(run), tmp_path)

    assert isinstance(kept, AcceptedSet)
    assert kept.values["ndcg@10"] == pytest.approx({i: i / 10 for i in range(8)}, abs=5e-4)
    assert kept.values[CONFIDENCE] == pytest.approx({i: i / 7 for i in range(8)}, abs=5e-5)
    assert kept.values[RIGHT] == dict.fromkeys(range(8), 1.0)
    assert decide_regressions(run, kept) == [], "rounding alone is no change"


def test_a_sample_cannot_be_accepted(tmp_path: Path) -> None:
    with pytest.raises(TellonceError, match="without --limit"):
        save_accepted(set_result(asked(3, ndcg=1.0), asked_of=9), tmp_path)


@pytest.mark.parametrize(
    "content",
    [{"figures": {}}, [], {"figures": {}, "data": "", "values": {"ndcg@10": "!"}}],
    ids=["keys", "list", "values"],
)
def test_a_spoilt_file_of_an_accepted_run_is_told(tmp_path: Path, content: object) -> None:
    (tmp_path / "demo.embedded.json").write_text(json.dumps(content))

    with pytest.raises(TellonceError, match="evals run --accept"):
        load_accepted("demo.embedded", tmp_path)


def ranked(scores: list[float]) -> object:
    return set_result(*(asked(i, ndcg=score) for i, score in enumerate(scores)))


def test_a_mean_that_fell_on_many_questions_is_worse_and_on_few_is_noise() -> None:
    draw = random.Random(1)
    before = [draw.random() for _ in range(100)]
    noisy = [min(1.0, max(0.0, score + draw.gauss(0, 0.1))) for score in before]
    lower = [score * 0.85 for score in before]

    kept = summarise(ranked(before))  # type: ignore[arg-type]

    assert decide_regressions(ranked(noisy), kept) == []  # type: ignore[arg-type]
    (sentence,) = decide_regressions(ranked(lower), kept)  # type: ignore[arg-type]
    assert sentence.startswith("ndcg@10: 0.4")
    assert "over the same 100 questions" in sentence
    assert decide_regressions(ranked(before), summarise(ranked(lower))) == [], "better is not worse"  # type: ignore[arg-type]


def test_sureness_that_tells_less_apart_is_worse_whatever_its_mean() -> None:
    draw = random.Random(4)
    sure = [0.5 + (0.25 if i % 2 else -0.25) + draw.gauss(0, 0.1) for i in range(200)]

    def run(confidence: list[float]):  # type: ignore[no-untyped-def]
        questions = (asked(i, confidence=min(1, max(0, c)), answerable=bool(i % 2)) for i, c in enumerate(confidence))
        return set_result(*questions)

    assert decide_regressions(run([c / 2 for c in sure]), summarise(run(sure))) == []
    (sentence,) = decide_regressions(run([c + draw.gauss(0, 0.4) for c in sure]), summarise(run(sure)))
    assert sentence.startswith("answerable, AUROC")


def test_decisions_that_turned_wrong_are_worse() -> None:
    def run(right: int):  # type: ignore[no-untyped-def]
        return set_result(*(asked(i, confidence=0.5, right=i < right) for i in range(40)))

    assert decide_regressions(run(36), summarise(run(40))) == [], "four may be chance"
    (sentence,) = decide_regressions(run(28), summarise(run(40)))
    assert sentence.startswith("decided rightly: 0.700, accepted was 1.000")


def test_one_quote_that_does_not_stand_breaks_a_promise() -> None:
    good, bad = set_result(asked(0, confidence=0.9)), set_result(asked(0, confidence=0.9, unverified=1))

    (sentence,) = decide_regressions(bad, summarise(good))

    assert sentence.startswith("quotes verified")


def test_a_sample_is_held_against_the_same_questions_only() -> None:
    whole = set_result(*(asked(i, ndcg=1.0 if i % 2 else 0.0) for i in range(100)))
    odd = set_result(*(asked(i, ndcg=1.0) for i in range(1, 100, 2)), asked_of=100)

    assert decide_regressions(odd, summarise(whole)) == []


def test_other_data_is_not_compared() -> None:
    before = summarise(set_result(*(asked(i, ndcg=1.0) for i in range(50)), data="older"))
    after = set_result(*(asked(i, ndcg=0.0) for i in range(50)))

    assert decide_regressions(after, before) == []
    assert earlier_of_accepted(after, before).sides == {}


def test_the_accepted_run_tells_how_each_question_went() -> None:
    conversations = earlier_of_accepted(result(), summarise(result()))
    questions = earlier_of_accepted(*(lambda run: (run, summarise(run)))(set_result(asked(0, ndcg=0.5))))

    assert {key: side.passed for key, side in conversations.sides.items()} == {
        "care-filter 1": True,
        "care-drum 1": False,
    }
    assert questions.sides["q0"].values["ndcg@10"] == 0.5
    assert questions.sides["q0"].text is None
