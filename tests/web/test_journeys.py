"""Whole journeys in Chromium against the real server: asked, cited, cut off, handed over, rated."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.conftest import ServerProcess
from tests.web.conftest import CHROMIUM
from tests.web.line import Line, open_line

pytestmark = pytest.mark.browser

QUESTION = "How do I descale the kettle?"


@pytest.fixture
def line(shared_server: ServerProcess) -> Iterator[Line]:
    with open_line(shared_server.url) as opened:
        yield opened


def open_shop(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("tellonce-chat").wait_for(state="attached")


def ask(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def own_messages(page: Page) -> list[str]:
    return page.locator("[role=log] article[data-role=customer] .body").all_inner_texts()


def test_a_question_is_answered_with_a_quote_that_the_source_page_marks(
    page: Page, context: BrowserContext, shared_server: ServerProcess
) -> None:
    open_shop(page, shared_server.url)
    page.get_by_role("button", name="Ask us anything").click()
    ask(page, QUESTION)
    answer = page.locator("[role=log] article[data-role=assistant]")
    expect(answer).to_contain_text("kettle")

    answer.get_by_role("button", name="Source 1").first.click()
    quote = page.locator(".card .marker").inner_text()
    with context.expect_page() as opened:
        page.get_by_role("link", name="Open in document").click()
    source = opened.value
    mark = source.locator("#quote")
    expect(mark).to_be_in_viewport()
    assert " ".join(quote.split()) in " ".join("".join(source.locator("mark").all_inner_texts()).split())
    expect(source.get_by_role("heading", level=1)).to_have_text("Fenwick kettle")


def test_who_closes_the_tab_and_comes_back_finds_everything(
    page: Page, context: BrowserContext, shared_server: ServerProcess
) -> None:
    open_shop(page, shared_server.url)
    page.evaluate(f"tellonce.ask({QUESTION!r})")
    expect(page.locator("[role=log] article")).to_have_count(2)
    said = page.locator("[role=log] article .body").all_inner_texts()
    page.close()

    back = context.new_page()
    open_shop(back, shared_server.url)
    back.evaluate("tellonce.open()")
    expect(back.locator("[role=log] article")).to_have_count(2)
    assert back.locator("[role=log] article .body").all_inner_texts() == said


@pytest.mark.slow
def test_a_line_cut_at_any_moment_loses_and_doubles_nothing(page: Page, line: Line) -> None:
    dice = random.Random(20261123)
    questions = [f"{QUESTION} ({n})" for n in range(8)]
    open_shop(page, line.url)
    page.evaluate("tellonce.open()")
    for n, question in enumerate(questions):
        ask(page, question)
        time.sleep(dice.uniform(0, 0.15))
        line.cut()
        expect(page.locator("[role=log] article[data-role=customer]")).to_have_count(n + 1, timeout=20_000)
    expect(page.locator(".unsent")).to_have_count(0)
    expect(page.locator("[role=log] article[data-role=assistant]").last).to_contain_text("kettle", timeout=20_000)
    assert own_messages(page) == questions

    page.reload()
    page.locator("tellonce-chat").wait_for(state="attached")
    page.evaluate("tellonce.open()")
    expect(page.locator("[role=log] article[data-role=customer]")).to_have_count(len(questions))
    assert own_messages(page) == questions


def test_a_message_written_while_the_server_is_out_of_reach_survives_a_reload(page: Page, line: Line) -> None:
    open_shop(page, line.url)
    page.evaluate("tellonce.open()")
    ask(page, QUESTION)
    expect(page.locator("[role=log] article")).to_have_count(2)
    line.block()
    ask(page, "And how long is the warranty?")
    expect(page.get_by_text("Connecting again.")).to_be_visible()
    line.restore()
    page.reload()
    page.locator("tellonce-chat").wait_for(state="attached")
    page.evaluate("tellonce.open()")
    expect(page.locator("[role=log] article[data-role=assistant]")).to_have_count(2)
    assert own_messages(page) == [QUESTION, "And how long is the warranty?"]


def test_a_server_that_stops_and_starts_again_is_found_again(page: Page, server: ServerProcess) -> None:
    open_shop(page, server.url)
    page.evaluate(f"tellonce.ask({QUESTION!r})")
    expect(page.locator("[role=log] article")).to_have_count(2)
    server.stop()
    ask(page, "How long is the warranty?")
    expect(page.locator(".unsent")).to_have_count(1)
    server.start()
    expect(page.locator("[role=log] article")).to_have_count(4, timeout=30_000)
    expect(page.locator(".unsent")).to_have_count(0)


def test_a_signed_in_customer_is_greeted_and_others_see_nothing_of_it(
    page: Page, browser: Browser, shared_server: ServerProcess
) -> None:
    open_shop(page, shared_server.url)
    page.get_by_label("Visit as").select_option(label="Amara Okafor")
    expect(page.locator("#known .marker")).to_contain_text("Lark 2")
    page.evaluate(f"tellonce.ask({QUESTION!r})")
    expect(page.get_by_text("Hello Amara. What can we do for you?")).to_be_visible()
    expect(page.locator("[role=log] article")).to_have_count(2)

    page.get_by_label("Visit as").select_option("")
    expect(page.locator("[role=log] article")).to_have_count(0)

    page.get_by_label("Visit as").select_option(label="Amara Okafor")
    expect(page.locator("[role=log] article")).to_have_count(2)


def test_a_person_reads_everything_answers_and_is_rated(
    page: Page, browser: Browser, shared_server: ServerProcess, sign_in_path: Callable[[ServerProcess], str]
) -> None:
    open_shop(page, shared_server.url)
    page.get_by_label("Visit as").select_option(label="Tomasz Zieliński")
    page.evaluate(f"tellonce.ask({QUESTION!r})")
    expect(page.locator("[role=log] article")).to_have_count(2)
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("Waiting for a person")).to_be_visible()

    desk_context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    desk = desk_context.new_page()
    desk.goto(shared_server.url + sign_in_path(shared_server))
    desk.get_by_role("navigation", name="Queue").get_by_role("button", name="Tomasz").click()
    transcript = desk.get_by_role("log", name="Transcript")
    expect(transcript).to_contain_text(QUESTION)
    desk.get_by_role("button", name="Accept").click()
    side = desk.get_by_role("complementary", name="Customer")
    expect(side).to_contain_text("tomasz")
    expect(side.locator(".known .marker").first).to_be_visible()
    expect(side).to_contain_text(
        "One question was asked: it was answered. After the last answer, a person was asked for."
    )
    expect(side.get_by_text(QUESTION, exact=True).first).to_be_visible()
    expect(side).to_contain_text("Answered from “Fenwick kettle”.")

    desk.get_by_label("Reply to the customer").fill("Hello, this is Sam.")
    desk.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("Hello, this is Sam.")
    expect(page.get_by_text("You are talking to Sam Oduya")).to_be_visible()

    desk.get_by_label("Note to colleagues").check()
    desk.get_by_label("Note to colleagues", exact=True).last.fill("He seems in a hurry.")
    desk.keyboard.press("Enter")
    expect(transcript).to_contain_text("He seems in a hurry.")
    ask(page, "Thank you, Sam.")
    expect(transcript).to_contain_text("Thank you, Sam.")
    assert "hurry" not in page.get_by_role("log").inner_text()

    desk.get_by_role("button", name="Close").click()
    expect(page.get_by_text("This conversation has ended")).to_be_visible()
    page.get_by_role("radiogroup").get_by_role("radio").first.check(force=True)
    page.get_by_role("button", name="Send rating").click()
    expect(page.get_by_text("You rated this 1")).to_be_visible()
    expect(transcript).to_contain_text("Rated the effort 1")
    desk_context.close()


def test_what_an_agent_had_begun_to_write_is_there_after_a_reload(
    page: Page, browser: Browser, shared_server: ServerProcess, sign_in_path: Callable[[ServerProcess], str]
) -> None:
    open_shop(page, shared_server.url)
    page.get_by_label("Visit as").select_option(label="Claire Dubois-Martin")
    page.evaluate(f"tellonce.ask({QUESTION!r})")
    expect(page.locator("[role=log] article")).to_have_count(2)
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("Waiting for a person")).to_be_visible()

    desk_context = browser.new_context(locale="en-GB")
    desk = desk_context.new_page()
    desk.goto(shared_server.url + sign_in_path(shared_server))
    desk.get_by_role("navigation", name="Queue").get_by_role("button", name="Claire").click()
    desk.get_by_role("button", name="Accept").click()
    desk.get_by_label("Reply to the customer").fill("Dear Claire, one")
    desk.reload()
    expect(desk.get_by_label("Reply to the customer")).to_have_value("Dear Claire, one")
    expect(desk.get_by_role("complementary", name="Customer")).to_contain_text("Claire Dubois-Martin")
    desk_context.close()


@pytest.fixture
def desk(
    browser: Browser, shared_server: ServerProcess, sign_in_path: Callable[[ServerProcess], str]
) -> Iterator[Page]:
    """The desk, signed in, with Amara and a visitor waiting."""
    shop = browser.new_context(locale="en-GB")
    for name in ("Amara Okafor", ""):
        page = shop.new_page()
        open_shop(page, shared_server.url)
        page.get_by_label("Visit as").select_option(label=name or "A visitor")
        page.evaluate(f"tellonce.ask({QUESTION!r})")
        expect(page.locator("[role=log] article")).to_have_count(2)
        page.get_by_role("button", name="Talk to a person").click()
        expect(page.get_by_text("Waiting for a person")).to_be_visible()
    at_desk = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    opened = at_desk.new_page()
    opened.goto(shared_server.url + sign_in_path(shared_server))
    yield opened
    shop.close()
    at_desk.close()


def row_of(desk: Page, name: str) -> Locator:
    return desk.get_by_role("navigation", name="Queue").get_by_role("button", name=name).last


def expect_ended(desk: Page) -> None:
    expect(desk.get_by_role("log", name="Transcript")).to_contain_text("The conversation ended")


def close(desk: Page) -> None:
    """Close the conversation, and wait until it is: Amara's next one must not go on in it."""
    desk.get_by_role("button", name="Close").click()
    expect_ended(desk)


def test_one_customer_s_record_never_stands_beside_another_s_conversation(desk: Page) -> None:
    row_of(desk, "Amara").click()
    desk.get_by_role("button", name="Accept").click()
    side = desk.get_by_role("complementary", name="Customer")
    expect(side).to_contain_text("Amara")
    row_of(desk, "Visitor").click()
    expect(side).to_contain_text("Once you accept")
    expect(side).not_to_contain_text("Amara")

    desk.go_back()
    expect(desk.get_by_role("heading", level=2, name="Amara Okafor").first).to_be_visible()
    expect(side).to_contain_text("Amara")
    close(desk)


def test_visitors_without_a_name_are_told_apart(desk: Page) -> None:
    row = row_of(desk, "Visitor")
    expect(row.locator("strong")).to_have_text(re.compile(r"^Visitor \d{4}$"))
    name = row.locator("strong").inner_text()
    expect(row).to_contain_text(QUESTION)  # not the assistant's words, which are the same to many

    row.click()
    desk.get_by_role("button", name="Accept").click()
    side = desk.get_by_role("complementary", name="Customer")
    expect(side.get_by_role("heading", level=2)).to_contain_text(name)
    expect(row).to_contain_text(QUESTION)
    desk.reload()
    expect(desk.get_by_role("region", name="Conversation").get_by_role("heading")).to_have_text(name)
    close(desk)

    ids = [f"019acc0ffee0{random.Random(n).getrandbits(80):020x}" for n in range(20)]
    names = desk.evaluate("async (ids) => ids.map((await import('/web/desk/desk-state.js')).visitorName)", ids)
    assert len(set(names)) == len(ids)


def test_a_double_click_on_accept_accepts_and_does_not_close(desk: Page) -> None:
    row_of(desk, "Amara").click()
    accept = desk.get_by_role("button", name="Accept").bounding_box()
    assert accept is not None
    x, y = accept["x"] + accept["width"] - 20, accept["y"] + accept["height"] / 2
    desk.mouse.click(x, y)
    box = desk.get_by_role("button", name="Close").bounding_box()
    assert box is not None
    assert box["x"] < x < box["x"] + box["width"], "Close stands where Accept was"
    desk.mouse.move(x, y)
    desk.mouse.down(click_count=2)
    desk.mouse.up(click_count=2)
    expect(desk.get_by_text("With you", exact=True).first).to_be_visible()
    expect(desk.get_by_role("log", name="Transcript")).not_to_contain_text("The conversation ended")
    close(desk)


def test_whoever_accepts_by_keyboard_goes_on_in_the_reply(desk: Page) -> None:
    row_of(desk, "Amara").press("Enter")
    expect(desk.get_by_role("log", name="Transcript")).to_be_focused()
    desk.get_by_role("button", name="Accept").press("Enter")
    expect(desk.get_by_label("Reply to the customer")).to_be_focused()
    desk.get_by_role("button", name="Close").press("Enter")
    expect(desk.get_by_role("log", name="Transcript")).to_be_focused()
    expect_ended(desk)


def test_a_keyboard_reaches_the_desks_queue_past_the_head(desk: Page) -> None:
    expect(row_of(desk, "Amara")).to_be_visible()
    desk.keyboard.press("Tab")
    skip = desk.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    desk.keyboard.press("Enter")
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("navigation", name="Queue").get_by_role("button").first).to_be_focused()


@pytest.mark.parametrize(
    ("language", "clock"), [("en-GB", r"\d\d:\d\d"), ("en-US", r"\d{1,2}:\d\d\s[AP]M"), ("de-DE", r"\d\d:\d\d")]
)
def test_the_desks_clock_is_that_of_the_language_which_the_browser_asks_for(
    browser: Browser, shared_server: ServerProcess, language: str, clock: str
) -> None:
    # Written in one language and asking pages for another; a context's `locale` would set both.
    chromium = browser.browser_type.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--lang=en-US", f"--accept-lang={language}"]
    )
    desk = chromium.new_page()
    desk.goto(f"{shared_server.url}/desk")
    now = "async () => (await import('/web/desk/transcript-view.js')).clockOf(new Date().toISOString())"
    assert re.fullmatch(clock, desk.evaluate(now))
    chromium.close()


def test_the_desk_asks_who_is_there(page: Page, shared_server: ServerProcess) -> None:
    page.goto(f"{shared_server.url}/desk")
    page.get_by_label("E-mail").fill("nobody@aldermorn.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).not_to_be_empty()
