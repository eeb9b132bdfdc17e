"""The source page: every quote is found and marked, whatever Markdown stands around it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web.stand_in import DOCUMENT, QUOTE, START, StandIn

TEXT = """# Lark 2 🐦

Turn it **off** first, then *wait* for `E4` to go. See [the shop](https://shop.example/a?b=1).

## Codes

| Code | Meaning | What to do |
|---|---|---|
| E4 | No water | Fill the tank above **MIN**. |
| E6 | Power cut | Press and hold. |

1. Lift the tank.
2. Rinse it
   under the tap.
   - Never hot.

- One
- Two 🕊️ three

```
step one
step two
```

> A word of care.

Snow_case and 2 * 3 * 4 stay as they are.
"""

QUOTES = [
    "Turn it **off** first, then *wait* for `E4` to go.",
    "off",
    "E4 | No water | Fill the tank above **MIN**.",
    "Fill the tank above **MIN**.",
    "Rinse it\n   under the tap.",
    "Two 🕊️ three",
    "step one\nstep two",
    "A word of care.",
    "Snow_case and 2 * 3 * 4 stay as they are.",
    "Lark 2 🐦\n\nTurn it **off** first",
]

MARK = """async ([text, start, end]) => {
  const { parseDocument, rangeOf, renderDocument } = await import("/web/source/document-view.js");
  const main = document.getElementById("document");
  main.replaceChildren(...renderDocument(parseDocument(text), rangeOf(text, start, end), "A title"));
  return [...main.querySelectorAll("mark")].map((mark) => mark.textContent).join(" ");
}"""


def words_of(text: str) -> str:
    """What a reader sees of it: no marks, blanks as one."""
    for mark in ("**", "*", "`", "|", "#"):
        text = text.replace(mark, " ")
    return "".join(text.split())


@pytest.mark.parametrize("quote", QUOTES)
def test_a_quote_is_marked_whole_and_alone(page: Page, stand_in: StandIn, quote: str) -> None:
    page.goto(f"{stand_in.url}/source/returns")
    expect(page.get_by_role("heading", level=1)).to_have_text("Returns")
    start = TEXT.index(quote)
    marked = page.evaluate(MARK, [TEXT, start, start + len(quote)])
    assert words_of(marked) == words_of(quote)


def test_nothing_of_the_document_is_left_out(page: Page, stand_in: StandIn) -> None:
    page.goto(f"{stand_in.url}/source/returns")
    expect(page.get_by_role("heading", level=1)).to_have_text("Returns")
    marked = page.evaluate(MARK, [TEXT, 0, len(TEXT)])
    for word in ("Lark", "E6", "hold.", "hot.", "step two", "care.", "shop", "MIN", "Snow_case"):
        assert word in marked


def test_the_quote_is_in_sight_and_under_the_marker(page: Page, stand_in: StandIn) -> None:
    page.goto(f"{stand_in.url}/source/returns?release=1&start={START}&end={START + len(QUOTE)}")
    expect(page.locator("mark")).to_have_text(QUOTE)
    expect(page.locator("mark")).to_be_in_viewport()
    expect(page.locator("#note")).to_be_hidden()


@pytest.mark.parametrize("range_", ["start=90000&end=90010", "start=5&end=2", "start=a&end=b"])
def test_a_range_that_is_not_there_is_said_and_the_document_shown(page: Page, stand_in: StandIn, range_: str) -> None:
    page.goto(f"{stand_in.url}/source/returns?{range_}")
    expect(page.locator("#note")).to_contain_text("not in this version")
    expect(page.locator("main")).to_contain_text(QUOTE)
    assert str(DOCUMENT["title"]) == page.title()


def test_a_document_that_is_gone_is_said_in_words(page: Page, stand_in: StandIn) -> None:
    page.goto(f"{stand_in.url}/source/nowhere?release=1&start=1&end=2")
    expect(page.get_by_role("heading", name="This document is not here")).to_be_visible()
