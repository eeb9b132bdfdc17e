"""Customers kept, recognised, imported, exported and erased, in a real SQLite file."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from assistant import profile
from assistant.database import metadata, open_engine
from assistant.errors import BadFrame, NotFound, StorageUnavailable
from assistant.profile.customer import Claims
from assistant.profile.schema import customers, identities
from assistant.profile.store import Profiles

ADA: dict[str, Any] = {
    "id": "cus-1",
    "name": "Ada Lowe",
    "email": "Ada@Example.com",
    "phone": "+44 20 7946 0321",
    "locale": "en-GB",
    "since": "2023-04-01",
    "products": [{"name": "Lark 2", "bought_on": "2025-01-02", "serial": "AM-1", "order": "A-100"}],
    "orders": [
        {"number": "A-100", "placed_on": "2025-01-02", "status": "delivered", "items": ["Lark 2"], "total": "£549"},
        {"number": "A-200", "placed_on": "2026-11-20", "status": "in transit", "items": ["Wren"], "total": "£189"},
    ],
    "appointments": [
        {"id": "ap-2", "at": "2026-12-09T10:00:00Z", "what": "Repair", "status": "booked"},
        {"id": "ap-1", "at": "2026-12-01T10:00:00+01:00", "what": "Call back", "status": "booked"},
    ],
    "touchpoints": [{"at": "2026-01-01T09:00:00Z", "channel": "phone", "summary": "Asked about descaling."}],
    "traits": {"plan": "plus", "newsletter": False},
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_engine(tmp_path / "tellonce.db")
    metadata.create_all(engine, tables=[customers, identities])
    yield engine
    engine.dispose()


@pytest.fixture
def profiles(engine: sa.Engine) -> Profiles:
    return Profiles(engine)


def test_an_imported_customer_comes_back_whole_and_in_order(profiles: Profiles) -> None:
    assert profiles.import_customers([ADA]) == 1
    ada = profiles.load("cus-1")
    assert ada is not None
    assert (ada.name, ada.first_name, ada.email) == ("Ada Lowe", "Ada", "Ada@example.com")
    assert [o.number for o in ada.orders] == ["A-200", "A-100"]
    assert [a.id for a in ada.appointments] == ["ap-1", "ap-2"]
    assert ada.products[0].order == "A-100"
    assert ada.traits == {"plan": "plus", "newsletter": False}
    assert ada.sources["orders"].startswith("import 20")


def test_an_import_replaces_what_it_mentions_and_leaves_the_rest(profiles: Profiles) -> None:
    profiles.import_customers([ADA])
    profiles.import_customers([{"id": "cus-1", "phone": "", "orders": []}], source="shop")
    ada = profiles.load("cus-1")
    assert ada is not None
    assert (ada.phone, ada.orders, ada.name) == (None, (), "Ada Lowe")
    assert "orders" not in ada.sources
    assert ada.sources["name"].startswith("import")
    assert profiles.find("+442079460321") == []


def test_one_bad_record_stops_the_whole_import(profiles: Profiles) -> None:
    bad = ADA | {"id": "cus-2", "orders": [{"number": "A-1"}]}
    with pytest.raises(BadFrame, match=r"'cus-2': orders\[0\] lacks placed_on"):
        profiles.import_customers([ADA, bad])
    assert profiles.list() == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"id": ""}, "needs an `id`", id="no id"),
        pytest.param({"id": "a\u202eb"}, "needs an `id`", id="an id that shows as another"),
        pytest.param({"email": "nobody"}, "email 'nobody' is not valid", id="email"),
        pytest.param({"since": "long ago"}, "since 'long ago'", id="date"),
        pytest.param({"favourite": 1}, "'favourite'", id="unknown field"),
        pytest.param({"orders": {"number": 1}}, "must be a list", id="no list"),
        pytest.param({"products": ["Lark"]}, r"products\[0\] must be an object", id="no object"),
        pytest.param({"appointments": [{"id": "1", "at": "soon", "what": "x", "status": "y"}]}, "at 'soon'", id="time"),
        pytest.param({"touchpoints": [{"mood": "good"}]}, "'mood'", id="unknown field of a list"),
        pytest.param({"traits": {"deep": {"er": 1}}}, "trait 'deep'", id="nested trait"),
    ],
)
def test_what_is_wrong_with_a_record_is_named(profiles: Profiles, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadFrame, match=complaint):
        profiles.import_customers([ADA | change])


def test_a_thousand_customers_are_imported_and_each_is_found(profiles: Profiles) -> None:
    records = [{"id": f"c{n}", "email": f"c{n}@example.com"} for n in range(1000)]
    assert profiles.import_customers([*records, {"id": "c7", "name": "Seven"}]) == 1001
    assert [c.name for c in profiles.find("C7@EXAMPLE.COM")] == ["Seven"]
    assert len(profiles.list()) == 1000


def test_a_verified_subject_finds_the_imported_profile(profiles: Profiles) -> None:
    profiles.import_customers([ADA])
    ada = profiles.recognise(Claims("cus-1"))
    assert [o.number for o in ada.orders] == ["A-200", "A-100"]
    assert ada.name == "Ada Lowe"


def test_a_token_is_newer_than_the_record_and_says_so(profiles: Profiles) -> None:
    profiles.import_customers([ADA])
    profiles.recognise(Claims("cus-1", name="Ada Byron", email="ada@new.example"))
    ada = profiles.load("cus-1")
    assert ada is not None
    assert (ada.name, ada.sources["name"]) == ("Ada Byron", "identity token")
    assert profiles.find("ada@example.com") == []
    assert [c.id for c in profiles.find("ada@new.example")] == ["cus-1"]


def test_the_same_address_in_anothers_token_never_joins_two_profiles(profiles: Profiles) -> None:
    profiles.import_customers([ADA])
    other = profiles.recognise(Claims("cus-9", email="ada@example.com"))
    assert (other.id, other.orders, other.name) == ("cus-9", (), None)
    assert [c.id for c in profiles.find("ada@example.com")] == ["cus-1", "cus-9"]


def test_an_unknown_subject_becomes_a_customer_once(profiles: Profiles) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: profiles.recognise(Claims("new-1", name="Neo")), range(32)))
    assert {c.name for c in found} == {"Neo"}
    assert [line.id for line in profiles.list()] == ["new-1"]


def test_recognising_a_known_customer_writes_nothing(profiles: Profiles, engine: sa.Engine) -> None:
    profiles.import_customers([ADA])
    before = profiles.list()[0].updated_at
    writes: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda c, cur, statement, *rest: writes.append(statement))
    profiles.recognise(Claims("cus-1", name="Ada Lowe"))
    assert profiles.list()[0].updated_at == before
    assert [w for w in writes if not w.startswith("SELECT")] == []


def test_erasing_leaves_a_tombstone_and_nothing_else(profiles: Profiles, engine: sa.Engine) -> None:
    profiles.import_customers([ADA])
    profiles.erase("cus-1")
    assert profiles.load("cus-1") is None
    assert profiles.find("ada@example.com") == []
    with engine.connect() as connection:
        everything = str(
            connection.execute(sa.select(customers)).all() + connection.execute(sa.select(identities)).all()
        )
    for trace in ("Ada", "example.com", "7946", "A-100", "descaling", "Lark", "plus"):
        assert trace not in everything
    assert profiles.export("cus-1")["erased_at"] is not None


def test_an_import_never_undoes_an_erasure(profiles: Profiles) -> None:
    profiles.import_customers([ADA])
    profiles.erase("cus-1")
    assert profiles.import_customers([ADA, {"id": "cus-2"}]) == 1
    assert profiles.load("cus-1") is None


def test_an_erased_customer_who_signs_in_again_starts_anew(profiles: Profiles) -> None:
    profiles.import_customers([ADA])
    profiles.erase("cus-1")
    again = profiles.recognise(Claims("cus-1", name="Ada"))
    assert (again.name, again.orders, again.touchpoints) == ("Ada", (), ())
    assert profiles.load("cus-1") == again


def test_erasing_twice_or_nobody_says_so(profiles: Profiles) -> None:
    profiles.import_customers([ADA])
    profiles.erase("cus-1")
    for nobody in ("cus-1", "cus-404"):
        with pytest.raises(NotFound, match=nobody):
            profiles.erase(nobody)


def test_an_export_holds_everything_and_can_be_imported_elsewhere(profiles: Profiles, tmp_path: Path) -> None:
    profiles.import_customers([ADA])
    exported = json.loads(json.dumps(profiles.export("cus-1")))
    assert {(k["kind"], k["value"]) for k in exported["identities"]} == {
        ("subject", "cus-1"),
        ("email", "ada@example.com"),
        ("phone", "+442079460321"),
    }
    elsewhere_engine = open_engine(tmp_path / "other.db")
    metadata.create_all(elsewhere_engine, tables=[customers, identities])
    elsewhere = Profiles(elsewhere_engine)
    elsewhere.import_customers([exported])
    assert elsewhere.export("cus-1")["orders"] == exported["orders"]
    elsewhere_engine.dispose()


def test_export_of_nobody_says_so(profiles: Profiles) -> None:
    with pytest.raises(NotFound, match="cus-404"):
        profiles.export("cus-404")


def test_a_missing_database_is_said_to_be_unavailable(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "empty.db")
    with pytest.raises(StorageUnavailable):
        Profiles(engine).load("cus-1")
    engine.dispose()


def test_readers_and_writers_on_many_threads_do_not_disturb_each_other(profiles: Profiles) -> None:
    profiles.import_customers([ADA])
    stop = threading.Event()

    def read() -> int:
        reads = 0
        while not stop.is_set():
            assert profiles.load("cus-1") is not None
            reads += 1
        return reads

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for n in range(20):
            profiles.import_customers([{"id": f"w{n}"}, {"id": "cus-1", "traits": {"n": n}}])
        stop.set()
        assert all(reader.result() > 0 for reader in readers)


def test_the_demo_customers_fit(profiles: Profiles) -> None:
    file = Path(profile.__file__).parent.parent / "demo" / "customers.json"
    records = json.loads(file.read_text(encoding="utf-8"))
    assert profiles.import_customers(records) == len(records) >= 12
