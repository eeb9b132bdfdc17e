"""The shop contradicts itself nowhere: prices, part numbers, codes and times agree in every file that tells them."""

from __future__ import annotations

import re

import pytest
from demo_texts import fold, knowledge_texts, manuals, questions, quick_answers, rows_with

from assistant.demo.loader import load_shop
from assistant.demo.make_manuals import SOURCE_FOLDER

PARTS_FILE = "policies/repairs-and-spare-parts.md"
SHOP = load_shop()
PRODUCTS = {product["name"]: product for product in SHOP["products"]}
SECTIONS = (
    "Safety warnings",
    "What (?:is|was) in the box",
    "Setting up|Before the first use",
    "Controls|Parts and controls",
    "Cleaning",
    "Troubleshooting",
    "Error codes|Fault codes|Red blinks|Blinking codes",
    "Specifications",
    "Spare parts",
    "Warranty and repair",
    "Disposal",
)
# code -> device -> what it means there: one letter and digit, five meanings
CODES = {
    "manuals/lark-2.pdf": {"E1": "water tank empty", "E4": "pump runs dry", "E6": "descaling was interrupted"},
    "manuals/wren.md": {"E1": "hopper not locked", "E3": "motor too warm"},
    "manuals/heron.md": {"E1": "temperature sensor", "E2": "boil-dry"},
    "manuals/petrel.html": {"E1": "filter door open", "E3": "particle sensor dirty"},
    "manuals/plover.docx": {"E1": "tank empty or lifted off", "E3": "wick is 120 days old"},
    "manuals/nightjar.html": {"F3": "adapter too weak", "F4": "memory fault"},
}
# what more than one document tells, as a pattern, and the documents that must tell it
TOLD_TWICE = {
    "returns take 45 days": (r"45 days", ["policies/returns.md", "faq/returns-and-warranty.md"]),
    "refurbished devices 14 days": (r"14 days", ["policies/returns.md", "faq/returns-and-warranty.md"]),
    "holiday returns": (r"31 January 2027", ["policies/returns.md", "faq/returns-and-warranty.md"]),
    "the Lark 2 registers in 90 days": (
        r"within 90 days",
        ["policies/warranty.md", "faq/returns-and-warranty.md", "manuals/lark-2.pdf"],
    ),
    "limescale exception": (
        r"within 30 days of its reminder",
        ["policies/warranty.md", "faq/returns-and-warranty.md", "manuals/lark-2.pdf"],
    ),
    "old parts are kept": (
        r"until March 2034",
        [PARTS_FILE, "faq/returns-and-warranty.md", "manuals/lark.pdf"],
    ),
    "the loan's deposit": (r"deposit of £50", [PARTS_FILE, "faq/returns-and-warranty.md", "manuals/lark-2.pdf"]),
    "descaling a Lark 2": (r"35 minutes", ["faq/coffee.md", "manuals/lark-2.pdf"]),
    "descaling a Lark": (r"50 minutes", ["faq/coffee.md", "manuals/lark.pdf"]),
    "the recall's serials": (
        r"HR2309-00001 to HR2311-99999",
        ["policies/heron-base-recall.md", "faq/returns-and-warranty.md", "manuals/heron.md"],
    ),
    "the Plover comes back": (r"7 December 2026", ["faq/orders-and-delivery.md"]),
    "the packed Lark 2": (
        r"12\.4 kg",
        ["policies/shipping.md", "faq/orders-and-delivery.md", "manuals/lark-2.pdf", "faq/quick-answers.csv"],
    ),
    "Petrel Mini reset": (
        r"hold the button for 10 seconds|hold its button for 10 seconds",
        ["manuals/petrel.html", "faq/air.md"],
    ),
    "no Nightjar to Norway": (
        r"Nightjar[^.]*Norway or Switzerland",
        ["policies/shipping.md", "faq/orders-and-delivery.md", "manuals/nightjar.html"],
    ),
}


def parts() -> dict[str, str]:
    """Part number to price, by the list that is the source of all others."""
    return {row["Part number"]: row["Price"] for name, row in rows_with("Part number", "Price") if name == PARTS_FILE}


def test_there_are_eight_products_and_enough_to_read() -> None:
    assert len(PRODUCTS) == 8
    assert len({product["id"] for product in SHOP["products"]}) == 8
    assert len(questions()) >= 70
    assert len(manuals()) >= 7


def test_no_question_is_asked_twice() -> None:
    folded = [fold(question) for question in questions()]

    assert len(folded) == len(set(folded))


def test_quick_answers_name_products_of_the_shop() -> None:
    assert {row["product"] for row in quick_answers()} <= set(PRODUCTS)
    assert all(row["answer"].strip() for row in quick_answers())


@pytest.mark.parametrize("name", manuals())
def test_a_manual_has_every_part_that_a_manual_has(name: str) -> None:
    text = manuals()[name]

    missing = [section for section in SECTIONS if not re.search(rf"^\W*(?:{section})", text, re.MULTILINE)]
    assert not missing
    assert len(text.split()) >= 1500


@pytest.mark.parametrize("product", PRODUCTS)
def test_each_product_has_a_manual_with_its_model(product: str) -> None:
    model = PRODUCTS[product]["model"]

    assert any(model in text and product in text for text in manuals().values())


@pytest.mark.parametrize(("document", "row"), rows_with("Part number", "Price"), ids=lambda value: str(value)[:40])
def test_a_part_costs_the_same_wherever_it_is_listed(document: str, row: dict[str, str]) -> None:
    assert row["Price"].split()[0] == parts()[row["Part number"]], document


def test_every_part_number_that_is_mentioned_is_in_the_list() -> None:
    mentioned = {number for text in knowledge_texts().values() for number in re.findall(r"P-\d{4}", text)}

    assert mentioned == set(parts())


def test_prices_in_sentences_are_those_of_the_list() -> None:
    told = [
        (number, price)
        for text in knowledge_texts().values()
        for number, price in re.findall(r"(P-\d{4}) and costs (£\d+)", text)
    ]

    assert len(told) >= 4
    assert all(parts()[number] == price for number, price in told)


def test_a_repair_costs_the_same_in_policy_manual_and_answers() -> None:
    flat = {row["Device"].split(",")[0].split(" (")[0]: row["Flat price"] for _, row in rows_with("Flat price")}
    answers = knowledge_texts()["faq/returns-and-warranty.md"]
    listed = dict(re.findall(r"(?:^|, |: )(?:first-generation )?([A-Z][\w ]*?) (£\d+)", answers, re.MULTILINE))
    in_manuals = {price for text in manuals().values() for price in re.findall(r"flat (£\d+)", text)}

    assert len(flat) == 9
    assert {name: listed.get(name) for name in flat} == flat
    assert in_manuals <= set(flat.values())


@pytest.mark.parametrize("document", CODES)
def test_codes_mean_what_each_manual_says(document: str) -> None:
    table = {row["Code"]: row["Meaning"] for name, row in rows_with("Code", "Meaning") if name == document}

    for code, meaning in CODES[document].items():
        assert meaning in table[code].casefold()


def test_the_answer_about_e1_agrees_with_the_manuals() -> None:
    answer = re.search(r"## What does E1 mean\?\n\n(.+)", knowledge_texts()["faq/air.md"])
    assert answer
    told = dict(re.findall(r"([A-Z][\w ]*?): ([^.]+)\.", answer[1].split("device.", 1)[1]))

    meanings = {name: row["Meaning"] for name, row in rows_with("Code", "Meaning") if row["Code"] == "E1"}
    assert len(told) == len(meanings) == 5
    assert all(any(fold(told_one) in fold(meaning) for meaning in meanings.values()) for told_one in told.values())


@pytest.mark.parametrize("fact", TOLD_TWICE)
def test_what_is_told_twice_agrees(fact: str) -> None:
    pattern, documents = TOLD_TWICE[fact]

    silent = [name for name in documents if not re.search(pattern, fold(knowledge_texts()[name]), re.IGNORECASE)]
    assert not silent


@pytest.mark.parametrize("key", ["phone", "email"])
def test_the_company_is_reached_the_same_way_everywhere(key: str) -> None:
    assert SHOP["company"][key] in knowledge_texts()["faq/account-and-payment.md"]


def test_support_hours_are_the_same_everywhere() -> None:
    told = {
        hours
        for text in knowledge_texts().values()
        for hours in re.findall(r"Monday to Friday (\d+:\d+–\d+:\d+),? (?:and )?Saturday (\d+:\d+–\d+:\d+)", text)
    }

    assert told == {("8:00–20:00", "9:00–17:00")}
    assert all(hours in SHOP["company"]["support_hours"] for hours in next(iter(told)))


@pytest.mark.parametrize("product", PRODUCTS)
def test_what_the_shop_window_promises_stands_in_the_manual(product: str) -> None:
    numbers = {
        number
        for highlight in PRODUCTS[product]["highlights"]
        for number in re.findall(r"\d+(?:[–.]\d+)?(?= ?(?:°C|m²|mm|g\b|l\b|ml|lux|dB|W\b|minutes))", highlight)
    }
    texts = " ".join(text for text in manuals().values() if PRODUCTS[product]["model"] in text)

    assert all(re.search(rf"(?<!\d){re.escape(number)}(?!\d)", texts) for number in numbers)


def test_the_sold_out_product_is_the_one_that_the_answers_speak_of() -> None:
    sold_out = [name for name, product in PRODUCTS.items() if not product["in_stock"]]

    assert sold_out == ["Plover"]
    assert "When is the Plover back in stock?" in questions()


def test_generations_of_the_lark_differ_in_what_people_mix_up() -> None:
    old, new = manuals()["manuals/lark.pdf"], manuals()["manuals/lark-2.pdf"]

    for feature in ("Water tank", "Weight", "Time to warm up", "Brewing temperature", "Noise"):
        told = [re.findall(rf"^\| {feature} \| (.+?) \|$", text, re.MULTILINE) for text in (old, new)]
        assert [len(values) for values in told] == [1, 1]
        assert told[0] != told[1]


def test_typeset_sources_use_only_letters_that_the_standard_pdf_faces_have() -> None:
    for source in SOURCE_FOLDER.glob("*.md"):
        source.read_text(encoding="utf-8").encode("cp1252")


def test_no_topic_that_must_stay_unanswerable_has_crept_in() -> None:
    everything = fold(" ".join(knowledge_texts().values()))

    for absent in ("student", "siri", "gift wrap", "hiring", "oat milk", "weather in", "typeface"):
        assert absent not in everything
