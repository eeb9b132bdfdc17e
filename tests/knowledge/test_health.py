"""Health: contradictions found and not imagined, documents unused, documents out of date."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from knowledge.chunking import cut
from knowledge.documents import Document, DocumentSummary, Passage
from knowledge.embedding import default_model_folder, open_embedder
from knowledge.health import find_contradictions, find_past_futures, find_stale, find_unused
from knowledge.measures import find_measures
from knowledge.products import Catalogue
from knowledge.reading.files import find_files, read_file

DEMO = Path(__file__).parents[2] / "assistant" / "demo" / "knowledge"
TODAY = datetime.date(2026, 11, 23)


@pytest.fixture(scope="module")
def encode(tmp_path_factory):
    return open_embedder("all-MiniLM-L6-v2", default_model_folder(tmp_path_factory.mktemp("models"))).encode


def document(name: str, title: str, text: str, products: tuple[str, ...] = ()) -> Document:
    return Document(name, name, title, text, "text/markdown", name, products=products)


def contradictions(encode, *documents: Document):
    passages = [passage for one in documents for passage in cut(one)]
    return find_contradictions(lambda: passages, encode, Catalogue.of((d.title, d.products) for d in documents))


def pair(encode, one: str, other: str):
    """What two pages of a shop say against each other."""
    return contradictions(
        encode,
        document("a.md", "Your kettle: delivery, filter, warranty, returns, refunds", one),
        document("b.md", "Returns, refunds, warranty, delivery", other),
    )


CONTRADICTING = [
    ("You may return any order within 30 days of delivery.", "Orders can be returned within 45 days of delivery."),
    ("The warranty lasts 2 years from the day of purchase.", "The warranty is three years from the day of purchase."),
    ("The warranty lasts 12 months.", "The warranty lasts 2 years."),
    ("Standard delivery to Ireland costs £8.50.", "Standard delivery to Ireland costs £7.50."),
    ("## How long does delivery take?\n\nTwo to four working days.", "Delivery takes five to seven working days."),
    ("Replace the water filter every 3 months.", "Replace the water filter every 2 months."),
    ("Refunds are paid within 5 working days.", "We pay refunds within 14 working days."),
    ("The water tank of the kettle holds 1.8 l.", "The water tank of the kettle holds 2100 ml."),
]
NOT_CONTRADICTING = [
    ("Express delivery takes 1 working day.", "Delivery takes 3 working days."),
    ("Delivery to Ireland costs £8.50.", "Delivery to Germany costs £12."),
    ("Delivery costs £4.", "Delivery to Ireland costs £8.50."),
    ("Let it cool for 10 minutes.", "Let it stand for 30 minutes."),
    ("The warranty lasts at least 2 years.", "The warranty lasts 3 years."),
    ("The warranty lasts up to 5 years.", "The warranty lasts 3 years."),
    ("The warranty lasts 24 months.", "The warranty lasts 2 years."),
    ("Standard delivery takes 2 to 4 working days.", "Standard delivery takes 3 working days."),
    ("E2: let the kettle cool for 10 minutes.", "E5: let the kettle cool for 20 minutes."),
    ("The filter of the kettle costs £49.", "The filter of the kettle lasts 12 months."),
    ("The small tank holds 1 l.", "The large tank holds 2 l."),
    ("Refunds are not paid after 30 days.", "Refunds are paid after 5 days."),
    ("This warranty lasts 1 year.", "This warranty lasts 2 years."),
    ("Students get 10 % off a return.", "Members get 15 % off a return."),
    ("The warranty lasts 2 years, and 5 years for the tank.", "The warranty lasts 3 years."),
]


@pytest.mark.parametrize(("one", "other"), CONTRADICTING)
def test_two_pages_that_say_different_numbers_of_the_same_thing_are_told(encode, one, other):
    (found,) = pair(encode, one, other)

    texts = {document: text.strip() for document, text in (("a.md", one), ("b.md", other))}
    assert [claim.document for claim in found.claims] == ["a.md", "b.md"]
    for claim in found.claims:
        assert texts[claim.document][claim.start : claim.end] == claim.text
        assert claim.number in claim.text
        assert claim.number in found.what


@pytest.mark.parametrize(("one", "other"), NOT_CONTRADICTING)
def test_what_may_both_be_true_is_no_contradiction(encode, one, other):
    assert pair(encode, one, other) == []


def test_what_is_of_another_product_is_no_contradiction_and_of_the_same_one_is(encode):
    petrel = document("a.md", "Petrel: manual", "Change the filter every 12 months.", ("Petrel",))
    mini = document("b.md", "Petrel Mini: manual", "Change the filter every 9 months.", ("Petrel Mini",))
    faq = document(
        "c.md", "Questions about air", "Change the filter of the Petrel every 6 months.", ("Petrel", "Plover")
    )

    assert contradictions(encode, petrel, mini) == []
    (found,) = contradictions(encode, petrel, mini, faq)
    assert {claim.document for claim in found.claims} == {"a.md", "c.md"}


def test_pages_named_after_two_things_are_not_held_against_each_other(encode):
    gold = document("a.md", "Gold Account", "With the Gold Account the daily deposit limit is $500.")
    plus = document("b.md", "Gold Plus Account", "With the Gold Plus Account the daily deposit limit is $900.")

    assert contradictions(encode, gold, plus) == []


def test_a_page_that_says_two_numbers_in_the_same_words_says_of_what_elsewhere(encode):
    tiers = "## Small\n\nThe delivery of an order costs £4.\n\n## Large\n\nThe delivery of an order costs £9."

    assert pair(encode, tiers, "The delivery of an order costs £6.") == []


def test_the_demos_own_pages_contradict_each_other_nowhere_until_one_is_changed(encode):
    documents = [one for file in find_files(str(DEMO)) for one in read_file(file, file.load())]
    assert contradictions(encode, *documents) == []

    said = "Tell us within 7 days of delivery and send a photograph of the box and of the device."
    shipping = next(one for one in documents if said in one.text)
    wrong = document("wrong.md", "Parcels that arrive broken", said.replace("7", "10"))

    (found,) = contradictions(encode, *documents, wrong)
    assert {"wrong.md", shipping.id} == {claim.document for claim in found.claims}


@pytest.mark.parametrize(
    ("text", "kind", "low", "high", "bound"),
    [
        ("two to four weeks", "days", 14, 28, ""),
        ("within 30 days", "days", 30, 30, "most"),
        ("at least 1.5 years", "months", 18, 18, "least"),
        ("£8.50", "£", 8.5, 8.5, ""),
        ("£1,250 a year", "£", 1250, 1250, ""),
        ("10–12 %", "share", 10, 12, ""),
        ("a 5-minute rest", "time", 300, 300, ""),
        ("up to 42 m²", "area", 42, 42, "most"),
        ("2 working days", "working days", 2, 2, ""),
        ("22 dB(A)", "loudness", 22, 22, ""),
    ],
)
def test_a_number_with_its_unit_is_understood(text, kind, low, high, bound):
    (measure,) = find_measures(text)

    assert (measure.kind, measure.low, measure.high, measure.bound) == (kind, low, high, bound)


@pytest.mark.parametrize("text", ["P-2207", "E4", "24/7", "v2.5 m", "3rd day", "100 users", "1.2.3 s", "10 minibars"])
def test_what_has_no_unit_is_no_measure(text):
    assert list(find_measures(text)) == []


# unused and stale


def summary(name: str, changed_at: str | None = None) -> DocumentSummary:
    return DocumentSummary(name, name.title(), name, "text/markdown", None, (), None, changed_at, 1)


def passage(document_id: str, text: str) -> Passage:
    return Passage(f"{document_id}#0", document_id, document_id, (), text, 0, len(text))


def test_documents_that_no_answer_ever_quoted_are_unused():
    documents = [summary("a"), summary("b")]

    assert find_unused(documents, {"a": "2026-11-01T00:00:00Z"}) == [documents[1]]


def test_documents_not_changed_for_long_or_much_older_than_the_others_are_stale_the_oldest_first():
    documents = [
        summary("young", "2026-11-01T10:00:00Z"),
        *(summary(f"newer-{n}", "2026-10-01") for n in range(4)),
        summary("odd", "2025-06-01"),
        summary("old", "2023-01-01"),
        summary("unknown"),
        summary("nonsense", "yesterday"),
    ]

    stale = find_stale(documents, TODAY, {})

    assert [(one.document.id, one.days) for one in stale] == [("old", 1422), ("odd", 540)]
    assert stale[0].why == "It was last changed 3 years ago."
    assert "half of all documents" in stale[1].why
    assert [one.document.id for one in find_stale(documents, TODAY, {}, stale_days=5000)] == ["old", "odd"]


@pytest.mark.parametrize(
    ("text", "is_stale"),
    [
        ("The new model will be available in spring 2025.", True),
        ("This offer is valid until 31 December 2024.", True),
        ("The new model will be available in 2027.", False),
        ("The warranty was changed in 2024, and will stay.", False),
        ("Since 2019 we send parcels on Saturdays.", False),
        ("The coupon ends on 31 December 2026.", False),
    ],
)
def test_a_page_that_expects_a_year_that_is_over_is_stale(text, is_stale):
    stale = find_stale([summary("a", "2026-11-01")], TODAY, find_past_futures([passage("a", text)], TODAY.year))

    assert bool(stale) is is_stale
    if stale:
        assert stale[0].why.endswith("and that year is over.")
