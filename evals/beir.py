"""A data set in BEIR layout, read and checked. Floor: store; `retrieval.py` and `answers.py` measure over it.

corpus.jsonl    {"_id", "title", "text"}                 one document a line
queries.jsonl   {"_id", "text", "history"?}              history: [{"role": "customer"|"assistant", "text"}]
qrels/test.tsv  query-id <tab> corpus-id <tab> score     with a header line
answers.jsonl   {"_id", "answerable", "answer"}          for `tellonce evals answers`
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assistant.errors import TellonceError
from knowledge.documents import Turn

Qrels = dict[str, dict[str, int]]
Progress = Callable[[int, int, str], None]

SAMPLE_SEED = 20260101
LINES_TOLD = 5_000  # lines of a corpus between two words to the progress bar


class MalformedDataSet(TellonceError):
    """A data set that cannot be read; the message names file, line, what is wrong and what to do."""

    code = "bad_frame"


@dataclass(frozen=True, slots=True)
class Row:
    """One document of the corpus. `text` may be empty where the title says it all; both may, and it is never found."""

    id: str
    title: str
    text: str

    @property
    def is_empty(self) -> bool:
        return not (self.title.strip() or self.text.strip())


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents, read from the file each time they are gone through: memory does not grow with the corpus.

    `digest` names it by content: the same rows, the same index.
    """

    path: Path
    size: int
    digest: str

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Row]:
        return (_row(self.path, line, record) for line, record in _records(self.path))


@dataclass(frozen=True, slots=True)
class Query:
    """One question, with what was said before it, oldest first. One without words is not asked and finds nothing."""

    id: str
    text: str
    history: tuple[Turn, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.text.strip()


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of the right answer. `text` is None for a question that the corpus does not answer."""

    answerable: bool
    text: str | None


@dataclass(frozen=True, slots=True)
class DataSet:
    """Everything of one folder."""

    folder: Path
    corpus: Corpus
    queries: tuple[Query, ...]
    qrels: Qrels = field(default_factory=dict)
    answers: dict[str, Reference] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.folder.resolve().name


def load_data_set(
    folder: Path, *, qrels: bool = True, answers: bool = False, progress: Progress | None = None
) -> DataSet:
    """Reads the folder, with the parts that are asked for.

    Args:
        qrels: relevance judgements must be there; with False they are read if they are.
        answers: `answers.jsonl` must be there and speak of every query.
        progress: called as (megabytes read, megabytes in all, what) while the corpus is gone through.

    Raises:
        MalformedDataSet: a file is missing, or a line of it is not as it should be.
    """
    if not folder.is_dir():
        raise MalformedDataSet(f"{folder} is not a folder. Give the folder that holds corpus.jsonl and queries.jsonl.")
    queries = _read_queries(folder / "queries.jsonl")
    judged = folder / "qrels" / "test.tsv"
    relevance = _read_qrels(judged, {q.id for q in queries}) if qrels or judged.exists() else {}
    references = _read_answers(folder / "answers.jsonl", queries) if answers else {}
    return DataSet(folder, _read_corpus(folder / "corpus.jsonl", progress), queries, relevance, references)


def sample(data: DataSet, limit: int | None) -> DataSet:
    """The set with at most `limit` queries, drawn by a fixed seed and kept in their order; None keeps all."""
    if limit is None or limit >= len(data.queries):
        return data
    drawn = sorted(random.Random(SAMPLE_SEED).sample(range(len(data.queries)), limit))
    queries = tuple(data.queries[i] for i in drawn)
    asked = {query.id for query in queries}
    return replace(data, queries=queries, qrels={q: judged for q, judged in data.qrels.items() if q in asked})


def _read_corpus(path: Path, progress: Progress | None) -> Corpus:
    """Goes through it once: every line is checked, nothing but the ids is kept."""
    ids: set[str] = set()
    digest = hashlib.sha256()
    total, read = (path.stat().st_size if path.is_file() else 0), 0
    for line, record in _records(path):
        row = _row(path, line, record)
        if row.id in ids:
            raise _fault(path, line, f'"_id" {row.id!r} is there twice', "Give each document its own id")
        ids.add(row.id)
        words = json.dumps((row.id, row.title, row.text)).encode()
        digest.update(words)
        read += len(words)
        if progress and len(ids) % LINES_TOLD == 0:
            progress(min(read, total) // 1_000_000, total // 1_000_000, "reading the corpus, MB")
    if not ids:
        raise MalformedDataSet(f"{path} holds no documents. Write one JSON object a line: _id, title, text.")
    return Corpus(path, len(ids), digest.hexdigest())


def _row(path: Path, line: int, record: dict[str, Any]) -> Row:
    return Row(
        _text(path, line, record, "_id"), _text(path, line, record, "title", ""), _text(path, line, record, "text", "")
    )


def _read_queries(path: Path) -> tuple[Query, ...]:
    queries: dict[str, Query] = {}
    for line, record in _records(path):
        query = Query(_text(path, line, record, "_id"), _text(path, line, record, "text"), _history(path, line, record))
        if query.id in queries:
            raise _fault(path, line, f'"_id" {query.id!r} is there twice', "Give each query its own id")
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
        cells = [cell.strip() for cell in words.rstrip("\r\n").split("\t")]
        if len(cells) != 3:
            raise _fault(
                path, line, f"{len(cells)} columns instead of 3", "Separate query id, document id and score by tabs"
            )
        query, document, score = cells
        if line == 1 and not score[-1:].isdigit():
            continue  # the header, whatever it calls its columns
        try:
            grade = int(float(score))
        except (ValueError, OverflowError):
            raise _fault(
                path, line, f"score {score!r} is not a number", "Write 0 for irrelevant, 1 or more for relevant"
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
    with path.open(encoding="utf-8-sig") as file:  # some tools begin a file with a mark
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
