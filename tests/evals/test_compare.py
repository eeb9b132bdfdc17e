"""Two answers to one question, told apart: what changed, for better or worse, and word by word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import TellonceError
from evals.compare import (
    Change,
    Side,
    Verdict,
    decide_change,
    decide_verdict,
    shared_part,
    sides_of,
    tell_words_apart,
)
from evals.earlier import earlier_of, load_runs, save_runs
from tests.evals.results import asked, result, set_result

ANSWER = Side(True, "Clean it weekly.", "answered", ("lark.pdf",))


@pytest.mark.parametrize(
    ("after", "change"),
    [
        pytest.param(Side(True, "Clean it  weekly.", "answered", ("lark.pdf",)), "same", id="spacing"),
        pytest.param(Side(True, "Clean it daily.", "answered", ("lark.pdf",)), "wording", id="words"),
        pytest.param(Side(True, "Clean it weekly.", "answered", ("wren.md",)), "sources", id="sources before words"),
        pytest.param(Side(True, "No.", "declined"), "outcome", id="outcome before sources"),
        pytest.param(Side(False, None), "outcome", id="without words, how it went"),
    ],
)
def test_the_gravest_change_is_told(after: Side, change: Change) -> None:
    assert decide_change(ANSWER, after) == change


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        pytest.param(Side(False), Side(True), "better", id="holds now"),
        pytest.param(Side(True), Side(False), "worse", id="holds no longer"),
        pytest.param(Side(None, "a"), Side(None, "b"), "", id="nothing expected"),
        pytest.param(Side(False, faults=("a", "b")), Side(False, faults=("a",)), "better", id="fewer faults"),
        pytest.param(Side(True, values={"ndcg@10": 0.6}), Side(True, values={"ndcg@10": 0.3}), "worse", id="rank"),
        pytest.param(Side(True, values={"ndcg@10": 0.6}), Side(True, values={"ndcg@10": 0.605}), "", id="a hair"),
        pytest.param(Side(True, values={"token F1": 0.2}), Side(True, values={"token F1": 0.5}), "better", id="text"),
    ],
)
def test_better_and_worse_are_told_where_that_can_be_known(before: Side, after: Side, verdict: Verdict) -> None:
    assert decide_verdict(before, after) == verdict


def test_words_are_told_apart_as_wholes() -> None:
    assert tell_words_apart("Clean it every week.", "Clean it every month, please.") == [
        ("same", "Clean it every "),
        ("gone", "week"),
        ("new", "month, please"),
        ("same", "."),
    ]


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        pytest.param("a b c", "a b c", 1.0, id="the same"),
        pytest.param("one", "two", 0.0, id="nothing"),
        pytest.param("", "", 1.0, id="both empty"),
        pytest.param("abcd efgh", "abcd ijkl", 10 / 18, id="half"),
    ],
)
def test_how_much_two_texts_share(before: str, after: str, share: float) -> None:
    assert shared_part(tell_words_apart(before, after)) == pytest.approx(share)


texts = st.lists(st.sampled_from(["a", "bb", "c", ".", "£4.50"]), max_size=12).map(" ".join)


@given(texts, texts)
def test_both_texts_can_be_read_from_the_pieces(before: str, after: str) -> None:
    pieces = tell_words_apart(before, after)

    assert "".join(text for kind, text in pieces if kind != "new") == before
    assert "".join(text for kind, text in pieces if kind != "gone") == after


def test_saved_runs_come_back_as_they_were(tmp_path: Path) -> None:
    conversations, questions = result(), set_result(asked(0, ndcg=0.5, confidence=0.25), asked(1))
    save_runs([conversations, questions], tmp_path / "runs" / "one.json")

    runs = load_runs(tmp_path / "runs" / "one.json")

    assert set(runs) == {"demo", "faq"}
    assert runs["demo"].sides == sides_of(conversations)
    assert runs["faq"].sides == sides_of(questions)
    assert runs["faq"].figures["ndcg@10"] == 0.5
    assert runs["demo"].figures == pytest.approx(earlier_of(conversations, "").figures, abs=5e-5)


@pytest.mark.parametrize("content", [None, "{", "[]", json.dumps({"runs": {"demo": {"at": "", "answers": {"a": {}}}}})])
def test_a_file_that_holds_no_runs_is_told(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "runs.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(TellonceError, match="that --save has written"):
        load_runs(path)
