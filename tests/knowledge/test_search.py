"""What a search promises: the right passage despite slips, codes however they are written, strict audiences."""

from __future__ import annotations

import pytest

from knowledge.documents import Document, Findings, Turn
from knowledge.errors import DocumentUnknown
from knowledge.library import Library

TEXTS = {
    "returns": ("Returns", "You can return a parcel within thirty days. The refund arrives on your account."),
    "delivery": ("Delivery", "Delivery takes two days. A delivery abroad takes a week and costs more."),
    "error": ("Faults", "The display shows E-04 when the heating element is broken. Call the workshop."),
    "filter": ("Filters", "Order the water filter under part number WX/300.b and change it twice a year."),
    "limits": ("Cards", "A credit limit increase is asked for online. The card has a limit on credit."),
    "increase": ("Prices", "An increase of prices and a limit on vouchers concern credit notes."),
}


def document(name: str, title: str, text: str, **kept: object) -> Document:
    return Document(name, f"{name}.md", title, f"# {title}\n\n{text}\n", "text/markdown", f"{name}:{text}", **kept)  # type: ignore[arg-type]


def titles(findings: Findings) -> list[str]:
    return [found.passage.title for found in findings.found]


@pytest.fixture
def shop(library: Library) -> Library:
    library.publish_documents([document(name, title, text) for name, (title, text) in TEXTS.items()])
    return library


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("refnud of a parcle", "Returns"),
        ("delivary abroad", "Delivery"),
        ("heatting elment", "Faults"),
        ("refundarrives", "Returns"),
        ("work shop", "Faults"),
    ],
)
def test_a_misspelt_question_finds_what_was_meant(shop: Library, question: str, title: str) -> None:
    assert titles(shop.search(question))[0] == title


def test_findings_tell_what_was_mended_and_the_score_what_it_gave(shop: Library) -> None:
    findings = shop.search("delivary abroad")

    assert findings.corrections == (("delivary", "deliveri"),)
    assert dict(findings.found[0].why)["spelling"] > 0


def test_a_question_of_known_words_is_left_alone(shop: Library) -> None:
    assert shop.search("delivery abroad").corrections == ()


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("ｄｅｌｉｖｅｒｙ　ａｂｒｏａｄ", id="wide letters"),
        pytest.param("𝐝𝐞𝐥𝐢𝐯𝐞𝐫𝐲 abroad", id="bold letters"),
    ],
)
def test_letters_in_another_form_are_the_same_letters(shop: Library, question: str) -> None:
    plain, odd = shop.search("delivery abroad"), shop.search(question)

    assert titles(odd) == titles(plain)
    assert odd.sureness == plain.sureness
    assert odd.corrections == ()


def test_an_ordinary_word_that_no_document_has_is_left_alone(library: Library, embedder: object) -> None:
    embedder.knows = lambda word: word == "parcels"  # type: ignore[attr-defined]
    library.publish_documents([document("a", "A", "We sell barrels of tea and parsley.")])

    assert library.search("parcels").corrections == ()
    assert library.search("barels").corrections == (("barels", "barrel"),)


@pytest.mark.parametrize("question", ["is there a 4-day wait", "does it come in 4 days"])
def test_an_ordinary_word_before_a_number_makes_no_code(library: Library, question: str) -> None:
    library.publish_documents([document("codes", "Codes", "The codes are A-4, IN-4 and E-4.")])

    assert "code" not in dict(library.search(question).found[0].why)


@pytest.mark.parametrize("code", ["E-04", "E04", "E 04", "E-4", "e4", "e 04", "E.04"])
def test_an_error_code_is_found_however_it_is_written(shop: Library, code: str) -> None:
    found = shop.search(f"what does {code} mean").found[0]

    assert found.passage.title == "Faults"
    assert dict(found.why)["code"] > 0


@pytest.mark.parametrize("part", ["WX/300.b", "wx300b", "WX-300-B", "WX 300"])
def test_a_part_number_is_found_however_it_is_written(shop: Library, part: str) -> None:
    assert titles(shop.search(f"order {part}"))[0] == "Filters"


def test_codes_are_never_mended(shop: Library) -> None:
    assert shop.search("what is E-05 or WX/301.b").corrections == ()


def test_words_in_the_order_of_the_question_come_first(shop: Library) -> None:
    findings = shop.search("credit limit increase")

    assert titles(findings)[0] == "Cards"
    assert dict(findings.found[0].why)["word order"] > 0


def test_the_parts_of_a_score_add_up_to_it(shop: Library) -> None:
    history = [Turn("customer", "I sent a parcel back"), Turn("assistant", "The refund arrives in thirty days.")]

    for found in shop.search("and whn does it arrive?", history=history).found:
        assert sum(value for _, value in found.why) == pytest.approx(found.score, abs=1e-6)


def test_earlier_turns_lend_their_words_to_a_follow_up(shop: Library) -> None:
    history = [Turn("customer", "Do you deliver abroad?"), Turn("assistant", "Yes, delivery abroad is possible.")]

    follow_up = shop.search("how long does that take?", history=history)

    assert titles(follow_up)[0] == "Delivery"
    assert "history" in dict(follow_up.found[0].why)
    assert "history" not in dict(shop.search("how long does that take?").found[0].why)


def test_a_question_of_its_own_is_not_led_astray_by_the_turns_before(shop: Library) -> None:
    history = [Turn("customer", "Do you deliver abroad?"), Turn("assistant", "Yes, delivery abroad takes a week.")]

    assert titles(shop.search("Which part number has the water filter?", history=history))[0] == "Filters"


@pytest.fixture
def staff(library: Library) -> Library:
    library.publish_documents(
        [
            document("all", "Refunds", "A refund takes five days."),
            document("agents", "Refunds for agents", "A refund of a lost parcel takes one day.", audience="agents"),
            document("resellers", "Refunds for resellers", "A refund is a credit note.", audience="resellers"),
            document("both", "Refunds by staff", "A refund is signed by hand.", audience="agents, Managers"),
        ]
    )
    return library


@pytest.mark.parametrize(
    ("audience", "seen"),
    [
        (None, {"Refunds"}),
        ("agents", {"Refunds", "Refunds for agents", "Refunds by staff"}),
        ("managers", {"Refunds", "Refunds by staff"}),
        ("managers, resellers", {"Refunds", "Refunds by staff", "Refunds for resellers"}),
        ("nobody", {"Refunds"}),
        ("*", {"Refunds", "Refunds for agents", "Refunds for resellers", "Refunds by staff"}),
    ],
)
def test_a_passage_is_found_only_by_its_audience(staff: Library, audience: str | None, seen: set[str]) -> None:
    assert set(titles(staff.search("refund of a lost parcel", audience=audience))) == seen


def test_one_document_alone_is_looked_into(staff: Library) -> None:
    assert titles(staff.search("refund of a lost parcel", document="resellers", audience="*")) == [
        "Refunds for resellers"
    ]
    assert titles(staff.search("refund of a lost parcel", document="resellers")) == []
    with pytest.raises(DocumentUnknown, match="nothing"):
        staff.search("refund of a lost parcel", document="nothing")


def test_few_passages_for_an_audience_are_found_among_many_for_others(library: Library) -> None:
    others = [
        document(f"o{i}", f"Refund {i}", f"A refund of sort {i} takes days.", audience="agents") for i in range(300)
    ]
    library.publish_documents([*others, document("own", "Opening hours", "We are open at noon.")])

    assert titles(library.search("how long does a refund take")) == ["Opening hours"]


def test_the_product_and_language_that_are_asked_for_come_first(library: Library) -> None:
    text = "Press the button for three seconds to reset it."
    library.publish_documents(
        [
            document("kite", "Kite", f"Kite: {text}", products=("Kite",)),
            document("lark", "Lark", f"Lark: {text}", products=("Lark",)),
            document("de", "Wren", f"Wren: {text}", language="de"),
        ]
    )

    assert titles(library.search("how to reset it", product="Lark"))[0] == "Lark"
    why = {
        found.passage.title: dict(found.why) for found in library.search("reset", product="Lark", language="en").found
    }
    assert why["Lark"]["product"] > 0 > why["Kite"]["product"]
    assert why["Wren"]["language"] < 0


def test_a_german_page_is_found_by_another_form_of_its_words(library: Library) -> None:
    library.publish_documents(
        [
            document("de", "Rechnung", "Ihre Rechnungen finden Sie im Konto.", language="de"),
            document("en", "Hours", "We open at noon.", language="en"),
        ]
    )

    for language in ("de", None):
        findings = library.search("Rechnungs", language=language)
        assert titles(findings)[0] == "Rechnung"
        assert dict(findings.found[0].why)["words"] > 0


def test_passages_that_say_the_same_are_shown_once_unless_a_number_differs(library: Library) -> None:
    text = "The guarantee of the big lamp covers the bulb, the stand, the cable and the switch for {} whole years."
    library.publish_documents([document(f"d{i}", "Guarantee", text.format(years)) for i, years in enumerate((2, 2, 3))])

    assert len(library.search("guarantee of the lamp").found) == 2


def test_a_kept_release_answers_as_it_was(library: Library) -> None:
    first = library.publish_documents([document("a", "A", "A refund takes five days.")]).release
    library.publish_documents([document("a", "A", "A refund takes nine days.")])

    then = library.search("refund", release=first)

    assert (then.release, "five" in then.found[0].passage.text) == (first, True)
    assert "nine" in library.search("refund").found[0].passage.text


@pytest.mark.parametrize("question", ["", "  ", "???", "the of and", "Ж漢字", "x" * 5000, "\x00", "E-" * 400])
def test_no_question_is_too_odd_to_search_for(shop: Library, question: str) -> None:
    assert len(shop.search(question, history=[Turn("customer", question)]).found) <= 5
