// The tree of safe nodes that the server parsed from a message, turned into page nodes; and the little of it that
// can be told of a text before the server has parsed it. Only known node types and harmless addresses get through.

import { h } from "./nodes.js";

/** @param {Block[] | null | undefined} blocks @param {Rendering} [how] @returns {DocumentFragment} */
export function renderBlocks(blocks, how = {}) {
  const fragment = document.createDocumentFragment();
  for (const block of blocks ?? []) {
    const node = renderBlock(block, how);
    if (node) fragment.append(node);
  }
  return fragment;
}

/** @param {Block} block @param {Rendering} how @returns {Node | null} */
function renderBlock(block, how) {
  switch (block.t) {
    case "p":
      return h("p", null, renderInline(block.c, how));
    case "h":
      // A message is no page: its headings must not join the page's outline.
      return h("p", { class: "heading" }, renderInline(block.c, how));
    case "ul":
      return h("ul", null, ...renderItems(block.c, how));
    case "ol":
      return h("ol", { start: Number(block.start) || 1 }, ...renderItems(block.c, how));
    case "code":
      return h("pre", null, h("code", null, block.text ?? ""));
    case "quote":
      return h("blockquote", null, renderBlocks(block.c, how));
    case "table":
      return renderTable(block, how);
  }
  return null;
}

/** @param {Block[][]} items @param {Rendering} how */
const renderItems = (items, how) => items.map((blocks) => h("li", null, renderBlocks(blocks, how)));

/** @param {Block} block @param {Rendering} how */
function renderTable({ head, rows }, how) {
  const cells = (/** @type {"th" | "td"} */ tag, /** @type {Block[][]} */ row) =>
    row.map((cell) => h(tag, tag === "th" ? { scope: "col" } : null, renderInline(cell, how)));
  return h(
    "div",
    { class: "table" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, ...cells("th", head ?? []))),
      h("tbody", null, ...(rows ?? []).map((/** @type {Block[][]} */ row) => h("tr", null, ...cells("td", row)))),
    ),
  );
}

/** @param {Block[] | undefined} nodes @param {Rendering} how */
function renderInline(nodes, how) {
  const fragment = document.createDocumentFragment();
  for (const node of nodes ?? []) {
    const rendered = renderSpan(node, how);
    if (rendered) fragment.append(rendered);
  }
  return fragment;
}

/** @param {Block} node @param {Rendering} how @returns {Node | null} */
function renderSpan(node, how) {
  switch (node.t) {
    case "text":
      return document.createTextNode(node.text ?? "");
    case "b":
      return h("strong", null, renderInline(node.c, how));
    case "i":
      return h("em", null, renderInline(node.c, how));
    case "code":
      return h("code", null, node.text ?? "");
    case "br":
      return h("br");
    case "cite":
      return how.cite?.(node.n) ?? null;
    case "a": {
      const href = safeAddress(node.href, how.origin);
      if (!href) return renderInline(node.c, how);
      const props = { href, target: "_blank", rel: "noopener noreferrer", tabindex: how.tabIndex };
      return h("a", props, renderInline(node.c, how));
    }
  }
  return null;
}

/** The address if following it can do no harm, else null.
 * @param {unknown} href @param {string} [origin] what a path is relative to */
export function safeAddress(href, origin = location.origin) {
  try {
    const url = new URL(String(href), origin);
    return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Blocks of a text that nobody has parsed: a draft, or what the customer just wrote. Paragraphs, list items and
 * citation markers; everything else stays as it was typed. @param {string} text @returns {Block[]} */
export function plainBlocks(text, { citations = false } = {}) {
  return text
    .split(/\n{2,}/)
    .filter((part) => part.trim())
    .map((part) => {
      const lines = part.trim().split("\n");
      const bullet = /^\s*[-*]\s+/;
      if (citations && lines.every((line) => bullet.test(line))) {
        const items = lines.map((line) => [{ t: "p", c: spans(line.replace(bullet, ""), citations) }]);
        return { t: "ul", c: items };
      }
      const inline = lines.flatMap((line, i) => [...(i ? [{ t: "br" }] : []), ...spans(line, citations)]);
      return { t: "p", c: inline };
    });
}

/** @param {string} line @param {boolean} citations @returns {Block[]} */
function spans(line, citations) {
  if (!citations) return [{ t: "text", text: line }];
  return line
    .split(/(\[\d{1,2}\]|\*\*[^*]+\*\*)/)
    .filter(Boolean)
    .map((part) => {
      const marker = /^\[(\d+)\]$/.exec(part);
      if (marker) return { t: "cite", n: Number(marker[1]) };
      if (/^\*\*.+\*\*$/.test(part)) return { t: "b", c: [{ t: "text", text: part.slice(2, -2) }] };
      return { t: "text", text: part };
    });
}
