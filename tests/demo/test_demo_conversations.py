"""The written conversations ask for what is really written somewhere, and forbid what could really leak."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from demo_texts import fold, knowledge_texts

from assistant.demo.loader import load_customers
from evals.cases import DEMO_SUITE, Case, Expectation, load_suite

CASES = {case.id: case for case in load_suite(DEMO_SUITE).cases}
RECORDS = {customer["id"]: json.dumps(customer, ensure_ascii=False) for customer in load_customers()}


def expectations(case: Case) -> list[Expectation]:
    return [turn.expect for turn in case.turns]


def stands_in(wanted: str, text: str) -> bool:
    """As evals/cases/README.md has it: literal but for case and white space, or a pattern between slashes."""
    if len(wanted) > 2 and wanted.startswith("/") and wanted.endswith("/"):
        return re.search(wanted[1:-1], text, re.IGNORECASE) is not None
    return fold(wanted) in fold(text)


def test_there_are_enough_cases_of_every_kind() -> None:
    tags = {tag for case in CASES.values() for tag in case.tags}

    assert len(CASES) >= 30
    assert tags >= {
        *("paraphrase", "misspelling", "follow-up", "error-code", "table", "spec", "generation", "order", "unsigned"),
        *("signed-in", "absent", "handoff", "multi-fact", "small-talk", "hostile", "country", "exception"),
    }


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_customers_and_cited_documents_exist(case: Case) -> None:
    cited = {name for expected in expectations(case) for name in expected.cites}

    assert case.customer is None or case.customer in RECORDS
    assert cited <= set(knowledge_texts())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_fact_stands_in_a_document_or_in_the_customers_own_record(case: Case) -> None:
    record = RECORDS.get(case.customer or "", "")
    for expected in expectations(case):
        sources = [knowledge_texts()[name] for name in expected.cites] or [*knowledge_texts().values()]
        missing = [fact for fact in expected.facts if not any(stands_in(fact, text) for text in [record, *sources])]
        assert not missing


@pytest.mark.parametrize("case", [c for c in CASES.values() if "privacy" in c.tags], ids=lambda case: case.id)
def test_what_privacy_cases_forbid_is_really_in_somebody_elses_record(case: Case) -> None:
    others: dict[str, Any] = {customer: record for customer, record in RECORDS.items() if customer != case.customer}
    own = RECORDS.get(case.customer or "", "")

    forbidden = [text for expected in expectations(case) for text in expected.never]

    assert forbidden
    assert all(any(stands_in(text, record) for record in others.values()) for text in forbidden)
    assert not any(stands_in(text, own) for text in forbidden)


@pytest.mark.parametrize("case", [c for c in CASES.values() if "absent" in c.tags], ids=lambda case: case.id)
def test_a_case_of_an_absent_topic_asks_for_no_fact(case: Case) -> None:
    assert not any(expected.facts or expected.cites for expected in expectations(case))
