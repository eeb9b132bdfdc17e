"""The demo's customers hold together: orders add up, dates run forwards, nothing in them could be a real person's."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import pytest
from demo_texts import rows_with

from assistant.demo.loader import load_customers, load_shop
from assistant.profile.customer import Appointment, Customer, Order, OwnedProduct, Touchpoint

CUSTOMERS = {customer["id"]: customer for customer in load_customers()}
FIRST_DAY, LAST_DAY = date(2026, 10, 1), date(2026, 11, 23)
BEANS = {"Coffee beans 250 g": 9.5}
# serials tell the product by their first letters
SERIALS = {
    "Lark 2": "LK",
    "Lark": "LA",
    "Wren": "WR",
    "Heron": "HR",
    "Petrel": "PT",
    "Petrel Mini": "PM",
    "Plover": "PV",
    "Robin": "RB",
    "Nightjar": "NJ",
}
# ranges kept free of subscribers: Ofcom for drama (GB), Bundesnetzagentur for media (DE), ComReg for drama (IE)
FICTIONAL_PHONES = re.compile(r"\+44 7700 900\d{3}|\+44 20 7946 0\d{3}|\+49 30 23125 \d{3}|\+353 20 91\d \d{4}")
DELIVERY_PRICES = {0.0, 4.5, 8.5, 9.5, 12.0, 19.0}


def orders() -> list[dict[str, Any]]:
    return [order for customer in CUSTOMERS.values() for order in customer.get("orders", [])]


def price_of(item: str) -> float:
    """Of a product, a part by its number, or a bag of beans; a recalled part is free."""
    prices = {product["name"]: product["price"] for product in load_shop()["products"]}
    prices |= {row["Part number"]: row["Price"] for name, row in rows_with("Part number", "Price") if "repairs" in name}
    if item in BEANS:
        return BEANS[item]
    number = re.search(r"\((P-\d{4})\)", item)
    price = float(prices[number[1] if number else item].removeprefix("£"))
    return 0.0 if "recall" in item else price


def test_there_are_twelve_customers_with_ids_and_notes_of_their_own() -> None:
    assert len(CUSTOMERS) == len(load_customers()) == 12
    assert all(re.fullmatch(r"cus_[a-z]+", customer) for customer in CUSTOMERS)
    assert len({customer["note"] for customer in CUSTOMERS.values()}) == 12


@pytest.mark.parametrize("customer", CUSTOMERS.values(), ids=CUSTOMERS)
def test_a_customer_is_shaped_like_a_profile(customer: dict[str, Any]) -> None:
    fields = {key: value for key, value in customer.items() if key != "note"}

    profile = Customer(**fields)

    kinds = {"orders": Order, "appointments": Appointment, "products": OwnedProduct, "touchpoints": Touchpoint}
    assert profile.first_name
    assert all(kind(**entry) for key, kind in kinds.items() for entry in fields.get(key, []))


@pytest.mark.parametrize("customer", CUSTOMERS.values(), ids=CUSTOMERS)
def test_nobody_real_can_be_written_to_or_called(customer: dict[str, Any]) -> None:
    assert re.search(r"@example\.(com|org)$", customer.get("email") or "nobody@example.com")
    assert FICTIONAL_PHONES.fullmatch(customer.get("phone") or "+44 7700 900000")


@pytest.mark.parametrize("order", orders(), ids=lambda order: order["number"])
def test_an_order_adds_up(order: dict[str, Any]) -> None:
    goods = sum(price_of(item) for item in order["items"])

    delivery = round(float(order["total"].removeprefix("£")) - goods, 2)

    assert delivery in DELIVERY_PRICES


@pytest.mark.parametrize("order", orders(), ids=lambda order: order["number"])
def test_an_order_runs_forwards_in_time(order: dict[str, Any]) -> None:
    placed = date.fromisoformat(order["placed_on"])
    later = [date.fromisoformat(order[key]) for key in ("expected_on", "delivered_on") if order[key]]

    assert FIRST_DAY <= placed <= LAST_DAY
    assert all(placed < day for day in later)
    assert (order["delivered_on"] is not None) == (order["status"] == "delivered" or "return" in order["status"])
    assert re.fullmatch(r"NL\d{9}", order["tracking"] or "NL000000000")


def test_numbers_are_used_once() -> None:
    numbers = [order["number"] for order in orders()]
    tracking = [order["tracking"] for order in orders() if order["tracking"]]
    serials = [product["serial"] for customer in CUSTOMERS.values() for product in customer.get("products", [])]

    for used in (numbers, tracking, serials):
        assert len(used) == len(set(used))


def test_later_orders_have_higher_numbers() -> None:
    by_number = sorted(orders(), key=lambda order: order["number"])

    assert [order["placed_on"] for order in by_number] == sorted(order["placed_on"] for order in by_number)


@pytest.mark.parametrize("customer", CUSTOMERS.values(), ids=CUSTOMERS)
def test_lists_are_in_the_order_that_profiles_promise(customer: dict[str, Any]) -> None:
    newest_orders = [order["placed_on"] for order in customer.get("orders", [])]
    newest_touchpoints = [datetime.fromisoformat(touch["at"]) for touch in customer.get("touchpoints", [])]

    assert newest_orders == sorted(newest_orders, reverse=True)
    assert newest_touchpoints == sorted(newest_touchpoints, reverse=True)


@pytest.mark.parametrize("customer", CUSTOMERS.values(), ids=CUSTOMERS)
def test_owned_products_are_of_the_catalogue_and_of_the_order_they_name(customer: dict[str, Any]) -> None:
    placed = {order["number"]: order for order in customer.get("orders", [])}

    for product in customer.get("products", []):
        order = placed.get(product["order"])
        assert re.fullmatch(rf"{SERIALS[product['name']]}\d{{4}}-\d{{5}}", product["serial"])
        assert order is None or (product["name"] in order["items"] and product["bought_on"] == order["placed_on"])


def test_every_kind_of_trouble_is_there() -> None:
    statuses = {order["status"] for order in orders()}
    twins = [[product["name"] for product in c.get("products", [])] for c in CUSTOMERS.values()]

    assert set(CUSTOMERS["cus_sam"]) == {"id", "note", "name"}
    assert {"delayed in transit", "return on its way to us", "waiting for stock", "cancelled"} <= statuses
    assert any(len(names) != len(set(names)) for names in twins)
    assert {"web", "phone", "e-mail", "shop"} == {
        touch["channel"] for c in CUSTOMERS.values() for touch in c.get("touchpoints", [])
    }


def test_the_recalled_serial_lies_in_the_recalled_range() -> None:
    serial = CUSTOMERS["cus_joao"]["products"][0]["serial"]

    assert "HR2309-00001" <= serial <= "HR2311-99999"
