"""Every measure the evaluations report. Floor: pure; `certainty.py` says how sure one may be of them.

Ranking measures come from ir-measures (trec_eval underneath); text measures are short enough to own.
"""

from __future__ import annotations

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
