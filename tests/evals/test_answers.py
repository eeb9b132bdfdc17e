"""Replies become figures: answered or not, how right, and whether each quote stands in its document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.answers import Answered, Citation, cited_texts, decide_figures, read_reply
from evals.beir import Corpus, DataSet, Query, Reference, Row
from evals.live import Reply

TEXTS = {"d1": "Clean the filter weekly. Use warm water."}


def reply(
    outcome: str = "answered", quote: str = "Clean the filter weekly.", document: str = "d1", start: int = 0
) -> Reply:
    citation = {"document": document, "quote": quote, "start": start, "end": start + len(quote)}
    message = {"text": "Clean it. [1]", "outcome": outcome, "citations": [citation]}
    return Reply(message, {"sureness": 0.7}, False, 5.0)


@pytest.mark.parametrize(
    ("given", "verified"),
    [
        pytest.param(reply(), True, id="stands"),
        pytest.param(reply(quote="Clean the filter daily."), False, id="changed"),
        pytest.param(reply(quote="clean the filter weekly."), False, id="other case"),
        pytest.param(reply(document="d2"), False, id="no such document"),
        pytest.param(reply(quote="Use warm water.", start=25), True, id="stands further on"),
        pytest.param(reply(quote="Use warm water.", start=24), False, id="stands, but elsewhere"),
        pytest.param(reply(quote=""), False, id="empty"),
    ],
)
def test_a_quote_is_verified_only_if_it_stands_character_for_character(given: Reply, verified: bool) -> None:
    assert read_reply("q1", given, TEXTS).citations[0].verified is verified


def test_a_line_of_the_run_has_exactly_the_promised_shape() -> None:
    assert read_reply("q1", reply(), TEXTS).as_json() == {
        "_id": "q1",
        "answered": True,
        "confidence": 0.7,
        "text": "Clean it. [1]",
        "citations": [{"doc": "d1", "quote": "Clean the filter weekly."}],
    }


@pytest.mark.parametrize(
    ("outcome", "answered"), [("answered", True), ("acted", True), ("declined", False), ("clarifying", False)]
)
def test_only_answers_count_as_answered(outcome: str, answered: bool) -> None:
    assert read_reply("q1", reply(outcome), TEXTS).answered is answered


def test_a_reply_that_needed_no_search_has_the_confidence_of_one() -> None:
    greeted = Reply({"text": "Hello.", "outcome": "clarifying"}, {"decision": "greeting"}, False, 1.0)

    assert read_reply("q1", greeted, TEXTS, sureness=0.2).confidence == 0.2
    assert read_reply("q1", reply(), TEXTS, sureness=0.2).confidence == 0.7


def test_a_silent_assistant_has_answered_nothing() -> None:
    silent = read_reply("q1", Reply({}, {}, True, 1.0), TEXTS)

    assert (silent.answered, silent.confidence, silent.text, silent.citations) == (False, 0.0, "", ())


def answer(name: str, text: str, confidence: float, *, answered: bool = True, verified: bool = True) -> Answered:
    return Answered(name, answered, confidence, text, (Citation("d1", "x", verified),) if answered else (), 1.0)


def test_figures_worked_out_by_hand() -> None:
    data = DataSet(
        Path(),
        Corpus(Path(), 1, "digest"),
        tuple(Query(name, "?") for name in ("right", "declined", "wrong", "rightly-declined")),
        answers={
            "right": Reference(True, "clean filter weekly"),
            "declined": Reference(True, "warm water"),
            "wrong": Reference(False, None),
            "rightly-declined": Reference(False, None),
        },
    )
    said = [
        answer("right", "Clean the filter weekly. [1]", 0.9),
        answer("declined", "I could not find this: warm water.", 0.4, answered=False),
        answer("wrong", "Warm water.", 0.5, verified=False),
        answer("rightly-declined", "I could not find this.", 0.1, answered=False),
    ]

    figures = decide_figures(data, said).as_json()

    assert figures["answerable"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "auroc": 0.75}
    assert figures["token_f1"] == pytest.approx(0.5), "declining scores nothing, whatever words it used"
    assert figures["rouge_l"] == pytest.approx((2 * 3 / 7) / 2, abs=1e-4)
    assert figures["quote_verified"] == 0.5
    assert decide_figures(data, said).calibration_error == pytest.approx((0.1 + 0.6 + 0.5 + 0.1) / 4)


def test_where_nothing_was_observed_a_figure_is_null() -> None:
    data = DataSet(Path(), Corpus(Path(), 0, ""), (Query("q", "?"),), answers={"q": Reference(False, None)})

    figures = decide_figures(data, [answer("q", "No.", 0.0, answered=False)]).as_json()

    assert figures["quote_verified"] is None
    assert figures["token_f1"] is None
    assert figures["answerable"]["auroc"] is None


def test_quotes_are_held_against_the_rows_of_the_corpus_file(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    rows = [Row("d1", "", TEXTS["d1"]), Row("d2", "Opens at nine", " "), Row("d3", "", "Not cited.")]
    path.write_text("".join(json.dumps({"_id": r.id, "title": r.title, "text": r.text}) + "\n" for r in rows))
    replies = [reply(), reply(document="d2", quote="Opens at nine"), Reply({}, {}, False, 1.0)]

    assert cited_texts(Corpus(path, 3, ""), replies) == {"d1": TEXTS["d1"], "d2": "Opens at nine"}
    assert cited_texts(Corpus(tmp_path / "none", 0, ""), []) == {}
