// The conversation on the screen: finished messages in an append-only role="log", then what is on its way, then what is
// being written. Only the log is announced, so a reader hears each answer once, when it is whole.

import { plainBlocks, renderBlocks } from "./blocks.js";
import { h, icon } from "./nodes.js";

const RECENT_MS = 120_000;

export class Log {
  #words;
  #actions;
  #lastDay = "";
  #greeting = h("p", { class: "greeting" });
  #log = h("div", { role: "log", class: "log", "aria-live": "off" });
  #pending = h("div", { class: "pending" });
  #passing = h("div", { class: "pending" });
  #newer;
  /** The scrolling region: the one Tab stop of the whole list. */
  element = h(
    "div",
    { class: "scroll", tabindex: 0, role: "group" },
    this.#greeting,
    this.#log,
    this.#pending,
    this.#passing,
  );

  /** @param {Words} words @param {LogActions} actions */
  constructor(words, actions) {
    this.#words = words;
    this.#actions = actions;
    this.#newer = h("button", {
      class: "outline newer",
      type: "button",
      hidden: true,
      on: { click: () => this.scrollToEnd() },
    });
    this.element.addEventListener("scroll", () => this.isAtEnd && (this.#newer.hidden = true), { passive: true });
    this.element.addEventListener("keydown", (event) => this.#move(event));
    this.setWords(words);
  }

  /** The button that leads to messages below the fold; it floats over the composer. */
  get newerButton() {
    return this.#newer;
  }

  /** @param {Words} words */
  setWords(words) {
    this.#words = words;
    this.element.setAttribute("aria-label", words.messages);
    this.#newer.replaceChildren(icon("down"), words.newMessages);
  }

  /** @param {string | null | undefined} name */
  greet(name) {
    this.#greeting.textContent = name ? this.#words.greetingNamed(name.split(" ")[0]) : this.#words.greeting;
  }

  clear() {
    this.#lastDay = "";
    this.#log.replaceChildren();
    this.#pending.replaceChildren();
    this.#passing.replaceChildren();
    this.#newer.hidden = true;
  }

  /** What is read back from the journal is not news. @param {boolean} on */
  announce(on) {
    this.#log.setAttribute("aria-live", on ? "polite" : "off");
  }

  /** @param {ChatEvent} event */
  append(event) {
    const node = this.#render(event);
    if (!node) return;
    const wasAtEnd = this.isAtEnd;
    const day = this.#dayOf(event.at);
    if (day !== this.#lastDay) this.#log.append(h("p", { class: "day" }, (this.#lastDay = day)));
    this.#log.append(node);
    this.#settle(wasAtEnd || event.from.role === "customer", event.kind === "message");
  }

  /** @param {OutItem[]} items @param {boolean} online */
  showPending(items, online) {
    const wasAtEnd = this.isAtEnd;
    const before = this.#pending.childElementCount;
    this.#pending.replaceChildren(...items.map((item) => this.#renderPending(item, online)));
    this.#settle(wasAtEnd || items.length > before, false);
  }

  /** @param {import("./journal.js").Journal} journal @param {boolean} online @param {boolean} said something of ours is
   * on its way, so an answer is owed even before the journal says so */
  showPassing(journal, online, said) {
    const wasAtEnd = this.isAtEnd;
    const { draft, typing, floor, owed } = journal;
    if (draft?.text) {
      const body = this.#passing.querySelector(".body") ?? this.#startDraft();
      body.replaceChildren(renderBlocks(plainBlocks(draft.text, { citations: true }), { cite: inertChip }));
    } else {
      const recent = owed && Date.now() - Date.parse(owed.at) < RECENT_MS;
      const thinking = floor === "assistant" && online && (said || recent);
      const person = typing && typing.role !== "assistant";
      const text = person
        ? this.#words.isTyping(typing.name ?? this.#words.agent)
        : `${this.#words.assistant} ${this.#words.thinking}`;
      const shown = this.#passing.querySelector(".working span")?.textContent;
      if (!typing && !thinking) this.#passing.replaceChildren();
      else if (shown !== text || this.#passing.querySelector(".body")) this.#passing.replaceChildren(working(text));
    }
    this.#settle(wasAtEnd, false);
  }

  /** @param {number} seq @param {boolean} useful */
  showRating(seq, useful) {
    const row = this.#log.querySelector(`[data-seq="${seq}"] .rate`);
    if (!row) return;
    const [yes, no] = row.querySelectorAll("button");
    yes.setAttribute("aria-pressed", String(useful));
    no.setAttribute("aria-pressed", String(!useful));
    const label = row.querySelector("span");
    if (label) label.textContent = useful ? this.#words.ratedYes : this.#words.ratedNo;
  }

  get isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < 48;
  }

  scrollToEnd() {
    this.element.scrollTop = this.element.scrollHeight;
    this.#newer.hidden = true;
  }

  /** @param {boolean} follow @param {boolean} news */
  #settle(follow, news) {
    if (follow) this.scrollToEnd();
    else if (news) this.#newer.hidden = false;
  }

  /** @param {ChatEvent} event @returns {HTMLElement | null} */
  #render(event) {
    const { kind, data, from } = event;
    const words = this.#words;
    if (kind === "message") return this.#renderMessage(event);
    /** @type {Record<string, Child>} */
    const told = {
      action: h("span", { class: "marker" }, data.summary ?? data.name),
      "handoff.requested": words.handoffRequested,
      "handoff.accepted": words.handoffAccepted(data.agent?.name ?? from.name ?? words.agent),
      "handoff.transferred": words.handoffTransferred,
      "handoff.returned": words.handoffReturned,
      "conversation.ended": words.ended,
      "survey.answered": words.surveyAnswered(data.score),
    };
    return told[kind] ? h("p", { class: "event" }, told[kind]) : null;
  }

  /** @param {ChatEvent} event */
  #renderMessage({ seq, at, from, data }) {
    const words = this.#words;
    const own = from.role === "customer";
    /** @type {Map<number, Citation>} */
    const citations = new Map((data.citations ?? []).map((/** @type {Citation} */ citation) => [citation.n, citation]));
    const cite = (/** @type {number} */ n) => {
      const citation = citations.get(n);
      return citation ? this.#chip(citation) : null;
    };
    const blocks = data.erased
      ? plainBlocks(words.erased)
      : own || !data.blocks
        ? plainBlocks(data.text ?? "")
        : data.blocks;
    const name = own ? words.you : from.role === "assistant" ? words.assistant : (from.name ?? words.agent);
    return h(
      "article",
      {
        class: "message",
        "data-role": from.role,
        "data-seq": seq,
        tabindex: -1,
        "aria-label": `${name}, ${this.#timeOf(at)}`,
      },
      this.#byline(name, at, own, data.mode === "degraded"),
      h(
        "div",
        { class: "body", dir: "auto" },
        renderBlocks(blocks, { cite, origin: this.#actions.origin(), tabIndex: -1 }),
      ),
      citations.size > 0 && this.#renderSources([...citations.values()]),
      from.role === "assistant" && !data.erased && this.#renderRate(seq),
    );
  }

  /** @param {string} name @param {string} at @param {boolean} own @param {boolean} degraded */
  #byline(name, at, own, degraded) {
    return h(
      "div",
      { class: "by" },
      own ? h("span", { class: "hush" }, name) : h("b", null, name),
      h("time", { datetime: at }, this.#timeOf(at)),
      degraded && h("span", null, this.#words.degraded),
    );
  }

  /** @param {Citation} citation */
  #chip(citation) {
    const label = `${this.#words.source(citation.n)}: ${citation.title}`;
    const props = { class: "cite", type: "button", tabindex: -1, "aria-label": label, "aria-expanded": "false" };
    const chip = h("button", props, String(citation.n));
    chip.addEventListener("click", () => this.#actions.cite(citation, chip));
    return chip;
  }

  /** @param {Citation[]} citations */
  #renderSources(citations) {
    const rows = citations.map((citation) => {
      // The nearest heading says most about the passage, so it comes first and survives being cut short.
      const title = [[citation.section ?? []].flat().at(-1), citation.title].filter(Boolean).join(" · ");
      const row = h(
        "button",
        { class: "source", type: "button", tabindex: -1, "aria-expanded": "false" },
        h("span", { class: "cite", "aria-hidden": "true" }, String(citation.n)),
        h("span", { class: "title" }, h("span", { class: "hush" }, `${this.#words.source(citation.n)}: `), title),
      );
      row.addEventListener("click", () => this.#actions.cite(citation, row));
      return h("li", null, row);
    });
    return h("ul", { class: "sources", "aria-label": this.#words.sources }, ...rows);
  }

  /** @param {number} seq */
  #renderRate(seq) {
    const button = (/** @type {boolean} */ useful, /** @type {string} */ label) =>
      h(
        "button",
        {
          class: useful ? "quiet" : "quiet flip",
          type: "button",
          tabindex: -1,
          "aria-label": label,
          "aria-pressed": "false",
          on: { click: () => this.#actions.rate(seq, useful) },
        },
        icon("up"),
      );
    const { helpful, yes, no } = this.#words;
    return h("div", { class: "rate" }, h("span", null, helpful), button(true, yes), button(false, no));
  }

  /** @param {OutItem} item @param {boolean} online */
  #renderPending({ id, frame, failed }, online) {
    const words = this.#words;
    const state = failed
      ? h(
          "div",
          { class: "state failed" },
          h("span", null, `${words.failed}. ${failed}`),
          h("button", { type: "button", on: { click: () => this.#actions.retry(id) } }, words.retry),
          h("button", { type: "button", on: { click: () => this.#actions.discard(id) } }, words.discard),
        )
      : h("div", { class: "state" }, online ? words.sending : words.waiting);
    const body = h("div", { class: "body" }, renderBlocks(plainBlocks(String(frame.text))));
    return h("article", { class: "message unsent", "data-role": "customer", "data-id": id, tabindex: -1 }, body, state);
  }

  #startDraft() {
    const body = h("div", { class: "body" });
    const by = h("div", { class: "by" }, h("b", null, this.#words.assistant));
    this.#passing.replaceChildren(
      h("div", { class: "message draft", "data-role": "assistant", "aria-hidden": "true" }, by, body, working("")),
    );
    return body;
  }

  /** Arrow keys move between messages and, sideways, between the links and buttons of one. @param {KeyboardEvent} event */
  #move(event) {
    const messages = /** @type {HTMLElement[]} */ ([...this.element.querySelectorAll("article")]);
    const focused = /** @type {ShadowRoot} */ (this.element.getRootNode()).activeElement;
    const at = messages.findIndex((message) => message.contains(focused));
    const inside = /** @type {HTMLElement[]} */ ([...(messages[at]?.querySelectorAll("button, a") ?? [])]);
    const step = inside.indexOf(/** @type {HTMLElement} */ (focused));
    /** @type {Record<string, () => HTMLElement | undefined>} */
    const targets = {
      ArrowUp: () => messages[at < 0 ? messages.length - 1 : Math.max(0, at - 1)],
      ArrowDown: () => messages[at < 0 ? messages.length - 1 : Math.min(messages.length - 1, at + 1)],
      Home: () => messages[0],
      End: () => messages.at(-1),
      ArrowRight: () => inside[step + 1],
      ArrowLeft: () => (step > 0 ? inside[step - 1] : messages[at]),
    };
    const target = targets[event.key]?.();
    if (!target) return;
    event.preventDefault();
    target.focus();
  }

  /** @param {string} at */
  #timeOf(at) {
    return new Date(at).toLocaleTimeString(this.#words.locale, { hour: "numeric", minute: "2-digit" });
  }

  /** @param {string} at */
  #dayOf(at) {
    const midnight = (/** @type {Date} */ date) => new Date(date).setHours(0, 0, 0, 0);
    const days = Math.round((midnight(new Date()) - midnight(new Date(at))) / 86_400_000);
    if (days === 0) return this.#words.today;
    if (days === 1) return this.#words.yesterday;
    return new Date(at).toLocaleDateString(this.#words.locale, { weekday: "long", day: "numeric", month: "long" });
  }
}

/** @param {string} text */
const working = (text) => h("div", { class: "working" }, h("div", { class: "stroke" }), text && h("span", null, text));

/** @param {number} n */
const inertChip = (n) => h("span", { class: "cite" }, String(n));
