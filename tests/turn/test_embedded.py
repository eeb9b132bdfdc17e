"""Composed answers are well-formed, whole, and quote what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.turn.embedded import Composed, RememberingEncode, compose
from assistant.turn.sentences import split_sentences, split_units
from knowledge.documents import Document
from tests.turn.conftest import MANUAL, encode, found, passage

TABLE = passage(
    "Codes of the pump.\n\n| Code | Meaning | What to do |\n|---|---|---|\n| E3 | Dirty lens | Clean it |\n"
    "| E4 | Fan motor | Pull the plug for 10 minutes |"
)


def composed(question: str, *passages: object) -> str:
    answer = compose(question, found(*passages), encode)  # type: ignore[arg-type]
    assert isinstance(answer, Composed)
    return answer.text


def test_numbered_steps_are_given_whole_and_in_order() -> None:
    text = composed(
        "How do I descale the kettle?", passage(MANUAL.text[MANUAL.text.index("Descale") :], document=MANUAL)
    )

    assert text.index("1. Fill it") < text.index("2. Boil it") < text.index("3. Rinse it")


def test_the_row_of_the_code_that_was_asked_about_is_given_alone_and_readable() -> None:
    text = composed("What does E4 mean?", TABLE)

    assert text.startswith("**E4**: Fan motor. Pull the plug for 10 minutes.")
    assert "E3" not in text


def test_an_faq_answer_is_given_whole_when_its_question_is_the_customers() -> None:
    entry = passage("Yes. Within 45 days. Keep the box.", question="Can I return a used kettle?")

    assert composed("can i return a used kettle", entry) == "Yes. Within 45 days. Keep the box. [1]"


def test_an_faq_answer_to_another_question_says_which_it_answers() -> None:
    entry = passage("No. It has no Wi-Fi.", question="Can the radio play internet stations?")

    assert composed("Is there an app for the radio?", entry).startswith("**Can the radio play internet stations?**")


def test_an_entry_that_asks_how_often_does_not_pass_for_how() -> None:
    often = passage("After 250 kg of coffee.", question="When do the burrs of the Wren need changing?")
    steps = passage("1. Lift the upper burr of the Wren out.\n2. Change the burrs and close it.", section=("Burrs",))

    assert "1. Lift" in composed("How do I change the burrs of the Wren?", often, steps)


def test_how_often_is_told_for_each_case_of_a_table_and_not_by_a_step() -> None:
    care = passage(
        "Descale the kettle when you see a white crust, and at the latest:\n\n| Water hardness | Descale every |\n"
        "|---|---|\n| soft | 8 weeks |\n| medium | 6 weeks |\n| hard | 4 weeks |\n\n"
        "1. Stir citric acid into the water in the kettle.\n2. Boil it twice and descale once more.",
        section=("Descaling",),
    )

    text = composed("How often do I descale the kettle?", care)

    assert text.index("**soft**: 8 weeks") < text.index("**medium**: 6 weeks") < text.index("**hard**: 4 weeks")
    assert "Stir" not in text


def test_a_row_that_only_says_where_to_look_is_no_answer() -> None:
    display = passage("| Display | Meaning |\n|---|---|\n| E1 to E4 | See *Error codes* |\n| ALt | Altitude mode |")

    assert composed("What does E4 mean?", display, TABLE).startswith("**E4**: Fan motor.")


def test_a_step_that_only_repeats_what_is_asked_is_no_answer() -> None:
    first_use = passage("1. Take it out.\n2. Set the water hardness.\n3. Fill in salt.", section=("Before first use",))
    setting = passage("Hold Start for 5 seconds, then press Programme.", section=("Setting the water hardness",))

    text = composed("How do I set the water hardness?", first_use, setting)

    assert "Hold Start" in text
    assert "Take it out" not in text


def test_rows_that_the_question_names_are_told_together() -> None:
    prices = passage("| Treatment | Price |\n|---|---|\n| Filling | £110 |\n| Root canal | £390 |\n| Crown | £720 |")

    text = composed("What is cheaper, a root canal or a crown?", prices)

    assert "£390" in text
    assert "£720" in text
    assert "£110" not in text


def test_yes_or_no_is_not_answered_by_how_long() -> None:
    pause = passage("For up to 3 months.", question="How long can I pause my coffee subscription?")
    grind = passage("We send whole beans only; we do not grind the coffee.", section=("Coffee subscription",))

    assert "do not grind" in composed("Do you grind the coffee of the subscription?", pause, grind)


def test_of_a_long_list_only_what_answers_is_said() -> None:
    rest = "\n".join(
        f"- **Place {n}.** The carrier takes parcels to this place on two days in every week." for n in range(9)
    )
    places = passage(f"- **Norway.** A kettle cannot be sent to Norway by this carrier.\n{rest}", section=("Limits",))

    text = composed("Can you send a kettle to Norway?", places)

    assert "cannot be sent to Norway" in text
    assert "Place 8" not in text


PUMP = passage(
    "The pump draws water from the tank. It passes the heater next. The pressure builds up behind the valve. "
    "Paint comes in three colours. It weighs 3 kg."
)


def test_an_explanation_is_filled_up_from_its_paragraph() -> None:
    text = composed("What does the pump do with the water?", PUMP)

    assert text.startswith("The pump draws water from the tank. It passes the heater next.")


def test_a_single_fact_stays_short() -> None:
    weight = passage("The kettle weighs 1.2 kg. Paint comes in three colours. Boxes are made of paper.")

    assert composed("How heavy is the kettle?", weight) == "The kettle weighs 1.2 kg. [1]"


def test_filling_up_leaves_out_what_is_of_another_paragraph() -> None:
    glossary = passage("Priming. Filling the pump with water.\n\nPurging. Letting steam out of the pipe.")

    assert "steam" not in composed("What is priming?", glossary)


def test_an_amount_is_answered_by_an_amount_and_not_by_what_is_free() -> None:
    home = passage("It is free.", question="What is postage at home?")
    from_sixty = passage("It is free from £60.", question="What is postage at sea?")

    assert "£60" in composed("From what amount is postage free?", home, from_sixty)


def test_what_stands_below_another_heading_must_answer_nearly_as_well() -> None:
    page = passage(
        "Letters get an answer from the workshop.\n\n## Calls\n\nOur kettle workshop answers calls from 8 am to 6 pm."
    )

    answer = composed("When does the kettle workshop answer calls?", page)

    assert answer == "Our kettle workshop answers calls from 8 am to 6 pm. [1]"


def test_a_step_that_only_points_to_another_section_is_not_the_answer() -> None:
    first = passage("1. Fill the tank.\n2. Set the water hardness (see Water hardness).", section=("First use",))
    steps = "1. Hold the button until the water hardness is shown.\n2. Let go."
    hardness = passage(steps, section=("Water hardness",))

    assert "1. Hold the button" in composed("How do I set the water hardness?", first, hardness)


def test_no_sentence_is_said_twice() -> None:
    text = composed(
        "How long is the warranty?", passage("The warranty lasts 2 years."), passage("The warranty lasts 2 years.")
    )

    assert text.count("2 years") == 1


def test_nothing_found_composes_nothing() -> None:
    assert compose("How long?", found(), encode) is None


def test_a_remembered_vector_is_not_asked_for_again() -> None:
    asked: list[str] = []

    def counting(texts: object) -> object:
        asked.extend(texts)  # type: ignore[arg-type]
        return encode(texts)  # type: ignore[arg-type]

    remembering = RememberingEncode(counting, size=2)  # type: ignore[arg-type]
    remembering(["a b", "c d"])
    remembering(["c d", "e f"])

    assert asked == ["a b", "c d", "e f"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("Use e.g. water. Then stop.", 2),
        ("It weighs 2.5 kg. Dr. Who agrees.", 2),
        ("No stop at the end", 1),
        ("Visit www.a.example now. Done.", 2),
        ("", 0),
    ],
)
def test_sentences_end_where_people_end_them(text: str, count: int) -> None:
    assert len(split_sentences(text)) == count


LINES = st.sampled_from(
    [
        "# Head",
        "One sentence. Another one here.",
        "1. step",
        "- item",
        "| a | b |",
        "|---|---|",
        "| 1 | 2 |",
        "```",
        "",
        "  more",
        "x",
    ]
)


@given(st.lists(LINES, max_size=14))
def test_every_unit_and_every_quote_is_an_exact_stretch(lines: list[str]) -> None:
    text = "\n".join(lines)
    document = Document("doc-1", "d", "D", text, "text/markdown", "h")

    assert all(0 <= u.start < u.end <= len(text) and text[u.start : u.end].strip() for u in split_units(text))
    answer = compose("Which sentence is the item?", found(passage(text)), encode) if text.strip() else None
    for citation in answer.citations if isinstance(answer, Composed) else ():
        assert document.text[citation.start : citation.end] == citation.quote
