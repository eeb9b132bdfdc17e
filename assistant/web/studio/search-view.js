// What a question finds, and why: each result with its marked words and the parts that its score is made of.

import { stackedBar, strokeOf } from "../furniture/chart.js";
import { emptyState } from "../furniture/empty.js";
import { request } from "../furniture/requests.js";
import { showToast } from "../furniture/toast.js";
import { renderExcerpt } from "../source/document-view.js";
import { h } from "../widget/nodes.js";
import { select } from "./document-table.js";
import { wordStrokes } from "./marking.js";
import { addressOf, documentAddress } from "./places.js";
import { languageOf, percentOf, surenessWord } from "./words.js";

/** The parts of a score by the names the search gives them. */
const PARTS = /** @type {Record<string, {name: string, tone: number}>} */ ({
  meaning: { name: "Meaning", tone: 1 },
  question: { name: "Like its question", tone: 1 },
  words: { name: "Words", tone: 2 },
  spelling: { name: "Mended words", tone: 2 },
  "word order": { name: "Order of words", tone: 6 },
  history: { name: "Said before", tone: 5 },
  code: { name: "Code", tone: 3 },
  product: { name: "Product", tone: 4 },
  language: { name: "Language", tone: 4 },
});
const EVERYBODY = "*";

/** @type {Studio.ShowView} */
export async function showSearch(room, { asked }) {
  const question = asked.get("q")?.trim() ?? "";
  const narrowing = {
    release: asked.get("release"),
    product: asked.get("product"),
    language: asked.get("language"),
    audience: asked.get("audience"),
  };
  /** @type {[{releases: Studio.Release[]}, {documents: Studio.Summary[]}]} */
  const [{ releases }, { documents }] = await Promise.all([
    request("/v1/knowledge/releases"),
    request(addressOf("/v1/knowledge/documents", { release: narrowing.release })),
  ]);
  const results = question
    ? await found(question, narrowing)
    : emptyState(
        "Ask as a customer would",
        "You see which passages are found, in which order, and what each owes its place to.",
      );
  return {
    title: question || "Search",
    nodes: [h("h1", null, "Why this result"), askForm(question, narrowing, releases, documents, room), results],
  };
}

/**
 * @param {string} question @param {Record<string, string | null>} narrowing @param {Studio.Release[]} releases
 * @param {Studio.Summary[]} documents @param {Studio.Room} room
 */
function askForm(question, narrowing, releases, documents, room) {
  const input = h("input", {
    class: "input",
    type: "search",
    name: "q",
    value: question,
    required: true,
    "aria-label": "Question",
    placeholder: "How do I descale the kettle?",
  });
  const go = () => input.value.trim() && room.go(addressOf("/studio/search", { q: input.value.trim(), ...narrowing }));
  const narrow = (/** @type {string} */ name) => (/** @type {Event} */ event) => {
    narrowing[name] = /** @type {HTMLSelectElement} */ (event.target).value || null;
    go();
  };
  const submit = (/** @type {SubmitEvent} */ event) => (event.preventDefault(), go());
  const values = (/** @type {(string | null)[]} */ all) =>
    /** @type {string[]} */ ([...new Set(all)].filter(Boolean).sort());
  const live = releases.find(({ state }) => state === "live");
  const numbers = releases.map(({ number }) => String(number));
  const nameOf = (/** @type {string} */ number) => {
    const state = releases.find((one) => String(one.number) === number)?.state;
    return state === "live" ? `Release ${number}, in service` : `Release ${number}, ${state ?? "kept"}`;
  };
  return h(
    "form",
    { class: "ask-form", role: "search", on: { submit } },
    h("div", { class: "inline-form" }, input, h("button", { class: "button primary", type: "submit" }, "Search")),
    h(
      "div",
      { class: "toolbar" },
      select("Release", narrowing.release ?? String(live?.number ?? ""), numbers, narrow("release"), nameOf, ""),
      select(
        "Product",
        narrowing.product ?? "",
        values(documents.flatMap(({ products }) => products)),
        narrow("product"),
      ),
      select(
        "Language",
        narrowing.language ?? "",
        values(documents.map(({ language }) => language)),
        narrow("language"),
        languageOf,
      ),
      audienceChoice(narrowing.audience ?? "", values(documents.map(({ audience }) => audience)), narrow("audience")),
    ),
  );
}

/** What is meant for some is found only for them. @param {string} value @param {string[]} audiences @param {(event: Event) => void} change */
function audienceChoice(value, audiences, change) {
  if (!audiences.length) return null;
  const name = (/** @type {string} */ one) => (one === EVERYBODY ? "For every audience" : `For ${one}`);
  return select("Audience", value, [...audiences, EVERYBODY], change, name, "What is for everybody");
}

/** @param {string} question @param {Record<string, string | null>} narrowing */
async function found(question, narrowing) {
  /** @type {Studio.Findings} */
  const {
    found: results,
    sureness,
    release,
  } = await request(addressOf("/v1/knowledge/search", { q: question, ...narrowing }));
  if (!results.length)
    return emptyState(
      "Nothing is near this question",
      "The assistant would say that it does not know. If customers ask this, it will stand among the gaps.",
    );
  const full = Math.max(
    ...results.map(({ why, score }) =>
      Math.max(
        score,
        why.reduce((sum, { value }) => sum + Math.max(0, value), 0),
      ),
    ),
  );
  return h(
    "section",
    { class: "findings", "aria-label": "Results" },
    h(
      "div",
      { class: "verdict" },
      h(
        "p",
        { role: "status" },
        strokeOf(
          sureness,
          h("b", null, `${capital(surenessWord(sureness))}: `),
          `${percentOf(sureness)} that the answer is here`,
        ),
      ),
      saveButton(question),
    ),
    h("ol", { class: "results" }, ...results.map((one, i) => result(one, i + 1, full, release))),
  );
}

/** @param {string} question */
function saveButton(question) {
  const save = async () => {
    if (button.ariaDisabled) return;
    button.ariaDisabled = "true"; // Out of use, and still where the focus is.
    try {
      await request("/v1/knowledge/questions", { method: "POST", body: { question } });
      button.textContent = "Saved";
      showToast("Saved. Every comparison asks it from now on.");
    } catch (refusal) {
      button.ariaDisabled = null;
      showToast(/** @type {Error} */ (refusal).message);
    }
  };
  const button = h("button", { class: "button", type: "button", on: { click: save } }, "Save this question");
  return button;
}

/** @param {Studio.Found} one @param {number} place @param {number} full @param {number} release */
function result({ passage, score, similarity, sureness, why, terms }, place, full, release) {
  const { title = "", section, text = "", question, page, audience } = passage;
  const document = passage.document ?? passage.document_id ?? "";
  const href = addressOf(documentAddress(document, { release, passage: passage.position }));
  const path = section.filter((part) => part !== title).join(" › ");
  const parts = why
    .filter(({ value }) => Math.abs(value) >= 0.005)
    .map(({ part, value }) => ({ ...(PARTS[part] ?? { name: capital(part), tone: 5 }), value, shown: signed(value) }));
  return h(
    "li",
    { class: "result" },
    h("span", { class: "place figure", "aria-hidden": "true" }, String(place)),
    h(
      "div",
      { class: "result-main" },
      h("h2", null, h("a", { href, "data-inside": true, dir: "auto" }, title)),
      h(
        "p",
        { class: "muted small" },
        [path, page && `page ${page}`, audience && `only for ${audience}`].filter(Boolean).join(" · "),
      ),
      question && h("p", { class: "faq-question" }, ...marked(question, terms)),
      h("div", { class: "excerpt document", dir: "auto" }, ...renderExcerpt(text, wordStrokes(text, terms))),
    ),
    h(
      "div",
      { class: "result-why" },
      h(
        "p",
        { class: "score" },
        h("span", { class: "muted small" }, "Score "),
        h("b", { class: "figure" }, score.toFixed(2)),
      ),
      stackedBar(parts, full),
      h("p", { class: "small" }, strokeOf(sureness, percentOf(sureness), h("span", { class: "muted" }, " sure"))),
      h("p", { class: "muted small figure" }, `Likeness of meaning ${similarity.toFixed(2)}`),
    ),
  );
}

/** @param {string} text @param {string[]} terms @returns {Child[]} */
function marked(text, terms) {
  let at = 0;
  const nodes = /** @type {Child[]} */ ([]);
  for (const { start, end } of wordStrokes(text, terms)) {
    nodes.push(text.slice(at, start), h("mark", { class: "marker" }, text.slice(start, end)));
    at = end;
  }
  return [...nodes, text.slice(at)];
}

/** @param {number} value */
const signed = (value) => (value < 0 ? `−${Math.abs(value).toFixed(2)}` : `+${value.toFixed(2)}`);

/** @param {string} words */
const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
