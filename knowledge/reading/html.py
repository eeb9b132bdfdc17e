"""HTML -> light Markdown: the main content of a page, found by its own marks, else by trafilatura. Floor: store."""

from __future__ import annotations

import json
import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from knowledge.reading.boilerplate import is_boilerplate
from knowledge.reading.dates import as_rfc3339
from knowledge.reading.faults import Unreadable
from knowledge.reading.fences import lines_with_code
from knowledge.reading.front_matter import audience_of, product_tags, several
from knowledge.reading.html_blocks import blocks_of, heading_words, squeezed
from knowledge.reading.html_cleaning import cleaned
from knowledge.reading.language import declared_language
from knowledge.reading.light import first_heading, tidy
from knowledge.reading.result import Reading

ENOUGH = 0.6  # of what is left of the page's body: as much found by trafilatura, and all of it is content
FOR_TRAFILATURA_BYTES = 3_000_000
CONTENT = (  # from the surest mark of content to the vaguest; the first one that is there just once is taken
    "//*[@itemprop='articleBody']",
    "//*[contains(concat(' ', @class, ' '), ' article-body ')]",
    "//*[contains(concat(' ', @class, ' '), ' markdown-body ')]",
    "//*[contains(concat(' ', @class, ' '), ' theme-doc-markdown ')]",
    "//main//article",
    "//main",
    "//*[@role='main']",
    "//article",
)
CHANGED = ("article:modified_time", "og:updated_time", "last-modified", "datemodified", "dcterms.modified", "revised")


def read_html(data: bytes, url: str | None = None) -> Reading:
    """The main content of a page, without menus, banners and other boilerplate.

    Raises:
        Unreadable: there is no content, or nothing but menus.
    """
    tree = _parse(data)
    meta = _metadata(tree)
    text = _main_content(tree, url)
    if not text.strip():
        raise Unreadable("there is no content on this page, only menus or scripts: save the rendered page")
    return Reading(
        text=text,
        title=first_heading(text) or _title(tree),
        language=declared_language(tree.get("lang") or meta.get("language") or meta.get("content-language")),
        url=meta.get("canonical") or None,
        products=several(meta.get("products") or meta.get("product")) or product_tags(meta.get("keywords")),
        audience=audience_of(meta.get("audience")),
        changed_at=next((day for name in CHANGED if (day := as_rfc3339(meta.get(name)))), None) or _dated(tree),
    )


def fragment_to_markdown(fragment: str) -> str:
    """A piece of HTML (a table in a Markdown page) as light Markdown."""
    element = lxml_html.fragment_fromstring(fragment, create_parent="div")
    return tidy("\n".join(blocks_of(element))).strip("\n")


def _parse(data: bytes) -> Any:
    from knowledge.reading.decoding import BOMS, decode

    declared = re.search(rb"charset=[\"']?([\w-]+)", data[:2048], re.I)
    has_mark = any(data.startswith(mark) for mark, _ in BOMS)  # a mark outweighs what the page says of itself
    try:
        text = data.decode(declared.group(1).decode("ascii")) if declared and not has_mark else decode(data)
    except (LookupError, UnicodeDecodeError):
        text = decode(data)
    # huge_tree off: lxml itself refuses nesting bombs; no network, no entities beyond HTML's own
    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text).replace("\0", "")
    try:
        return lxml_html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("this is not HTML that can be read: open and save it in a browser") from error


def _title(tree: Any) -> str | None:
    words = squeezed(tree.findtext(".//title") or "")
    return re.split(r"\s+[|–—·]\s+|\s+-\s+(?=[^-]*$)", words)[0].strip() or None


def _metadata(tree: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = (
            meta.get("name") or meta.get("property") or meta.get("itemprop") or meta.get("http-equiv") or ""
        ).lower()
        if name and meta.get("content"):
            found.setdefault(name, meta.get("content").strip())
    for link in tree.iter("link"):
        if (link.get("rel") or "").lower() == "canonical" and (link.get("href") or "").startswith("http"):
            found["canonical"] = link.get("href")
    return found


def _dated(tree: Any) -> str | None:
    """The day of the last change as the page's own JSON-LD tells it, or its <time> that says so."""
    for script in tree.xpath("//script[@type='application/ld+json']")[:10]:
        try:
            value = json.loads((script.text or "")[:200_000])
        except (ValueError, RecursionError):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and (day := as_rfc3339(one.get("dateModified"))):
                return day
    times = tree.xpath("//time[@datetime][contains(@class, 'updated') or contains(@itemprop, 'dateModified')]")
    return as_rfc3339(times[0].get("datetime")) if times else None


def _main_content(tree: Any, url: str | None) -> str:
    for query in CONTENT:
        matches = tree.xpath(query)
        if len(matches) == 1 and (text := _written(cleaned(matches[0]))):
            return _with_title(text, tree)
    body = tree.find("body")
    whole = cleaned(body if body is not None else tree)
    own = _written(whole)
    found = _by_trafilatura(whole, url)
    return own if len(found) >= ENOUGH * len(own) or not found else _with_title(found, tree)


def _written(element: Any) -> str:
    lines = lines_with_code("\n".join(blocks_of(element)).split("\n"))
    return tidy("\n".join(line if is_code or not is_boilerplate(line) else "" for line, is_code in lines))


def _with_title(text: str, tree: Any) -> str:
    """The text below the page's own first heading, where that stands outside of what holds the content."""
    if re.search(r"^# ", text, re.M):
        return text
    headings = [words for one in tree.iter("h1") if (words := heading_words(one.text_content()))]
    return f"# {headings[0]}\n\n{text}" if len(set(headings)) == 1 else text


def _by_trafilatura(body: Any, url: str | None) -> str:
    page = lxml_html.tostring(body, encoding="unicode")
    if len(page) > FOR_TRAFILATURA_BYTES:
        return ""
    import trafilatura

    extracted = trafilatura.extract(
        f"<html>{page}</html>", url=url, output_format="html", include_tables=True, include_formatting=True,
        include_links=True, include_comments=False, favor_recall=True, deduplicate=False,
    )  # fmt: skip
    return _written(lxml_html.document_fromstring(extracted)) if extracted else ""
