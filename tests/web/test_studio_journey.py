"""The whole way of an editor in Chromium against the real server: from a question in vain to its answer in service."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import ServerProcess
from tests.web.test_studio_page import DROP

pytestmark = pytest.mark.browser

QUESTION = "Do you sell gift wrapping?"
PAGE = (
    "# Gift wrapping\n\n## Do you sell gift wrapping?\n\nYes. Gift wrapping costs £3.50 an order, in recycled paper.\n"
)
AT_WORK_MS = 60_000


def studio_link(server: ServerProcess, role: str = "content") -> str:
    """A one-time way in for somebody who keeps the knowledge."""
    from assistant.app import open_agents
    from assistant.settings import load_settings

    agents = open_agents(load_settings(data_dir=server.data_dir))
    editor, _ = agents.add(f"{role}@aldermorn.example", role, "Mia Stone")
    return f"{server.url}/sign-in?token={agents.make_link(editor.id, 600)}&to=studio"


def ask_in_shop(browser: Browser, url: str, question: str) -> str:
    """What the assistant answers somebody who was never there before."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(url)
    page.locator("tellonce-chat").wait_for(state="attached")
    page.evaluate("question => tellonce.ask(question)", question)
    answers = page.locator("[role=log] article[data-role=assistant]")
    expect(answers).to_have_count(1, timeout=AT_WORK_MS)
    expect(page.locator(".pending .message, .working")).to_have_count(0)
    said = answers.inner_text()
    context.close()
    return said


@pytest.mark.slow
def test_what_was_asked_in_vain_is_answered_after_a_look_and_taken_back(
    page: Page, browser: Browser, server: ServerProcess
) -> None:
    assert "3.50" not in ask_in_shop(browser, server.url, QUESTION)

    page.set_default_timeout(AT_WORK_MS)
    page.goto(studio_link(server))
    expect(page.get_by_role("heading", name="What the assistant knows")).to_be_visible()
    page.evaluate(DROP, [".drop", [["gift-wrapping.md", PAGE], ["letter.doc", "x"]]])
    expect(page.locator(".parcel-list")).to_contain_text("save it as .docx")
    strip = page.get_by_role("region", name="Work in progress")
    expect(strip).to_contain_text("Release 2 is ready as a candidate", timeout=AT_WORK_MS)
    assert "3.50" not in ask_in_shop(browser, server.url, f"{QUESTION} Please")

    strip.get_by_role("link", name="Compare with release 1").click()
    pair = page.locator(".pair").first
    expect(pair).to_contain_text("asked recently", timeout=AT_WORK_MS)
    expect(pair.get_by_role("group", name="After").locator("ins").first).to_be_visible()
    page.get_by_role("button", name="Publish release 2").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish release 2").click()
    expect(page.locator(".release.live")).to_contain_text("Release 2")
    assert "£3.50" in ask_in_shop(browser, server.url, QUESTION)

    page.get_by_role("button", name="Go back to this one: release 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back to release 1").click()
    expect(page.locator(".release.live")).to_contain_text("Release 1")
    assert "3.50" not in ask_in_shop(browser, server.url, QUESTION)


@pytest.mark.slow
def test_a_gap_closes_once_its_answer_is_in_service(page: Page, browser: Browser, server: ServerProcess) -> None:
    ask_in_shop(browser, server.url, "Can the kettle be hung on the wall?")

    page.set_default_timeout(AT_WORK_MS)
    page.goto(studio_link(server, "admin"))
    page.get_by_role("link", name="Gaps").click()
    page.get_by_text("How it was asked").first.click()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="The conversation").first.click()
    expect(opened.value.get_by_role("log", name="Transcript")).to_contain_text("hung on the wall")
    expect(opened.value.get_by_role("link", name="Studio")).to_be_visible()
    opened.value.close()
    page.get_by_role("link", name=re.compile("Write the answer")).first.click()
    page.get_by_label("Answer", exact=True).fill("No. The kettle stands on its base only.")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Accepted.")).to_be_visible()
    page.get_by_role("button", name="Publish it at once").click()
    expect(page.get_by_role("region", name="Work in progress")).to_contain_text("in service", timeout=AT_WORK_MS)
    page.get_by_role("link", name="Gaps").first.click()
    page.get_by_text("Closed", exact=True).click(timeout=AT_WORK_MS)
    expect(page.locator(".closed s")).to_contain_text("hung on the wall")


def test_a_search_and_its_document_in_the_real_index(page: Page, shared_server: ServerProcess) -> None:
    page.goto(studio_link(shared_server))
    page.goto(f"{shared_server.url}/desk")
    expect(page.get_by_text("The desk is for agents")).to_be_visible()
    page.get_by_role("link", name="Open the studio").click()
    page.get_by_role("link", name="Search").click()
    page.get_by_label("Question").fill("How do I descale the kettle?")
    page.keyboard.press("Enter")
    first = page.locator(".result").first
    expect(first.locator(".excerpt mark").first).to_be_visible()
    shown = [float(text.replace("−", "-")) for text in first.locator(".legend b").all_inner_texts()]
    score = float(first.locator(".score b").inner_text())
    assert abs(sum(shown) - score) <= 0.005 * (len(shown) + 1)
    first.get_by_role("heading").get_by_role("link").click()
    expect(page.locator("mark.current").first).to_have_text("Descaling")
    page.get_by_role("link", name="Documents").first.click()
    expect(page.locator("table.list tbody tr").first).to_be_visible()
