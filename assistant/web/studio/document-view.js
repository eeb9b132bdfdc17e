// One document as it was understood: drawn like its source page, each passage under the pen, and what is known of each.

import { confirmBy, tell } from "../furniture/dialog.js";
import { drawing } from "../furniture/icons.js";
import { request } from "../furniture/requests.js";
import { showToast } from "../furniture/toast.js";
import { parseDocument, renderDocument } from "../source/document-view.js";
import { safeAddress } from "../widget/blocks.js";
import { h, icon } from "../widget/nodes.js";
import { passageStrokes } from "./marking.js";
import { addressOf, documentAddress } from "./places.js";
import { counted, dayOf, kindOf, languageOf, percentOf } from "./words.js";

const ASKED_RESULTS = 50;
const OWN_RESULTS = 5;

/** @type {Studio.ShowView} */
export async function showDocument(room, { id, asked }) {
  const release = asked.get("release");
  /** @type {Studio.Document} */
  const found = await request(addressOf(`/v1/knowledge/documents/${encodeURIComponent(id)}`, { release }));
  const reader = new PassageReader(found, room, release);
  const wanted = Number(asked.get("passage") ?? 0);
  requestAnimationFrame(() => reader.select(wanted, { scroll: asked.has("passage") }));
  return {
    title: found.title,
    nodes: [
      h(
        "nav",
        { class: "crumbs", "aria-label": "Back" },
        h("a", { href: addressOf("/studio", { release }), "data-inside": true }, drawing("back"), "Documents"),
      ),
      aboutLine(found),
      h("div", { class: "reading" }, reader.article, reader.side, reader.purge),
    ],
  };
}

/** @param {Studio.Document} found */
function aboutLine(found) {
  const {
    source,
    url,
    media_type: type,
    language,
    products,
    audience,
    changed_at: changedAt,
    release,
    document: id,
    passages,
  } = found;
  const address = url && safeAddress(url);
  return h(
    "p",
    { class: "about" },
    h("span", { class: "tag" }, kindOf(type)),
    ...products.map((product) => h("span", { class: "tag" }, product)),
    language && h("span", { class: "tag" }, languageOf(language)),
    audience && h("span", { class: "tag warning" }, `only for ${audience}`),
    h("span", { class: "muted small breakable", dir: "auto" }, source),
    h("span", { class: "muted small" }, `release ${release} · ${counted(passages.length, "passage")}`),
    changedAt && h("span", { class: "muted small" }, `changed ${dayOf(changedAt)}`),
    h(
      "a",
      {
        class: "small",
        href: addressOf(`/source/${encodeURIComponent(id)}`, { release }),
        target: "_blank",
        rel: "noopener",
      },
      "As customers see it",
      icon("out"),
    ),
    address &&
      h(
        "a",
        { class: "small", href: address, target: "_blank", rel: "noopener noreferrer" },
        "The original",
        icon("out"),
      ),
  );
}

/** What is gone; and which files stay, being not ours to delete or of use to others, for whoever keeps them.
 * @param {string} title @param {Studio.Purged} purged */
async function tellOfPurge(title, { left }) {
  if (!left.length) return showToast(`“${title}” is gone.`);
  await tell({
    title: `“${title}” is gone from the knowledge`,
    body: [
      h(
        "p",
        null,
        left.length === 1
          ? "The file that it was read from stays: it was not uploaded here, or it holds other documents too."
          : "The files that it was read from stay: they were not uploaded here, or they hold other documents too.",
      ),
      h("ul", null, ...left.map((path) => h("li", { class: "breakable", dir: "auto" }, h("code", null, path)))),
    ],
  });
}

/** The sheet with its passages and the panel that tells of the one in hand. */
class PassageReader {
  article = h("article", { class: "document sheet-of" });
  side = h("aside", { class: "side-panel", "aria-label": "Passage" });
  #found;
  #room;
  #release;
  #at = -1;
  #facts = h("div", { class: "facts", role: "status" });
  #steps = h("div", { class: "steps" });
  #ranks = h("div", { class: "ranks" });
  /** @type {HTMLButtonElement[]} */
  #pins = [];
  purge = this.#purgeButton();

  /** @param {Studio.Document} found @param {Studio.Room} room @param {string | null} release */
  constructor(found, room, release) {
    this.#found = found;
    this.#room = room;
    this.#release = release;
    this.article.append(
      ...renderDocument(parseDocument(found.text), passageStrokes(found.text, found.passages), found.title),
    );
    this.#pin();
    const step = (/** @type {number} */ by, /** @type {string} */ name, /** @type {"back" | "next"} */ icon) =>
      h(
        "button",
        {
          class: "button plain",
          type: "button",
          "aria-label": name,
          on: { click: () => this.select(this.#at + by, { scroll: true }) },
        },
        drawing(icon),
      );
    this.#steps.append(step(-1, "Passage before", "back"), step(1, "Next passage", "next"));
    this.side.append(this.#facts, this.#steps, this.#askForm(), this.#ranks);
    this.article.addEventListener("click", (event) => {
      const mark = /** @type {HTMLElement} */ (event.target).closest("mark");
      if (mark && !(/** @type {HTMLElement} */ (event.target).closest("a")))
        this.select(this.#indexOf(Number(mark.dataset.passage)));
    });
    this.article.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** @param {number} position */
  #indexOf(position) {
    return this.#found.passages.findIndex((passage) => passage.position === position);
  }

  /** A pin at the beginning of each passage: one Tab stop for all, arrow keys between them. */
  #pin() {
    const seen = new Set();
    for (const mark of this.article.querySelectorAll("mark")) {
      const position = Number(mark.dataset.passage);
      if (seen.has(position)) continue;
      seen.add(position);
      const index = this.#indexOf(position);
      const pin = h(
        "button",
        {
          class: "pin figure",
          type: "button",
          tabindex: index === 0 ? 0 : -1,
          "aria-label": `Passage ${index + 1}`,
          on: { click: () => this.select(index) },
        },
        String(index + 1),
      );
      this.#pins[index] = pin;
      mark.before(pin);
    }
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step || !(/** @type {HTMLElement} */ (event.target).classList.contains("pin"))) return;
    event.preventDefault();
    this.select(this.#at + step, { scroll: true });
    this.#pins[this.#at]?.focus({ preventScroll: true });
  }

  /** Takes a passage in hand. @param {number} index @param {{scroll?: boolean}} [how] */
  select(index, { scroll = false } = {}) {
    const { passages } = this.#found;
    const at = Math.max(0, Math.min(passages.length - 1, index));
    const passage = passages[at];
    if (!passage)
      return this.#facts.replaceChildren(h("p", null, "No passage was found in this document: it has no text."));
    for (const mark of this.article.querySelectorAll("mark.current")) mark.classList.remove("current");
    for (const mark of this.article.querySelectorAll(`mark[data-passage="${passage.position}"]`))
      mark.classList.add("current");
    this.#pins.forEach((pin, i) => {
      pin.tabIndex = i === at ? 0 : -1;
      if (i === at) pin.setAttribute("aria-current", "true");
      else pin.removeAttribute("aria-current");
    });
    if (at !== this.#at) this.#tell(passage, at);
    this.#at = at;
    if (scroll) this.#pins[at]?.scrollIntoView({ block: "start" });
  }

  /** @param {Studio.Passage} passage @param {number} at */
  #tell({ section, page, start, end, question }, at) {
    const { passages, document, release } = this.#found;
    const row = (/** @type {string} */ name, /** @type {Child} */ value) =>
      value && h("div", null, h("dt", null, name), h("dd", null, value));
    this.#facts.replaceChildren(
      h("h2", null, `Passage ${at + 1} of ${passages.length}`),
      h(
        "dl",
        null,
        row("Below", section.join(" › ") || "the title"),
        row("Answers", question && h("span", { class: "marker" }, question)),
        row("Page", page ? String(page) : null),
        row(
          "Characters",
          `${start.toLocaleString("en")} to ${end.toLocaleString("en")}, ${(end - start).toLocaleString("en")} long`,
        ),
      ),
      h(
        "a",
        {
          class: "small",
          href: addressOf(`/source/${encodeURIComponent(document)}`, { release, start, end }),
          target: "_blank",
          rel: "noopener",
        },
        "Quoted on the source page",
        icon("out"),
      ),
    );
    history.replaceState(history.state, "", documentAddress(document, { release: this.#release, passage: at }));
  }

  #askForm() {
    const question = h("input", {
      class: "input",
      type: "search",
      name: "q",
      required: true,
      placeholder: "Ask this document",
      "aria-label": "Ask this document",
    });
    const submit = async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.#ranks.setAttribute("aria-busy", "true");
      try {
        const { release, audience, document } = this.#found;
        const ask = (/** @type {Record<string, string | number>} */ how) =>
          request(addressOf("/v1/knowledge/search", { q: question.value.trim(), release, audience, ...how }));
        const [all, own] = await Promise.all([ask({ limit: ASKED_RESULTS }), ask({ limit: OWN_RESULTS, document })]);
        this.#rank(all, own, question.value.trim());
      } catch (refusal) {
        this.#ranks.replaceChildren(
          h("p", { class: "problem", role: "alert" }, /** @type {Error} */ (refusal).message),
        );
      } finally {
        this.#ranks.removeAttribute("aria-busy");
      }
    };
    return h(
      "form",
      { class: "inline-form ask-here", role: "search", on: { submit } },
      question,
      h("button", { class: "button", type: "submit" }, "Ask"),
    );
  }

  /** What of this document answers best, and at what place the document stands among all.
   * @param {Studio.Findings} all @param {Studio.Findings} own @param {string} question */
  #rank({ found, release }, own, question) {
    const place = found.findIndex(({ passage }) => (passage.document ?? passage.document_id) === this.#found.document);
    const first = found[0]?.passage.title;
    const verdict =
      place === 0
        ? "This document wins."
        : `${place > 0 ? `It stands at place ${place + 1}` : `It is not among the first ${ASKED_RESULTS}`}${first ? `; first is “${first}”` : ""}.`;
    const mine = own.found.map(({ passage, sureness }) => ({
      index: this.#indexOf(passage.position),
      section: passage.section.at(-1),
      sureness,
    }));
    this.#ranks.replaceChildren(
      h("p", { role: "status" }, verdict),
      h(
        "ol",
        { class: "rows" },
        ...mine.map(({ index, section, sureness }) =>
          h(
            "li",
            null,
            h(
              "button",
              { class: "link", type: "button", on: { click: () => this.select(index, { scroll: true }) } },
              `Passage ${index + 1}${section ? `, ${section}` : ""}`,
            ),
            h("span", { class: "muted small figure" }, percentOf(sureness)),
          ),
        ),
      ),
      h(
        "a",
        { class: "small", "data-inside": true, href: addressOf("/studio/search", { q: question, release }) },
        "See all that is found",
      ),
    );
    if (mine[0]) this.select(mine[0].index, { scroll: true });
  }

  #purgeButton() {
    const purge = async () => {
      const { title, document: id } = this.#found;
      const agreed = await confirmBy({
        title: "Delete this document for good?",
        body: [
          h(
            "p",
            null,
            `“${title}” leaves every release that is kept, with its vectors and words, and the file if it was uploaded here. Answers that quoted it stay, without the page behind them.`,
          ),
          h("p", { class: "muted" }, "This cannot be taken back."),
        ],
        action: "Delete for good",
        danger: true,
        typed: "delete",
      });
      if (!agreed) return;
      try {
        /** @type {{purged: Studio.Purged}} */
        const { purged } = await request(`/v1/knowledge/documents/${encodeURIComponent(id)}`, { method: "DELETE" });
        await tellOfPurge(title, purged);
        this.#room.go("/studio");
      } catch (refusal) {
        showToast(/** @type {Error} */ (refusal).message);
      }
    };
    return h(
      "p",
      { class: "danger-zone" },
      h(
        "button",
        { class: "button plain danger-text", type: "button", on: { click: purge } },
        "Delete this document for good",
      ),
    );
  }
}
