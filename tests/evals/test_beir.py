"""A BEIR folder is read whole, and each fault in one is told with its file, line and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.beir import MalformedDataSet, load_data_set, sample
from knowledge.documents import Turn


def lines(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The smallest complete set."""
    (tmp_path / "corpus.jsonl").write_text(
        lines({"_id": "d1", "title": "Filter", "text": "Clean it weekly."}, {"_id": 2, "text": "Pay by card."})
    )
    (tmp_path / "queries.jsonl").write_text(
        lines(
            {"_id": "q1", "text": "How often?", "history": [{"role": "customer", "text": "The filter is full."}]},
            {"_id": "q2", "text": "Who won in 1998?"},
        )
    )
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    (tmp_path / "answers.jsonl").write_text(
        lines({"_id": "q1", "answerable": True, "answer": "Weekly."}, {"_id": "q2", "answerable": False})
    )
    return tmp_path


def test_a_whole_set_is_read(folder: Path) -> None:
    data = load_data_set(folder, answers=True)

    assert [(row.id, row.title) for row in data.corpus] == [("d1", "Filter"), ("2", "")]
    assert data.queries[0].history == (Turn("customer", "The filter is full."),)
    assert data.qrels == {"q1": {"d1": 1}}
    assert data.answers["q1"].text == "Weekly."
    assert not data.answers["q2"].answerable


def test_the_corpus_hash_changes_with_the_corpus_and_with_nothing_else(folder: Path) -> None:
    before = load_data_set(folder).corpus.digest
    (folder / "queries.jsonl").write_text(lines({"_id": "q1", "text": "Else?"}))
    same = load_data_set(folder).corpus.digest
    (folder / "corpus.jsonl").write_text(lines({"_id": "d1", "text": "Clean it daily."}))

    assert same == before
    assert load_data_set(folder).corpus.digest != before


def test_answers_without_judgements_can_be_read(folder: Path) -> None:
    (folder / "qrels" / "test.tsv").unlink()

    assert load_data_set(folder, qrels=False, answers=True).qrels == {}


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        pytest.param("corpus.jsonl", "{broken\n", "line 1: not JSON", id="not JSON"),
        pytest.param("corpus.jsonl", "[1]\n", "line 1: not a JSON object", id="not an object"),
        pytest.param("corpus.jsonl", lines({"_id": "d1", "text": "a"}, {"text": "b"}), 'line 2: "_id"', id="no id"),
        pytest.param("corpus.jsonl", lines({"_id": "d", "text": "a"}) * 2, "line 2: .* twice", id="id twice"),
        pytest.param("corpus.jsonl", "", "holds no documents", id="empty corpus"),
        pytest.param("queries.jsonl", "\n", "holds no queries", id="empty queries"),
        pytest.param(
            "queries.jsonl", lines({"_id": "q1", "text": "x", "history": "y"}), "not a list", id="history no list"
        ),
        pytest.param(
            "queries.jsonl",
            lines({"_id": "q1", "text": "x", "history": [{"role": "bot", "text": "y"}]}),
            "no known role",
            id="history role",
        ),
        pytest.param("qrels/test.tsv", "q1 d1 1\n", "1 columns instead of 3", id="spaces"),
        pytest.param("qrels/test.tsv", "q1\td1\t1\nq1\td1\thigh\n", "'high' is not a number", id="grade"),
        pytest.param("qrels/test.tsv", "q9\td1\t1\n", "judges no document relevant", id="unknown queries only"),
        pytest.param("qrels/test.tsv", "q1\td1\t0\n", "judges no document relevant", id="nothing relevant"),
        pytest.param("answers.jsonl", lines({"_id": "q1", "answerable": 1}), "neither true nor false", id="answerable"),
        pytest.param(
            "answers.jsonl", lines({"_id": "q1", "answerable": True, "answer": 3}), "neither text", id="answer"
        ),
        pytest.param("answers.jsonl", lines({"_id": "q1", "answerable": True}), "nothing of query 'q2'", id="missing"),
    ],
)
def test_a_fault_is_told_with_file_line_and_remedy(folder: Path, file: str, content: str, expected: str) -> None:
    (folder / file).write_text(content)

    with pytest.raises(MalformedDataSet, match=expected) as caught:
        load_data_set(folder, answers=True)

    assert str(folder / file) in str(caught.value)
    assert str(caught.value).count(". ") >= 1, "a remedy follows the fault"


def test_judgements_of_queries_that_are_not_asked_are_passed_over(folder: Path) -> None:
    with (folder / "qrels" / "test.tsv").open("a") as file:
        file.write("q9\td1\t1\n")

    assert load_data_set(folder).qrels == {"q1": {"d1": 1}}


def test_a_file_that_is_not_text_is_told(folder: Path) -> None:
    (folder / "corpus.jsonl").write_bytes(b'{"_id": "d", "text": "\xff\xfe"}\n')

    with pytest.raises(MalformedDataSet, match="not UTF-8"):
        load_data_set(folder)


@pytest.mark.parametrize("file", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "answers.jsonl"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()

    with pytest.raises(MalformedDataSet, match="is missing"):
        load_data_set(folder, answers=True)


def test_a_path_that_is_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(MalformedDataSet, match="is not a folder"):
        load_data_set(tmp_path / "nowhere")


def test_a_document_or_question_without_words_ends_nothing(folder: Path) -> None:
    with (folder / "corpus.jsonl").open("a") as file:
        file.write(lines({"_id": "empty", "title": "", "text": " "}))
    with (folder / "queries.jsonl").open("a") as file:
        file.write(lines({"_id": "q3", "text": " "}))

    data = load_data_set(folder)

    assert [row.is_empty for row in data.corpus] == [False, False, True]
    assert [query.is_empty for query in data.queries] == [False, False, True]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("query-id\tcorpus-id\tscore\n", id="the usual header"),
        pytest.param("qid\tdoc\trelevance\n", id="another header"),
        pytest.param("", id="none"),
        pytest.param("\ufeffquery-id\tcorpus-id\tscore\n", id="behind a byte order mark"),
    ],
)
def test_judgements_are_read_below_any_header(folder: Path, head: str) -> None:
    (folder / "qrels" / "test.tsv").write_text(f"{head}q1\td1\t1.0\n", encoding="utf-8")

    assert load_data_set(folder).qrels == {"q1": {"d1": 1}}


def test_a_corpus_is_gone_through_again_and_again_without_being_held(folder: Path) -> None:
    corpus = load_data_set(folder).corpus

    assert len(corpus) == 2
    assert [row.id for row in corpus] == [row.id for row in corpus] == ["d1", "2"]


def test_a_long_corpus_tells_how_far_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.beir.LINES_TOLD", 1)
    told: list[tuple[int, int, str]] = []

    load_data_set(folder, progress=lambda done, total, what: told.append((done, total, what)))

    assert len(told) == 2
    assert all(done <= total for done, total, _ in told)


def test_a_sample_is_the_same_each_time_in_the_order_of_the_set(folder: Path) -> None:
    (folder / "queries.jsonl").write_text(lines(*({"_id": f"q{i}", "text": "x"} for i in range(50))))
    whole = load_data_set(folder)

    drawn = sample(whole, 10)

    ids = [query.id for query in drawn.queries]
    assert len(set(ids)) == 10
    assert ids == sorted(ids, key=lambda name: int(name[1:]))
    assert ids == [query.id for query in sample(whole, 10).queries]
    assert set(drawn.qrels) <= set(ids)
    assert sample(whole, 500) is sample(whole, None) is whole
