"""What closeness is fitted on: the first answer of a turn, labelled by what the turn was to tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assistant.turn import from_passages
from assistant.turn.candidates import Candidate
from assistant.turn.closeness import Signs, closeness
from assistant.turn.embedded import Composed
from assistant.turn.policy import Verdict, decide_on_answer
from assistant.turn.scoring import Scored
from assistant.turn.sentences import split_units
from evals.cases import Expectation
from evals.fitting_closeness import Composition, Example, Sample, count_added, fit, forced_open, label
from knowledge.documents import Passage
from tests.evals.results import check, turn

SIGNS = Signs(likeness=0.6, bare=0.6, least=0.5, lead=0.1, named=0.0, yes_or_no=0.0)
HEARD = [Composition(said=False, signs=SIGNS), Composition(said=True, signs=None)]
ANSWERED = Expectation(outcome="answered", facts=("weekly",))
DECLINED = Expectation(outcome=("declined", "handoff"))


@pytest.mark.parametrize(
    ("expected", "checks", "right"),
    [
        pytest.param(ANSWERED, [check("fact", "weekly", True)], True, id="told"),
        pytest.param(ANSWERED, [check("outcome", "answered", False), check("fact", "weekly", True)], True, id="facts"),
        pytest.param(ANSWERED, [check("fact", "weekly", False)], False, id="something else"),
        pytest.param(ANSWERED, [check("fact", "weekly", True), check("cites", "a.md", False)], False, id="elsewhere"),
        pytest.param(ANSWERED, [check("fact", "weekly", True), check("never", "daily", False)], False, id="forbidden"),
        pytest.param(DECLINED, [check("outcome", "declined", False)], False, id="no answer is known"),
    ],
)
def test_an_answer_is_right_when_it_tells_what_was_asked_for(expected: Expectation, checks: list, right: bool) -> None:
    assert label(expected, turn(*checks), HEARD) == Example(SIGNS, right, said=False)


@pytest.mark.parametrize(
    ("expected", "outcome", "heard"),
    [
        pytest.param(ANSWERED, "answered", [], id="small talk and records"),
        pytest.param(ANSWERED, "answered", [Composition(said=True)], id="a passage of one thing"),
        pytest.param(ANSWERED, "clarifying", HEARD, id="asked back instead"),
        pytest.param(Expectation(outcome="answered"), "answered", HEARD, id="nothing to judge by"),
    ],
)
def test_a_turn_that_closeness_cannot_learn_from_is_skipped(
    expected: Expectation, outcome: str, heard: list[Composition]
) -> None:
    assert label(expected, replace(turn(), outcome=outcome), heard) is None


def test_only_what_the_other_rules_decline_is_counted_as_added() -> None:
    def one(likeness: float, right: bool, said: bool) -> Example:
        return Example(replace(SIGNS, likeness=likeness), right, said)

    kettle = Sample("kettle", examples=[one(0.9, True, False), one(0.8, False, False), one(0.9, True, True)])
    kettle.examples += [one(0.1, True, False)]
    by_likeness = np.asarray([-5.0, 10.0, 0, 0, 0, 0, 0])

    assert count_added(kettle, by_likeness, 0.5) == (1, 1)
    assert count_added(Sample("nothing asked"), by_likeness, 0.5) == (0, 0)


def test_what_is_more_alike_where_it_is_right_weighs_for_it() -> None:
    chance = np.random.default_rng(3)
    right = [Example(replace(SIGNS, likeness=float(chance.normal(0.7, 0.1))), True, False) for _ in range(60)]
    wrong = [Example(replace(SIGNS, likeness=float(chance.normal(0.5, 0.1))), False, False) for _ in range(60)]

    fitted = fit([Sample("kettle", examples=right), Sample("mill", 0.6, wrong)])

    assert fitted[1] > 1
    assert fitted[2:] == pytest.approx(0, abs=1e-6)


def composed(text: str) -> Composed:
    passage = Passage("p", "d", "Paying", (), text, 0, len(text), None, None)
    best = Scored(Candidate(0, 0, split_units(text)[0], passage, frozenset()), 0.3, None, 0.0, 1.0)
    return Composed(text, (), (passage,), likeness=0.3, told=0.0, best=best)


def test_whatever_is_composed_is_said_within_and_judged_as_before_afterwards() -> None:
    with forced_open() as heard:
        nothing = from_passages.decide_on_answer(0.9, None)
        one_thing = from_passages.decide_on_answer(0.1, composed("We take cards."))
        several = from_passages.decide_on_answer(0.9, composed("We take cards.\n\nRing the bell."))
        close = from_passages.closeness(SIGNS)

    assert nothing.verdict is Verdict.DECLINE
    assert one_thing.verdict is Verdict.ANSWER
    assert (several.verdict, close) == (Verdict.DECLINE, 1.0)  # so that closeness is asked, which says it
    assert heard == [Composition(said=False), Composition(said=True, signs=SIGNS)]
    assert from_passages.decide_on_answer is decide_on_answer
    assert from_passages.closeness is closeness
