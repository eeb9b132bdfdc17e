"""The report is one file that holds all it needs, shows every case, and lets no answer become markup."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from evals.report import Judged, percent, render_report
from tests.evals.results import case_result, result, turn

CHROMIUM = shutil.which("chromium")


def test_nothing_is_fetched_and_nothing_runs() -> None:
    page = render_report([Judged(result())])

    assert not re.search(r"\b(?:src|href|url\()\s*=?", page.split("</style>")[1])
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_every_case_turn_check_and_quote_is_shown() -> None:
    page = render_report([Judged(result(), {"facts told": 0.9})])

    for shown in (
        "care-filter",
        "care-drum",
        "cus_amara",
        "signed-in",
        "Clean it weekly.",
        "manuals/lark-2.pdf",
        "Care › Filter",
    ):
        assert shown in page
    assert "it does not say order number (it was: order number)" in page
    assert "90 %" in page
    assert "1 of 2 conversations passed" in page


def test_what_failed_is_open_and_what_passed_is_closed() -> None:
    page = render_report([Judged(result())])

    assert '<details class="passed"><summary>' in page
    assert '<details class="failed" open><summary>' in page.replace('open="open"', "open")


def test_answers_cannot_become_markup() -> None:
    page = render_report([Judged(result(case_result("x", turn(text="<img src=x onerror=alert(1)>\x07"))))])

    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "\x07" not in page


def test_what_got_worse_stands_at_the_top() -> None:
    page = render_report([Judged(result(), {"facts told": 1.0}, ("checks: 9 fail that passed.",))])

    assert page.index("Worse than what was accepted") < page.index("checks: 9 fail") < page.index("<table")


@pytest.mark.parametrize(
    ("share", "shown"), [(0.5, "50 %"), (1.0, "100 %"), (0.999, "99.9 %"), (0.0, "0 %"), (0.004, "0.4 %")]
)
def test_full_marks_are_shown_only_for_full_marks(share: float, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_report_opens_in_chromium_without_a_complaint(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    path = tmp_path / "report.html"
    path.write_text(render_report([Judged(result())]), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        styled = page.evaluate("getComputedStyle(document.querySelector('.marker')).backgroundImage")
        too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        page.get_by_label("Show only those that failed").check()
        shown = page.locator("details.passed:visible, details.failed:visible").count()
        browser.close()

    assert complaints == []
    assert "gradient" in styled
    assert not too_wide
    assert shown == 1
