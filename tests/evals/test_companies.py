"""The made-up companies: what is asked of each stands in its own documents, and none is tuned on that is not to be."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from evals.cases import (
    COMPANIES_SUITE,
    COMPANY_SUITES,
    DEMO_SUITE,
    UNSEEN_SUITE,
    Case,
    find,
    load_companies,
    load_suite,
)
from evals.suites import company_worlds
from tests.evals.documents import read_texts

CASES = {
    case.id: (docs, case)
    for name in COMPANY_SUITES
    for docs, suite in load_companies(name).items()
    for case in suite.cases
}
texts_of = functools.cache(read_texts)


@pytest.mark.parametrize(("docs", "case"), CASES.values(), ids=CASES)
def test_facts_stand_in_the_documents_that_are_to_be_cited(docs: Path, case: Case) -> None:
    texts = texts_of(docs)
    for turn in case.turns:
        cited = [next(text for name, text in texts.items() if name.endswith(wanted)) for wanted in turn.expect.cites]
        sources = cited or list(texts.values())
        assert not [fact for fact in turn.expect.facts if find(fact, sources) is None]


@pytest.mark.parametrize("name", COMPANY_SUITES)
def test_a_suite_has_five_companies_each_over_its_own_documents(name: str) -> None:
    worlds = company_worlds(name)

    assert len(worlds) == 5
    for world, suite in worlds:
        assert suite.name == name
        assert world.sources[0].is_dir()
        assert world.customers == ()
        assert all(case.customer is None for case in suite.cases)
        assert all(world.name in case.tags for case in suite.cases)


def test_a_case_id_is_used_once_and_nothing_is_asked_of_an_unseen_company_that_is_tuned_on() -> None:
    all_cases = [case for name in COMPANY_SUITES for suite in load_companies(name).values() for case in suite.cases]
    unseen = [case for suite in load_companies(UNSEEN_SUITE).values() for case in suite.cases]
    fitted = [case for suite in load_companies(COMPANIES_SUITE).values() for case in suite.cases]
    said = {turn.say.casefold() for case in (*fitted, *load_suite(DEMO_SUITE).cases) for turn in case.turns}

    assert len({case.id for case in all_cases}) == len(all_cases) == 250
    assert not [case.id for case in unseen if case.turns[0].say.casefold() in said]
