"""Markdown -> a small tree of safe nodes, the only rich text that reaches a page. Floor: pure.

Run once on a finished message, never on a token (markdown-it-py takes about 2 ms for 2 KB here). What has no node below
becomes plain text or nothing: there is no way for HTML, a script URL or an image to pass.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Node = dict[str, Any]

CITATION_MARKER = re.compile(r"\[(\d{1,2})\]")
_SAFE_SCHEME = re.compile(r"(?:https?://[^/\s]|mailto:[^\s]|tel:\+?[\d(])", re.IGNORECASE)
_SAME_ORIGIN = re.compile(r"/(?![/\\])|#")
_MAX_NESTING = 12


def parse_blocks(text: str, citations: int = 0) -> list[Node]:
    """The block nodes of a message: {"t": "p" | "ul" | "ol" | "code" | "h" | "quote" | "table", …}.

    Markers `[1]` … `[citations]` become cite nodes; any other bracketed number stays text. A text whose Markdown nests
    too deep comes back as plain paragraphs.
    """
    tokens = _parser().parse(text)
    if any(token.level >= _MAX_NESTING - 1 for token in tokens):
        return _plain(text)
    return _blocks(_Reader(tokens), citations)


def is_safe_link(href: str) -> bool:
    """Whether a page may link there: http(s), mailto, tel, or a path of its own origin."""
    if any(ord(character) < 33 or character == "\\" for character in href):
        return False
    return bool(_SAFE_SCHEME.match(href) or _SAME_ORIGIN.match(href))


def _plain(text: str) -> list[Node]:
    return [{"t": "p", "c": [{"t": "text", "text": part}]} for part in re.split(r"\n\s*\n", text) if part.strip()]


@functools.cache
def _parser() -> MarkdownIt:
    # Imported here: the first message pays for it, not the start of the server.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "maxNesting": _MAX_NESTING})
    parser.enable(["table", "linkify"])
    # Reference definitions would swallow lines such as "[1]: see below"; raw HTML is text to us.
    parser.disable(["reference", "html_block", "html_inline"])
    parser.validateLink = is_safe_link  # type: ignore[method-assign, assignment]
    if parser.linkify is not None:
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": True, "fuzzy_ip": False})
    return parser


class _Reader:
    """A cursor over markdown-it's flat token list."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def until(self, closing: str | None = None) -> Iterator[Token]:
        """Tokens up to the closing one of this level, which is consumed; nested content is left to the caller."""
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.type == closing:
                return
            yield token


def _blocks(reader: _Reader, citations: int, closing: str | None = None) -> list[Node]:
    found: list[Node] = []
    for token in reader.until(closing):
        match token.type:
            case "paragraph_open":
                found.append({"t": "p", "c": _inline_of(reader, "paragraph_close", citations)})
            case "heading_open":
                level = int(token.tag[1])
                found.append({"t": "h", "level": level, "c": _inline_of(reader, "heading_close", citations)})
            case "bullet_list_open":
                found.append({"t": "ul", "c": _items(reader, "bullet_list_close", citations)})
            case "ordered_list_open":
                start = int(token.attrs.get("start", 1))
                found.append({"t": "ol", "start": start, "c": _items(reader, "ordered_list_close", citations)})
            case "blockquote_open":
                found.append({"t": "quote", "c": _blocks(reader, citations, "blockquote_close")})
            case "fence" | "code_block":
                lang = token.info.split()[0][:30] if token.info.strip() else ""
                found.append({"t": "code", "lang": lang, "text": token.content.rstrip("\n")})
            case "table_open":
                found.append(_table(reader, citations))
            case "inline":
                found.append({"t": "p", "c": _inlines(token.children or (), citations)})
    return [node for node in found if node["t"] != "p" or node["c"]]


def _items(reader: _Reader, closing: str, citations: int) -> list[list[Node]]:
    return [
        _blocks(reader, citations, "list_item_close")
        for token in reader.until(closing)
        if token.type == "list_item_open"
    ]


def _table(reader: _Reader, citations: int) -> Node:
    rows: list[list[list[Node]]] = []
    for token in reader.until("table_close"):
        if token.type == "tr_open":
            rows.append(
                [_inlines(cell.children or (), citations) for cell in reader.until("tr_close") if cell.type == "inline"]
            )
    return {"t": "table", "head": rows[0] if rows else [], "rows": rows[1:]}


def _inline_of(reader: _Reader, closing: str, citations: int) -> list[Node]:
    return [
        node
        for token in reader.until(closing)
        if token.type == "inline"
        for node in _inlines(token.children or (), citations)
    ]


def _inlines(tokens: Sequence[Token], citations: int) -> list[Node]:
    """Inline nodes. `stack` holds the open lists of children, the outermost first."""
    stack: list[list[Node]] = [[]]
    for token in tokens:
        match token.type:
            case "text" | "text_special" | "html_inline":
                _add_text(stack[-1], token.content, citations)
            case "softbreak" | "hardbreak":
                stack[-1].append({"t": "br"})
            case "code_inline":
                stack[-1].append({"t": "code", "text": token.content})
            case "strong_open" | "em_open":
                node: Node = {"t": "b" if token.type == "strong_open" else "i", "c": []}
                stack[-1].append(node)
                stack.append(node["c"])
            case "link_open":
                node = {"t": "a", "href": str(token.attrs.get("href", "")), "c": []}
                stack[-1].append(node)
                stack.append(node["c"])
            case "strong_close" | "em_close" | "link_close":
                stack.pop()
            case "image":
                _add_text(stack[-1], token.content, citations)  # the alternative text; nothing is loaded
    return stack[0]


def _add_text(nodes: list[Node], text: str, citations: int) -> None:
    at = 0
    for match in CITATION_MARKER.finditer(text):
        number = int(match[1])
        if 1 <= number <= citations:
            _append_text(nodes, text[at : match.start()])
            nodes.append({"t": "cite", "n": number})
            at = match.end()
    _append_text(nodes, text[at:])


def _append_text(nodes: list[Node], text: str) -> None:
    if not text:
        return
    if nodes and nodes[-1]["t"] == "text":
        nodes[-1]["text"] += text
    else:
        nodes.append({"t": "text", "text": text})
