"""Every measure the evaluations report, and how sure one may be of it. Floor: pure.

Ranking measures come from ir-measures (trec_eval underneath); text measures and intervals are short enough to own.
"""

from __future__ import annotations

import math
import random
import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Sequence[tuple[str, float]]]

RANKING_MEASURES: dict[str, str] = {
    "recall@1": "R@1",
    "recall@3": "R@3",
    "recall@5": "R@5",
    "recall@10": "R@10",
    "ndcg@5": "nDCG@5",
    "ndcg@10": "nDCG@10",
    "mrr@10": "RR@10",
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval around `value`; `n` is how many observations stand behind it."""

    value: float
    low: float
    high: float
    n: int


# --- ranking ---


def ranking_scores(qrels: Qrels, run: Run) -> dict[str, dict[str, float]]:
    """For each of RANKING_MEASURES, the score of each judged query; a query that found nothing scores 0.

    Args:
        qrels: query id -> document id -> relevance (0 is judged irrelevant). Queries without a relevant document are
            left out, as trec_eval does.
        run: query id -> documents with scores, best first.
    """
    import ir_measures

    judged = [query for query, documents in qrels.items() if any(grade > 0 for grade in documents.values())]
    relevance = [ir_measures.Qrel(q, document, grade) for q in judged for document, grade in qrels[q].items()]
    found = [ir_measures.ScoredDoc(q, document, score) for q in judged for document, score in run.get(q, ())]
    measures = {ir_measures.parse_measure(theirs): ours for ours, theirs in RANKING_MEASURES.items()}
    scores: dict[str, dict[str, float]] = {name: dict.fromkeys(judged, 0.0) for name in RANKING_MEASURES}
    if relevance and found:
        for metric in ir_measures.iter_calc(list(measures), relevance, found):
            scores[measures[metric.measure]][metric.query_id] = float(metric.value)
    return scores


# --- text ---

_ARTICLES = frozenset({"a", "an", "the"})
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation + "“”‘’…–—")
_ROUGE_TOKEN = re.compile(r"[^\W_]+")
_MARKER = re.compile(r"\s*\[\d{1,2}\]")


def without_markers(text: str) -> str:
    """The answer's words without its citation markers, as `[1]`: they are no part of what it says."""
    return _MARKER.sub("", text).strip()


def answer_tokens(text: str) -> list[str]:
    """Lower-case words without punctuation and English articles: the normalisation of SQuAD's scorer (1606.05250)."""
    return [word for word in text.lower().translate(_NO_PUNCTUATION).split() if word not in _ARTICLES]


def token_f1(answer: str, reference: str) -> float:
    """Overlap of words as SQuAD counts it, 0..1; two empty texts agree."""
    said, wanted = answer_tokens(answer), answer_tokens(reference)
    if not said or not wanted:
        return float(said == wanted)
    common = sum((Counter(said) & Counter(wanted)).values())
    return _f1(common / len(said), common / len(wanted))


def rouge_l(answer: str, reference: str) -> float:
    """F-measure of the longest common subsequence of words (Lin 2004), lower-cased, not stemmed, 0..1."""
    said, wanted = _ROUGE_TOKEN.findall(answer.lower()), _ROUGE_TOKEN.findall(reference.lower())
    if not said or not wanted:
        return float(said == wanted)
    common = _longest_common_subsequence(said, wanted)
    return _f1(common / len(said), common / len(wanted))


def _longest_common_subsequence(left: Sequence[str], right: Sequence[str]) -> int:
    """Its length, one row at a time, with the rows as bits of one integer (Hyyrö 2004): long answers stay cheap."""
    where: dict[str, int] = {}
    for position, word in enumerate(left):
        where[word] = where.get(word, 0) | 1 << position
    everything = (1 << len(left)) - 1
    row = everything
    for word in right:
        matched = row & where.get(word, 0)
        row = ((row + matched) | (row - matched)) & everything
    return len(left) - row.bit_count()


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


# --- decisions ---


@dataclass(frozen=True, slots=True)
class Decisions:
    """How well yes/no decisions fit the truth. A ratio with nothing under it is 0."""

    precision: float
    recall: float
    f1: float


def decision_scores(truth: Sequence[bool], decided: Sequence[bool]) -> Decisions:
    """Precision, recall and F1 of the decision True."""
    hits = sum(t and d for t, d in zip(truth, decided, strict=True))
    precision = hits / sum(decided) if any(decided) else 0.0
    recall = hits / sum(truth) if any(truth) else 0.0
    return Decisions(precision, recall, _f1(precision, recall))


def auroc(truth: Sequence[bool], confidence: Sequence[float]) -> float | None:
    """How often a true case is more confident than a false one, ties counting half; None without both kinds."""
    if len(truth) != len(confidence):
        raise ValueError(f"{len(truth)} truths for {len(confidence)} confidences")
    positives = sum(truth)
    negatives = len(truth) - positives
    if not positives or not negatives:
        return None
    rank_sum = sum(rank for rank, true in zip(_ranks(confidence), truth, strict=True) if true)
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def _ranks(values: Sequence[float]) -> list[float]:
    """1-based ranks, ties sharing their mean."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for position in order[start : end + 1]:
            ranks[position] = (start + end) / 2 + 1
        start = end + 1
    return ranks


# --- how sure ---

_Z95 = 1.959963984540054


def wilson(hits: int, n: int) -> Interval:
    """The 95 % Wilson score interval of a share (Wilson 1927); of nothing, everything is possible."""
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0)
    share, z2 = hits / n, _Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # at the ends the formula is exact but floating point is not: 0 of n must start at 0, n of n must end at 1
    return Interval(share, 0.0 if hits == 0 else centre - half, 1.0 if hits == n else centre + half, n)


def bootstrap(values: Sequence[float], *, rounds: int = 2000, seed: int = 20260101) -> Interval:
    """The mean with its 95 % percentile bootstrap interval (Efron 1979). The same values give the same interval."""
    if not values:
        return Interval(0.0, 0.0, 0.0, 0)
    draw = random.Random(seed)
    n = len(values)
    means = sorted(sum(draw.choices(values, k=n)) / n for _ in range(rounds))
    return Interval(sum(values) / n, percentile(means, 2.5), percentile(means, 97.5), n)


def sign_test(worse: int, better: int) -> float:
    """The chance of at least this many `worse` among all changed cases if change had no direction (exact, one-sided).

    McNemar's exact test on paired outcomes: cases that did not change say nothing.
    """
    changed = worse + better
    return sum(math.comb(changed, k) for k in range(worse, changed + 1)) / (1 << changed)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of all lie, interpolated between neighbours; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
