"""Fits how probably a stretch of a passage answers: `python -m evals.fitting_closeness`. Floor: door.

Tells the weights for assistant/turn/closeness.py, and what they add to each company's answers when fitted without it.
Only `demo` and `companies` are read: on the other suites nothing is tuned.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field, fields
from typing import Any

import numpy as np

from assistant.settings import Settings, load_settings
from assistant.turn import from_passages
from assistant.turn.closeness import Signs, closeness, tells_of_several
from assistant.turn.embedded import Composed
from assistant.turn.policy import NO_PRICE, Decision, Verdict, decide_on_answer
from evals.cases import COMPANIES_SUITE, DEMO_SUITE, Expectation, Suite, load_suite
from evals.fitting import Floats, fit_logistic, predict, tell
from evals.live import open_live
from evals.outcomes import TurnResult
from evals.suites import World, company_worlds, demo_world, prepare_world, run_turn

DEMO_WEIGHT = 0.6  # of each turn; a company's weighs 1
RIDGE = 8.0  # of the standardised weights, beside the sum of the losses
LINES = (0.5, 0.55, 0.6, 0.65, 0.7)


@dataclass
class Composition:
    """An answer that was composed. `said`: by the other rules; `signs` where its passage tells of several things."""

    said: bool
    signs: Signs | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """The first answer composed in a turn. `said`: by the other rules, whatever closeness says."""

    signs: Signs
    right: bool
    said: bool


@dataclass
class Sample:
    """The examples of one company or of the demo."""

    name: str
    weight: float = 1.0  # of each
    examples: list[Example] = field(default_factory=list)

    @property
    def signs(self) -> Floats:
        return np.asarray([astuple(example.signs) for example in self.examples], np.float64).reshape(-1, len(NAMES))


NAMES = tuple(sign.name for sign in fields(Signs))


@contextlib.contextmanager
def forced_open() -> Iterator[list[Composition]]:
    """Within it whatever is composed is said, and listed."""
    heard: list[Composition] = []

    def listen(sureness: float, composed: Composed | None, **about: Any) -> Decision:
        decision = decide_on_answer(sureness, composed, **about)
        if composed is None or decision.reason == NO_PRICE:  # closeness is not asked then
            return decision
        heard.append(Composition(said=decision.verdict is Verdict.ANSWER))
        several = composed.best is not None and tells_of_several(composed.best.candidate)
        return Decision(Verdict.DECLINE if several else Verdict.ANSWER)  # declined: closeness is asked next

    def keep(signs: Signs) -> float:
        heard[-1].signs = signs
        return 1.0

    setattr(from_passages, "decide_on_answer", listen)  # noqa: B010 - the module imports both for itself
    setattr(from_passages, "closeness", keep)  # noqa: B010
    try:
        yield heard
    finally:
        setattr(from_passages, "decide_on_answer", decide_on_answer)  # noqa: B010
        setattr(from_passages, "closeness", closeness)  # noqa: B010


def label(expected: Expectation, turn: TurnResult, heard: Sequence[Composition]) -> Example | None:
    """The turn as an example: right when facts, sources and what must not be said hold, wrong where nothing answers.

    None where the answer came from no composition or from a passage of one thing only, or cannot be judged.
    """
    if turn.outcome != "answered" or not heard or heard[0].signs is None:
        return None
    answerable = not expected.outcomes or "answered" in expected.outcomes
    if answerable and not (expected.facts or expected.cites):
        return None
    right = answerable and all(check.passed for check in turn.checks if check.kind != "outcome")
    return Example(heard[0].signs, right, heard[0].said)


async def collect(world: World, suite: Suite, settings: Settings) -> list[Example]:
    """Each turn of the suite that closeness may decide, with every answer said."""
    examples = []
    with forced_open() as heard:
        async with open_live(prepare_world(world, settings), world.customers) as live:
            for case in suite.cases:
                conversation = await live.begin(customer=case.customer)
                for saying in case.turns:
                    heard.clear()
                    turn = await run_turn(saying, conversation, live)
                    examples.append(label(saying.expect, turn, heard))
    return [example for example in examples if example]


async def collect_all(settings: Settings) -> list[Sample]:
    """The demo, then the companies."""
    samples = [Sample(DEMO_SUITE, DEMO_WEIGHT, await collect(demo_world(), load_suite(DEMO_SUITE), settings))]
    for world, suite in company_worlds(COMPANIES_SUITE):
        samples.append(Sample(world.name, examples=await collect(world, suite, settings)))
    return samples


def fit(samples: Sequence[Sample]) -> Floats:
    """Intercept and weights of the signs, in their order."""
    signs = np.concatenate([sample.signs for sample in samples])
    truth = np.asarray([example.right for sample in samples for example in sample.examples])
    weights = np.concatenate([np.full(len(sample.examples), sample.weight) for sample in samples])
    return fit_logistic(signs, truth, weights, RIDGE / float(weights.sum()))


def count_added(sample: Sample, fitted: Floats, line: float) -> tuple[int, int]:
    """How many right and how many wrong answers are said from that line on, beside those that are said anyway."""
    close = predict(fitted, sample.signs)
    added = [one.right for one, value in zip(sample.examples, close, strict=True) if value >= line and not one.said]
    return sum(added), len(added) - sum(added)


def main() -> None:
    """Runs both suites, fits, and tells."""
    samples = asyncio.run(collect_all(load_settings(model="embedded")))
    for sample in samples:
        said = [example.right for example in sample.examples if example.said]
        right = sum(example.right for example in sample.examples)
        tell(
            f"{sample.name}: {len(sample.examples)} examples, {right} right; said anyway {len(said)}, {sum(said)} right"
        )
    intercept, *weights = fit(samples)
    tell(f"INTERCEPT = {intercept:.2f}")
    tell(f"WEIGHTS = ({', '.join(f'{weight:.2f}' for weight in weights)})  # {', '.join(NAMES)}")
    companies = [sample for sample in samples if sample.name != DEMO_SUITE]
    without = [fit([other for other in samples if other is not sample]) for sample in companies]
    tell("answers added, right and wrong, each company by what was fitted without it")
    tell("line " + " ".join(f"{sample.name:>18}" for sample in companies) + f"{'all':>10} {'wrong':>6}")
    for line in LINES:
        added = [count_added(sample, fitted, line) for sample, fitted in zip(companies, without, strict=True)]
        right, wrong = (sum(counts) for counts in zip(*added, strict=True))
        cells = " ".join(f"{f'{good}, {bad}':>18}" for good, bad in added)
        tell(f"{line:.2f} {cells} {f'{right}, {wrong}':>9} {wrong / max(right + wrong, 1):6.2f}")


if __name__ == "__main__":
    main()
