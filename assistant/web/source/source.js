// The source page: fetches a document as it stood in a release, draws it, and goes to the quote.

import { Refusal, request } from "../furniture/requests.js";
import { safeAddress } from "../widget/blocks.js";
import { h, icon } from "../widget/nodes.js";
import { parseDocument, rangeOf, renderDocument, textOf } from "./document-view.js";

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {import("./document-view.js").DocumentBlock[]} blocks */
function contentsOf(blocks) {
  const entries = blocks.flatMap((block) => (block.t === "h" && block.level <= 2 ? [block] : [])).slice(1);
  if (entries.length < 2) return [];
  return [
    h("ul", null, ...entries.map(({ runs, start }) => h("li", null, h("a", { href: `#at-${start}` }, textOf(runs))))),
  ];
}

/** @param {string} text */
function note(text) {
  byId("note").textContent = text;
  byId("note").hidden = false;
}

/** Where the document came from, and which state of it this is. @param {{source: string, url: string | null, release: number}} found */
function showOrigin({ source, url, release }) {
  const address = url && safeAddress(url);
  const original = address ? h("a", { href: address, rel: "noopener noreferrer" }, source, icon("out")) : source;
  byId("origin").replaceChildren(original, ` · release ${release}`);
}

async function show() {
  const id = decodeURIComponent(location.pathname.slice("/source/".length));
  const asked = new URLSearchParams(location.search);
  const release = asked.get("release");
  const query = release ? `?release=${encodeURIComponent(release)}` : "";
  const found = await request(`/v1/documents/${encodeURIComponent(id)}${query}`);
  const wantsQuote = asked.has("start") && asked.has("end");
  const marked = wantsQuote ? rangeOf(found.text, Number(asked.get("start")), Number(asked.get("end"))) : null;
  const blocks = parseDocument(found.text);
  document.title = found.title;
  showOrigin(found);
  byId("document").replaceChildren(...renderDocument(blocks, marked, found.title));
  byId("contents").replaceChildren(...contentsOf(blocks));
  const quote = document.getElementById("quote");
  byId("to-quote").hidden = !quote;
  if (wantsQuote && !quote)
    note("The quoted passage is not in this version of the document. This is the document as it stands.");
  quote?.scrollIntoView({ block: "center" });
  quote?.focus({ preventScroll: true });
}

/** @param {Refusal} refusal */
function showRefusal({ status, message }) {
  const missing = status === 404;
  const heading = missing ? "This document is not here" : "This document cannot be shown now";
  const detail = missing
    ? "It may have been removed since the answer was given, or the address is incomplete."
    : message;
  document.title = heading;
  byId("document").replaceChildren(h("div", { class: "empty" }, h("h1", null, heading), h("p", null, detail)));
}

try {
  await show();
} catch (refusal) {
  if (!(refusal instanceof Refusal)) throw refusal;
  showRefusal(refusal);
} finally {
  byId("document").removeAttribute("aria-busy");
}
