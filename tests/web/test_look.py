"""Colours that can be read, one look for pages and widget, and a widget that stays small. No browser needed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "assistant" / "web"
TOKENS = (WEB / "look" / "tokens.css").read_text(encoding="utf-8")
WIDGET_SHEET = (WEB / "widget" / "style.js").read_text(encoding="utf-8")
WIDGET_BUDGET_BYTES = 30 * 1024

Colours = dict[str, tuple[str, str]]


def colours_of(sheet: str) -> Colours:
    """Name -> (light, dark) of every colour token."""
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", sheet)
    return {name: (light, dark) for name, light, dark in pairs}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


GROUNDS = ("paper", "raised", "sunk")
TEXT_PAIRS = [
    *[(ink, ground) for ink in ("ink", "muted", "accent", "warning", "danger", "good") for ground in GROUNDS],
    ("ink", "accent-soft"),
    ("accent-ink", "accent"),
    ("marker-ink", "marker"),
    ("paper", "ink"),
]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS, ids=lambda value: str(value))
def test_every_text_pair_has_a_contrast_of_four_and_a_half(ink: str, ground: str, scheme: int) -> None:
    colours = colours_of(TOKENS)
    assert contrast(colours[ink][scheme], colours[ground][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_edges_of_controls_have_a_contrast_of_three(ground: str, scheme: int) -> None:
    colours = colours_of(TOKENS)
    assert contrast(colours["edge"][scheme], colours[ground][scheme]) >= 3


def test_the_widget_has_the_colours_of_the_pages() -> None:
    pages = colours_of(TOKENS)
    widget = colours_of(WIDGET_SHEET)
    assert widget
    assert widget == {name: pages[name] for name in widget}


def test_there_is_one_marker_stroke() -> None:
    def stroke(sheet: str) -> str:
        rule = re.search(r"^\.marker \{(.*?)\}", sheet, re.S | re.M)
        assert rule
        return re.sub(r"\s+", "", rule[1]).removesuffix(";")

    assert stroke(WIDGET_SHEET) == stroke((WEB / "look" / "marker.css").read_text(encoding="utf-8"))


def test_no_page_names_a_colour_of_its_own() -> None:
    for sheet in WEB.glob("*/*.css"):
        if sheet.name != "tokens.css":
            assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s)])", sheet.read_text(encoding="utf-8")), sheet.name


def test_what_one_customer_loads_stays_under_thirty_kibibytes() -> None:
    modules = [file for file in WEB.glob("widget/*.js") if not re.match(r"strings-\w+\.js", file.name)]
    sizes = {file.name: len(gzip.compress(file.read_bytes(), 9)) for file in [WEB / "widget.js", *modules]}
    assert len(sizes) > 5
    assert sum(sizes.values()) < WIDGET_BUDGET_BYTES, sizes


def test_markup_is_never_made_from_text() -> None:
    for file in WEB.rglob("*.js"):
        words = file.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", words), (
            file
        )
    for file in WEB.rglob("*.html"):
        words = file.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", words), file
