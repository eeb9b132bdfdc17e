"""An HTML page as a tree of nodes, so that no answer or quote can become markup. Floor: pure, less reading CSS.

One file that needs nothing else: no script, no network, the product's own look.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

LOOK = Path(__file__).parent.parent / "assistant" / "web" / "look"
STYLE_FILES = (LOOK / "tokens.css", LOOK / "marker.css", Path(__file__).with_name("report.css"))

Child = Element | str


def render_page(title: str, content: Sequence[Element]) -> str:
    """The whole page, as HTML text, with its style inside and a policy that lets nothing else in."""
    style = "\n".join(path.read_text(encoding="utf-8") for path in STYLE_FILES)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", http_equiv="Content-Security-Policy", content=policy),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("meta", name="color-scheme", content="light dark"),
        node("title", title),
        node("style", style),
    )
    page = node("html", head, node("body", node("main", *content)), lang="en")
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def node(tag: str, *children: Child | None, **attributes: str | None) -> Element:
    """An element; `class_` and `aria_label` lose and change their underscore. What is None is left out."""
    names = {name: name.rstrip("_").replace("_", "-") for name in attributes}
    made = Element(tag, {names[name]: value for name, value in attributes.items() if value is not None})
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif child is not None and len(made):
            made[-1].tail = (made[-1].tail or "") + _storable(child)
        elif child is not None:
            made.text = (made.text or "") + _storable(child)
    return made


def table(heads: Sequence[Child], rows: Sequence[Sequence[Child]], *, numbers: set[int], kind: str = "") -> Element:
    """A table that scrolls sideways by itself where the page is narrow. `numbers`: columns set to the right."""

    def cells(tag: str, row: Sequence[Child]) -> list[Element]:
        return [node(tag, cell, class_="number" if i in numbers else None) for i, cell in enumerate(row)]

    head = node("thead", node("tr", *cells("th", heads)))
    body = node("tbody", *(node("tr", *cells("td", row)) for row in rows))
    return node("div", node("table", head, body), class_=f"wide {kind}".strip(), tabindex="0")


def _storable(text: str) -> str:
    """Text without the control characters that HTML has no place for."""
    return "".join(c for c in text if c in "\n\t" or ord(c) >= 32)
