"""`tellonce evals` on a small set, through the real index, search and answering."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.commands.evals import app
from evals.beir import MalformedDataSet

pytestmark = pytest.mark.slow

CORPUS = {
    "filter": ("Cleaning the filter", "Rinse the filter under warm water every week. Do not use soap."),
    "refund": ("Refunds", "We send your money back within 14 days after the parcel has reached us."),
    "delivery": ("Delivery", "Parcels within the country arrive two working days after they left our warehouse."),
    "warranty": ("Warranty", "The warranty covers the motor for five years and everything else for two years."),
    "title-only": ("The shop in Leeds opens at nine", ""),
}
QUERIES = {
    "q1": ("How often should I rinse the filter?", "filter", "Every week."),
    "q2": ("When do I get my money back?", "refund", "Within 14 days after the parcel has reached us."),
    "q3": ("How long is the motor covered by the warranty?", "warranty", "Five years."),
    "q4": ("Who composed the Goldberg variations?", None, None),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": name, "title": title, "text": text} for name, (title, text) in CORPUS.items()]
    queries = [{"_id": name, "text": text} for name, (text, _, _) in QUERIES.items()]
    queries.append({"_id": "q5", "text": "And with soap?", "history": [{"role": "customer", "text": QUERIES["q1"][0]}]})
    answers = [{"_id": name, "answerable": bool(doc), "answer": answer} for name, (_, doc, answer) in QUERIES.items()]
    answers.append({"_id": "q5", "answerable": True, "answer": "Do not use soap."})
    for file, records in (("corpus", rows), ("queries", queries), ("answers", answers)):
        (folder / f"{file}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    judged = [f"{name}\t{doc}\t1\n" for name, (_, doc, _) in QUERIES.items() if doc]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged) + "q5\tfilter\t1\n")
    return folder


def test_retrieval_finds_what_is_there_and_writes_a_run(folder: Path) -> None:
    run = folder / "run.trec"

    result = CliRunner().invoke(app, ["retrieval", str(folder), "--json", "--run", str(run)], catch_exceptions=False)

    figures = json.loads(result.stdout)
    assert figures["queries"] == 5
    assert figures["recall@3"] == 1
    first = run.read_text().splitlines()[0].split()
    assert (first[0], first[1], first[2], first[3], first[5]) == ("q1", "Q0", "filter", "1", "tellonce")


def test_answers_are_measured_on_the_live_line(folder: Path) -> None:
    run = folder / "answers.run.jsonl"

    result = CliRunner().invoke(app, ["answers", str(folder), "--json", "--run", str(run)], catch_exceptions=False)

    figures = json.loads(result.stdout)
    assert set(figures["answerable"]) == {"precision", "recall", "f1", "auroc"}
    assert figures["answerable"]["auroc"] == 1
    assert figures["quote_verified"] == 1
    assert figures["token_f1"] > 0.2
    lines = [json.loads(line) for line in run.read_text().splitlines()]
    assert [line["_id"] for line in lines] == ["q1", "q2", "q3", "q4", "q5"]
    assert lines[0]["answered"]
    assert "every week" in lines[0]["text"]
    assert lines[0]["citations"][0]["doc"] == "filter"
    assert not lines[3]["answered"]


def test_a_second_run_indexes_nothing_anew(folder: Path) -> None:
    from assistant.app import open_library
    from assistant.settings import load_settings
    from evals.beir import load_data_set
    from evals.corpus import prepare_corpus

    data = load_data_set(folder)
    told: list[str] = []
    for _ in range(2):
        told.append("run")
        prepared = prepare_corpus(data, load_settings(), lambda done, total, what: told.append(what))

    assert "cutting into passages" in told[1:]
    assert "embedding" in told[1:]
    assert told[-1] == "run", "nothing was told after the second run began"
    assert open_library(prepared).status().documents == len(CORPUS)


def test_a_table_is_printed_for_people(folder: Path) -> None:
    result = CliRunner().invoke(app, ["retrieval", str(folder)], catch_exceptions=False)

    assert "ndcg@10" in result.stdout
    assert "95 % interval" in result.stdout


def test_a_folder_that_is_not_in_beir_layout_is_told(tmp_path: Path) -> None:
    with pytest.raises(MalformedDataSet, match=r"queries\.jsonl is missing"):
        CliRunner().invoke(app, ["retrieval", str(tmp_path)], catch_exceptions=False)
