"""The studio in Chromium over the stand-in: every view, what is refused, what is lost and found again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.web.studio_stand_in import (
    AFTER,
    COMPARISON,
    KETTLE,
    Shop,
    StudioStandIn,
    gap,
    passages_of,
    release,
    serve_studio,
    summary,
)

pytestmark = pytest.mark.browser

QUESTION: dict[str, Any] = {
    "id": "q1",
    "question": "How long is the warranty?",
    "history": [],
    "expect": {},
    "conversation": None,
    "made_by": "mia",
    "made_at": "2026-11-20T09:00:00Z",
}
DROP = """([name, files]) => {
  const carried = new DataTransfer();
  for (const [file, text] of files) carried.items.add(new File([text], file));
  const event = (kind) => new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true});
  const target = document.querySelector(name);
  for (const kind of ["dragenter", "dragover", "drop"]) target.dispatchEvent(event(kind));
}"""


@pytest.fixture
def studio() -> Iterator[StudioStandIn]:
    with serve_studio() as server:
        yield server


@pytest.fixture
def shop(studio: StudioStandIn) -> Shop:
    return studio.shop


@pytest.fixture
def go(page: Page, context: BrowserContext, studio: StudioStandIn) -> Iterator[Callable[[str], Page]]:
    """`go("/releases")`: that view of the studio. What the browser complains about fails the test."""
    complaints: list[str] = []

    def heard(message: Any) -> None:
        # a refusal that the page shows is no complaint of the browser's
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    page.on("console", heard)
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (e) => console.error('policy', e.violatedDirective, e.blockedURI))"
    )

    def open_view(path: str) -> Page:
        page.goto(f"{studio.url}/studio{path}")
        return page

    yield open_view
    assert complaints == []


def drop(page: Page, *files: tuple[str, str]) -> None:
    expect(page.get_by_role("heading", name="Drop files or a folder here")).to_be_visible()
    page.evaluate(DROP, [".drop", list(files)])


def wrote(shop: Shop, method: str, path: str) -> list[Any]:
    return [body for sent, where, body in shop.writes if (sent, where) == (method, f"/v1/knowledge{path}")]


# who may come in


def test_who_is_not_signed_in_is_asked_to(go: Callable[[str], Page], shop: Shop) -> None:
    shop.role = None
    page = go("")
    expect(page.get_by_role("heading", name="Sign in to the studio")).to_be_visible()
    shop.role = "content"
    page.get_by_label("E-mail").fill("mia@content.example")
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="What the assistant knows")).to_be_visible()
    expect(page.get_by_role("link", name="Desk")).to_be_hidden()


def test_an_agent_is_shown_to_the_desk_and_an_admin_may_go_to_both(go: Callable[[str], Page], shop: Shop) -> None:
    shop.role = "agent"
    page = go("/releases")
    expect(page.get_by_text("The studio is for those who keep the knowledge")).to_be_visible()
    expect(page.get_by_role("link", name="Open the desk")).to_have_attribute("href", "/desk")
    shop.role = "admin"
    page.reload()
    expect(page.get_by_role("heading", name="Releases", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Desk")).to_be_visible()


# documents


def test_dropped_files_become_a_candidate_that_is_compared_and_published(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("")
    drop(page, ("lark-2.pdf", "%PDF-1.7"), ("empty.md", ""))
    rows = page.locator(".parcel-list li")
    expect(rows.filter(has_text="empty.md")).to_contain_text("It is empty.")
    expect(rows.filter(has_text="lark-2.pdf")).to_contain_text("here")
    strip = page.get_by_role("region", name="Work in progress")
    expect(strip).to_contain_text("Release 3 is ready as a candidate")
    assert wrote(shop, "POST", "/reindex") == [{"publish": False}]
    assert shop.live
    assert shop.live["number"] == 2

    strip.get_by_role("link", name="Compare with release 2").click()
    expect(page.get_by_text("2 of 3 questions are answered differently.")).to_be_visible()
    assert page.url.endswith("/studio/releases/3/compare")
    page.get_by_role("button", name="Publish release 3").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("customers are answered from release 3 instead of 2")
    dialog.get_by_role("button", name="Publish release 3").click()
    expect(page.locator(".release.live")).to_contain_text("Release 3")
    assert shop.live["number"] == 3


def test_what_is_to_be_published_at_once_is(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("")
    page.get_by_label("Publish at once.").check()
    drop(page, ("faq.csv", "question,answer\nA?,B\n"))
    expect(page.get_by_role("region", name="Work in progress")).to_contain_text("Release 3 is in service")
    expect(page.get_by_role("region", name="In service")).to_contain_text("Release 3")
    assert wrote(shop, "POST", "/reindex") == [{"publish": True}]


def test_a_chosen_folder_keeps_the_names_of_its_folders(go: Callable[[str], Page], shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "help"
    (folder / "lark").mkdir(parents=True)
    (folder / "lark" / "care.md").write_text("# Care", encoding="utf-8")
    (folder / ".hidden.md").write_text("no", encoding="utf-8")
    page = go("")
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose a folder").click()
    choosing.value.set_files(folder)
    expect(page.locator(".parcel-list li")).to_have_text(re.compile("help/lark/care.md.*here"))
    assert shop.uploads == ["help/lark/care.md"]


def test_files_that_did_not_get_through_are_sent_again(
    go: Callable[[str], Page], context: BrowserContext, shop: Shop
) -> None:
    page = go("")
    expect(page.locator("table")).to_be_visible()
    context.set_offline(True)
    drop(page, ("care.md", "# Care"))
    expect(page.locator(".parcel-list li")).to_contain_text("The server cannot be reached.")
    context.set_offline(False)
    page.get_by_role("button", name="Send again what is missing").click()
    expect(page.get_by_role("region", name="Work in progress")).to_contain_text("Release 3 is ready as a candidate")


def test_five_thousand_documents_are_found_as_one_types(go: Callable[[str], Page], shop: Shop) -> None:
    shop.documents = [summary(n) for n in range(1, 5001)]
    page = go("")
    rows = page.locator("table.list tbody tr")
    expect(rows).to_have_count(100)
    page.get_by_role("button", name="Show 100 more (4,900 left)").click()
    expect(rows).to_have_count(200)
    expect(rows.nth(100).get_by_role("link")).to_be_focused()
    page.get_by_label("Find a document").fill("lark 4711")
    expect(rows).to_have_count(1)
    expect(page.get_by_text("1 of 5,000 documents")).to_be_visible()
    page.get_by_label("Find a document").fill("nightjar")
    expect(page.get_by_text("None of them fits")).to_be_visible()


def test_what_was_looked_for_is_there_again_when_one_comes_back(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("")
    page.get_by_label("Find a document").fill("lark 12")
    page.get_by_label("Order").select_option("cited")
    page.locator("table.list").get_by_role("link", name="Lark 12 manual").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fenwick kettle")
    page.go_back()
    expect(page.get_by_label("Find a document")).to_have_value("lark 12")
    expect(page.locator("table.list tbody tr")).to_have_count(1)


def test_faults_tell_the_file_and_the_remedy_as_words(go: Callable[[str], Page], shop: Shop) -> None:
    shop.faults = [{"source": "/srv/help/<b>scan.pdf", "reason": "It holds no text: run text recognition (OCR) first."}]
    page = go("")
    notice = page.get_by_role("region", name="What could not be read")
    expect(notice).to_contain_text("help/<b>scan.pdf")
    expect(notice).to_contain_text("OCR")


def test_a_source_is_added_read_and_removed(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("")
    page.get_by_text("Where it comes from").click()
    address = page.get_by_label("Address of a page or a sitemap")
    address.fill("https://private.example/")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("only public addresses are read")
    address.fill("https://www.example.com/returns")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".sources")).to_contain_text("https://www.example.com/returns")
    assert wrote(shop, "POST", "/reindex") == [{"publish": False}]
    page.get_by_role("button", name="Remove https://www.example.com/returns").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(page.locator(".sources")).not_to_contain_text("https://www.example.com/returns")


def test_an_empty_studio_says_how_to_begin(go: Callable[[str], Page], shop: Shop) -> None:
    shop.documents, shop.releases, shop.sources, shop.gaps = [], [], [], []
    expect(go("").get_by_text("Nothing is in service yet")).to_be_visible()
    expect(go("/releases").get_by_text("No release yet")).to_be_visible()
    expect(go("/search").get_by_text("Ask as a customer would")).to_be_visible()
    expect(go("/gaps").get_by_text("No gap is open")).to_be_visible()
    expect(go("/gaps/contradictions").get_by_text("No two passages contradict")).to_be_visible()
    expect(go("/questions").get_by_text("No question is saved yet")).to_be_visible()
    expect(go("/no/such/place").get_by_text("There is no such page")).to_be_visible()


# a job


def test_a_run_shows_how_far_it_is_and_can_be_stopped(go: Callable[[str], Page], shop: Shop) -> None:
    shop.steps = 1000
    page = go("")
    page.get_by_role("button", name="Read everything again").click()
    strip = page.get_by_role("region", name="Work in progress")
    expect(strip).to_contain_text(re.compile(r"Reading lark-2.pdf: [1-9]\d* of 1000"))
    page.get_by_role("link", name="Gaps").click()
    expect(strip.get_by_role("progressbar")).to_be_visible()
    strip.get_by_role("button", name="Stop").click()
    expect(strip).to_contain_text("It was stopped. Nothing has changed.")
    strip.get_by_role("button", name="Close").click()
    expect(strip).to_be_hidden()
    page.reload()
    expect(page.get_by_role("heading", name="Gaps")).to_be_visible()
    expect(strip).to_be_hidden()


def test_a_run_is_followed_on_when_the_server_was_out_of_reach(
    go: Callable[[str], Page], context: BrowserContext, shop: Shop
) -> None:
    page = go("")
    shop.steps = 4
    page.get_by_role("button", name="Read everything again").click()
    strip = page.get_by_role("region", name="Work in progress")
    expect(strip).to_contain_text("Reading")
    context.set_offline(True)
    expect(strip).to_contain_text("The server cannot be reached.")
    context.set_offline(False)
    expect(strip).to_contain_text("Release 3 is ready as a candidate")


# a document


def test_each_passage_is_under_the_pen_and_told_of(go: Callable[[str], Page]) -> None:
    page = go("/documents/doc-1")
    places = passages_of(KETTLE)
    expect(page.locator(f"mark[data-passage='{len(places) - 1}']").first).to_be_visible()
    for n, place in enumerate(places):
        marked = " ".join(page.locator(f"mark[data-passage='{n}']").all_inner_texts())
        words = re.sub(r"[|*\-]|\d\. ", " ", KETTLE[place["start"] : place["end"]])
        assert "".join(marked.split()) == "".join(words.split())
    page.locator("mark", has_text="E5").click()
    panel = page.get_by_role("complementary", name="Passage")
    expect(panel).to_contain_text("Passage 2 of 3")
    expect(panel).to_contain_text("Fenwick kettle › Error codes")
    assert f"{places[1]['start']} to {places[1]['end']}" in panel.inner_text()
    assert page.url.endswith("passage=1")


def test_arrow_keys_walk_from_passage_to_passage(go: Callable[[str], Page]) -> None:
    page = go("/documents/doc-1")
    page.get_by_role("button", name="Passage 1", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Passage 2", exact=True)).to_be_focused()
    expect(page.get_by_role("complementary", name="Passage").get_by_role("status").first).to_contain_text("2 of 3")
    expect(page.locator(".pin[tabindex='0']")).to_have_count(1)


def test_a_document_that_is_asked_tells_which_passage_wins(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("/documents/doc-1?passage=2")
    expect(page.locator("mark.current").first).to_contain_text("warranty")
    page.get_by_label("Ask this document").fill("descale")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This document wins.")).to_be_visible()
    expect(page.locator("mark.current").first).to_contain_text("Descale")
    assert {asked.get("document") for asked in shop.searches} == {None, "doc-1"}
    shop.found = []
    page.get_by_label("Ask this document").fill("the moon")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is not among the first 50.")).to_be_visible()


def test_a_document_is_deleted_only_when_the_word_is_typed(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("/documents/doc-1")
    page.get_by_role("button", name="Delete this document for good").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Delete for good")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert wrote(shop, "DELETE", "/documents/doc-1") == []
    page.get_by_role("button", name="Delete this document for good").click()
    dialog.get_by_label("Type delete to confirm").fill("delete")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("37 documents")).to_be_visible()
    assert len(wrote(shop, "DELETE", "/documents/doc-1")) == 1


def test_files_that_are_not_ours_to_delete_are_named(go: Callable[[str], Page], shop: Shop) -> None:
    shop.left = ["/srv/manuals/fenwick kettle.pdf"]
    page = go("/documents/doc-1")
    page.get_by_role("button", name="Delete this document for good").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type delete to confirm").fill("delete")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("The file that it was read from stays")
    expect(dialog).to_contain_text("/srv/manuals/fenwick kettle.pdf")
    expect(dialog.get_by_role("button")).to_have_count(1)
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_text("37 documents")).to_be_visible()


def test_a_document_that_is_gone_is_said(go: Callable[[str], Page]) -> None:
    expect(go("/documents/nowhere").get_by_role("alert")).to_contain_text("not in that release")


# search


def test_a_result_shows_its_words_and_what_its_score_is_made_of(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("/search")
    page.get_by_label("Question").fill("How do I descale the kettle?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("84 % that the answer is here")).to_be_visible()
    first = page.locator(".result").first
    assert [word.lower() for word in first.locator(".excerpt mark").all_inner_texts()] == [
        "descale",
        "kettle",
        "kettle",
    ]
    legend = first.locator(".legend li").all_inner_texts()
    assert [" ".join(line.split()) for line in legend] == ["Meaning +0.71", "Words +0.25", "Code +0.30"]
    expect(page.locator(".result").nth(1).locator(".segments .less")).to_have_count(1)
    page.get_by_role("button", name="Save this question").click()
    expect(page.get_by_role("button", name="Saved")).to_be_disabled()
    assert wrote(shop, "POST", "/questions") == [{"question": "How do I descale the kettle?"}]
    first.get_by_role("link", name="Fenwick kettle").click()
    expect(page.get_by_role("complementary", name="Passage")).to_contain_text("Passage 1 of 3")


def test_a_search_can_be_made_in_the_candidate(go: Callable[[str], Page], shop: Shop) -> None:
    shop.releases.insert(0, release(3, "candidate"))
    page = go("/search?q=kettle")
    page.get_by_label("Release").select_option("3")
    expect(page).to_have_url(re.compile("release=3"))
    expect(page.locator(".result").first.get_by_role("link")).to_have_attribute("href", re.compile("release=3"))


# releases


def test_a_release_opens_to_what_changed_and_is_gone_back_to(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("/releases")
    first = page.locator(".release", has_text="Release 1")
    first.get_by_text("What differs from release 2").click()
    expect(first.locator(".changes .added")).to_contain_text("Lark 1 manual")
    expect(first.locator(".changes .changed a")).to_have_count(2)
    first.get_by_role("button", name="Go back to this one: release 1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Within a second")
    dialog.get_by_role("button", name="Cancel").click()
    assert wrote(shop, "POST", "/releases/1/rollback") == []
    first.get_by_role("button", name="Go back to this one: release 1").click()
    dialog.get_by_role("button", name="Go back to release 1").click()
    expect(page.locator(".release.live")).to_contain_text("Release 1")


def test_a_comparison_shows_changes_first_and_marks_what_differs(go: Callable[[str], Page], shop: Shop) -> None:
    shop.releases.insert(0, release(3, "candidate"))
    page = go("/releases/3/compare")
    page.get_by_role("button", name="Compare now").click()
    pairs = page.locator(".pair")
    expect(pairs).to_have_count(2)
    expect(pairs.first).to_contain_text("Isle of Man")
    wording = pairs.filter(has_text="How long is the warranty?")
    expect(wording.locator("del")).to_have_text(re.compile("two"))
    expect(wording.locator("ins.marker")).to_have_text(re.compile("three"))
    page.get_by_role("button", name="1 The same").click()
    expect(pairs).to_have_count(1)
    expect(pairs.locator("ins, del")).to_have_count(0)
    expect(pairs).to_contain_text("written case, devices.yaml")
    expect(pairs).to_contain_text("After: Which kettle do I have?")


def test_a_comparison_is_kept_for_each_pair_of_releases_and_found_below_the_release(
    go: Callable[[str], Page], shop: Shop
) -> None:
    shop.releases.insert(0, release(3, "candidate"))
    shop.comparisons = [{**COMPARISON, "release": 2, "against": 1}]
    page = go("/releases/3/compare?against=1")
    expect(page.get_by_role("heading", name="Release 3 beside release 1")).to_be_visible()
    page.get_by_role("button", name="Compare now").click()
    expect(page.get_by_text("2 of 3 questions are answered differently.")).to_be_visible()
    expect(page.locator("time")).to_contain_text("Compared ")
    expect(page.get_by_text("by mia@content.example")).to_be_visible()
    assert wrote(shop, "POST", "/releases/3/compare") == [{"against": 1}]

    page.get_by_label("Beside").select_option("2")
    expect(page.get_by_text("Not compared yet")).to_be_visible()
    page.get_by_role("link", name="Releases").last.click()
    told = page.locator(".release.candidate .comparisons li")
    expect(told).to_contain_text("Compared with release 1: 2 of 3 answers change")
    page.reload()
    page.locator(".release.live").get_by_role("link", name="Compared with release 1").click()
    expect(page.get_by_role("heading", name="Release 2 beside release 1")).to_be_visible()
    expect(page.locator(".pair")).to_have_count(2)
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)


def test_a_comparison_that_runs_is_shown_for_its_own_pair_only(go: Callable[[str], Page], shop: Shop) -> None:
    shop.steps = 1_000
    shop.releases.insert(0, release(3, "candidate"))
    page = go("/releases/3/compare?against=1")
    page.get_by_role("button", name="Compare now").click()
    expect(page.get_by_text("Both releases are being asked")).to_be_visible()
    page = go("/releases/3/compare?against=2")
    expect(page.get_by_text("Not compared yet")).to_be_visible()
    expect(page.get_by_text("Something else is at work")).to_be_visible()
    expect(page.get_by_role("button", name="Compare now")).to_be_disabled()


def test_the_same_pair_is_compared_again_while_the_old_one_is_read(go: Callable[[str], Page], shop: Shop) -> None:
    shop.comparisons = [{**COMPARISON, "release": 1, "against": 2}]
    shop.comparison = {**COMPARISON, "questions": COMPARISON["questions"][2:], "made_at": "2026-11-24T08:00:00Z"}
    page = go("/releases/1/compare")
    expect(page.locator(".pair")).to_have_count(2)
    again = page.get_by_role("button", name="Compare again")
    again.press("Enter")
    expect(again).to_be_disabled()
    expect(again).to_be_focused()
    expect(page.get_by_text("Nothing changes: 1 question answered the same.")).to_be_visible()
    expect(again).to_be_enabled()
    expect(again).to_be_focused()
    expect(page.get_by_role("button", name="Go back to release 1")).to_be_visible()


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("Choose *Menu › Care*. It takes **35 minutes**. [1]", "Choose Menu › Care. It takes 35 minutes."),
        ("# Returns\n\n- Home [1][2]\n- Away", "Returns\n\n• Home\n• Away"),
        ("See [our page](https://example.com/a) or `E17`.", "See our page or E17."),
        ("2 * 3 * 4", "2 * 3 * 4"),
    ],
)
def test_an_answer_is_compared_as_a_customer_reads_it(go: Callable[[str], Page], answer: str, read: str) -> None:
    script = "async (text) => (await import('/web/furniture/plain.js')).plainOf(text)"
    assert go("/nowhere/at/all/x").evaluate(script, answer) == read


@pytest.mark.parametrize(
    ("before", "after", "gone", "new"),
    [
        ("", "", [], []),
        ("one two three", "one two three", [], []),
        ("one two three", "one four three", ["two "], ["four "]),
        ("a b", "a b c d", [], ["c d"]),
        ("alpha", "omega", ["alpha"], ["omega"]),
        ("x y z x", "z x", ["x y "], []),
        ("line\n\nnext", "line next", [], []),
    ],
)
def test_words_that_differ_are_found(
    go: Callable[[str], Page], before: str, after: str, gone: list[str], new: list[str]
) -> None:
    script = "async ([a, b]) => (await import('/web/studio/diff.js')).compareWords(a, b)"
    pieces = go("/nowhere/at/all/x").evaluate(script, [before, after])
    for side, text, differing in (("before", before, gone), ("after", after, new)):
        assert "".join(piece["text"] for piece in pieces[side]) == text
        assert [piece["text"] for piece in pieces[side] if piece["differs"]] == differing


# gaps


def test_a_gap_is_answered_reviewed_and_accepted(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("/gaps")
    card = page.locator(".gap").first
    expect(card.locator(".legend")).to_contain_text("handed over 3")
    card.get_by_text("How it was asked").click()
    expect(card.locator(".agent-answer .marker")).to_contain_text("bracket P-4410")
    expect(card.get_by_role("link", name="The conversation").first).to_have_attribute("href", "/desk?conversation=8a1c")
    card.get_by_role("link", name="Write the answer").click()
    answer = page.get_by_label("Answer", exact=True)
    expect(answer).to_have_value("Yes, with the bracket P-4410.")
    answer.fill("Yes:\n\n- bracket **P-4410**\n- two screws")
    expect(page.get_by_role("region", name="How it will be read").get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Accepted.")).to_be_visible()
    assert shop.gaps[0]["draft"]["answer"].startswith("Yes:")
    page.get_by_role("button", name="Publish it at once").click()
    expect(page.get_by_role("region", name="Work in progress")).to_contain_text("Release 3 is in service")


def test_a_long_question_shows_three_lines_and_the_rest_on_demand(go: Callable[[str], Page], shop: Shop) -> None:
    long = "My machine hisses and then it stops and I have tried everything that the manual says. " * 12
    shop.gaps = [gap(1, label=long), gap(2)]
    shop.comparisons = [{**COMPARISON, "questions": [{**COMPARISON["questions"][0], "question": long}]}]
    shop.releases.insert(0, release(3, "candidate"))
    for view in ("/gaps", "/gaps/1", "/releases/3/compare"):
        page = go(view)
        head = page.locator("h1.clamped, h2.clamped").first
        more = page.get_by_role("button", name="Show all")
        expect(more).to_have_count(1)  # the short ones need none
        line = head.evaluate("(head) => parseFloat(getComputedStyle(head).lineHeight)")
        clamped = head.evaluate("(head) => head.clientHeight")
        assert clamped < 3.5 * line
        more.press("Enter")
        less = page.get_by_role("button", name="Show less")
        expect(less).to_be_focused()
        assert head.evaluate("(head) => head.scrollHeight - head.clientHeight") < line / 2
        assert head.evaluate("(head) => head.clientHeight") > clamped + line
        less.press("Enter")
        assert head.evaluate("(head) => head.clientHeight") == clamped


def test_an_answer_that_could_not_be_sent_is_kept_in_the_browser(
    go: Callable[[str], Page], context: BrowserContext, shop: Shop
) -> None:
    page = go("/gaps/1")
    expect(page.get_by_label("Answer", exact=True)).to_be_visible()
    context.set_offline(True)
    page.get_by_label("Answer", exact=True).fill("Only on brick.")
    expect(page.get_by_role("alert")).to_contain_text("What you wrote is kept in this browser.")
    context.set_offline(False)
    page.reload()
    expect(page.get_by_label("Answer", exact=True)).to_have_value("Only on brick.")


def test_a_dismissed_gap_is_struck(go: Callable[[str], Page], shop: Shop) -> None:
    shop.gaps.append(gap(2, state="closed", label="Do you ship to Jersey?", closed_release=2))
    page = go("/gaps")
    page.get_by_role("button", name="Dismiss: Can the Heron be wall-mounted?").click()
    page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("No gap is open")).to_be_visible()
    page.get_by_text("Closed", exact=True).click()
    expect(page.locator("s")).to_have_text(["Can the Heron be wall-mounted?", "Do you ship to Jersey?"])


def test_passages_that_contradict_each_other_stand_side_by_side(go: Callable[[str], Page], shop: Shop) -> None:
    place = {"title": "Returns", "section": [], "start": 0, "end": 9}
    claims = [{**place, "document": f"d{n}", "text": f"Within {n} days.", "number": str(n)} for n in (30, 45)]
    shop.health["contradictions"] = [{"what": "30 or 45 days", "passages": claims}]
    shop.health["stale"] = [{**summary(3), "days": 900, "why": "It has not changed for 900 days."}]
    page = go("/gaps/contradictions")
    expect(page.locator(".side-of mark")).to_have_text(["30", "45"])
    page.get_by_role("link", name="Out of date").click()
    expect(page.get_by_text("It has not changed for 900 days.")).to_be_visible()


# saved questions


def test_a_question_is_saved_run_and_deleted(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("/questions")
    page.get_by_label("Question", exact=True).fill("How do I descale the kettle?")
    page.get_by_label("What the answer must tell").fill("500 ml; 30 minutes")
    page.get_by_role("button", name="Save").click()
    row = page.locator(".questions > li")
    expect(row).to_contain_text("tells “500 ml”, “30 minutes”")
    run = row.get_by_role("button", name="Run now")
    run.press("Enter")
    expect(row.locator(".run")).not_to_be_empty()
    expect(run).to_be_focused()
    expect(row.get_by_role("region", name="What is found")).to_contain_text("Descale the kettle every two months.")
    row.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No question is saved yet")).to_be_visible()


def test_a_question_that_is_run_shows_its_answer_with_quotes_beside_what_is_found(
    go: Callable[[str], Page], shop: Shop
) -> None:
    shop.questions = [QUESTION, {**QUESTION, "id": "q2", "question": "Do you sell airship tickets?"}]
    page = go("/questions")
    row = page.locator(".questions > li").first
    row.get_by_role("button", name="Run now").click()

    told = row.get_by_role("region", name="The answer")
    expect(told.locator(".outcome")).to_have_text("Answers")
    expect(told.locator(".told")).to_contain_text(AFTER)
    expect(told.locator("q.marker")).to_have_text(AFTER)
    expect(told.get_by_role("link", name="[1]")).to_have_attribute("href", re.compile("^/source/"))
    expect(row.get_by_role("region", name="What is found").locator(".found-list li")).to_have_count(3)
    expect(row.get_by_role("status")).to_have_text("Answers, 83 % sure, release 2")
    expect(told.get_by_text("The language model that answers customers")).to_be_hidden()
    assert wrote(shop, "POST", "/questions/q1/answer") == [b""]

    shop.found, shop.uses_model = [], True
    row.get_by_role("button", name="Run now").click()
    expect(told.locator(".outcome")).to_have_text("Does not know")
    expect(told.locator("q")).to_have_count(0)
    expect(told.get_by_text("The language model that answers customers")).to_be_visible()
    expect(row.get_by_role("region", name="What is found")).to_contain_text("Nothing is near this question.")

    shop.questions = []
    page.locator(".questions > li").nth(1).get_by_role("button", name="Run now").click()
    expect(page.locator(".questions > li").nth(1).get_by_role("alert")).to_have_text("There is no such saved question.")


def test_written_cases_are_imported_told_apart_and_exported(
    go: Callable[[str], Page], shop: Shop, tmp_path: Path
) -> None:
    files = {"returns.yaml": "cases: [say: Can I return it?]", "broken.yaml": "topic: nothing"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    page = go("/questions")
    expect(page.get_by_role("link", name="Export them all")).to_have_count(0)
    page.locator(".files-bar input").set_input_files(tmp_path / "returns.yaml")
    row = page.locator(".questions > li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("from returns.yaml")
    expect(page.get_by_text("1 question saved.")).to_be_visible()
    expect(page.get_by_role("link", name="Export them all")).to_have_attribute("href", "/v1/knowledge/questions.yaml")

    page.locator(".files-bar input").set_input_files(tmp_path / "broken.yaml")
    expect(page.get_by_role("alert").filter(has_text="broken.yaml: This file holds no `cases`")).to_be_visible()
    expect(row).to_have_count(1)
    assert [sent["file"] for sent in wrote(shop, "POST", "/questions/import")] == ["returns.yaml", "broken.yaml"]


# the page as a whole


def test_the_whole_way_by_keyboard_alone(go: Callable[[str], Page], shop: Shop) -> None:
    page = go("")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    press = page.keyboard.press

    def tab_to(name: str) -> None:
        for _ in range(60):
            press("Tab")
            held = page.evaluate(
                "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()"
            )
            if held == name:
                return
        raise AssertionError(f"{name} is not reached by Tab")

    press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    with page.expect_file_chooser() as choosing:
        tab_to("Choose files")
        press("Enter")
    choosing.value.set_files([{"name": "care.md", "mimeType": "text/markdown", "buffer": b"# Care"}])
    strip = page.get_by_role("region", name="Work in progress")
    expect(strip).to_contain_text("Release 3 is ready as a candidate")
    page.evaluate("document.activeElement.blur()")
    tab_to("Compare with release 2")
    press("Enter")
    expect(page.get_by_text("2 of 3 questions are answered differently.")).to_be_visible()
    tab_to("Publish release 3")
    press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to("Publish release 3")
    press("Enter")
    expect(page.locator(".release.live")).to_contain_text("Release 3")
    tab_to("Go back to this one: release 2")
    press("Enter")
    tab_to("Go back to release 2")
    press("Enter")
    expect(page.locator(".release.live")).to_contain_text("Release 2")


def test_a_server_out_of_reach_is_said_and_found_again(
    go: Callable[[str], Page], context: BrowserContext, shop: Shop
) -> None:
    page = go("")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    context.set_offline(True)
    page.get_by_role("link", name="Releases").click()
    expect(page.get_by_role("alert")).to_contain_text("The server is out of reach")
    context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Releases", level=1)).to_be_visible()


def test_nothing_of_a_title_becomes_markup(go: Callable[[str], Page], shop: Shop) -> None:
    title = "<img src=x onerror=alert(1)> & <b>bold</b>"
    shop.documents = [summary(1, title=title, source=title)]
    shop.gaps = [gap(1, label=title)]
    expect(go("").locator("table.list").get_by_role("link")).to_have_text(title)
    expect(go("/gaps").locator(".gap h2")).to_have_text(title)
    assert json.dumps(title)[1:-1] not in go("/gaps").content()
