"""The report is one file that holds all it needs, shows every case, and lets no answer become markup."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from evals.accepted import earlier_of_accepted, summarise
from evals.compare import Side
from evals.drawing import percent
from evals.earlier import Earlier, earlier_of
from evals.report import SHOWN_OF_A_SET, Judged, pairs_of, render_report
from evals.sets import SetResult
from tests.evals.results import asked, case_result, check, result, set_result, turn

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
    assert "0.900" in page
    assert "1 of 2 conversations passed" in page


def test_what_failed_is_open_and_what_passed_is_closed() -> None:
    page = render_report([Judged(result())])

    assert '<details class="question"><summary>' in page
    assert '<details class="question failing" open><summary>' in page.replace('open="open"', "open")


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


def answered_otherwise() -> Judged:
    """One answer said in other words, one that holds now, one that no longer does."""
    before = result(
        case_result("words", turn(check("fact", "weekly", True), text="Clean it every week. [1]")),
        case_result("gained", turn(check("fact", "soap", False), text="I could not find this.")),
        case_result("lost", turn(check("fact", "cold", True), text="Use cold water. [1]")),
    )
    after = result(
        case_result("words", turn(check("fact", "weekly", True), text="Clean it every month. [1]")),
        case_result("gained", turn(check("fact", "soap", True), text="Use soap. [1]")),
        case_result("lost", turn(check("fact", "cold", False), text="Use water. [1]")),
    )
    return Judged(after, before=earlier_of(before, "release 3"))


def test_what_is_new_is_marked_and_what_is_gone_is_struck_out() -> None:
    page = render_report([answered_otherwise()])

    assert '<del>week</del><ins class="marker">month</ins>' in page
    assert "Beside release 3." in page
    assert "It held before." in page
    assert "It did not hold before: the answer tells soap." in page


def test_answers_that_share_little_stand_one_below_the_other() -> None:
    page = render_report([answered_otherwise()])

    assert 'label">Before</span>I could not find this.</div>' in page
    assert 'label">Now</span>Use soap. [1]</div>' in page


def test_each_filter_finds_its_questions_and_counts_them() -> None:
    run = answered_otherwise()

    page = render_report([run])

    assert {pair.key: sorted(pair.traits) for pair in pairs_of(run)} == {
        "words 1": ["changed"],
        "gained 1": ["better", "changed"],
        "lost 1": ["changed", "failing", "worse"],
    }
    for label in ("All 3", "Changed 3", "Worse 1", "Better 1", "Failing 1"):
        assert f"<span>{label}</span>" in page


def test_without_anything_before_there_is_nothing_to_filter_by_change() -> None:
    page = render_report([Judged(result())])

    assert "show-failing" in page.split("</style>")[1]
    assert "show-worse" not in page.split("</style>")[1]


def test_a_data_set_shows_figures_reliability_and_its_worst_questions_first() -> None:
    questions = [
        asked(i, ndcg=i % 3 / 2, confidence=0.8 if i % 2 else 0.3, answerable=bool(i % 2), right=i % 10 != 9)
        for i in range(SHOWN_OF_A_SET + 30)
    ]
    run = set_result(*questions)
    before = Earlier("the accepted run", {"q4": Side(True, values={"ndcg@10": 1.0, "decided rightly": 1.0})})

    page = render_report([Judged(run, before=before)])

    assert "ndcg@10" in page
    assert "expected calibration error" in page
    assert "30 more are in the file that --save writes" in page
    assert page.index("q4: ") < page.index("q9: ") < page.index("q1: ")
    assert "ndcg@10 1.00 → 0.50" in page


def test_the_json_tells_what_changed() -> None:
    told = answered_otherwise().as_json()

    assert told["against"] == "release 3"
    assert told["changed"] == {"words 1": "wording", "gained 1": "wording", "lost 1": "wording"}
    assert told["worse_questions"] == ["lost 1"]


def test_an_accepted_run_without_words_still_tells_what_fell() -> None:
    good = result(case_result("one", turn(check("fact", "weekly", True))))
    bad = result(case_result("one", turn(check("fact", "weekly", False))))
    run = Judged(bad, before=earlier_of_accepted(bad, summarise(good)))

    assert [pair.verdict for pair in pairs_of(run)] == ["worse"]
    assert "It held before." in render_report([run])


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_report_opens_in_chromium_without_a_complaint(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    path = tmp_path / "report.html"
    path.write_text(render_report([answered_otherwise(), Judged(a_set())]), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        styled = page.evaluate("getComputedStyle(document.querySelector('.marker')).backgroundImage")
        too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        shown = {}
        for name in ("Changed", "Worse", "Failing"):
            page.get_by_text(name, exact=False).first.click()
            shown[name] = page.locator(".question:visible").count()
        browser.close()

    assert complaints == []
    assert "gradient" in styled
    assert not too_wide
    assert shown == {"Changed": 3, "Worse": 1, "Failing": 2}


def a_set() -> SetResult:
    return set_result(*(asked(i, confidence=i / 9, answerable=i > 4, right=i != 5) for i in range(10)))
