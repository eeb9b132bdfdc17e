"""A real Chromium, the stand-in server and a page that embeds the widget."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.web.host import HostSite, serve_host_site
from tests.web.stand_in import StandIn, serve_stand_in

CHROMIUM = os.environ.get("TELLONCE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a module, gone with its last test: its event loop would be in the way of other tests.."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: install it, or name one in TELLONCE_CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    made.set_default_timeout(10_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with serve_stand_in() as server:
        yield server


@pytest.fixture
def host_site(stand_in: StandIn) -> Iterator[HostSite]:
    """A site of another origin that embeds the stand-in's widget."""
    with serve_host_site(stand_in.url) as site:
        yield site


@pytest.fixture(autouse=True)
def no_page_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """A script error on any page fails the test that met it."""
    if "context" not in request.fixturenames:
        yield
        return
    errors: list[Any] = []
    request.getfixturevalue("context").on("weberror", lambda error: errors.append(error.error))
    yield
    assert errors == []
