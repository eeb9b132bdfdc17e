"""The held-out conversations ask for what stands in the demo's knowledge, and are none of those that are tuned on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.demo.loader import load_customers, write_knowledge
from evals.cases import CASES_FOLDER, DEMO_SUITE, HELD_OUT_SUITE, Case, find, load_suite, read_topic, write_topic
from tests.evals.documents import read_texts

CASES = {case.id: case for case in load_suite(HELD_OUT_SUITE).cases}
RECORDS = {customer["id"]: json.dumps(customer, ensure_ascii=False) for customer in load_customers()}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each document of the demo says."""
    folder = tmp_path_factory.mktemp("knowledge")
    write_knowledge(folder)
    return read_texts(folder)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_facts_stand_in_the_documents_that_are_to_be_cited(case: Case, texts: dict[str, str]) -> None:
    for turn in case.turns:
        cited = [next(text for name, text in texts.items() if name.endswith(wanted)) for wanted in turn.expect.cites]
        sources = [*(cited or texts.values()), RECORDS.get(case.customer or "", "")]
        assert not [fact for fact in turn.expect.facts if find(fact, sources) is None]


def test_nothing_is_held_out_that_is_tuned_on() -> None:
    tuned_on = load_suite(DEMO_SUITE).cases
    said = {turn.say.casefold() for case in tuned_on for turn in case.turns}

    assert not CASES.keys() & {case.id for case in tuned_on}
    assert not [case.id for case in CASES.values() if case.turns[0].say.casefold() in said]
    assert len(CASES) >= 40
    assert all(case.customer is None or case.customer in RECORDS for case in CASES.values())


@pytest.mark.parametrize("path", sorted(CASES_FOLDER.rglob("*.yaml")), ids=lambda path: path.stem)
def test_a_file_of_cases_written_anew_is_read_as_it_was(path: Path, tmp_path: Path) -> None:
    topic = read_topic(path)
    again = tmp_path / "again.yaml"
    again.write_text(write_topic(topic.topic, topic.cases), encoding="utf-8")

    assert read_topic(again) == topic
