"""A data set in BEIR layout, read and checked. Floor: store; `retrieval.py` and `answers.py` measure over it.

corpus.jsonl    {"_id", "title", "text"}                 one document a line
queries.jsonl   {"_id", "text", "history"?}              history: [{"role": "customer"|"assistant", "text"}]
qrels/test.tsv  query-id <tab> corpus-id <tab> score     with a header line
answers.jsonl   {"_id", "answerable", "answer"}          for `tellonce evals answers`
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import TellonceError
from knowledge.documents import Turn

Qrels = dict[str, dict[str, int]]


class MalformedDataSet(TellonceError):
    """A data set that cannot be read; the message names file, line, what is wrong and what to do."""

    code = "bad_frame"


@dataclass(frozen=True, slots=True)
class Row:
    """One document of the corpus. `text` may be empty where the title says it all."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """One question, with what was said before it, oldest first."""

    id: str
    text: str
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of the right answer. `text` is None for a question that the corpus does not answer."""

    answerable: bool
    text: str | None


@dataclass(frozen=True, slots=True)
class DataSet:
    """Everything of one folder. `corpus_hash` names the corpus by content: the same bytes, the same index."""

    folder: Path
    corpus: tuple[Row, ...]
    corpus_hash: str
    queries: tuple[Query, ...]
    qrels: Qrels = field(default_factory=dict)
    answers: dict[str, Reference] = field(default_factory=dict)


def load_data_set(folder: Path, *, qrels: bool = True, answers: bool = False) -> DataSet:
    """Reads the folder, with the parts that are asked for.

    Args:
        qrels: relevance judgements must be there; with False they are read if they are.
        answers: `answers.jsonl` must be there and speak of every query.

    Raises:
        MalformedDataSet: a file is missing, or a line of it is not as it should be.
    """
    if not folder.is_dir():
        raise MalformedDataSet(f"{folder} is not a folder. Give the folder that holds corpus.jsonl and queries.jsonl.")
    corpus = _read_corpus(folder / "corpus.jsonl")
    queries = _read_queries(folder / "queries.jsonl")
    judged = folder / "qrels" / "test.tsv"
    relevance = _read_qrels(judged, {q.id for q in queries}) if qrels or judged.exists() else {}
    references = _read_answers(folder / "answers.jsonl", queries) if answers else {}
    digest = hashlib.sha256()
    for row in corpus:
        digest.update(json.dumps((row.id, row.title, row.text)).encode())
    return DataSet(folder, corpus, digest.hexdigest(), queries, relevance, references)


def _read_corpus(path: Path) -> tuple[Row, ...]:
    rows: dict[str, Row] = {}
    for line, record in _records(path):
        row = Row(
            _text(path, line, record, "_id"), _text(path, line, record, "title", ""), _text(path, line, record, "text")
        )
        if row.id in rows:
            raise _fault(path, line, f'"_id" {row.id!r} is there twice', "Give each document its own id")
        if not (row.title.strip() or row.text.strip()):
            raise _fault(path, line, "both title and text are empty", "Write a text or remove the line")
        rows[row.id] = row
    if not rows:
        raise MalformedDataSet(f"{path} holds no documents. Write one JSON object a line: _id, title, text.")
    return tuple(rows.values())


def _read_queries(path: Path) -> tuple[Query, ...]:
    queries: dict[str, Query] = {}
    for line, record in _records(path):
        query = Query(_text(path, line, record, "_id"), _text(path, line, record, "text"), _history(path, line, record))
        if query.id in queries:
            raise _fault(path, line, f'"_id" {query.id!r} is there twice', "Give each query its own id")
        if not query.text.strip():
            raise _fault(path, line, '"text" is empty', "Write the question or remove the line")
        queries[query.id] = query
    if not queries:
        raise MalformedDataSet(f"{path} holds no queries. Write one JSON object a line: _id, text.")
    return tuple(queries.values())


def _history(path: Path, line: int, record: dict[str, Any]) -> tuple[Turn, ...]:
    given = record.get("history")
    if given is None:
        return ()
    remedy = 'Write [{"role": "customer" or "assistant", "text": …}, …], oldest first'
    if not isinstance(given, list):
        raise _fault(path, line, '"history" is not a list', remedy)
    turns = []
    for turn in given:
        if not isinstance(turn, dict) or turn.get("role") not in {"customer", "assistant"}:
            raise _fault(path, line, '"history" has a turn of no known role', remedy)
        if not isinstance(turn.get("text"), str):
            raise _fault(path, line, '"history" has a turn without text', remedy)
        turns.append(Turn(turn["role"], turn["text"]))
    return tuple(turns)


def _read_qrels(path: Path, queries: set[str]) -> Qrels:
    qrels: Qrels = {}
    for line, words in _lines(path):
        cells = words.rstrip("\r\n").split("\t")
        if line == 1 and cells and cells[-1].strip() == "score":
            continue
        if len(cells) != 3:
            raise _fault(
                path, line, f"{len(cells)} columns instead of 3", "Separate query id, document id and score by tabs"
            )
        query, document, score = (cell.strip() for cell in cells)
        try:
            grade = int(score)
        except ValueError:
            raise _fault(
                path, line, f"score {score!r} is not a whole number", "Write 0 for irrelevant, 1 or more for relevant"
            ) from None
        if query in queries:  # published sets share one file of judgements between several sets of queries
            qrels.setdefault(query, {})[document] = grade
    if not any(grade > 0 for documents in qrels.values() for grade in documents.values()):
        raise MalformedDataSet(
            f"{path} judges no document relevant to any query of queries.jsonl. "
            "Write one line a relevant document: query id, document id, 1."
        )
    return qrels


def _read_answers(path: Path, queries: tuple[Query, ...]) -> dict[str, Reference]:
    known = {query.id for query in queries}
    answers: dict[str, Reference] = {}
    for line, record in _records(path):
        query = _text(path, line, record, "_id")
        if query not in known:
            continue
        answerable, answer = record.get("answerable"), record.get("answer")
        if not isinstance(answerable, bool):
            raise _fault(path, line, '"answerable" is neither true nor false', "Write one of them")
        if answer is not None and not isinstance(answer, str):
            raise _fault(path, line, '"answer" is neither text nor null', "Write one of them")
        answers[query] = Reference(answerable, answer or None)
    missing = next((query.id for query in queries if query.id not in answers), None)
    if missing is not None:
        raise MalformedDataSet(
            f'{path} says nothing of query {missing!r}. Add a line {{"_id", "answerable", "answer"}}.'
        )
    return answers


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line of a JSON Lines file with its number; blank lines are skipped."""
    for line, words in _lines(path):
        try:
            record = json.loads(words)
        except ValueError as error:
            raise _fault(path, line, f"not JSON ({error})", "Write one JSON object a line") from error
        if not isinstance(record, dict):
            raise _fault(path, line, "not a JSON object", "Write one JSON object a line")
        yield line, record


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.is_file():
        raise MalformedDataSet(f"{path} is missing. A BEIR folder holds corpus.jsonl, queries.jsonl, qrels/test.tsv.")
    with path.open(encoding="utf-8") as file:
        try:
            for number, words in enumerate(file, start=1):
                if words.strip():
                    yield number, words
        except UnicodeDecodeError as error:
            raise MalformedDataSet(f"{path} is not UTF-8 ({error.reason}). Save it as UTF-8.") from error


def _text(path: Path, line: int, record: dict[str, Any], key: str, default: str | None = None) -> str:
    value = record.get(key)
    if value is None:
        value = default
    if key == "_id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # some published sets number their documents
    if not isinstance(value, str) or (key == "_id" and not value.strip()):
        raise _fault(path, line, f'"{key}" is missing or not text', f'Write "{key}" as a JSON string')
    return value


def _fault(path: Path, line: int, what: str, remedy: str) -> MalformedDataSet:
    return MalformedDataSet(f"{path}, line {line}: {what}. {remedy}.")
