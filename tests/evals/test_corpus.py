"""Indexes are kept by what they were made of: made once, made anew when that changed, dropped when nobody uses them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from assistant.errors import TellonceError
from assistant.settings import load_settings
from evals import corpus
from evals.beir import DataSet, Row, load_data_set
from evals.corpus import cache_folder, document_of, index_revision, prepare_corpus
from evals.pinned import PinnedLibrary


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "set"
    folder.mkdir()
    rows = [
        {"_id": "d1", "title": "Filter", "text": "Rinse the filter every week."},
        {"_id": "d2", "title": "Opens at nine", "text": ""},
        {"_id": "d3", "title": "", "text": " "},
    ]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "How often?"}) + "\n")
    return load_data_set(folder, qrels=False)


@pytest.fixture
def told() -> list[str]:
    """What the newest run told of its progress."""
    return []


def prepare(data: DataSet, told: list[str]) -> Path:
    told.clear()
    return prepare_corpus(data, load_settings(), lambda done, total, what: told.append(what)).data_dir


@pytest.mark.slow
def test_an_index_is_made_once_and_again_only_for_other_code(
    data: DataSet, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(data, told)
    assert "embedding" in told
    assert prepare(data, told) == first
    assert told == []

    monkeypatch.setattr(corpus, "index_revision", lambda: "other code")

    assert prepare(data, told) == first
    assert "cutting into passages" in told
    assert "embedding" not in told, "the vectors are there already"


@pytest.mark.slow
def test_a_document_without_words_is_left_out_and_one_with_a_title_is_not(data: DataSet, told: list[str]) -> None:
    from assistant.app import open_library

    prepared = prepare_corpus(data, load_settings())
    library = PinnedLibrary(open_library(prepared))

    found = library.search("When do you open?", limit=5).found
    assert {hit.passage.document_id for hit in found} <= {"d1", "d2"}
    opens = library.document("d2")
    assert opens is not None
    assert opens.text == "Opens at nine"
    assert library.document("d3") is None


def test_another_model_has_an_index_of_its_own(data: DataSet) -> None:
    one, other = (
        corpus._own_settings(load_settings(), f"x-{corpus._in_file_names(name)}") for name in ("a/b", "openai:c")
    )

    assert one.data_dir != other.data_dir
    assert one.database_url is None


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    with pytest.raises(TellonceError, match="set XDG_CACHE_HOME to another folder"):
        corpus._own_settings(load_settings(), "mine")


def test_what_nobody_used_for_a_month_goes(data: DataSet) -> None:
    old, new = cache_folder() / "old", cache_folder() / "new"
    for folder, age in ((old, corpus.KEPT_DAYS + 1), (new, 1)):
        folder.mkdir(parents=True)
        used = folder / corpus.USED
        used.touch()
        os.utime(used, (used.stat().st_atime, used.stat().st_mtime - age * 86_400))

    corpus._own_settings(load_settings(), "mine")

    assert {folder.name for folder in cache_folder().iterdir()} == {"new", "mine"}


def test_the_revision_follows_whatever_indexing_stands_on() -> None:
    behind = corpus._imported_by("knowledge.reindexing")

    assert behind >= {"knowledge.reindexing", "knowledge.chunking", "knowledge.blocks", "knowledge.lexical"}
    assert "knowledge.retrieval" not in behind, "a change of ranking makes no new index"
    assert index_revision() == index_revision()


def test_a_document_is_its_row_character_for_character() -> None:
    row = Row("d", "Title", "  a\r\n\tb ")

    assert document_of(row).text == row.text
    assert document_of(row).content_hash != document_of(Row("d", "Other", row.text)).content_hash
