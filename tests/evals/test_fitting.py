"""The fit finds what was put in, and says how far its promises are off."""

from __future__ import annotations

import numpy as np
import pytest

from evals.answers import needs_search
from evals.fitting import Example, Sample, calibration_error, fit_logistic, fit_passages, predict
from evals.live import Reply
from knowledge.sureness import Signs


def sample(seed: int, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    signs = chance.normal(0.5, 0.2, (count, 2))
    truth = chance.random(count) < 1 / (1 + np.exp(-(-4 + 8 * signs[:, 0])))
    return signs, truth


def test_the_fit_finds_the_coefficients_that_made_the_truth() -> None:
    signs, truth = sample(1)

    fitted = fit_logistic(signs, truth, np.ones(len(truth)))

    assert fitted == pytest.approx([-4, 8, 0], abs=0.6)


def test_what_comes_true_as_often_as_was_said_is_calibrated() -> None:
    signs, truth = sample(2)
    honest = predict(np.asarray([-4.0, 8.0, 0.0]), signs)
    even = np.ones(len(truth))

    assert calibration_error(honest, truth, even) < 0.03
    assert calibration_error(np.clip(honest + 0.3, 0, 1), truth, even) > 0.15


def test_each_class_of_a_set_weighs_the_same() -> None:
    signs = Signs(alike=0.5, words=0.5, examples=0, bare=0.5, given=0, order=0)
    few = Sample("few", [Example(signs, answerable=True), *[Example(signs, answerable=False)] * 9])

    assert few.weights[few.truth].sum() == pytest.approx(few.weights[~few.truth].sum())


def test_passages_that_score_less_are_fitted_as_less_probable() -> None:
    signs = Signs(alike=0.5, words=0.5, examples=0, bare=0.5, given=0, order=0)
    judged = [Example(signs, answerable=True, right=(True, False), behind=(0.0, 0.3)) for _ in range(50)]

    first, decay = fit_passages([Sample("one", judged)])

    assert first > 0.9
    assert decay < 0.1


@pytest.mark.parametrize(
    ("evidence", "needed"),
    [
        pytest.param({"sureness": 0.4}, False, id="searched"),
        pytest.param({"decision": "own_records"}, True, id="records"),
        pytest.param({"decision": "greeting"}, True, id="small talk"),
    ],
)
def test_what_the_line_settled_without_a_search_needs_one(evidence: dict[str, object], needed: bool) -> None:
    assert needs_search(Reply({}, evidence, False, 1.0)) is needed
