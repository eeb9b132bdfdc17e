"""Passages keep exact offsets, lose nothing, and cut no row, step or code block."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.blocks import CODE_CHARS, LIST_CHARS, split_atoms
from knowledge.chunking import ANSWER_CHARS, TARGET_CHARS, cut, embeddable, searchable
from knowledge.documents import Document, Passage

WORDS = st.lists(
    st.sampled_from(["Press", "the", "button.", "Wait!", "Is", "it", "on?", "Then", "E-42", "shows,", "e.g.", "1."]),
    min_size=1,
)
PARAGRAPH = WORDS.map(" ".join)
LONG = st.integers(1, 60).map(lambda n: "The pump runs until the tank is empty, which takes a while. " * n)
HEADING = st.tuples(st.integers(1, 4), WORDS).map(lambda pair: f"{'#' * pair[0]} {' '.join(pair[1][:4])}")
ITEMS = st.lists(PARAGRAPH, min_size=1, max_size=12)
STEPS = ITEMS.map(lambda items: "\n".join(f"{i}. {item}\n   - and {item}" for i, item in enumerate(items, 1)))
BULLETS = ITEMS.map(lambda items: "\n".join(f"- {item}" for item in items))
TABLE = st.integers(1, 40).map(
    lambda n: (
        "| Code | Meaning |\n| --- | --- |\n"
        + "\n".join(f"| E{i} | the thing number {i} is broken |" for i in range(n))
    )
)
CODE = st.integers(1, 50).map(lambda n: "```sh\n" + "\n".join(f"run --step {i}\n" for i in range(n)) + "```")
NOTE = PARAGRAPH.map(lambda words: f"> **Note**\n> {words}")
DOCUMENTS = st.lists(st.one_of(HEADING, PARAGRAPH, LONG, STEPS, BULLETS, TABLE, CODE, NOTE), max_size=14).map(
    "\n\n".join
)


def document(text: str, media_type: str = "text/markdown", **more: object) -> Document:
    return Document("d", "d.md", "Title", text, media_type, "hash", **more)  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_offsets_are_exact_and_passages_do_not_overlap(text: str) -> None:
    passages = cut(document(text))

    assert all(text[p.start : p.end] == p.text for p in passages)
    assert all(a.end <= b.start for a, b in pairwise(passages))
    assert len({p.id for p in passages}) == len(passages)


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_every_character_is_in_a_passage_or_a_heading(text: str) -> None:
    rest = text
    for passage in reversed(cut(document(text))):
        rest = rest[: passage.start] + rest[passage.end :]

    left = [line for line in rest.split("\n") if line.strip()]
    assert all(line.startswith("#") for line in left)


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_no_row_step_or_code_block_is_cut(text: str) -> None:
    bounds = {edge for p in cut(document(text)) for edge in (p.start, p.end)}

    for atom in split_atoms(text):
        if atom.kind in ("row", "step", "code"):
            assert not any(atom.start < edge < atom.end for edge in bounds)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab #|`-1.>\n!?", max_size=300))
def test_any_text_at_all_can_be_cut(text: str) -> None:
    passages = cut(document(text))

    assert all(text[p.start : p.end] == p.text for p in passages)
    assert bool(passages) or not text.strip() or not re.search(r"[^\s#]", text)


def sections(passages: list[Passage]) -> list[tuple[str, ...]]:
    return [p.section for p in passages]


def test_passages_know_their_headings() -> None:
    long = "Words about it. " * 40
    text = f"# Title\n\n{long}\n\n## Care\n\n{long}\n\n### Daily\n\n{long}\n\n## End\n\n{long}\n"

    assert sections(cut(document(text))) == [(), ("Care",), ("Care", "Daily"), ("End",)]


def test_small_neighbours_share_a_passage() -> None:
    passages = cut(document("# Title\n\n## A\n\nShort.\n\n## B\n\nAlso short.\n"))

    assert [p.text for p in passages] == ["## A\n\nShort.\n\n## B\n\nAlso short."]
    assert [p.section for p in passages] == [()]


def test_a_shared_passage_begins_with_the_headings_that_its_sections_do_not_share() -> None:
    text = "# Title\n\n## Care\n\n### Daily\n\nWipe it.\n\n### Weekly\n\nWash it.\n\n## Ends\n\n" + "More words. " * 60
    first, _ = cut(document(text))

    assert first.section == ("Care",)
    assert first.text == "### Daily\n\nWipe it.\n\n### Weekly\n\nWash it."
    assert "Daily" in searchable(first)
    assert "Daily" not in embeddable(first)
    assert "Weekly" in embeddable(first)


def test_a_question_and_its_answer_are_one_passage() -> None:
    answer = "It is so. " * 150
    passages = cut(document(f"## How long?\n\n{answer.strip()}\n\n## How much?\n\n5 €.\n"))

    assert [p.question for p in passages] == ["How long?", "How much?"]
    assert TARGET_CHARS < len(passages[0].text) <= ANSWER_CHARS


def test_each_row_of_an_faq_table_is_a_question() -> None:
    passages = cut(document("## Opening hours\n\n9 to 5.\n\n## Parking\n\nBehind the house.\n", "text/csv"))

    assert [(p.question, p.text) for p in passages] == [("Opening hours", "9 to 5."), ("Parking", "Behind the house.")]


def test_the_rest_of_a_table_is_read_with_its_header() -> None:
    rows = "\n".join(f"| E{i} | what went wrong in case {i} |" for i in range(60))
    passages = cut(document(f"| Code | Meaning |\n| --- | --- |\n{rows}\n"))

    assert len(passages) > 1
    assert passages[0].lead == ""
    assert all(p.lead == "| Code | Meaning |" for p in passages[1:])
    assert "| Code | Meaning |" in searchable(passages[1])


def test_a_passage_knows_its_page() -> None:
    text = "# A\n\n" + "First page. " * 50 + "\n\n# B\n\n" + "Second page. " * 50 + "\n"

    passages = cut(document(text, pages=(0, text.index("# B"))))

    assert [p.page for p in passages] == [1, 2]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("See e.g. the manual. Then go.", 2, id="abbreviation"),
        pytest.param("It costs 3.50 now. Good?  Yes!", 3, id="decimal point"),
        pytest.param("Line one\nLine two", 2, id="line break"),
        pytest.param("Hallo. Änderung folgt. Ende.", 3, id="umlaut"),
    ],
)
def test_sentences_end_where_sentences_end(text: str, count: int) -> None:
    assert len([atom for atom in split_atoms(text) if atom.kind == "sentence"]) == count


def test_unchanged_passages_keep_their_ids_when_something_before_them_changes() -> None:
    long = "Words about care. " * 40
    before = cut(document(f"## A\n\nOne. {long}\n\n## B\n\n{long}\n"))
    after = cut(document(f"## A\n\nTwo, longer. {long}\n\n## B\n\n{long}\n"))

    assert before[1].id == after[1].id
    assert before[0].id != after[0].id


def test_passages_know_their_place_among_their_neighbours_and_whom_they_are_for() -> None:
    long = "Words about care. " * 40
    passages = cut(document(f"## A\n\n{long}\n\n## B\n\n{long}\n\n## C\n\n{long}\n", audience="agents"))

    assert [p.position for p in passages] == list(range(len(passages)))
    assert {p.audience for p in passages} == {"agents"}


def numbered(steps: list[tuple[str, str]]) -> str:
    """A numbered list with code within its steps, or at the margin between them; none after the last one."""
    written = [f"{i}. {words}{rest}" for i, (words, rest) in enumerate(steps[:-1], 1)]
    return "\n".join([*written, f"{len(steps)}. {steps[-1][0]}"])


REST = st.sampled_from(
    ["", "", "\n\n   ```\n   run it\n   ```", "\n\n```\nat the margin\n```\n", "\n\nA remark between.\n"]
)
NUMBERED = st.lists(st.tuples(PARAGRAPH, REST), min_size=2, max_size=9).map(numbered)


@settings(max_examples=150, deadline=None)
@given(LONG, NUMBERED, LONG)
def test_a_numbered_list_that_fits_is_never_cut(before: str, steps: str, after: str) -> None:
    passages = cut(document(f"## How to\n\n{before}\n\n{steps}\n\n## Later\n\n{after}\n"))

    holding = [p for p in passages if any(line in p.text for line in steps.split("\n") if re.match(r"\d+\. ", line))]
    if len(steps) <= LIST_CHARS:
        assert any(steps.strip() in p.text for p in holding)


def test_a_numbered_list_too_long_for_a_passage_is_cut_between_its_steps_and_keeps_its_lead() -> None:
    steps = [f"{i}. " + f"Turn the valve number {i} until it clicks and stays where it is. " * 5 for i in range(1, 16)]
    text = "Do this to drain the tank:\n\n" + "\n".join(step.strip() for step in steps) + "\n"

    passages = cut(document(text))

    assert len(passages) > 1
    assert all(re.match(r"\d+\. ", p.text) for p in passages[1:])
    assert passages[0].text.startswith("Do this to drain the tank:")
    assert {p.lead for p in passages[1:]} == {"Do this to drain the tank:"}


def test_a_list_of_thousands_of_lines_of_code_is_cut_between_lines() -> None:
    code = "```sh\n" + "\n".join(f"run --step {i} --and-wait" for i in range(2000)) + "\n```"

    passages = cut(document(f"Run it:\n\n{code}\n"))

    assert len(passages) > 5
    assert all(len(p.text) <= CODE_CHARS + 200 for p in passages)
    lines = set(code.split("\n"))
    assert all(line in lines for p in passages[1:] for line in p.text.split("\n"))


def test_a_long_note_is_cut_between_its_lines() -> None:
    note = "\n".join(f"> Line {i} of a note that does not want to end." for i in range(200))

    passages = cut(document(note + "\n"))

    assert len(passages) > 2
    assert all(p.text.startswith("> Line ") for p in passages)
