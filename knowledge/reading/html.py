"""HTML -> light Markdown: the main content by trafilatura or the page's own <main>, then one walk. Floor: store.

The walk is ours because numbered steps must keep their numbers and tables their cells; trafilatura finds the content.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from knowledge.reading.faults import Unreadable
from knowledge.reading.markdown import first_heading, tidy
from knowledge.reading.result import Reading

BOILERPLATE = (
    "script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form", "button", "select", "input",
    "iframe", "svg", "canvas", "video", "audio", "dialog", "object", "embed", "picture", "img", "figure > img",
)  # fmt: skip
INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
MENU_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar", "dialog"})
MENU_NAMES = re.compile(
    r"(^|[-_\s])(nav|navbar|menu|sidebar|breadcrumbs?|toc|table-of-contents|cookie|cookies|consent|share|social|"
    r"related|pagination|pager|skip-link|feedback|advert|ads|promo|newsletter|footer|edit-link)([-_\s]|$)",
    re.I,
)
BLOCKS = frozenset(
    """
    address article blockquote body center dd details div dl dt fieldset figcaption figure html li main ol p pre
    section summary table ul hr h1 h2 h3 h4 h5 h6
    """.split()  # noqa: SIM905
)
ENOUGH = 0.6  # of the page's own <main>: less than this, and trafilatura has lost something that belongs to the page


def read_html(data: bytes, url: str | None = None) -> Reading:
    """The main content of a page, without menus, banners and other boilerplate.

    Raises:
        Unreadable: there is no content, or nothing but menus.
    """
    tree = _parse(data)
    title = _title(tree)
    meta = _metadata(tree)
    text = _main_content(tree, data, url)
    if not text.strip():
        raise Unreadable("there is no content on this page, only menus or scripts: save the rendered page")
    return Reading(
        text=text,
        title=first_heading(text) or title,
        language=tree.get("lang") or None,
        url=meta.get("canonical") or None,
        products=tuple(p.strip() for p in (meta.get("products") or meta.get("product") or "").split(",") if p.strip()),
        changed_at=meta.get("article:modified_time") or meta.get("last-modified") or None,
    )


def fragment_to_markdown(fragment: str) -> str:
    """A piece of HTML (a table in a Markdown page) as light Markdown."""
    element = lxml_html.fragment_fromstring(fragment, create_parent="div")
    return tidy("\n".join(_blocks(element, 0))).strip("\n")


def _parse(data: bytes) -> Any:
    from knowledge.reading.plain import decode

    declared = re.search(rb"charset=[\"']?([\w-]+)", data[:2048], re.I)
    encoding = declared.group(1).decode("ascii") if declared else None
    try:
        text = data.decode(encoding) if encoding else decode(data)
    except (LookupError, UnicodeDecodeError):
        text = decode(data)
    # huge_tree off: lxml itself refuses nesting bombs; no network, no entities beyond HTML's own
    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    try:
        tree = lxml_html.document_fromstring(text.encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("this is not HTML that can be read: open and save it in a browser") from error
    return tree


def _title(tree: Any) -> str | None:
    words = " ".join((tree.findtext(".//title") or "").split())
    return re.split(r"\s+[|–—·]\s+|\s+-\s+(?=[^-]*$)", words)[0].strip() or None


def _metadata(tree: Any) -> dict[str, str]:
    found = {}
    for meta in tree.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower()
        if name and meta.get("content"):
            found[name] = meta.get("content").strip()
    for link in tree.iter("link"):
        if (link.get("rel") or "").lower() == "canonical" and (link.get("href") or "").startswith("http"):
            found["canonical"] = link.get("href")
    return found


def _main_content(tree: Any, data: bytes, url: str | None) -> str:
    main = _semantic_main(tree)
    own = tidy("\n".join(_blocks(_cleaned(main), 0))) if main is not None else ""
    found = _by_trafilatura(tree, url)
    if own and len(found) < ENOUGH * len(own):
        return own
    if main is not None and own:
        return own if _table_cells(own) >= _table_cells(found) else found
    if found.strip():
        return found
    body = tree.find("body")
    return tidy("\n".join(_blocks(_cleaned(body if body is not None else tree), 0)))


def _table_cells(text: str) -> int:
    return sum(line.count("|") for line in text.split("\n") if line.startswith("|"))


def _semantic_main(tree: Any) -> Any:
    """The page's <main>, or its only <article>; None where it has neither."""
    for query in ("//main", "//*[@role='main']", "//article"):
        matches = tree.xpath(query)
        if len(matches) == 1:
            return matches[0]
    return None


def _by_trafilatura(tree: Any, url: str | None) -> str:
    import trafilatura

    page = lxml_html.tostring(_cleaned(tree), encoding="unicode")
    extracted = trafilatura.extract(
        page, url=url, output_format="html", include_tables=True, include_formatting=True, include_links=True,
        include_comments=False, favor_recall=True, deduplicate=False,
    )  # fmt: skip
    if not extracted:
        return ""
    return tidy("\n".join(_blocks(lxml_html.document_fromstring(extracted), 0)))


def _cleaned(element: Any) -> Any:
    """A copy of the element without what no reader of the page came for."""
    import copy

    element = copy.deepcopy(element)
    for unwanted in list(element.iter()):
        if unwanted is element or not isinstance(unwanted.tag, str):
            continue
        names = f"{unwanted.get('class') or ''} {unwanted.get('id') or ''}"
        hidden = unwanted.get("hidden") is not None or unwanted.get("aria-hidden") == "true"
        heading_header = unwanted.tag == "header" and unwanted.xpath(".//h1") and not unwanted.xpath(".//nav")
        if heading_header:
            continue
        if (
            unwanted.tag in BOILERPLATE
            or hidden
            or (unwanted.get("role") or "") in MENU_ROLES
            or INVISIBLE.search(unwanted.get("style") or "")
            or (unwanted.tag in ("div", "ul", "ol", "section", "p") and MENU_NAMES.search(names))
        ):
            unwanted.drop_tree()
    return element


def _blocks(element: Any, depth: int) -> list[str]:
    """The element as lines of light Markdown, blocks parted by empty lines."""
    lines: list[str] = []
    words: list[str] = []

    def flush() -> None:
        paragraph = _squeezed("".join(words))
        words.clear()
        if paragraph:
            lines.extend(["", _escaped(paragraph)])

    words.append(element.text or "")
    for child in element:
        if isinstance(child.tag, str):
            if child.tag in BLOCKS or child.xpath("descendant::*[self::p or self::ul or self::ol or self::table]"):
                flush()
                lines.extend(_block(child, depth))
            elif child.tag not in ("script", "style", "head"):
                words.append(_inline(child))
        words.append(child.tail or "")
    flush()
    return lines


def _block(element: Any, depth: int) -> list[str]:
    tag = element.tag
    if re.fullmatch(r"h[1-6]", tag):
        words = _squeezed(_inline_of(element))
        return ["", f"{'#' * int(tag[1])} {words.replace('**', '')}"] if words else []
    if tag in ("ul", "ol"):
        return _list(element, depth)
    if tag == "table":
        return _table(element)
    if tag == "pre":
        code = element.text_content().strip("\n")
        fence = "````" if "```" in code else "```"
        return ["", fence, *code.split("\n"), fence, ""] if code.strip() else []
    if tag == "blockquote":
        return ["", *(f"> {line}".rstrip() for line in tidy("\n".join(_blocks(element, depth))).strip().split("\n"))]
    if tag == "hr":
        return [""]
    if tag in ("dt", "summary"):
        words = _squeezed(_inline_of(element))
        return ["", f"**{words}**" if words and not words.startswith("**") else words]
    return _blocks(element, depth)


def _list(element: Any, depth: int) -> list[str]:
    lines: list[str] = [""]
    try:
        number = int(element.get("start") or 1)
    except ValueError:
        number = 1
    for item in element:
        if not isinstance(item.tag, str):
            continue
        if item.tag in ("ul", "ol"):  # a list in a list without an item: wrong, but common
            lines.extend(f"  {line}" for line in _list(item, depth + 1) if line.strip())
            continue
        mark = f"{number}. " if element.tag == "ol" else "- "
        number += 1
        inside = tidy("\n".join(_blocks(item, depth + 1))).strip("\n").split("\n")
        if not any(line.strip() for line in inside):
            continue
        lines.append(f"{mark}{inside[0].lstrip()}")
        tight = [line for i, line in enumerate(inside[1:], 1) if line.strip() or _keeps_blank(inside, i)]
        lines.extend(f"{' ' * len(mark)}{line}".rstrip() for line in tight)
    return [*lines, ""]


def _keeps_blank(lines: list[str], i: int) -> bool:
    """Within a step an empty line is kept only inside code, where it means something."""
    return sum(line.lstrip().startswith("```") for line in lines[:i]) % 2 == 1


def _table(element: Any) -> list[str]:
    rows = []
    for row in element.iter("tr"):
        cells = [cell for cell in row if isinstance(cell.tag, str) and cell.tag in ("td", "th")]
        if cells and _owner(row) is element:
            rows.append(([_cell(cell) for cell in cells], all(cell.tag == "th" for cell in cells)))
    rows = [(cells, head) for cells, head in rows if any(cells)]
    if not rows:
        return []
    if max(len(cells) for cells, _ in rows) == 1:  # a table for layout
        return [line for cells, _ in rows for line in ("", cells[0])]
    return ["", *pipe_table([cells for cells, _ in rows]), ""]


def pipe_table(rows: list[list[str]]) -> list[str]:
    """Rows of cells as a pipe table; the first row is the header."""
    width = max(len(row) for row in rows)
    padded = [[cell.replace("|", "\\|") for cell in row] + [""] * (width - len(row)) for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in padded]
    return [lines[0], f"|{' --- |' * width}", *lines[1:]]


def _owner(row: Any) -> Any:
    return next(row.iterancestors("table"), None)


def _cell(cell: Any) -> str:
    return _squeezed(" ".join(_inline_of(cell).split("\n")))


def _inline_of(element: Any) -> str:
    return (element.text or "") + "".join(
        (_inline(child) if isinstance(child.tag, str) else "") + (child.tail or "") for child in element
    )


def _inline(element: Any) -> str:
    tag, words = element.tag, _inline_of(element)
    if tag == "br":
        return "\n"
    if not words.strip() or tag in ("script", "style"):
        return words if tag not in ("script", "style") else ""
    before, after = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
    core = words.strip()
    if tag in ("b", "strong"):
        return f"{before}**{core}**{after}" if "**" not in core else words
    if tag in ("code", "kbd", "samp", "tt") and "`" not in core:
        return f"{before}`{core}`{after}"
    if tag == "a" and (element.get("href") or "").startswith(("http://", "https://", "mailto:", "tel:")):
        return f"{before}[{core}]({element.get('href')}){after}" if "[" not in core else words
    if tag in ("li", "p", "div", "td", "dd", "dt"):
        return f" {words} "
    return words


def _squeezed(words: str) -> str:
    lines = [
        re.sub(r"[ \t\r\f\v\u00a0]+", " ", line).strip()
        for line in re.sub(r"[ \t\r]*\n[ \t\r]*", "\n", words).split("\n")
    ]
    return " ".join(line for line in lines if line)


def _escaped(paragraph: str) -> str:
    """A paragraph that begins like a heading, a list or a table by chance is kept a paragraph."""
    return re.sub(r"^(#{1,6} |[-+*] |>|\||```)", r"\\\1", paragraph)
