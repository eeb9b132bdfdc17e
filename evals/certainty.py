"""How sure one may be of a figure, and whether two runs differ by more than chance. Floor: pure.

Intervals are of 95 %. Everything that draws lots is seeded: the same values give the same answer.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_Z95 = 1.959963984540054
SEED = 20260101
BOOTSTRAP_ROUNDS = 2000
SIGN_FLIPS = 10_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval around `value`; `n` is how many observations stand behind it."""

    value: float
    low: float
    high: float
    n: int


# --- intervals ---


def wilson(hits: int, n: int) -> Interval:
    """The Wilson score interval of a share (Wilson 1927); of nothing, everything is possible."""
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0)
    share, z2 = hits / n, _Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # at the ends the formula is exact but floating point is not: 0 of n must start at 0, n of n must end at 1
    return Interval(share, 0.0 if hits == 0 else centre - half, 1.0 if hits == n else centre + half, n)


def bootstrap(values: Sequence[float], *, rounds: int = BOOTSTRAP_ROUNDS, seed: int = SEED) -> Interval:
    """The mean with its percentile bootstrap interval (Efron 1979) over the values, one for each question."""
    if not values:
        return Interval(0.0, 0.0, 0.0, 0)
    low, high = _redrawn([(value, 1.0) for value in values], rounds, seed)
    return Interval(sum(values) / len(values), low, high, len(values))


def bootstrap_share(groups: Sequence[Sequence[bool]], *, rounds: int = BOOTSTRAP_ROUNDS, seed: int = SEED) -> Interval:
    """A share of checks whose conversations are drawn as wholes, since the checks of one conversation go together.

    Where all checks held, or none did, drawing again tells nothing: the ends are then Wilson's over conversations.
    """
    counted = [(sum(group), len(group)) for group in groups if group]
    held, n = sum(hits for hits, _ in counted), sum(size for _, size in counted)
    if held in (0, n):
        of_groups = wilson(len(counted) if held else 0, len(counted))
        return Interval(held / n if n else 0.0, of_groups.low, of_groups.high, n)
    low, high = _redrawn([(float(hits), float(size)) for hits, size in counted], rounds, seed)
    return Interval(held / n, low, high, n)


def _redrawn(parts: Sequence[tuple[float, float]], rounds: int, seed: int) -> tuple[float, float]:
    """Between which values lie 95 % of the ratios of sums when the (numerator, denominator) parts are drawn anew."""
    import numpy as np

    draw, table = np.random.default_rng(seed), np.asarray(parts, np.float64)
    ratios: list[float] = []
    portion = max(1, 1_000_000 // len(parts))  # rounds at a time: memory stays small on sets of many thousands
    for start in range(0, rounds, portion):
        drawn = draw.integers(0, len(parts), (min(portion, rounds - start), len(parts)))
        sums = table[drawn].sum(axis=1)
        ratios += (sums[:, 0] / sums[:, 1]).tolist()
    # a mean of equal values may miss them by a rounding error, and an end must not pass what was observed
    least, most = (edge(top / below for top, below in parts) for edge in (min, max))
    return _within(percentile(ratios, 2.5), least, most), _within(percentile(ratios, 97.5), least, most)


def _within(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of all lie, interpolated between neighbours; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


# --- the area under the ROC curve ---


@dataclass(frozen=True, slots=True)
class _Placements:
    """Of each positive the share of negatives below it, of each negative the share of positives above it; ties half."""

    of_positives: tuple[float, ...]
    of_negatives: tuple[float, ...]

    @property
    def area(self) -> float:
        return sum(self.of_positives) / len(self.of_positives)


def auroc(truth: Sequence[bool], confidence: Sequence[float]) -> float | None:
    """How often a true case is more confident than a false one, ties counting half; None without both kinds."""
    placed = _placements(truth, confidence)
    return placed.area if placed else None


def auroc_interval(truth: Sequence[bool], confidence: Sequence[float]) -> Interval | None:
    """The area with its interval from the variance of DeLong, DeLong and Clarke-Pearson (1988), kept within 0..1."""
    placed = _placements(truth, confidence)
    if placed is None:
        return None
    half = _Z95 * math.sqrt(_variance(placed.of_positives) + _variance(placed.of_negatives))
    return Interval(placed.area, max(0.0, placed.area - half), min(1.0, placed.area + half), len(truth))


def auroc_test(truth: Sequence[bool], before: Sequence[float], after: Sequence[float]) -> float:
    """The chance of an area at least this much smaller if nothing had changed: DeLong's paired test, one-sided.

    1 where the set has only one kind of question, or where no question moved past another.
    """
    old, new = _placements(truth, before), _placements(truth, after)
    if old is None or new is None:
        return 1.0
    moved = [
        [now - was for now, was in zip(a, b, strict=True)]
        for a, b in ((new.of_positives, old.of_positives), (new.of_negatives, old.of_negatives))
    ]
    variance = _variance(moved[0]) + _variance(moved[1])
    if variance == 0:
        return 1.0 if new.area >= old.area else 0.0
    return _normal_below((new.area - old.area) / math.sqrt(variance))


def _placements(truth: Sequence[bool], confidence: Sequence[float]) -> _Placements | None:
    if len(truth) != len(confidence):
        raise ValueError(f"{len(truth)} truths for {len(confidence)} confidences")
    positives = [value for value, true in zip(confidence, truth, strict=True) if true]
    negatives = [value for value, true in zip(confidence, truth, strict=True) if not true]
    if not positives or not negatives:
        return None
    high, low = sorted(positives), sorted(negatives)
    return _Placements(
        tuple((bisect_left(low, v) + bisect_right(low, v)) / 2 / len(low) for v in positives),
        tuple(1 - (bisect_left(high, v) + bisect_right(high, v)) / 2 / len(high) for v in negatives),
    )


def _variance(values: Sequence[float]) -> float:
    """Of their mean."""
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values)


def _normal_below(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


# --- paired tests: did it get worse? ---


def sign_test(worse: int, better: int) -> float:
    """The chance of at least this many `worse` among all changed cases if change had no direction (exact, one-sided).

    McNemar's exact test on paired outcomes: cases that did not change say nothing.
    """
    changed = worse + better
    return sum(math.comb(changed, k) for k in range(worse, changed + 1)) / (1 << changed)


def randomization_test(
    before: Sequence[float], after: Sequence[float], *, rounds: int = SIGN_FLIPS, seed: int = SEED
) -> float:
    """The chance of a mean at least this much lower if each question might as well have changed the other way.

    Fisher's paired randomization, one-sided, as Smucker, Allan and Carterette (2007) recommend for retrieval. Up to
    twelve changed questions are worked out exactly, more by drawing signs.
    """
    import numpy as np

    differences = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    changed = differences[np.abs(differences) > 1e-9]
    if not len(changed):
        return 1.0
    if len(changed) <= 12:
        signs = 1.0 - 2.0 * ((np.arange(1 << len(changed))[:, None] >> np.arange(len(changed))) & 1)
        return float(np.mean(signs @ np.abs(changed) <= changed.sum() + 1e-9))
    draw, as_low = np.random.default_rng(seed), 0
    for size in [1000] * (rounds // 1000):  # in portions: memory stays small on sets of many thousands
        as_low += int(np.sum(draw.choice((-1.0, 1.0), (size, len(changed))) @ np.abs(changed) <= changed.sum() + 1e-9))
    return (as_low + 1) / (rounds // 1000 * 1000 + 1)


def holm(chances: Mapping[str, float], level: float) -> list[str]:
    """The names whose tests speak at `level` although there are several (Holm 1979), most certain first."""
    ordered = sorted(chances, key=lambda name: chances[name])
    for rank, name in enumerate(ordered):
        if chances[name] > level / (len(ordered) - rank):
            return ordered[:rank]
    return ordered


# --- calibration ---


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of like sureness: the mean sureness, and in how many of them it was right."""

    low: float
    high: float
    sureness: float
    right: Interval


def calibrate(truth: Sequence[bool], confidence: Sequence[float], *, bins: int = 10) -> list[Bin]:
    """A reliability diagram (DeGroot and Fienberg 1983): bins of equal width over 0..1, empty ones left out."""
    edges = [i / bins for i in range(bins + 1)]
    placed = [min(int(value * bins), bins - 1) for value in confidence]
    found = []
    for i, (low, high) in enumerate(pairwise(edges)):
        inside = [(c, t) for c, t, at in zip(confidence, truth, placed, strict=True) if at == i]
        if inside:
            mean = sum(c for c, _ in inside) / len(inside)
            found.append(Bin(low, high, mean, wilson(sum(t for _, t in inside), len(inside))))
    return found


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error (Naeini, Cooper and Hauskrecht 2015): how far sureness is from being right, 0..1."""
    n = sum(one.right.n for one in bins)
    return sum(abs(one.sureness - one.right.value) * one.right.n for one in bins) / n if n else 0.0
