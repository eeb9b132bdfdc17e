"""Rankings become one line a document, a run file that any scorer reads, and figures under the promised names."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import TellonceError
from evals.beir import Corpus, DataSet, Query
from evals.retrieval import (
    DEPTH,
    Retrieval,
    check_trec_ids,
    live_search,
    measure_retrieval,
    rank_documents,
    write_trec_run,
)
from evals.scoring import RANKING_MEASURES, ranking_scores
from knowledge.documents import Findings, Found, Passage, Turn


def found(document: str, score: float, at: int = 0) -> Found:
    passage = Passage(f"{document}-{at}", document, "Title", (), "text", 0, 4)
    return Found(passage, score, score)


def findings(*hits: Found) -> Findings:
    return Findings("q", 1, hits, 0.5)


def data_set(tmp_path: Path) -> DataSet:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({"_id": f"d{i}", "text": f"text {i}"}) + "\n" for i in range(30)))
    queries = tuple(Query(f"q{i}", f"question {i}") for i in range(10))
    qrels = {f"q{i}": {f"d{i}": 1, f"d{i + 10}": 2} for i in range(9)}
    return DataSet(tmp_path, Corpus(corpus, 30, "digest"), queries, qrels)


def scripted(query: Query, limit: int) -> Findings:
    """Finds the right document at a rank that differs from query to query, with ties."""
    i = int(query.id[1:])
    order = [*range(10, 10 + i % 4), i, *(n for n in range(20, 28))]
    return findings(*(found(f"d{n}", round(1 - rank * 0.04, 1)) for rank, n in enumerate(order)))


def test_each_document_is_ranked_once_by_its_best_passage() -> None:
    ranked = rank_documents(findings(found("b", 0.9), found("a", 0.8), found("b", 0.7, 1), found("c", 0.6)))

    assert [document for document, _ in ranked] == ["b", "a", "c"]


@given(st.lists(st.floats(-50, 50), max_size=60))
def test_scores_fall_strictly_even_in_single_precision(scores: list[float]) -> None:
    import numpy as np

    ranked = rank_documents(findings(*(found(f"d{i}", score) for i, score in enumerate(scores))))
    single = np.asarray([float(f"{score:.9g}") for _, score in ranked], np.float32)

    assert all(a > b for a, b in itertools.pairwise(single))
    assert [document for document, _ in ranked] == [f"d{i}" for i in range(len(scores))]


def test_a_run_file_scored_by_ir_measures_itself_gives_the_same_figures(tmp_path: Path) -> None:
    data = data_set(tmp_path)
    measured = measure_retrieval(data, scripted)
    write_trec_run(measured, tmp_path / "run.trec")
    qrels = tmp_path / "qrels.trec"
    qrels.write_text("".join(f"{q} 0 {d} {grade}\n" for q, judged in data.qrels.items() for d, grade in judged.items()))

    aggregate = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in RANKING_MEASURES.values()],
        ir_measures.read_trec_qrels(str(qrels)),
        ir_measures.read_trec_run(str(tmp_path / "run.trec")),
    )

    figures = measured.as_json()
    assert 0 < figures["recall@1"] < figures["recall@10"]
    for ours, theirs in RANKING_MEASURES.items():
        assert figures[ours] == pytest.approx(aggregate[ir_measures.parse_measure(theirs)], abs=5e-5)


def test_the_figures_have_exactly_the_promised_names(tmp_path: Path) -> None:
    figures = measure_retrieval(data_set(tmp_path), scripted).as_json()

    assert list(figures) == ["queries", *RANKING_MEASURES, "latency_ms"]
    assert list(figures["latency_ms"]) == ["p50", "p95"]
    assert figures["queries"] == 10


def test_without_judgements_the_figures_are_null(tmp_path: Path) -> None:
    measured = Retrieval(3, {}, {}, (1.0,))

    assert measured.as_json()["recall@5"] is None
    assert measured.intervals == {}


def test_a_query_is_searched_as_a_live_message_is() -> None:
    asked: list[tuple[str, object]] = []

    def search(question: str, **how: object) -> Findings:
        asked.append((question, how["history"]))
        return findings()

    history = tuple(Turn("customer" if i % 2 == 0 else "assistant", f"turn {i}") for i in range(20))
    live_search(search)(Query("q", "Hello there, how do I clean the filter?", history), DEPTH)

    assert asked == [("how do I clean the filter?", history[-12:])]


def test_ids_that_a_run_file_cannot_carry_are_told_before_the_search(tmp_path: Path) -> None:
    data = data_set(tmp_path)
    check_trec_ids(data)

    with pytest.raises(TellonceError, match=r"'q 1'\. Use ids without blanks"):
        check_trec_ids(replace(data, queries=(Query("q 1", "question"),)))
    with data.corpus.path.open("a") as file:
        file.write(json.dumps({"_id": "d\t1", "text": "x"}) + "\n")
    with pytest.raises(TellonceError, match="Use ids without blanks"):
        check_trec_ids(data)


def test_a_question_without_words_is_not_searched() -> None:
    def search(question: str, **how: object) -> Findings:
        raise AssertionError(question)

    assert live_search(search)(Query("q", "  "), DEPTH).found == ()


def test_every_measure_is_known_to_the_scorer() -> None:
    assert set(ranking_scores({"q": {"d": 1}}, {"q": [("d", 1.0)]})) == set(RANKING_MEASURES)
