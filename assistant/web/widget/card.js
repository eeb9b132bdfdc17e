// The card that a citation opens: the quote as it stands in its document, and the way there.

import { safeAddress } from "./blocks.js";
import { h, icon } from "./nodes.js";

const GAP_PX = 8;

export class QuoteCard {
  /** @type {HTMLElement | null} */
  #opener = null;
  element = h("div", { class: "card", role: "dialog", hidden: true, tabindex: -1 });

  get isOpen() {
    return !this.element.hidden;
  }

  /**
   * Opens beside `opener`, or closes if it came from there.
   * @param {Citation} citation @param {HTMLElement} opener
   * @param {Strings} words @param {string} origin
   */
  toggle(citation, opener, words, origin) {
    const again = this.#opener === opener;
    this.close();
    if (again) return;
    this.#opener = opener;
    opener.setAttribute("aria-expanded", "true");
    this.element.setAttribute("aria-label", words.source(citation.n));
    this.element.replaceChildren(...this.#content(citation, words, origin));
    this.element.hidden = false;
    this.#place(opener);
    this.element.querySelector("a")?.focus();
  }

  close() {
    if (!this.#opener) return;
    this.#opener.setAttribute("aria-expanded", "false");
    this.element.hidden = true;
    if (this.#opener.isConnected) this.#opener.focus({ preventScroll: true });
    this.#opener = null;
  }

  /** @param {Citation} citation @param {Strings} words
   * @param {string} origin @returns {Node[]} */
  #content({ title, section, url, quote }, words, origin) {
    const close = {
      class: "quiet",
      type: "button",
      "aria-label": words.closeSource,
      on: { click: () => this.close() },
    };
    const path = [section ?? []].flat().filter(Boolean).join(" › ");
    const heading = h("div", null, h("strong", null, title), path && h("span", { class: "section" }, path));
    const top = h("div", { class: "top" }, heading, h("button", close, icon("close")));
    const href = safeAddress(url, origin);
    const link = href && h("a", { href, target: "_blank", rel: "noopener" }, words.openSource, icon("out"));
    const text = h("blockquote", null, h("span", { class: "marker" }, readable(quote)));
    return [top, text, ...(link ? [h("div", null, link)] : [])];
  }

  /** Under the opener where there is room, else above it. @param {HTMLElement} opener */
  #place(opener) {
    const panel = /** @type {HTMLElement} */ (this.element.offsetParent);
    if (!panel) return;
    const from = panel.getBoundingClientRect();
    const { top, bottom } = opener.getBoundingClientRect();
    const height = this.element.offsetHeight;
    const below = bottom - from.top + GAP_PX;
    const above = top - from.top - height - GAP_PX;
    const fits = below + height < from.height - GAP_PX;
    this.element.style.top = `${Math.max(GAP_PX, fits ? below : above)}px`;
  }
}

/** A quote is a stretch of the stored text, marks and all; the customer reads it without them. @param {string} quote */
const readable = (quote) =>
  quote
    .replace(/^[\s|:-]+$\n?|^(#+|[-*>])\s+|^\|\s*|\s*\|$/gm, "")
    .replace(/\s*\|\s*/g, " · ")
    .replace(/(\*\*|\*|`)(?=\S)(.+?)\1/g, "$2");
