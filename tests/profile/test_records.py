"""Records become customers and back; names and addresses are cleaned on the way."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import BadFrame
from assistant.profile.customer import Claims
from assistant.profile.recognition import identities_of, learned, newcomer
from assistant.profile.records import customer_from, record_of
from assistant.profile.traits import clean_email, clean_line, clean_name, clean_phone, email_key, phone_key

WORDS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20).map(
    lambda words: unicodedata.normalize("NFC", words)
)
DATES = st.dates().map(lambda d: d.isoformat())
INSTANTS = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat())
RECORDS = st.fixed_dictionaries(
    {"id": WORDS},
    optional={
        "name": WORDS,
        "email": st.emails().filter(lambda e: clean_email(e) is not None),
        "since": DATES,
        "products": st.lists(st.fixed_dictionaries({"name": WORDS}, optional={"bought_on": DATES})),
        "orders": st.lists(
            st.fixed_dictionaries(
                {
                    "number": WORDS,
                    "placed_on": DATES,
                    "status": WORDS,
                    "items": st.lists(WORDS, min_size=1),
                    "total": WORDS,
                }
            )
        ),
        "appointments": st.lists(st.fixed_dictionaries({"id": WORDS, "at": INSTANTS, "what": WORDS, "status": WORDS})),
        "touchpoints": st.lists(st.fixed_dictionaries({"at": INSTANTS, "channel": WORDS, "summary": WORDS})),
        "traits": st.dictionaries(WORDS, WORDS | st.booleans() | st.integers(-1000, 1000) | st.lists(WORDS)),
    },
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(RECORDS)
def test_a_customer_survives_being_stored_and_read(record: dict[str, object]) -> None:
    customer = customer_from(record, source="test")
    assert customer_from(json.loads(json.dumps(record_of(customer)))) == customer


@given(st.dictionaries(st.sampled_from(["id", "name", "email", "since", "orders", "touchpoints", "traits"]), ANY_JSON))
def test_a_record_is_read_or_refused_and_nothing_else_happens(record: dict[str, object]) -> None:
    try:
        customer = customer_from(record)
    except BadFrame:
        return
    assert customer.id == record["id"]


@given(st.text(max_size=400))
def test_a_cleaned_name_is_one_visible_line_and_cleaning_it_again_changes_nothing(text: str) -> None:
    name = clean_name(text)
    if name is not None:
        assert 1 <= len(name) <= 120
        hidden = {c for c in name if unicodedata.category(c).startswith("C")} - {"\u200c", "\u200d"}
        assert not hidden
        assert clean_name(name) == name


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Ada@EXAMPLE.com ", "Ada@example.com"),
        ("ada+shop@mail.example.co.uk", "ada+shop@mail.example.co.uk"),
        ("ada@localhost", None),
        ("ada@@example.com", None),
        ("ada lowe@example.com", None),
        ("<ada@example.com>", None),
        ("ada@example.com\nbcc: all@example.com", None),
        ("x" * 250 + "@example.com", None),
        ("", None),
    ],
)
def test_an_address_is_kept_only_when_it_is_one(text: str, kept: str | None) -> None:
    assert clean_email(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("+44 20 7946 0321", "+44 20 7946 0321"),
        ("(020) 7946-0321", "(020) 7946-0321"),
        ("call me", None),
        ("+" + "1" * 40, None),
    ],
)
def test_a_number_is_kept_only_when_it_is_one(text: str, kept: str | None) -> None:
    assert clean_phone(text) == kept


def test_spellings_of_one_thing_compare_equal() -> None:
    assert email_key(" Ada@Example.COM") == email_key("ada@example.com")
    assert phone_key("+44 (20) 7946-0321") == phone_key("+442079460321")
    assert clean_line("می‌خواهم") == "می‌خواهم"  # a joiner that belongs to the word


def test_a_newcomer_has_what_the_token_says_and_where_it_comes_from() -> None:
    neo = newcomer(Claims("cus-9", name="Neo", email="neo@example.com"))
    assert (neo.id, neo.sources) == ("cus-9", {"name": "identity token", "email": "identity token"})
    assert identities_of(neo) == [("subject", "cus-9"), ("email", "neo@example.com")]


def test_what_a_token_leaves_out_stays() -> None:
    known = customer_from({"id": "cus-9", "name": "Neo", "phone": "+44 20 7946 0321"}, source="import")
    again = learned(known, Claims("cus-9", email="neo@example.com"))
    assert (again.name, again.phone, again.email) == ("Neo", "+44 20 7946 0321", "neo@example.com")
    assert again.sources == {"name": "import", "phone": "import", "email": "identity token"}
    assert learned(again, Claims("cus-9", name="Neo")) is again
