"""axe-core finds nothing to say about any view of the studio, and none is wider than its screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.web.studio_stand_in import COMPARISON, StudioStandIn, gap, release, serve_studio, summary
from tests.web.test_accessibility import SCREENS, findings
from tests.web.test_accessibility import open_screen as open_screen

pytestmark = pytest.mark.browser

VIEWS = {
    "": "table.list",
    "/documents/doc-1?passage=1": "mark.current",
    "/search?q=How+do+I+descale+the+kettle": ".result",
    "/releases": ".release",
    "/releases/3/compare": ".pair",
    "/releases/1/compare": ".empty",
    "/gaps": ".gap",
    "/gaps/1": ".preview-question",
    "/gaps/contradictions": ".side-of",
    "/gaps/unused": ".rows",
    "/questions": ".questions",
    "/nowhere/at/all/x": ".empty",
}
LONG = "Instructions for use, care, descaling, replacement of seals and all declarations_of_conformity_for_the_european"


@pytest.fixture
def studio() -> Iterator[StudioStandIn]:
    with serve_studio() as server:
        fill(server)
        yield server


def fill(server: StudioStandIn) -> None:
    shop = server.shop
    shop.releases.insert(0, release(3, "candidate"))
    shop.documents[1] = summary(2, title=LONG, source=f"manuals/{LONG}.pdf", audience="agents")
    shop.faults = [{"source": f"/srv/{LONG}.pdf", "reason": "It holds no text: run text recognition (OCR) first."}]
    shop.gaps = [gap(1), gap(2, label=f"{LONG}? " * 8), gap(3, state="closed", label=f"{LONG}? " * 8)]
    shop.questions = [
        {"id": "q1", "question": f"{LONG}?", "history": ["And?"], "expect": {"facts": ["three years"]}}
        | {"conversation": "c", "made_by": "mia", "made_at": "2026-11-20T09:00:00Z"}
    ]
    place = {"title": LONG, "section": ["A"], "start": 0, "end": 9}
    claims = [{**place, "document": f"d{n}", "text": f"Within {n} days.", "number": str(n)} for n in (30, 45)]
    shop.health = {"unused": shop.documents[:3], "stale": [], "contradictions": [{"what": LONG, "passages": claims}]}
    made = {"id": "j", "kind": "compare", "state": "done", "what": "done", "done": 3, "total": 3}
    shop.job = {
        **made,
        "started_at": "2026-11-23T09:00:00Z",
        "report": {"release": 3, "against": 2},
        "error": None,
        "task": {},
    }
    shop.comparisons = [COMPARISON, {**COMPARISON, "release": 2, "against": 1}]


@pytest.mark.parametrize(("scheme", "width", "height"), SCREENS)
def test_every_view(
    open_screen: Callable[..., Page], studio: StudioStandIn, scheme: str, width: int, height: int
) -> None:
    page = open_screen(scheme, width, height)
    for path, part in VIEWS.items():
        page.goto(f"{studio.url}/studio{path}")
        page.locator(part).first.wait_for()
        for panel in page.locator("details").all():
            panel.evaluate("(panel) => (panel.open = true)")
        page.locator(".skeleton").first.wait_for(state="detached")
        assert findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


@pytest.mark.parametrize(("scheme", "width", "height"), SCREENS)
def test_work_in_progress_dialogs_and_results(
    open_screen: Callable[..., Page], studio: StudioStandIn, scheme: str, width: int, height: int
) -> None:
    studio.shop.steps = 1000
    page = open_screen(scheme, width, height)
    page.goto(f"{studio.url}/studio/releases")
    page.get_by_role("button", name="Publish: release 3").click()
    assert findings(page) == []
    page.keyboard.press("Escape")

    page.goto(f"{studio.url}/studio/documents/doc-1")
    page.get_by_label("Ask this document").fill("descale")
    page.keyboard.press("Enter")
    page.locator(".ranks li").first.wait_for()
    page.get_by_role("button", name="Delete this document for good").click()
    assert findings(page) == []
    page.keyboard.press("Escape")

    page.goto(f"{studio.url}/studio")
    page.get_by_role("button", name="Read everything again").click()
    page.get_by_role("progressbar").wait_for()
    assert findings(page) == []

    page.goto(f"{studio.url}/studio/questions")
    page.get_by_role("button", name="Run now").click()
    page.locator(".run .excerpt").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert findings(page) == []


@pytest.mark.parametrize(("scheme", "width", "height"), SCREENS)
def test_the_way_in(
    open_screen: Callable[..., Page], studio: StudioStandIn, scheme: str, width: int, height: int
) -> None:
    page = open_screen(scheme, width, height)
    for role, part in ((None, "form"), ("agent", ".empty")):
        studio.shop.role = role
        page.goto(f"{studio.url}/studio/releases")
        page.locator(part).wait_for()
        assert findings(page) == []
