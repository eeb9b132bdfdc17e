"""The widget in Chromium against a server that fails on demand."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.web.host import HostSite, strict_policy
from tests.web.stand_in import QUOTE, StandIn

ANSWER_TEXT = "within 45 days of delivery"


def ask(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def test_an_answer_streams_in_and_its_citation_opens_the_quote(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    stand_in.script.piece_seconds = 0.3
    host_site.open_in(page)
    page.get_by_role("button", name="Open chat").click()

    ask(page, "How long may I keep it?")
    expect(page.locator(".working")).to_be_visible(timeout=1_000)
    expect(page.locator(".draft")).to_contain_text(ANSWER_TEXT)
    expect(page.locator(".draft")).to_have_count(0)
    expect(page.locator("[role=log] article")).to_have_count(2)

    page.get_by_role("button", name="Source 1: Returns").first.click()
    card = page.get_by_role("dialog", name="Source 1")
    expect(card.locator(".marker")).to_have_text(QUOTE)
    expect(card.get_by_role("link")).to_have_attribute(
        "href", re.compile(rf"^{stand_in.url}/source/returns\?release=1&")
    )
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_a_strict_host_page_of_another_origin_sees_no_violation(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    violations: list[str] = []
    page.on(
        "console", lambda message: violations.append(message.text) if message.type in ("error", "warning") else None
    )
    host_site.csp = strict_policy(stand_in.url)
    host_site.open_in(page)
    page.get_by_role("button", name="Open chat").click()
    ask(page, "How long may I keep it?")
    expect(page.locator("[role=log] article")).to_have_count(2)
    assert page.locator(".panel").evaluate("panel => getComputedStyle(panel).position") == "absolute"
    assert violations == []
