"""How well a search finds the documents that answer: `tellonce evals retrieval`. Floor: use case."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import TellonceError
from evals.beir import DataSet, Query
from evals.certainty import Interval, bootstrap, percentile
from evals.scoring import RANKING_MEASURES, ranking_scores
from knowledge.documents import Findings
from knowledge.products import Catalogue

DEPTH = 100  # passages asked for: more than ten documents even where each gives several

Search = Callable[[Query, int], Findings]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What a search found for each query of a data set.

    `run`: query id -> documents with scores, best first, each document once, scores strictly falling.
    `scores`: measure -> query id -> score; empty where the set judges nothing.
    """

    queries: int
    run: dict[str, list[tuple[str, float]]]
    scores: dict[str, dict[str, float]]
    latency_ms: tuple[float, ...]
    sureness: dict[str, float] = field(default_factory=dict)  # by query id

    @property
    def intervals(self) -> dict[str, Interval]:
        """Each measure's mean over the judged queries with its bootstrap interval."""
        return {name: bootstrap(list(values.values())) for name, values in self.scores.items()}

    def as_json(self) -> dict[str, Any]:
        """The figures under the names that PROTOCOL gives them; null where the set judges nothing."""
        means = {name: sum(v.values()) / len(v) for name, v in self.scores.items() if v}
        return {
            "queries": self.queries,
            **{name: round(means[name], 4) if name in means else None for name in RANKING_MEASURES},
            "latency_ms": {
                "p50": round(percentile(self.latency_ms, 50), 2),
                "p95": round(percentile(self.latency_ms, 95), 2),
            },
        }


def live_search(search: Callable[..., Findings], catalogue: Catalogue | None = None) -> Search:
    """A search that treats a query exactly as a live turn treats a customer's message.

    Args:
        search: `Library.search`.
        catalogue: `Library.catalogue()`, the products that may be named.
    """
    from assistant.turn.understanding import understand

    known = catalogue or Catalogue()

    def find(query: Query, limit: int) -> Findings:
        if query.is_empty:
            return Findings(query.text, 0, (), 0.0)
        understood = understand(query.text, query.history, catalogue=known)
        products = understood.subject.products if understood.subject.certain else None
        return search(understood.searched, history=query.history[-12:], limit=limit, product=products)

    return find


def measure_retrieval(data: DataSet, search: Search, progress: Progress | None = None) -> Retrieval:
    """Searches for every query, one after the other, and scores what comes back."""
    run: dict[str, list[tuple[str, float]]] = {}
    latency_ms: list[float] = []
    sureness: dict[str, float] = {}
    search(data.queries[0], DEPTH)  # loads what the first search loads: a server has done so at its start
    for done, query in enumerate(data.queries, start=1):
        began = time.perf_counter()
        findings = search(query, DEPTH)
        latency_ms.append((time.perf_counter() - began) * 1000)
        run[query.id] = rank_documents(findings)
        sureness[query.id] = findings.sureness
        if progress:
            progress(done, len(data.queries), "searching")
    scores = ranking_scores(data.qrels, run) if data.qrels else {}
    return Retrieval(len(data.queries), run, scores, tuple(latency_ms), sureness)


def rank_documents(findings: Findings) -> list[tuple[str, float]]:
    """Each document once, by its best passage, in the order found.

    Scores fall strictly, by more than single precision can lose: scorers sort by score and break ties their own way.
    """
    ranked: dict[str, float] = {}
    last = float("inf")
    for found in findings.found:
        document = found.passage.document_id
        if document not in ranked:
            last = ranked[document] = min(found.score, last - 1e-6 * max(1.0, abs(last)))
    return list(ranked.items())


def check_trec_ids(data: DataSet) -> None:
    """Raises TellonceError for ids that a TREC run file cannot carry, before hours are spent on searching."""
    ids = (*(query.id for query in data.queries), *(row.id for row in data.corpus))
    if spoilt := next((name for name in ids if len(name.split()) != 1), None):
        raise TellonceError(f"A TREC run file cannot carry the id {spoilt!r}. Use ids without blanks, or no --run.")


def write_trec_run(retrieval: Retrieval, path: Path) -> None:
    """Writes `query Q0 document rank score tellonce`, one line a document, as trec_eval reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for query, ranked in retrieval.run.items():
            for rank, (document, score) in enumerate(ranked, start=1):
                file.write(f"{query} Q0 {document} {rank} {score:.9g} tellonce\n")
