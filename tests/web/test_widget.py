"""The widget in Chromium, on a site of another origin, against a server that fails on demand."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.web.host import HostSite, serve_host_site, strict_policy
from tests.web.line import open_line
from tests.web.stand_in import QUOTE, StandIn

ANSWER_TEXT = "within 45 days of delivery"
SILENCE_MS = 8_000  # after which line.js gives a connection up
IDENTITY = "x.eyJzdWIiOiJjdXNfYW1hcmEifQ.x"  # {"sub": "cus_amara"}; who checks it is the server


def open_chat(page: Page) -> None:
    page.get_by_role("button", name="Open chat").click()
    expect(page.get_by_label("Your message")).to_be_focused()


def ask(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def expect_messages(page: Page, count: int) -> None:
    expect(page.locator("[role=log] article")).to_have_count(count)
    expect(page.locator(".unsent")).to_have_count(0)


def test_an_answer_streams_in_and_its_citation_opens_the_quote(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    stand_in.script.piece_seconds = 0.3
    host_site.open_in(page)
    open_chat(page)

    ask(page, "How long may I keep it?")
    expect(page.locator(".working")).to_be_visible(timeout=1_000)
    expect(page.locator(".draft")).to_contain_text(ANSWER_TEXT)
    expect(page.locator(".draft")).to_have_count(0)
    expect_messages(page, 2)

    page.get_by_role("button", name="Source 1: Returns").first.click()
    card = page.get_by_role("dialog", name="Source 1")
    expect(card.locator(".marker")).to_have_text(QUOTE)
    address = re.compile(rf"^{stand_in.url}/source/returns\?release=1&")
    expect(card.get_by_role("link")).to_have_attribute("href", address)
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(page.get_by_role("dialog", name="How can we help?")).to_be_visible()


def test_a_strict_host_page_of_another_origin_sees_no_violation(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    host_site.csp = strict_policy(stand_in.url)
    host_site.open_in(page)
    open_chat(page)
    ask(page, "How long may I keep it?")
    expect_messages(page, 2)
    page.get_by_role("button", name="Source 1: Returns").first.click()
    expect(page.locator(".panel")).to_have_css("position", "absolute")
    assert complaints == []


def test_each_finished_answer_is_announced_once_and_nothing_else_is(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    host_site.open_in(page)
    open_chat(page)
    log = page.get_by_role("log")
    log.evaluate(
        """log => { window.announced = []; new MutationObserver(changes => {
             for (const { addedNodes } of changes) for (const node of addedNodes)
               if (log.ariaLive === 'polite') window.announced.push(node.dataset?.role ?? node.className);
           }).observe(log, { childList: true, subtree: true }); window.log = log; }"""
    )
    ask(page, "How long may I keep it?")
    expect_messages(page, 2)
    assert page.evaluate("window.announced.filter(role => role === 'assistant')") == ["assistant"]
    assert page.evaluate("window.log.isConnected")


def test_a_lost_event_is_noticed_by_the_next_and_fetched(page: Page, stand_in: StandIn, host_site: HostSite) -> None:
    host_site.open_in(page)
    open_chat(page)
    stand_in.script.lose_events = 1  # the customer's own message; the answer after it shows the hole
    ask(page, "How long may I keep it?")
    expect_messages(page, 2)
    assert [hello["after"] for hello in stand_in.hellos] == [0, 0]
    assert stand_in.messages("customer") == ["How long may I keep it?"]


def test_a_lost_ack_costs_nothing(page: Page, stand_in: StandIn, host_site: HostSite) -> None:
    host_site.open_in(page)
    open_chat(page)
    stand_in.script.lose_acks = 1
    ask(page, "How long may I keep it?")
    expect_messages(page, 2)
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect_messages(page, 2)
    assert stand_in.messages("customer") == ["How long may I keep it?"]


@pytest.mark.parametrize("code", ["not_found", "forbidden", "conflict"])
def test_a_conversation_that_is_refused_is_begun_afresh_with_what_was_unsent(
    page: Page, context: BrowserContext, stand_in: StandIn, host_site: HostSite, code: str
) -> None:
    host_site.open_in(page)
    open_chat(page)
    context.set_offline(True)
    ask(page, "Are you there?")
    expect(page.get_by_text("Will be sent when you are connected")).to_be_visible()
    stand_in.script.refuse_hellos = [code]
    context.set_offline(False)
    expect_messages(page, 2)
    assert stand_in.hellos[-1]["conversation"] is None
    assert stand_in.messages("customer") == ["Are you there?"]


def test_what_is_written_offline_is_sent_once_and_in_order(
    page: Page, context: BrowserContext, stand_in: StandIn, host_site: HostSite
) -> None:
    host_site.open_in(page)
    open_chat(page)
    ask(page, "One")
    expect_messages(page, 2)
    context.set_offline(True)
    ask(page, "Two")
    ask(page, "Three")
    expect(page.get_by_text("You are offline.")).to_be_visible()
    expect(page.locator(".unsent")).to_have_count(2)
    context.set_offline(False)
    expect_messages(page, 6)
    assert stand_in.messages("customer") == ["One", "Two", "Three"]
    expect(page.get_by_text("You are offline.")).to_be_hidden()


def test_a_refused_message_says_so_and_is_sent_again_on_wish(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    stand_in.script.refuse_says = [{"code": "too_large"}]
    host_site.open_in(page)
    open_chat(page)
    ask(page, "How long may I keep it?")
    expect(page.get_by_text("Not sent. No.")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect_messages(page, 2)


def test_a_message_that_came_too_fast_is_sent_when_the_server_said(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    stand_in.script.refuse_says = [{"code": "rate_limited", "retry_after_seconds": 0.3}]
    host_site.open_in(page)
    open_chat(page)
    ask(page, "How long may I keep it?")
    expect_messages(page, 2)
    assert len([frame for frame in stand_in.frames if frame["type"] == "say"]) == 2


def test_two_tabs_that_begin_at_once_share_one_conversation(
    context: BrowserContext, stand_in: StandIn, host_site: HostSite
) -> None:
    left, right = context.new_page(), context.new_page()
    for tab in (left, right):
        host_site.open_in(tab)
    for tab in (left, right):
        tab.evaluate("tellonce.open()")
    ask(left, "From the left")
    ask(right, "From the right")
    for tab in (left, right):
        expect_messages(tab, 4)
    assert sorted(stand_in.messages("customer")) == ["From the left", "From the right"]
    assert len([talk for talk in stand_in.talks.values() if talk.events]) == 1


def test_without_storage_the_chat_works_for_as_long_as_the_page(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked'); } })")
    host_site.open_in(page)
    open_chat(page)
    ask(page, "How long may I keep it?")
    expect_messages(page, 2)


def test_signing_in_takes_the_conversation_along_and_signing_out_leaves_it(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    host_site.open_in(page)
    open_chat(page)
    ask(page, "One")
    expect_messages(page, 2)
    begun = stand_in.hellos[0]["conversation"] or next(iter(stand_in.talks))

    page.evaluate(f"tellonce.identify({IDENTITY!r})")
    expect(page.get_by_text("Hello Amara.")).to_be_visible()
    assert (stand_in.hellos[-1]["identity"], stand_in.hellos[-1]["conversation"]) == (IDENTITY, begun)
    expect_messages(page, 2)

    said = len(stand_in.hellos)
    page.evaluate("tellonce.logout()")
    expect_messages(page, 0)
    expect(page.get_by_text("Ask anything")).to_be_visible()
    while len(stand_in.hellos) == said:  # the widget says hello anew; the test's own time limit ends this
        page.wait_for_timeout(20)
    last = stand_in.hellos[-1]
    assert (last["identity"], last["conversation"], last["visitor"]) == (None, None, None)

    page.evaluate(f"tellonce.identify({IDENTITY!r})")
    expect_messages(page, 2)
    assert stand_in.hellos[-1]["conversation"] == begun


def test_a_sign_in_that_is_not_accepted_waits_for_another(page: Page, stand_in: StandIn, host_site: HostSite) -> None:
    stand_in.script.refuse_hellos = ["unauthorized"]
    host_site.open_in(page)
    page.evaluate("tellonce.on('error', ({ code }) => window.code = code)")
    page.evaluate(f"tellonce.identify({IDENTITY!r})")
    open_chat(page)
    expect(page.get_by_text("Your sign-in has expired.")).to_be_visible()
    assert page.evaluate("code") == "unauthorized"
    ask(page, "How long may I keep it?")
    expect(page.locator(".unsent")).to_have_count(1)
    page.evaluate(f"tellonce.identify({IDENTITY + 'y'!r})")
    expect_messages(page, 2)
    expect(page.get_by_text("Your sign-in has expired.")).to_be_hidden()


def test_a_sign_in_that_runs_out_meanwhile_waits_for_another(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    stand_in.script.sign_in_ends = True
    host_site.open_in(page)
    page.evaluate("tellonce.on('error', ({ code }) => window.code = code)")
    page.evaluate(f"tellonce.identify({IDENTITY!r})")
    open_chat(page)
    ask(page, "How long may I keep it?")

    expect(page.get_by_text("Your sign-in has expired.")).to_be_visible()
    assert page.evaluate("code") == "unauthorized"
    ask(page, "And used?")
    expect(page.locator(".unsent")).to_have_count(1)
    assert [hello["identity"] for hello in stand_in.hellos] == [IDENTITY]
    page.evaluate(f"tellonce.identify({IDENTITY + 'y'!r})")
    expect_messages(page, 4)


def test_a_server_that_is_out_of_breath_is_asked_again(page: Page, stand_in: StandIn, host_site: HostSite) -> None:
    stand_in.script.refuse_hellos = ["unavailable"]
    host_site.open_in(page)
    open_chat(page)
    ask(page, "How long may I keep it?")
    expect_messages(page, 2)


def test_an_answer_that_comes_while_closed_is_counted_until_it_is_seen(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    stand_in.script.piece_seconds = 0.2
    host_site.open_in(page)
    open_chat(page)
    ask(page, "How long may I keep it?")
    expect(page.locator("[role=log] article")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Open chat, 1 unread message")).to_be_focused()
    page.reload()
    page.get_by_role("button", name="Open chat, 1 unread message").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Open chat", exact=True)).to_be_visible()


def test_a_person_is_asked_for_and_the_place_in_line_is_told(
    page: Page, stand_in: StandIn, host_site: HostSite
) -> None:
    host_site.open_in(page)
    open_chat(page)
    ask(page, "How long may I keep it?")
    expect_messages(page, 2)
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("You are number 2 in line. About 3 min.")).to_be_visible()
    expect(page.get_by_role("button", name="Talk to a person")).to_be_disabled()
    expect(page.get_by_label("Your message")).to_be_focused()


def test_who_waits_sees_their_place_move(page: Page, stand_in: StandIn, host_site: HostSite) -> None:
    stand_in.script.next_after_seconds = 1.0
    host_site.open_in(page)
    open_chat(page)
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.get_by_text("You are number 2 in line. About 3 min.")).to_be_visible()
    expect(page.get_by_text("You are next.")).to_be_visible()


def test_the_end_asks_for_the_effort_and_keeps_the_answer(page: Page, stand_in: StandIn, host_site: HostSite) -> None:
    host_site.open_in(page)
    open_chat(page)
    ask(page, "How long may I keep it?")
    expect_messages(page, 2)
    page.get_by_role("button", name="End conversation").click()
    page.get_by_role("button", name="End it").click()

    scale = page.get_by_role("radiogroup", name="How easy was it to get this sorted out?")
    expect(scale.get_by_role("radio")).to_have_count(7)
    scale.get_by_role("radio", name="1, Very easy").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_label("Anything to add?").fill("Quick")
    page.get_by_role("button", name="Send rating").click()

    expect(page.get_by_text("You rated this 2")).to_be_visible()
    sent = next(frame for frame in stand_in.frames if frame["type"] == "survey")
    assert (sent["survey"], sent["score"], sent["comment"]) == ("s1", 2, "Quick")
    page.get_by_role("button", name="Start a new conversation").click()
    expect_messages(page, 0)


def test_the_keyboard_alone_reaches_everything(page: Page, stand_in: StandIn, host_site: HostSite) -> None:
    host_site.open_in(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your message")).to_be_focused()
    page.keyboard.type("One")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Two")
    page.keyboard.press("Enter")
    expect_messages(page, 2)
    assert stand_in.messages("customer") == ["One\nTwo"]

    page.keyboard.press("Shift+Tab")  # the whole conversation is one Tab stop
    expect(page.locator(".scroll")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("article[data-role=assistant]")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    card = page.get_by_role("dialog", name="Source 1")
    expect(card.get_by_role("link", name="Open in document")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Source 1: Returns").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Open chat")).to_be_focused()


def test_calls_made_before_the_script_arrived_are_replayed(page: Page, stand_in: StandIn, host_site: HostSite) -> None:
    calls = (
        "['setLocale', 'de'], ['on', 'open', () => heard.push('open')], ['context', { product: 'Lark 2' }], "
        "['on', 'message', ({ text }) => heard.push(text)], ['ask', 'Wie lange?']"
    )
    page.add_init_script(f"window.heard = []; window.tellonce = {{ queue: [{calls}] }}")
    host_site.open_in(page)
    expect(page.get_by_role("heading", name="Wie können wir helfen?")).to_be_visible()
    expect_messages(page, 2)
    assert stand_in.hellos[0]["page"]["product"] == "Lark 2"
    assert stand_in.hellos[0]["locale"] == "de"
    assert page.evaluate("heard.slice(0, 2)") == ["open", "Wie lange?"]


def test_a_right_to_left_locale_turns_the_panel_round(page: Page, host_site: HostSite) -> None:
    host_site.attributes = 'data-locale="ar"'
    host_site.open_in(page)
    page.evaluate("tellonce.open()")
    panel = page.locator(".panel")
    expect(panel).to_have_css("direction", "rtl")
    box = panel.bounding_box()
    assert box is not None
    assert box["x"] < 100
    expect(page.locator("h2")).to_have_css(
        "unicode-bidi", "plaintext"
    )  # its words are English, with no "?" before them


def test_eight_thousand_characters_are_the_most(page: Page, stand_in: StandIn, host_site: HostSite) -> None:
    host_site.open_in(page)
    open_chat(page)
    page.get_by_label("Your message").fill("🕊" * 8_001)
    expect(page.get_by_text("1 character too many")).to_be_visible()
    expect(page.get_by_role("button", name="Send message")).to_be_disabled()
    ask(page, "🕊" * 8_000)
    expect_messages(page, 2)


def test_on_a_phone_the_panel_is_the_whole_screen(page: Page, host_site: HostSite) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(reduced_motion="reduce")
    host_site.open_in(page)
    open_chat(page)
    box = page.locator(".panel").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}


def test_words_that_were_not_sent_are_still_in_the_composer_after_a_reload(page: Page, host_site: HostSite) -> None:
    host_site.open_in(page)
    open_chat(page)
    page.get_by_label("Your message").fill("Half a thought")
    page.reload()
    open_chat(page)
    expect(page.get_by_label("Your message")).to_have_value("Half a thought")


@pytest.mark.parametrize("pieces_before_cut", [1, 2, 3])
def test_a_line_cut_while_an_answer_is_written_brings_the_answer_once(
    page: Page, stand_in: StandIn, pieces_before_cut: int
) -> None:
    stand_in.script.piece_seconds = 0.4
    stand_in.script.pieces = ["First. ", "Second. ", "Third. ", "Fourth."]
    with open_line(stand_in.url) as line, serve_host_site(line.url) as host_site:
        host_site.open_in(page)
        open_chat(page)
        ask(page, "How long may I keep it?")
        expect(page.locator(".draft")).to_contain_text(stand_in.script.pieces[pieces_before_cut - 1].strip())
        line.cut()
        expect(page.locator("[role=log] article[data-role=assistant]")).to_have_count(1)
        expect(page.locator(".draft, .unsent")).to_have_count(0)
        expect_messages(page, 2)
    assert len(stand_in.hellos) >= 2
    assert stand_in.messages("customer") == ["How long may I keep it?"]


def test_an_open_socket_that_says_nothing_is_given_up(page: Page, stand_in: StandIn, host_site: HostSite) -> None:
    page.clock.install()
    host_site.open_in(page)
    open_chat(page)
    ask(page, "One")
    expect_messages(page, 2)
    stand_in.script.is_mute = True  # half-open: everything arrives, nothing comes back
    ask(page, "Two")
    expect(page.locator(".unsent")).to_have_count(1)
    stand_in.script.is_mute = False
    page.clock.run_for(SILENCE_MS)  # no further: the clock would outrun the real connection that follows
    expect_messages(page, 4)
    assert stand_in.messages("customer") == ["One", "Two"]
