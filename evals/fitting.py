"""Fits how sure a search may be: `python -m evals.fitting DIR...`, BEIR layout with answers.jsonl. Floor: door.

Tells the coefficients for knowledge/sureness.py, and what they reach on each set: fitted on it too, and without it.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge import retrieval, sureness
from knowledge.documents import Found
from knowledge.sureness import Judged, Look, Signs, read_signs

Floats = NDArray[np.float64]
DEPTH = 60  # deep enough that what is left without the right documents is what would have been found
RIDGE = 1e-3
STEPS = 60
BINS = 10


@dataclass
class Example:
    """One question as the search judged it. `right`: of each passage found, whether it is judged to answer."""

    signs: Signs
    answerable: bool
    right: tuple[bool, ...] = ()
    behind: tuple[float, ...] = ()


@dataclass
class Sample:
    """A set's examples, as arrays."""

    name: str
    examples: list[Example] = field(default_factory=list)

    @property
    def signs(self) -> Floats:
        return np.asarray([astuple(example.signs) for example in self.examples], np.float64)

    @property
    def truth(self) -> NDArray[np.bool_]:
        return np.asarray([example.answerable for example in self.examples])

    @property
    def weights(self) -> Floats:
        """Each class of each set weighs the same."""
        truth = self.truth
        return np.asarray(np.where(truth, 0.5 / max(truth.sum(), 1), 0.5 / max((~truth).sum(), 1)), np.float64)


@contextlib.contextmanager
def overheard() -> Iterator[list[tuple[Look, Sequence[tuple[Found, int]]]]]:
    """What every search inside it was judged by."""
    heard: list[tuple[Look, Sequence[tuple[Found, int]]]] = []
    judge = sureness.judge

    def listen(look: Look, found: Sequence[tuple[Found, int]]) -> Judged:
        heard.append((look, found))
        return judge(look, found)

    setattr(retrieval, "judge", listen)  # noqa: B010 - the module imports it for itself
    try:
        yield heard
    finally:
        setattr(retrieval, "judge", judge)  # noqa: B010


def collect(folder: Path) -> Sample:
    """Each question of a set; where nothing is unanswerable, each once more with the right documents hidden."""
    from assistant.app import open_library
    from assistant.settings import load_settings
    from evals.beir import load_data_set
    from evals.corpus import prepare_corpus

    data = load_data_set(folder, qrels=False, answers=True)
    library = open_library(prepare_corpus(data, load_settings(model="embedded")))
    hides = all(answer.answerable for answer in data.answers.values())
    sample = Sample(folder.name)
    for query in data.queries:
        if not query.text.strip():
            continue
        with overheard() as heard:
            library.search(query.text, history=query.history[-12:], limit=DEPTH)
        look, found = heard[0]
        if not found:
            continue
        right = {document for document, grade in data.qrels.get(query.id, {}).items() if grade > 0}
        sample.examples.append(
            Example(
                read_signs(look, found),
                data.answers[query.id].answerable,
                tuple(one.passage.document_id in right for one, _ in found[:10]) if right else (),
                tuple(found[0][0].score - one.score for one, _ in found[:10]),
            )
        )
        others = [pair for pair in found if pair[0].passage.document_id not in right]
        if hides and right and others:
            sample.examples.append(Example(read_signs(look, others), answerable=False))
    return sample


def fit_logistic(signs: Floats, truth: NDArray[np.bool_], weights: Floats, ridge: float = RIDGE) -> Floats:
    """Intercept and coefficients of a ridge-regularised logistic regression, by Newton's method.

    Args:
        ridge: of the standardised coefficients, beside a mean loss.
    """
    middle, spread = signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-9)
    design = np.column_stack([np.ones(len(signs)), (signs - middle) / spread])
    weights = weights / weights.sum()
    held = np.diag([0.0, *[ridge] * signs.shape[1]])
    solution = np.zeros(design.shape[1])
    for _ in range(STEPS):
        probable = _logistic(design @ solution)
        slope = design.T @ (weights * (probable - truth)) + held @ solution
        curve = (design * (weights * probable * (1 - probable))[:, None]).T @ design + held
        solution -= np.linalg.solve(curve + 1e-9 * np.eye(len(curve)), slope)
    coefficients = solution[1:] / spread
    return np.concatenate([[solution[0] - coefficients @ middle], coefficients])


def fit_samples(samples: Sequence[Sample]) -> Floats:
    """One fit of several sets, each weighing the same."""
    return fit_logistic(
        np.concatenate([sample.signs for sample in samples]),
        np.concatenate([sample.truth for sample in samples]),
        np.concatenate([sample.weights for sample in samples]),
    )


def fit_passages(samples: Sequence[Sample]) -> tuple[float, float]:
    """How often the best passage is right where one is, and how fast that falls with the score: by likelihood."""
    judged = [e for s in samples for e in s.examples if any(e.right)]
    right = np.concatenate([np.asarray(example.right, float) for example in judged])
    behind = np.concatenate([np.asarray(example.behind, float) for example in judged])

    def loss(first: float, decay: float) -> float:
        probable = np.clip(first * np.exp(-behind / decay), 1e-6, 1 - 1e-6)
        return -float(np.mean(right * np.log(probable) + (1 - right) * np.log(1 - probable)))

    grid = [(loss(a / 100, b / 1000), a / 100, b / 1000) for a in range(40, 100, 2) for b in range(20, 400, 10)]
    return min(grid)[1:]


def predict(coefficients: Floats, signs: Floats) -> Floats:
    """Sureness of each row of signs."""
    return _logistic(coefficients[0] + signs @ coefficients[1:])


def calibration_error(probable: Floats, truth: NDArray[np.bool_], weights: Floats) -> float:
    """The mean gap between what was said and what came true, over bins of equal width (ECE), classes weighing alike."""
    error, whole = 0.0, weights.sum()
    bins = np.minimum((probable * BINS).astype(int), BINS - 1)
    for number in range(BINS):
        inside = bins == number
        if weight := weights[inside].sum():
            error += abs(float((weights[inside] * (probable[inside] - truth[inside])).sum() / weight)) * weight
    return float(error / whole)


def _logistic(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -math.log(1e12), math.log(1e12)))), np.float64)


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Reads the folders named, fits, and tells."""
    from evals.certainty import auroc

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    samples = []
    for folder in parser.parse_args().folders:
        samples.append(collect(folder))
        tell(f"read {folder.name}: {len(samples[-1].examples)} examples")
    coefficients = fit_samples(samples)
    tell("sign        " + " ".join(f"{name:>9}" for name in ("intercept", *(f.name for f in fields(Signs)))))
    tell("coefficient " + " ".join(f"{value:9.2f}" for value in coefficients))
    tell("first is right {:.2f}, decay {:.3f}".format(*fit_passages(samples)))
    tell("set: AUROC fitted on all, without this set; calibration error without this set")
    for sample in samples:
        others = [other for other in samples if other is not sample]
        probable = [predict(fit_samples(chosen), sample.signs) for chosen in (samples, others or samples)]
        figures = [auroc(sample.truth.tolist(), values.tolist()) for values in probable]
        error = calibration_error(probable[1], sample.truth, sample.weights)
        tell(f"{sample.name:16} {figures[0]:.3f} {figures[1]:.3f} {error:.3f}")


if __name__ == "__main__":
    main()
