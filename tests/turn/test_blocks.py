"""Nothing but the small safe tree gets out of a message, whatever went in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.turn.blocks import is_safe_link, parse_blocks

BLOCKS = {"p", "ul", "ol", "code", "h", "quote", "table"}
INLINES = {"text", "b", "i", "code", "a", "br", "cite"}


def nodes_of(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [node for item in value for node in nodes_of(item)]
    if isinstance(value, dict):
        return [value, *(node for item in value.values() for node in nodes_of(item))]
    return []


def text_of(text: str, citations: int = 0) -> str:
    return "".join(str(node.get("text", "")) for node in nodes_of(parse_blocks(text, citations)))


def test_prose_lists_tables_code_and_links_become_nodes() -> None:
    blocks = parse_blocks(
        "# Head\n\nSay **it** *so* `x` [here](https://a.example/b) [1]\n\n3. one\n4. two\n\n- dot\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n```py\ncode\n```",
        citations=1,
    )

    assert [block["t"] for block in blocks] == ["h", "p", "ol", "ul", "table", "quote", "code"]
    assert blocks[0] == {"t": "h", "level": 1, "c": [{"t": "text", "text": "Head"}]}
    assert {"t": "cite", "n": 1} in blocks[1]["c"]
    assert {"t": "a", "href": "https://a.example/b", "c": [{"t": "text", "text": "here"}]} in blocks[1]["c"]
    assert blocks[2]["start"] == 3
    assert blocks[4] == {
        "t": "table",
        "head": [[{"t": "text", "text": "a"}], [{"t": "text", "text": "b"}]],
        "rows": [[[{"t": "text", "text": "1"}], [{"t": "text", "text": "2"}]]],
    }
    assert blocks[6] == {"t": "code", "lang": "py", "text": "code"}


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<b>)",
        "[x](//evil.example)",
        "![pixel](https://evil.example/p.gif)",
        "[x](\\\\evil.example)",
        "<a href='javascript:1'>x</a>",
    ],
)
def test_what_could_run_or_load_stays_text(text: str) -> None:
    kinds = {node["t"] for node in nodes_of(parse_blocks(text))}

    assert kinds <= {"p", "text"}


@pytest.mark.parametrize(
    ("href", "safe"),
    [
        ("https://a.example", True),
        ("http://a.example", True),
        ("mailto:a@b.example", True),
        ("tel:+441234", True),
        ("/source/x?release=1", True),
        ("#part", True),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("javascript:alert(1)", False),
        ("JAVASCRIPT:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("vbscript:x", False),
        ("file:///etc/passwd", False),
        ("https:///x", False),
    ],
)
def test_only_safe_links_are_links(href: str, safe: bool) -> None:
    assert is_safe_link(href) is safe


def test_a_marker_is_a_citation_only_when_there_is_one() -> None:
    assert [n["n"] for n in nodes_of(parse_blocks("a [1] b [2] c [9]", 2)) if n["t"] == "cite"] == [1, 2]
    assert "[9]" in text_of("a [9]", 2)
    assert text_of("[1]: https://x.example", 0).startswith("[1]: ")


def test_nesting_beyond_reason_comes_back_as_plain_text() -> None:
    assert "deep" in text_of("> " * 80 + "deep")
    assert "deep" in text_of("- " * 80 + "deep")


@given(st.text(max_size=400), st.integers(0, 3))
def test_every_text_yields_known_nodes_with_safe_links(text: str, citations: int) -> None:
    nodes = nodes_of(parse_blocks(text, citations))

    assert {node["t"] for node in nodes} <= BLOCKS | INLINES
    assert all(is_safe_link(node["href"]) for node in nodes if node["t"] == "a")
    assert all(1 <= node["n"] <= citations for node in nodes if node["t"] == "cite")
    json.dumps(nodes)
