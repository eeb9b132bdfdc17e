// Every document of a release: found as one types, narrowed, sorted, a hundred at a time.

import { emptyState } from "../furniture/empty.js";
import { h } from "../widget/nodes.js";
import { addressOf, documentAddress } from "./places.js";
import { counted, dayOf, kindOf, languageOf, plain } from "./words.js";

const PAGE_ROWS = 100;

/** @typedef {{text: string, product: string, language: string, kind: string, order: string}} Wish */

const ORDERS =
  /** @type {Record<string, {name: string, compare: (a: Studio.Summary, b: Studio.Summary) => number}>} */ ({
    title: { name: "Title", compare: byTitle },
    cited: { name: "Cited most", compare: (a, b) => (b.answers ?? 0) - (a.answers ?? 0) || byTitle(a, b) },
    never: { name: "Cited least", compare: (a, b) => (a.answers ?? 0) - (b.answers ?? 0) || byTitle(a, b) },
    newest: {
      name: "Changed last",
      compare: (a, b) => (b.changed_at ?? "").localeCompare(a.changed_at ?? "") || byTitle(a, b),
    },
  });

/** @param {Studio.Summary} a @param {Studio.Summary} b */
function byTitle(a, b) {
  return a.title.localeCompare(b.title, "en", { numeric: true });
}

/** Those that are wished for, in the order wished for. @param {Studio.Summary[]} documents @param {Wish} wish */
export function chooseDocuments(documents, { text, product, language, kind, order }) {
  const words = plain(text).split(/\s+/).filter(Boolean);
  const fits = (/** @type {Studio.Summary} */ one) => {
    if (product && !one.products.includes(product)) return false;
    if (language && one.language !== language) return false;
    if (kind && kindOf(one.media_type) !== kind) return false;
    const said = words.length ? plain([one.title, one.source, ...one.products].join("\n")) : "";
    return words.every((word) => said.includes(word));
  };
  return documents.filter(fits).sort((ORDERS[order] ?? ORDERS.title).compare);
}

/**
 * @param {Studio.Summary[]} documents @param {number | null} release @param {Studio.Release[]} releases
 * @param {Studio.Room} room @param {URLSearchParams} asked
 */
export function documentTable(documents, release, releases, room, asked) {
  if (!documents.length)
    return emptyState(
      "No documents yet",
      "Each document that was read stands here, with how often customers were answered from it.",
    );
  /** @type {Wish} */
  const wish = {
    text: asked.get("q") ?? "",
    product: asked.get("product") ?? "",
    language: asked.get("language") ?? "",
    kind: asked.get("kind") ?? "",
    order: asked.get("order") ?? "title",
  };
  let shown = PAGE_ROWS;
  const most = Math.max(1, ...documents.map(({ answers }) => answers ?? 0));
  const live = releases.find(({ state }) => state === "live")?.number ?? null;
  const body = h("tbody");
  const count = h("p", { class: "muted small", role: "status" });
  const more = h("button", { class: "button", type: "button" });
  const nothing = h("div", { class: "none-found" });
  const draw = () => {
    const found = chooseDocuments(documents, wish);
    const of = release === live ? null : release;
    body.replaceChildren(...found.slice(0, shown).map((one) => row(one, most, of)));
    count.textContent =
      found.length === documents.length
        ? counted(found.length, "document")
        : `${found.length.toLocaleString("en")} of ${counted(documents.length, "document")}`;
    more.hidden = found.length <= shown;
    more.textContent = `Show ${Math.min(PAGE_ROWS, found.length - shown)} more (${(found.length - shown).toLocaleString("en")} left)`;
    nothing.replaceChildren(
      ...(found.length
        ? []
        : [emptyState("None of them fits", "Take a word away, or choose another product, language or kind.")]),
    );
    const kept = {
      ...wish,
      q: wish.text,
      text: null,
      order: wish.order === "title" ? null : wish.order,
      release: asked.get("release"),
    };
    room.go(addressOf("/studio", kept), { replace: true });
  };
  const change = (/** @type {keyof Wish} */ name) => (/** @type {Event} */ event) => {
    wish[name] = /** @type {HTMLInputElement} */ (event.target).value;
    shown = PAGE_ROWS;
    draw();
  };
  more.addEventListener("click", () => {
    const next = shown;
    shown += PAGE_ROWS;
    draw();
    /** @type {HTMLElement | null | undefined} */ (body.children[next]?.querySelector("a"))?.focus();
  });
  const section = h(
    "section",
    { class: "documents", "aria-label": "Documents" },
    h(
      "div",
      { class: "toolbar" },
      h("input", {
        class: "input grow",
        type: "search",
        "aria-label": "Find a document",
        placeholder: "Find a document by title, file or product",
        value: wish.text,
        on: { input: change("text") },
      }),
      select("Product", wish.product, choices(documents.flatMap(({ products }) => products)), change("product")),
      select(
        "Language",
        wish.language,
        choices(documents.map(({ language }) => language ?? "")),
        change("language"),
        languageOf,
      ),
      select("Kind", wish.kind, choices(documents.map(({ media_type: type }) => kindOf(type))), change("kind")),
      select("Order", wish.order, Object.keys(ORDERS), change("order"), (name) => ORDERS[name].name, ""),
      releaseChoice(releases, release, room),
    ),
    count,
    h("table", { class: "list" }, tableHead(), body),
    nothing,
    more,
  );
  draw();
  return section;
}

/** @param {string[]} values */
const choices = (values) =>
  [...new Set(values)].filter(Boolean).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

/** A choice of one; none where there is nothing to choose between.
 * @param {string} label @param {string} value @param {string[]} values @param {(event: Event) => void} change
 * @param {(value: string) => string} [name] @param {string} [any] the words for no choice; "" where one must be made */
export function select(label, value, values, change, name = (one) => one, any = `Every ${label.toLowerCase()}`) {
  if (values.length < 2 && !value) return null;
  const element = h(
    "select",
    { "aria-label": label, on: { change } },
    ...(any ? [h("option", { value: "" }, any)] : []),
    ...values.map((one) => h("option", { value: one }, name(one))),
  );
  element.value = value;
  return element;
}

/** @param {Studio.Release[]} releases @param {number | null} release @param {Studio.Room} room */
function releaseChoice(releases, release, room) {
  const names = releases.map(({ number, state }) => [
    String(number),
    state === "live" ? `Release ${number}, in service` : `Release ${number}, ${state}`,
  ]);
  const named = new Map(/** @type {[string, string][]} */ (names));
  const change = (/** @type {Event} */ event) => {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    const live = releases.find(({ state }) => state === "live")?.number;
    room.go(addressOf("/studio", { release: Number(value) === live ? null : value }));
  };
  return select(
    "Release",
    String(release ?? ""),
    [...named.keys()],
    change,
    (number) => named.get(number) ?? number,
    "",
  );
}

function tableHead() {
  const head = (/** @type {string} */ name, kind = "") => h("th", { scope: "col", class: kind }, name);
  return h(
    "thead",
    null,
    h(
      "tr",
      null,
      head("Document"),
      head("Product", "wide"),
      head("Language", "wide"),
      head("Kind", "wide"),
      head("Passages", "wide number"),
      head("Cited in 90 days", "number"),
      head("Changed", "wide"),
    ),
  );
}

/** @param {Studio.Summary} document @param {number} most @param {number | null} release */
function row(
  { id, title, source, products, language, media_type: type, passages, answers = 0, changed_at: changedAt, audience },
  most,
  release,
) {
  const bar = h("i", { class: "cited", "aria-hidden": "true" });
  bar.style.setProperty("--share", String(answers / most));
  const brief = [kindOf(type), ...products, languageOf(language), dayOf(changedAt)].filter(Boolean).join(" · ");
  return h(
    "tr",
    null,
    h(
      "th",
      { scope: "row" },
      h("a", { href: documentAddress(id, { release }), "data-inside": true, dir: "auto" }, title),
      audience && h("span", { class: "tag" }, `for ${audience}`),
      h("span", { class: "muted small source", dir: "auto" }, source),
      h("span", { class: "muted small brief" }, brief),
    ),
    h("td", { class: "wide" }, products.join(", ") || "–"),
    h("td", { class: "wide" }, languageOf(language) || "–"),
    h("td", { class: "wide" }, kindOf(type)),
    h("td", { class: "wide number figure" }, passages.toLocaleString("en")),
    h(
      "td",
      { class: "number figure" },
      answers
        ? h("span", { class: "cited-count" }, answers.toLocaleString("en"), bar)
        : h("span", { class: "muted" }, "never"),
    ),
    h("td", { class: "wide" }, h("time", { datetime: changedAt }, dayOf(changedAt) || "–")),
  );
}
