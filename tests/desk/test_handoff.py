"""The handoff packet: what an agent knows before the first word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from desk_cast import ADA, MIA, answered, asked_for_a_person, numbered, said, understood

from assistant.desk.handoff import build_packet, find_exchanges, find_open_question, plain_line
from assistant.journal.events import SYSTEM, Event, Kind, NewEvent
from assistant.profile.customer import Appointment, Customer, Order, OwnedProduct, Touchpoint
from knowledge.documents import Findings, Found, Passage

CUSTOMER = Customer(
    id="cus-1",
    name="Ada Lowe",
    since="2023-04-01",
    products=(OwnedProduct("Lark 2", serial="LK-1"),),
    orders=(Order("A-100", "2025-01-02", "delivered", ("Lark 2",), "£549"),),
    appointments=(Appointment("ap-1", "2026-12-02T10:00:00Z", "Repair visit", "booked"),),
    touchpoints=(Touchpoint("2026-11-14T07:52:00Z", "phone", "Asked about descaling.", "solved"),),
    traits={"city": "London"},
    sources={"orders": "import 2026-11-23"},
)
ASKED = asked_for_a_person("The customer asked for a person.")  # says nothing that is not known
RATED_BAD = NewEvent(Kind.RATED, ADA, {"seq": 2, "useful": False, "comment": "Did that."})
RATED_GOOD = NewEvent(Kind.RATED, ADA, {"seq": 2, "useful": True})


def found(text: str, similarity: float, sureness: float = 0.8) -> Findings:
    passage = Passage("p1", "manuals/lark 2.md", "Lark 2 manual", ("Errors", "E4"), text, 100, 100 + len(text))
    return Findings("q", 3, (Found(passage, 1.0, similarity),), sureness)


@pytest.mark.parametrize(
    ("news", "expected"),
    [
        pytest.param([], None, id="nothing was said"),
        pytest.param([said("Why E4?")], "Why E4?", id="not answered yet"),
        pytest.param([said("Why E4?"), answered("Prime it.", 1)], None, id="answered"),
        pytest.param([said("Why E4?"), answered("I do not know.", 1, outcome="declined")], "Why E4?", id="declined"),
        pytest.param([said("Why E4?"), answered("Prime it.", 1), RATED_BAD], "Why E4?", id="answered to no use"),
        pytest.param(
            [said("Why E4?"), answered("Prime it.", 1), asked_for_a_person()],
            "Why E4?",
            id="asked for a person at once",
        ),
        pytest.param(
            [said("Why E4?"), answered("Prime it.", 1), RATED_GOOD, asked_for_a_person()],
            None,
            id="useful, then a person",
        ),
        pytest.param(
            [said("Why E4?"), answered("Prime it.", 1), said("No help."), understood(3, "unhappy")],
            "Why E4?",
            id="says it was no help",
        ),
        pytest.param(
            [said("Why E4?"), said("A person please"), understood(2, "ask_human"), answered("I will ask.", 2)],
            "Why E4?",
            id="a request for a person settles nothing",
        ),
        pytest.param([said("Hi"), understood(1, "greeting"), answered("Hello!", 1)], None, id="small talk"),
        pytest.param(
            [said("Why E4?"), asked_for_a_person(), said("Prime it.", MIA.author)], None, id="an agent answered"
        ),
        pytest.param(
            [said("Why E4?"), said("On a Lark 2."), answered("?", 2, outcome="declined")],
            "Why E4?\nOn a Lark 2.",
            id="asked in two messages",
        ),
    ],
)
def test_the_open_question_is_the_newest_unsettled_one(news: list[NewEvent], expected: str | None) -> None:
    assert find_open_question(numbered(*news)) == expected


def test_what_was_tried_is_told_with_its_sources_and_what_came_of_it() -> None:
    citation = {"n": 1, "title": "Lark 2 manual", "section": "E4", "url": "/source/x", "quote": "Prime the pump."}
    events = numbered(said("Why E4?"), answered("Prime it. [1]", 1, citations=[citation]), RATED_BAD)
    packet = build_packet("c1", events)
    (tried,) = packet["tried"]
    assert (tried["question"], tried["answer"], tried["useful"], tried["settled"]) == (
        "Why E4?",
        "Prime it.",
        False,
        False,
    )
    assert tried["citations"] == [citation]


def test_the_packet_shows_the_profile_with_its_sources_and_where_the_customer_is() -> None:
    context = NewEvent(Kind.CONTEXT, ADA, {"page": {"url": "https://shop.example/lark"}, "locale": "en-GB"})
    shown = build_packet("c1", numbered(said("Hi"), context), customer=CUSTOMER)["customer"]
    assert (shown["name"], shown["verified"], shown["traits"]) == ("Ada Lowe", True, {"city": "London"})
    assert shown["sources"] == {"orders": "import 2026-11-23"}
    assert shown["products"][0]["serial"] == "LK-1"
    assert shown["page"] == {"url": "https://shop.example/lark"}


def test_a_visitors_packet_holds_no_profile() -> None:
    packet = build_packet("c1", numbered(said("Hi")))
    assert packet["customer"] == {"verified": False, "name": None}
    assert packet["summary"].startswith("A visitor who is not signed in.")


def test_the_timeline_holds_every_contact_newest_first() -> None:
    entries = build_packet("c1", numbered(said("Why E4?"), asked_for_a_person("Angry")), customer=CUSTOMER)["timeline"]
    assert [(entry["kind"], entry["text"]) for entry in entries] == [
        ("appointment", "Repair visit"),
        ("now", "Asked for a person. Angry"),
        ("now", "Wrote: “Why E4?”"),
        ("contact", "Asked about descaling."),
        ("order", "Ordered Lark 2"),
    ]


def test_the_summary_says_who_what_came_of_the_questions_and_why_a_person() -> None:
    events = numbered(
        said("How often do I descale?"),
        answered("Monthly.", 1, citations=[{"n": 1, "title": "Lark 2 manual"}]),
        said("Why E4?"),
        answered("I could not find this.", 3, outcome="declined"),
        asked_for_a_person("Not found twice."),
    )
    assert build_packet("c1", events, customer=CUSTOMER)["summary"] == (
        "Ada Lowe has been a customer since 1 April 2023 and owns Lark 2. "
        "Two questions were asked: 1 was answered and for 1 there was no answer. "
        "Handed over because: Not found twice."
    )


def test_the_transcript_is_whole_notes_and_erased_words_included() -> None:
    note = NewEvent(Kind.NOTE, MIA.author, {"text": "Second time this week."})
    erased = Event("c1", 5, 4, "2026-11-23T10:05:00.000Z", Kind.MESSAGE, ADA, None)
    events = [*numbered(said("Why E4?"), understood(1, "question"), asked_for_a_person("Angry"), note), erased]
    assert [(line["seq"], line["text"]) for line in build_packet("c1", events)["transcript"]] == [
        (1, "Why E4?"),
        (3, "Asked for a person. Angry"),
        (4, "Second time this week."),
        (5, "Erased."),
    ]


def test_every_kind_of_event_has_words_for_the_agent() -> None:
    scale = {"min": 1, "max": 7}
    news = [
        NewEvent(Kind.HANDOFF_ACCEPTED, MIA.author, {"agent": {"name": "Mia Stone"}}),
        NewEvent(Kind.HANDOFF_TRANSFERRED, MIA.author, {"agent": {"name": "Ben Hart"}}),
        NewEvent(Kind.HANDOFF_RETURNED, MIA.author, {"agent": {"name": "Mia Stone"}}),
        RATED_BAD,
        NewEvent(Kind.ACTION, SYSTEM, {"name": "lookup", "summary": "Looked up order A-100."}),
        NewEvent(Kind.SURVEY_ANSWERED, ADA, {"metric": "ces", "score": 2, "scale": scale}),
        NewEvent(Kind.CONVERSATION_ENDED, ADA, {"by": "customer"}),
    ]
    assert [line["text"] for line in build_packet("c1", numbered(*news))["transcript"]] == [
        "Mia Stone joined.",
        "Mia Stone passed the conversation on to Ben Hart.",
        "Mia Stone gave the conversation back to the assistant.",
        "Found message 2 not useful: “Did that.”.",
        "Looked up order A-100.",
        "Answered CES: 2 of 7.",
        "The conversation ended.",
    ]


@pytest.mark.parametrize(
    ("news", "told"),
    [
        pytest.param([], "Nothing has been asked yet.", id="nothing"),
        pytest.param([said("Why E4?")], "One question was asked: it waits for an answer.", id="waits"),
        pytest.param(
            [said("Why E4?"), answered("I do not know.", 1, outcome="declined"), ASKED],
            "One question was asked: the assistant found no answer.",
            id="declined",
        ),
        pytest.param(
            [said("Why E4?"), answered("Which one?", 1, outcome="clarifying")],
            "One question was asked: the assistant asked back.",
            id="asked back",
        ),
        pytest.param(
            [said("Why E4?"), answered("Prime it.", 1), RATED_BAD, ASKED],
            "One question was asked: the answer did not help.",
            id="no use",
        ),
        pytest.param(
            [said("Why E4?"), answered("Prime it.", 1), ASKED],
            "One question was asked: it was answered. After the last answer, a person was asked for.",
            id="not enough",
        ),
        pytest.param(
            [said("Why E4?"), answered("Prime it.", 1), RATED_GOOD, ASKED],
            "One question was asked: it was answered. No question is open.",
            id="settled",
        ),
        pytest.param(
            [
                said("A?"),
                answered("B.", 1),
                said("C?"),
                answered("D.", 3),
                said("E?"),
                answered("?", 5, outcome="declined"),
            ],
            "Three questions were asked: 2 were answered and for 1 there was no answer.",
            id="several",
        ),
        pytest.param(
            [said("A?"), answered("B.", 1), said("C?"), answered("D.", 3)],
            "Two questions were asked: all were answered. No question is open.",
            id="all settled",
        ),
    ],
)
def test_the_summary_says_plainly_what_came_of_the_questions(news: list[NewEvent], told: str) -> None:
    assert build_packet("c1", numbered(*news))["summary"] == f"A visitor who is not signed in. {told}"


def test_a_reply_is_suggested_from_the_best_passage_with_its_place() -> None:
    events = numbered(said("Why E4?"))
    packet = build_packet("c1", events, customer=CUSTOMER, findings=found("## E4\nPrime the pump with hot water.", 0.7))
    assert packet["suggested_reply"]["text"] == ("Hello Ada, thank you for waiting.\n\nPrime the pump with hot water.")
    assert packet["suggested_reply"]["source"]["url"].startswith(
        "/source/manuals%2Flark%202.md?release=3&start=100&end="
    )
    assert packet["passages"][0]["section"] == "Errors › E4"


@pytest.mark.parametrize(
    ("news", "findings"),
    [
        pytest.param([said("Why E4?")], None, id="nothing searched"),
        pytest.param([said("Why E4?")], Findings("q", 3, (), 0.0), id="nothing found"),
        pytest.param([said("Why E4?")], found("Opening hours.", 0.2), id="nothing near"),
        pytest.param([said("Why E4?"), answered("Prime it.", 1)], found("Prime the pump.", 0.9), id="nothing open"),
    ],
)
def test_no_reply_is_suggested_without_a_question_and_a_near_passage(
    news: list[NewEvent], findings: Findings | None
) -> None:
    assert build_packet("c1", numbered(*news), findings=findings)["suggested_reply"] is None


@pytest.mark.parametrize(
    ("citation", "expected"),
    [
        pytest.param({"document": "manuals/lark 2.md", "start": 90, "end": 110}, None, id="the same place"),
        pytest.param({"document": "faq", "start": 0, "end": 9, "quote": "Prime the pump."}, None, id="the same words"),
        pytest.param(
            {"document": "faq", "start": 90, "end": 110, "quote": "Fill the tank."}, "Prime", id="another place"
        ),
    ],
)
def test_what_was_tried_is_marked_and_not_suggested_again(citation: dict[str, Any], expected: str | None) -> None:
    events = numbered(said("Why E4?"), answered("See [1].", 1, citations=[citation]), asked_for_a_person())
    packet = build_packet("c1", events, findings=found("Prime the pump.", 0.9))
    assert packet["passages"][0]["tried"] is (expected is None)
    assert (packet["suggested_reply"] is None) is (expected is None)


@pytest.mark.parametrize(("sureness", "is_suggested"), [(0.09, False), (0.6, True)])
def test_far_behind_what_was_tried_nothing_is_suggested(sureness: float, is_suggested: bool) -> None:
    told, other = (
        Passage(name, "faq", "Questions", (name,), f"{name} text.", start, start + 9)
        for name, start in (("Lark 2", 0), ("Lark", 90))
    )
    findings = Findings("q", 3, (Found(told, 1.0, 0.9, 0.98), Found(other, 0.9, 0.8, sureness)), 0.98)
    citation = {"document": "faq", "start": 0, "end": 9, "quote": told.text}
    events = numbered(said("Descale?"), answered("See [1].", 1, citations=[citation]), asked_for_a_person())

    packet = build_packet("c1", events, findings=findings)

    assert [passage["tried"] for passage in packet["passages"]] == [True, False]
    assert (packet["suggested_reply"] is not None) is is_suggested


def test_what_the_profile_knows_outweighs_what_the_page_says() -> None:
    context = NewEvent(Kind.CONTEXT, ADA, {"locale": "en"})
    known = replace(CUSTOMER, locale="pl-PL")
    assert build_packet("c1", numbered(context), customer=known)["customer"]["locale"] == "pl-PL"
    assert build_packet("c1", numbered(context), customer=CUSTOMER)["customer"]["locale"] == "en"


def test_the_same_thing_ordered_twice_is_counted() -> None:
    order = Order("A-1", "2026-11-05", "delivered", ("Filter", "Filter", "Wren"), "£1")
    timeline = build_packet("c1", [], customer=replace(CUSTOMER, orders=(order,)))["timeline"]
    assert "Ordered 2 × Filter, Wren" in [entry["text"] for entry in timeline]


def test_a_reason_that_says_nothing_new_is_not_repeated() -> None:
    packet = build_packet("c1", numbered(said("Hi"), asked_for_a_person("The customer asked for a person.")))
    assert packet["transcript"][-1]["text"] == "Asked for a person."
    assert "because" not in packet["summary"]


def test_marks_of_markdown_and_of_sources_are_left_out_of_short_lines() -> None:
    assert plain_line("## E4\n**Prime** the `pump`. [1]", 100) == "E4 Prime the pump."


def test_a_long_passage_is_cut_after_a_sentence() -> None:
    text = "Open the lid. " * 100
    packet: dict[str, Any] = build_packet("c1", numbered(said("How?")), findings=found(text, 0.9))
    reply = packet["suggested_reply"]["text"]
    assert len(reply) < 760
    assert reply.endswith("Open the lid.")


def test_an_agents_answer_counts_as_tried() -> None:
    events = numbered(said("Why E4?"), asked_for_a_person(), said("Prime it.", MIA.author))
    (exchange,) = find_exchanges(events)
    assert (exchange.by, exchange.outcome, exchange.is_settled) == ("Mia Stone", "said", True)
