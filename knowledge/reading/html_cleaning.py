"""A page without what no reader came for: menus, banners, bylines; with what a click shows. Floor: store."""

from __future__ import annotations

import copy
import re
from typing import Any

BOILERPLATE = frozenset(
    """
    script style noscript template nav footer form select input textarea iframe svg canvas video audio dialog object
    embed img
    """.split()  # noqa: SIM905
)
MENU_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar", "tablist"})
COOKIES = re.compile(r"cookie|consent|gdpr|onetrust", re.I)
MENU_NAMES = re.compile(
    r"(^|[-_\s])(nav|navbar|navigation|menu|sidebar|side-bar|breadcrumbs?|toc|table-of-contents|page-toc|on-this-page|"
    r"share|sharing|social|related|pagination|pager|skip-link|skip-navigation|feedback|advert|ads|promo|newsletter|"
    r"footer|edit-link|edit-page|print-only-hidden|comments?|search-box|topbar|toolbar)([-_\s]|$)",
    re.I,
)
REMARK_NAMES = re.compile(  # dropped where it is short: an article may well be about authors
    r"(^|[-_\s])(author|avatar|byline|meta|metadata|timestamp|published|updated|last-updated|reading-time|read-time|"
    r"subscribe|follow|votes?|rating|helpful|hash-link|headerlink|anchor|anchor-link|header-anchor|copy|clipboard|"
    r"version-badge|button-group|banner|tags?|sr-only|visually-hidden|screen-reader-text|page-actions)([-_\s]|$)",
    re.I,
)
NOTE_NAMES = re.compile(
    r"(^|[-_\s])(admonition|callout|alert|note|notice|warning|tip|hint|info-?box|caution|important|danger)([-_\s]|$)",
    re.I,
)
FOLDED_NAMES = re.compile(
    r"accordion|collaps|faq|answer|panel|toggle|expand|tab|question|disclosure|details|body|content", re.I
)
INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
REMARK_CHARS = 200


def names_of(element: Any) -> str:
    """Class and id of an element, `camelCase` as `camel-Case`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", f"{element.get('class') or ''} {element.get('id') or ''}"[:500])


def is_note(element: Any) -> bool:
    """Whether an element is a note, a tip or a warning by its name or role."""
    if element.tag not in ("div", "aside", "section", "blockquote", "p"):
        return False
    return element.get("role") == "note" or NOTE_NAMES.search(names_of(element)) is not None


def is_toggle(element: Any) -> bool:
    """Whether an element opens a fold of the page: its words are a heading, most often a question."""
    if element.tag == "button" or element.get("role") == "button":
        return bool(
            element.get("aria-expanded")
            or element.get("aria-controls")
            or element.get("data-target")
            or element.get("data-bs-target")
            or FOLDED_NAMES.search(names_of(element))
        )
    return False


def cleaned(element: Any) -> Any:
    """A copy of the element without what no reader of the page came for."""
    element = copy.deepcopy(element)
    _label_tabs(element)
    opened = _opened_by_click(element)
    for unwanted in list(element.iter()):
        if unwanted is element or not isinstance(unwanted.tag, str):
            continue
        if unwanted.tag == "header" and (unwanted.find(".//h1") is not None or unwanted.find(".//h2") is not None):
            _only_headings(unwanted)
        elif _is_unwanted(unwanted, opened):
            unwanted.drop_tree()
    return element


def _is_unwanted(element: Any, opened: frozenset[str]) -> bool:
    tag = element.tag
    if tag in BOILERPLATE or tag == "header":
        return True
    names = names_of(element)
    if tag == "button":
        heading = next((one for one in element.iterancestors("h1", "h2", "h3", "h4", "h5", "h6", "dt")), None)
        return heading is None and not is_toggle(element)
    if tag == "aside":
        return not is_note(element)
    if (element.get("role") or "") in MENU_ROLES:
        return True
    if COOKIES.search(names) and tag in ("div", "section", "aside", "p") and _length(element) < 3000:
        return True
    if tag in ("div", "ul", "ol", "section", "p", "span", "table") and MENU_NAMES.search(names):
        return not _holds_the_page(element)
    if REMARK_NAMES.search(names) and tag not in ("body", "main", "article", "pre", "code", "table"):
        return _length(element) <= REMARK_CHARS and element.find(".//h1") is None
    return _is_hidden(element) and not _is_folded(element, opened)


def _holds_the_page(element: Any) -> bool:
    """A wrapper may be called 'has-sidebar' and hold all there is."""
    return (
        element.find(".//h1") is not None
        or element.find(".//main") is not None
        or element.find(".//article") is not None
    )


def _is_hidden(element: Any) -> bool:
    return (
        element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
        or INVISIBLE.search(element.get("style") or "") is not None
    )


def _is_folded(element: Any, opened: frozenset[str]) -> bool:
    """Whether what is hidden is shown by a click: an answer in an accordion, another tab."""
    return (
        element.get("role") in ("tabpanel", "region")
        or (element.get("id") or "") in opened
        or FOLDED_NAMES.search(names_of(element)) is not None
        or (element.getprevious() is not None and is_toggle(element.getprevious()))
    )


def _opened_by_click(element: Any) -> frozenset[str]:
    """The ids that buttons and tabs of the page control."""
    names = ("aria-controls", "data-target", "data-bs-target")
    found = (one.get(name) for name in names for one in element.iterfind(f".//*[@{name}]"))
    return frozenset(value.lstrip("#") for value in found if value)


def _label_tabs(element: Any) -> None:
    """Each tab's panel gets the tab's words, which stand in a row of buttons elsewhere."""
    for row in element.xpath(".//*[@role='tablist']")[:200]:
        labels = [" ".join(tab.text_content().split()) for tab in row.xpath(".//*[@role='tab']")]
        parent = row.getparent()
        panels = parent.xpath(".//*[@role='tabpanel']") if parent is not None else []
        if len(panels) == len(labels):
            for panel, label in zip(panels, labels, strict=True):
                panel.set("data-label", label)


def _only_headings(header: Any) -> None:
    """The head of an article keeps its headings and paragraphs: the rest is who wrote it, when, and what to press."""
    for child in list(header.iter()):
        if child is header or not isinstance(child.tag, str) or child.getparent() is None:
            continue
        if any(one.tag in ("h1", "h2", "h3", "p") for one in child.iterancestors()):
            continue
        if child.tag not in ("h1", "h2", "h3", "p") and child.find(".//h1") is None and child.find(".//h2") is None:
            child.drop_tree()


def _length(element: Any) -> int:
    return len(" ".join(element.text_content().split()))
