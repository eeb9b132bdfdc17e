// <tellonce-chat>: wires the session to the page. Attributes in (origin, locale, data-theme), events out
// (ready open close message unread handoff survey error). The modules beside it think.

import { exposeApi } from "./api.js";
import { QuoteCard } from "./card.js";
import { Composer } from "./composer.js";
import { Log } from "./log.js";
import { h, icon } from "./nodes.js";
import { Session } from "./session.js";
import { Shelf } from "./shelf.js";
import { english, loadWords } from "./strings.js";
import { makeSheet } from "./style.js";
import { endQuestion, endedNote, suggestionRow, surveyForm } from "./tray.js";

const TYPING_MS = 3_000;
const PHONE = "(max-width: 520px)";
const sheet = makeSheet();

export class TellonceChat extends HTMLElement {
  static observedAttributes = ["locale"];

  #words = english;
  #shelf = new Shelf("tellonce:");
  /** @type {Session} */
  #session = /** @type {any} */ (null);
  #disconnect = new AbortController();
  #built = false;
  isReady = false;
  /** What the tray shows now. */
  #trayKey = "";
  #asksEnd = false;
  /** @type {string | null} the survey the customer put aside */
  #skippedSurvey = null;
  #typingUntil = 0;
  #wantedLocale = "";
  #unread = 0;
  #frame = 0;
  /** @type {string | null} */
  #trouble = null;

  #launcher = h("button", { class: "launcher", type: "button", "aria-expanded": "false", "aria-controls": "panel" });
  #title = h("h2", { id: "title" });
  #endButton = h("button", { class: "quiet", type: "button" }, icon("done"));
  #closeButton = h("button", { class: "quiet", type: "button" }, icon("close"));
  #floor = h("p", { role: "status" });
  #personButton = h("button", { class: "outline", type: "button" });
  #notice = h("p", { class: "notice", role: "status", hidden: true });
  #tray = h("div", null);
  #card = new QuoteCard();
  #log = new Log(this.#words, {
    origin: () => this.origin,
    cite: (citation, opener) => this.#card.toggle(citation, opener, this.#words, this.origin),
    rate: (seq, useful) => {
      this.#session.rate(seq, useful);
      this.#log.showRating(seq, useful);
    },
    retry: (id) => this.#session.retry(id),
    discard: (id) => this.#session.discard(id),
  });
  #composer = new Composer(this.#words, {
    send: (text) => this.#say(text),
    change: (text) => this.#composing(text),
  });
  #panel = h(
    "section",
    { class: "panel", id: "panel", role: "dialog", "aria-labelledby": "title", tabindex: -1, hidden: true },
    h("div", { class: "top" }, this.#title, this.#endButton, this.#closeButton),
    h("div", { class: "floor" }, this.#floor, this.#personButton),
    this.#notice,
    this.#log.element,
    h("div", { class: "foot" }, this.#log.newerButton, this.#tray, this.#composer.element),
    this.#card.element,
  );

  /** Where Tellonce runs: not always where the page is from. */
  get origin() {
    return this.getAttribute("origin") || location.origin;
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  connectedCallback() {
    this.#build();
    this.#disconnect = new AbortController();
    const { signal } = this.#disconnect;
    this.#session = new Session({
      origin: this.origin,
      shelf: this.#shelf,
      locale: () => this.#words.locale,
      onChange: (change, detail) => this.#changed(change, detail),
    });
    this.addEventListener("keydown", (event) => this.#escape(event), { signal });
    window.visualViewport?.addEventListener("resize", () => this.#fitViewport(), { signal });
    window.visualViewport?.addEventListener("scroll", () => this.#fitViewport(), { signal });
    document.addEventListener("visibilitychange", () => this.#readUpTo(), { signal });
    this.#speak(english);
    this.setLocale(this.getAttribute("locale") || document.documentElement.lang || navigator.language || "en");
    this.#composer.text = this.#session.composed;
    this.isReady = true;
    this.#emit("ready");
  }

  disconnectedCallback() {
    this.#disconnect.abort();
    cancelAnimationFrame(this.#frame);
    this.#session.close();
    this.isReady = false;
  }

  /** @param {string} name @param {string | null} before @param {string | null} locale */
  attributeChangedCallback(name, before, locale) {
    if (this.isReady && locale && locale !== before) this.setLocale(locale);
  }

  /** Called once the page's first wishes are known. */
  resume() {
    this.#session.resume();
  }

  open() {
    if (this.isOpen) return;
    this.#show(true);
    this.#fitViewport();
    this.#session.open();
    this.#log.scrollToEnd();
    this.#composer.focus();
    this.#readUpTo();
    this.#emit("open");
  }

  hide() {
    if (!this.isOpen) return;
    const hadFocus = this.shadowRoot?.activeElement != null;
    this.#card.close();
    this.#show(false);
    this.#drawLauncher();
    if (hadFocus) this.#launcher.focus();
    this.#emit("close");
  }

  /** @param {boolean} on */
  #show(on) {
    this.#panel.hidden = !on;
    this.toggleAttribute("data-open", on);
    this.#launcher.setAttribute("aria-expanded", String(on));
  }

  toggle() {
    if (this.isOpen) this.hide();
    else this.open();
  }

  /** @param {string} token */
  identify(token) {
    this.#trouble = null;
    this.#session.identify(token);
    this.#composer.text = this.#session.composed;
  }

  logout() {
    this.#trouble = null;
    this.#session.logout();
    this.#composer.text = this.#session.composed;
  }

  /** @param {Record<string, unknown>} context */
  context(context) {
    this.#session.setContext(context);
  }

  /** Opens and asks, as if the customer had written it. @param {string} text */
  ask(text) {
    this.open();
    if (text?.trim()) this.#say(text.trim());
  }

  /** @param {string} locale */
  async setLocale(locale) {
    this.#wantedLocale = locale;
    const words = await loadWords(locale);
    if (this.#wantedLocale === locale) this.#speak(words);
  }

  /** @param {Words} words */
  #speak(words) {
    this.#words = words;
    this.lang = words.language;
    this.#panel.dir = this.#launcher.dir = words.direction;
    this.dir = words.direction;
    this.#title.textContent = words.title;
    label(this.#endButton, words.end);
    label(this.#closeButton, words.closeChat);
    this.#personButton.replaceChildren(icon("person"), words.talkToPerson);
    this.#composer.setWords(words);
    this.#log.setWords(words);
    this.#trayKey = "";
    this.#changed("reset");
  }

  #build() {
    if (this.#built) return;
    this.#built = true;
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(this.#panel, this.#launcher);
    this.#launcher.addEventListener("click", () => this.toggle());
    this.#closeButton.addEventListener("click", () => this.hide());
    this.#endButton.addEventListener("click", () => this.#askEnd(true));
    this.#personButton.addEventListener("click", () => {
      this.#session.askHuman();
      this.#composer.focus(); // The button is disabled now.
    });
  }

  /** @param {string} text */
  #say(text) {
    this.#session.say(text);
    this.#log.scrollToEnd();
  }

  /** @param {string} text */
  #composing(text) {
    this.#session.composed = text;
    if (!text || Date.now() < this.#typingUntil) return;
    this.#typingUntil = Date.now() + TYPING_MS;
    this.#session.typing(true);
  }

  /** @param {KeyboardEvent} event */
  #escape(event) {
    if (event.key !== "Escape" || !this.isOpen) return;
    event.stopPropagation();
    if (this.#card.isOpen) this.#card.close();
    else if (this.#asksEnd) this.#askEnd(false);
    else this.hide();
  }

  /** @param {boolean} on */
  #askEnd(on) {
    this.#asksEnd = on;
    this.#drawTray();
    if (on) this.#tray.querySelector("button")?.focus();
    else this.#endButton.focus();
  }

  /** @param {Change} change @param {any} [detail] */
  #changed(change, detail) {
    switch (change) {
      case "reset":
        this.#card.close();
        this.#log.clear();
        this.#log.announce(false);
        this.#log.greet(this.#session.customer?.name);
        for (const event of this.#session.journal.events) this.#log.append(event);
        break;
      case "welcome":
        this.#trouble = null;
        this.#log.greet(this.#session.customer?.name);
        break;
      case "event":
        this.#log.announce(this.#isNews(detail));
        this.#log.append(detail);
        this.#tell(detail);
        break;
      case "refused":
        if (detail.code === "unauthorized") this.#trouble = this.#words.signInAgain;
        else if (this.#session.lineState === "idle") this.#trouble = this.#words.refused;
        this.#emit("error", { code: detail.code, message: detail.message });
        break;
    }
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** At most once a frame. */
  #draw() {
    this.#frame = 0;
    const session = this.#session;
    const { pending } = session;
    this.#log.showPending(pending, session.welcomed);
    this.#log.showPassing(
      session.journal,
      session.welcomed,
      pending.some(({ failed }) => !failed),
    );
    this.#drawFloor();
    this.#drawNotice();
    this.#drawTray();
    this.#readUpTo();
    this.#drawLauncher();
  }

  #drawFloor() {
    const { floor, queue, agentName } = this.#session.journal;
    const words = this.#words;
    const wait = queue?.wait_seconds ? words.queueWait(Math.ceil(queue.wait_seconds / 60)) : "";
    const place = queue?.position ? `${words.queuePosition(queue.position)} ${wait}` : words.queueNote;
    /** @type {Record<string, [string, string?]>} */
    const lines = {
      assistant: [words.assistantStatus],
      queue: [words.inQueue, place],
      agent: [words.withAgent(agentName ?? words.agent)],
      ended: [words.endedStatus],
    };
    const [first, second] = lines[floor];
    const text = `${first}\n${second ?? ""}`;
    if (this.#floor.dataset.text !== text) {
      this.#floor.dataset.text = text;
      this.#floor.replaceChildren(h("strong", null, first), ...(second ? [second] : []));
    }
    this.#personButton.disabled = floor === "queue" || floor === "agent";
    this.#endButton.hidden = floor === "ended" || this.#session.journal.events.length === 0;
  }

  #drawNotice() {
    const { lineState } = this.#session;
    const cut = lineState === "waiting" || (lineState === "connecting" && !this.#notice.hidden);
    const text = this.#trouble ?? (cut ? (navigator.onLine ? this.#words.reconnecting : this.#words.offline) : "");
    if (this.#notice.textContent !== text) this.#notice.textContent = text;
    this.#notice.hidden = !text;
  }

  #drawTray() {
    const session = this.#session;
    const { survey, floor, lastAnswer, owed, events } = session.journal;
    const words = this.#words;
    const isCurrent = floor === "assistant" && !owed && lastAnswer === events.at(-1);
    // A suggestion to talk to a person says what the button above the conversation always offers.
    const suggestions = (isCurrent ? (lastAnswer?.data.suggestions ?? []) : []).filter(
      (/** @type {string} */ text) => text !== words.talkToPerson,
    );
    const answering = session.outbox.items().some(({ frame }) => frame.type === "survey");
    const open = survey && survey.survey !== this.#skippedSurvey && !answering ? survey : null;
    const key = JSON.stringify([this.#asksEnd, open?.survey, floor === "ended", suggestions, words.locale]);
    if (key === this.#trayKey) return;
    this.#trayKey = key;
    this.#tray.replaceChildren(...this.#trayContent(open, suggestions));
    this.#log.scrollToEnd();
  }

  /** @param {Survey | null} survey @param {string[]} suggestions @returns {Node[]} */
  #trayContent(survey, suggestions) {
    const session = this.#session;
    const words = this.#words;
    if (this.#asksEnd) {
      const confirm = () => {
        session.end();
        this.#askEnd(false);
        this.#composer.focus();
      };
      return [endQuestion(words, { confirm, cancel: () => this.#askEnd(false) })];
    }
    if (survey) {
      const answer = (/** @type {number} */ score, /** @type {string} */ comment) => {
        session.answerSurvey(survey.survey, score, comment);
        this.#composer.focus();
      };
      const skip = () => {
        this.#skippedSurvey = survey.survey;
        this.#drawTray();
        this.#composer.focus();
      };
      return [surveyForm(survey, words, { answer, skip })];
    }
    if (session.journal.floor === "ended") return [endedNote(words, () => this.#startNew())];
    return suggestions.length ? [suggestionRow(suggestions, words, (text) => this.#say(text))] : [];
  }

  #startNew() {
    this.#session.startNew();
    this.#composer.focus();
  }

  #drawLauncher() {
    const { journal, seenSeq } = this.#session;
    const theirs = journal.events.filter(
      ({ seq, kind, from }) => seq > seenSeq && kind === "message" && from.role !== "customer",
    );
    const unread = this.isOpen ? 0 : theirs.length;
    label(
      this.#launcher,
      this.isOpen ? this.#words.closeChat : unread ? this.#words.openChatUnread(unread) : this.#words.openChat,
    );
    this.#launcher.replaceChildren(
      icon(this.isOpen ? "close" : "chat"),
      ...(unread ? [h("span", { class: "badge", "aria-hidden": "true" }, String(unread))] : []),
    );
    if (unread !== this.#unread) this.#emit("unread", { count: (this.#unread = unread) });
  }

  #readUpTo() {
    const { conversation, journal } = this.#session;
    if (this.isOpen && conversation && document.visibilityState === "visible") this.#session.seen(journal.lastSeq);
  }

  /** @param {ChatEvent} event */
  #isNews({ at }) {
    return this.#session.welcomed && Date.now() - Date.parse(at) < 30_000;
  }

  /** @param {ChatEvent} event */
  #tell(event) {
    const { kind, data, from, seq, at } = event;
    if (!this.#isNews(event)) return;
    if (kind === "message") this.#emit("message", { seq, at, from, text: data.text });
    else if (kind.startsWith("handoff.")) this.#emit("handoff", { kind, ...data });
    else if (kind.startsWith("survey.")) this.#emit("survey", { kind, ...data });
  }

  /** On a phone the panel keeps to what the keyboard leaves. */
  #fitViewport() {
    const viewport = window.visualViewport;
    if (!viewport || !this.isOpen || !matchMedia(PHONE).matches) return;
    this.#panel.style.setProperty("--viewport-height", `${viewport.height}px`);
    this.#panel.style.setProperty("--viewport-top", `${viewport.offsetTop}px`);
    if (this.#log.isAtEnd) this.#log.scrollToEnd();
  }

  /** @param {string} name @param {unknown} [detail] */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** @param {HTMLElement} button @param {string} text */
function label(button, text) {
  button.setAttribute("aria-label", text);
  button.title = text;
}

/**
 * Puts the widget on the page.
 * @param {{origin: string, locale?: string, theme?: string}} options
 */
export async function mount({ origin, locale, theme }) {
  if (!customElements.get("tellonce-chat")) customElements.define("tellonce-chat", TellonceChat);
  const chat = /** @type {TellonceChat} */ (document.createElement("tellonce-chat"));
  chat.setAttribute("origin", origin);
  if (locale) chat.setAttribute("locale", locale);
  if (theme) chat.setAttribute("data-theme", theme);
  if (!document.body) await new Promise((resolve) => addEventListener("DOMContentLoaded", resolve, { once: true }));
  document.body.append(chat);
  exposeApi(chat);
  chat.resume();
}
