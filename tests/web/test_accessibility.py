"""axe-core finds nothing to say about any page: light and dark, desk and phone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.conftest import ServerProcess, StartServer

pytestmark = pytest.mark.browser

SCREENS = [
    pytest.param("light", 1280, 800, id="light-desktop"),
    pytest.param("dark", 1280, 800, id="dark-desktop"),
    pytest.param("light", 390, 844, id="light-phone"),
    pytest.param("dark", 390, 844, id="dark-phone"),
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def findings(page: Page) -> list[str]:
    """What axe says, one line a node. Its script goes in as the tester's own, past the page's policy."""
    results: dict[str, Any] = Axe().run(page, options=RULES).response
    return [
        f"{violation['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]


@pytest.fixture
def open_screen(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`open_screen(scheme, width, height)`: a page like that, without motion."""
    contexts = []

    def make(scheme: Literal["light", "dark"], width: int, height: int) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
            bypass_csp=True,
            locale="en-GB",
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("scheme", "width", "height"), SCREENS)
def test_shop_and_widget(
    open_screen: Callable[..., Page], shared_server: ServerProcess, scheme: str, width: int, height: int
) -> None:
    page = open_screen(scheme, width, height)
    page.goto(shared_server.url)
    page.locator("tellonce-chat").wait_for(state="attached")
    page.get_by_label("Visit as").select_option(label="Amara Okafor")
    expect(page.locator("#known")).to_be_visible()
    assert findings(page) == []

    page.evaluate("tellonce.ask('How do I descale the kettle?')")
    expect(page.locator("[role=log] article")).to_have_count(2)
    expect(page.locator(".pending .message, .working")).to_have_count(0)
    assert findings(page) == []
    page.locator(".source").first.click()
    assert findings(page) == []
    page.keyboard.press("Escape")

    page.get_by_role("button", name="End conversation").click()
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_role("radiogroup")).to_be_visible()
    assert findings(page) == []


@pytest.mark.parametrize(("scheme", "width", "height"), SCREENS)
def test_source_page(
    open_screen: Callable[..., Page], shared_server: ServerProcess, scheme: str, width: int, height: int
) -> None:
    page = open_screen(scheme, width, height)
    page.goto(shared_server.url)
    page.locator("tellonce-chat").wait_for(state="attached")
    page.evaluate("tellonce.ask('How do I descale the kettle?')")
    page.locator(".source").first.click()
    address = page.locator(".card a").get_attribute("href")
    assert address
    page.goto(address)
    expect(page.locator("mark").first).to_be_visible()
    assert findings(page) == []


@pytest.mark.parametrize(("scheme", "width", "height"), SCREENS)
def test_desk(
    open_screen: Callable[..., Page],
    shared_server: ServerProcess,
    sign_in_path: Callable[[ServerProcess], str],
    scheme: str,
    width: int,
    height: int,
) -> None:
    customer = open_screen(scheme, width, height)
    customer.goto(shared_server.url)
    customer.locator("tellonce-chat").wait_for(state="attached")
    customer.get_by_label("Visit as").select_option(label="Hana Kobayashi")
    customer.evaluate("tellonce.ask('How do I descale the kettle?')")
    expect(customer.locator("[role=log] article")).to_have_count(2)
    customer.get_by_role("button", name="Talk to a person").click()
    expect(customer.get_by_text("Waiting for a person")).to_be_visible()

    desk = open_screen(scheme, width, height)
    desk.goto(f"{shared_server.url}/desk")
    expect(desk.get_by_role("heading", name="Sign in to the desk")).to_be_visible()
    assert findings(desk) == []

    desk.goto(shared_server.url + sign_in_path(shared_server))
    row = desk.get_by_role("navigation", name="Queue").get_by_role("button", name="Hana").last
    expect(row).to_be_visible()
    assert findings(desk) == []
    row.click()
    desk.get_by_role("button", name="Accept").click()
    expect(desk.get_by_role("complementary", name="Customer")).to_contain_text("Hana")
    assert findings(desk) == []


def test_the_page_of_a_server_that_knows_nothing_says_so_until_it_does(
    open_screen: Callable[..., Page], start_server: StartServer, knowledge_folder: Path, tmp_path: Path
) -> None:
    own = {"TELLONCE_DATA_DIR": str(tmp_path / "new")}
    page = open_screen("light", 1280, 800)
    page.goto(start_server(env=own).url)
    told = page.get_by_role("status").first
    expect(told).to_contain_text("it knows nothing yet")
    expect(page.get_by_text("Knowledge: nothing indexed yet")).to_be_visible()
    assert findings(page) == []

    command = [sys.executable, "-m", "assistant", "knowledge", "add", str(knowledge_folder)]
    subprocess.run(command, env={**os.environ, **own}, check=True, capture_output=True)
    expect(told).to_have_text("Everything is ready.")
    expect(page.get_by_text("Knowledge: release 1")).to_be_visible()


def test_the_page_of_a_server_without_the_shop(open_screen: Callable[..., Page], start_server: StartServer) -> None:
    server = start_server()
    for scheme, width, height in (tuple(screen.values) for screen in SCREENS):
        page = open_screen(scheme, width, height)
        page.goto(server.url)

        expect(page.get_by_role("status").first).to_have_text("Everything is ready.")
        expect(page.locator("#snippet")).to_have_text(f'<script src="{server.url}/widget.js" async></script>')
        assert "Aldermorn" not in page.content()
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        page.get_by_role("button", name="Open the chat").click()
        expect(page.get_by_role("button", name="Talk to a person")).to_be_visible()
