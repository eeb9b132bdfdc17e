// Canonical light Markdown with character offsets -> page nodes, one stretch of it under the marker pen. Pure but for h().
// Every piece of text keeps where it stands in the stored document, so a quote's range finds it whatever surrounds it.

import { safeAddress } from "../widget/blocks.js";
import { h } from "../widget/nodes.js";

/**
 * @typedef {{text: string, start: number, style?: "b" | "i" | "code" | "a", href?: string, parts?: Run[]}} Run
 *   `start`: UTF-16 offset of the text in the document.
 * @typedef {{t: "h", level: number, runs: Run[], start: number}
 *   | {t: "p" | "quote", runs: Run[]}
 *   | {t: "code", runs: Run[]}
 *   | {t: "list", ordered: boolean, first: number, items: {depth: number, runs: Run[]}[]}
 *   | {t: "table", rows: Run[][][]}} DocumentBlock
 * @typedef {{start: number, end: number}} Range
 * @typedef {Range & {props?: (isFirst: boolean) => Props}} Stroke
 *   one stretch under the marker pen, and what its first piece and the others are given.
 * @typedef {{text: string, start: number}} Line
 */

const ITEM = /^(\s*)(?:[-*+]|(\d+)[.)])\s+/;
const SPAN = /\*\*(.+?)\*\*|(?<![\w*])\*(?!\s)([^*]+?)\*(?![\w*])|`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)/;

/** A range given in characters, as Python counts them, in the UTF-16 units that JavaScript counts; null when the
 * document has no such range. @param {string} text @param {number} start @param {number} end @returns {Range | null} */
export function rangeOf(text, start, end) {
  return rangesOf(text, [{ start, end }])[0];
}

/** The same for many ranges in one walk. @param {string} text @param {Range[]} ranges @returns {(Range | null)[]} */
export function rangesOf(text, ranges) {
  const wanted = new Map(ranges.flatMap(({ start, end }) => [start, end]).map((characters) => [characters, -1]));
  let units = 0;
  let characters = 0;
  for (const character of text) {
    if (wanted.has(characters)) wanted.set(characters, units);
    characters += 1;
    units += character.length;
  }
  if (wanted.has(characters)) wanted.set(characters, units);
  return ranges.map(({ start, end }) => {
    const [from, to] = [wanted.get(start) ?? -1, wanted.get(end) ?? -1];
    return start < end && from >= 0 && to >= 0 ? { start: from, end: to } : null;
  });
}

/** @param {string} text @returns {DocumentBlock[]} */
export function parseDocument(text) {
  /** @type {DocumentBlock[]} */
  const blocks = [];
  const lines = linesOf(text);
  let at = 0;
  /** The lines from here on that `belongs` accepts. @param {(line: Line) => boolean} belongs */
  const take = (belongs) => {
    const from = at;
    while (at < lines.length && belongs(lines[at])) at += 1;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at];
    const heading = /^(#{1,6})\s+/.exec(line.text);
    if (!line.text.trim()) {
      at += 1;
    } else if (heading) {
      at += 1;
      blocks.push({
        t: "h",
        level: heading[1].length,
        runs: runsOf(after(line, heading[0].length)),
        start: line.start,
      });
    } else if (line.text.startsWith("```")) {
      at += 1;
      const code = take(({ text: inside }) => !inside.startsWith("```"));
      at += 1;
      blocks.push({ t: "code", runs: code.map((one) => ({ text: `${one.text}\n`, start: one.start })) });
    } else if (line.text.startsWith("|")) {
      const rows = take(({ text: row }) => row.startsWith("|")).filter(({ text: row }) => !/^[|\s:-]+$/.test(row));
      blocks.push({ t: "table", rows: rows.map(cellsOf) });
    } else if (line.text.startsWith(">")) {
      const quoted = take(({ text: inside }) => inside.startsWith(">"));
      blocks.push({
        t: "quote",
        runs: joined(quoted.map((one) => after(one, /^>\s?/.exec(one.text)?.[0].length ?? 1))),
      });
    } else if (ITEM.test(line.text)) {
      blocks.push(listOf(take(({ text: inside }) => ITEM.test(inside) || /^\s+\S/.test(inside))));
    } else {
      blocks.push({ t: "p", runs: joined([line, ...((at += 1), take(isProse))]) });
    }
  }
  return blocks;
}

/** @param {Line} line */
const isProse = ({ text }) => text.trim() !== "" && !/^(#{1,6}\s|```|\||>)/.test(text) && !ITEM.test(text);

/** @param {string} text @returns {Line[]} */
function linesOf(text) {
  let start = 0;
  return text.split("\n").map((line) => {
    const found = { text: line, start };
    start += line.length + 1;
    return found;
  });
}

/** @param {Line} line @param {number} skipped @returns {Line} */
const after = (line, skipped) => ({ text: line.text.slice(skipped), start: line.start + skipped });

/** Lines of one paragraph, a blank between them where the newline stood. @param {Line[]} lines @returns {Run[]} */
const joined = (lines) =>
  lines.flatMap((line, i) => [...(i ? [{ text: " ", start: line.start - 1 }] : []), ...runsOf(line)]);

/** @param {Line} line @returns {Run[]} */
function runsOf({ text, start }) {
  const found = SPAN.exec(text);
  if (!found) return text ? [{ text, start }] : [];
  const [whole, bold, italic, code, label, href] = found;
  const inner = bold ?? italic ?? code ?? label;
  const from = start + found.index + whole.indexOf(inner);
  const style = bold ? "b" : italic ? "i" : code ? "code" : "a";
  const parts = code ? [{ text: inner, start: from }] : runsOf({ text: inner, start: from });
  const behind = found.index + whole.length;
  return [
    ...(found.index ? [{ text: text.slice(0, found.index), start }] : []),
    { text: inner, start: from, style, href, parts },
    ...runsOf({ text: text.slice(behind), start: start + behind }),
  ];
}

/** @param {Line} row @returns {Run[][]} */
function cellsOf(row) {
  const cells = [];
  const cell = /(?<=\|)((?:\\\||[^|])*)(?=\|)/g;
  for (const { 0: text, index } of row.text.matchAll(cell)) {
    const indent = text.length - text.trimStart().length;
    cells.push(runsOf({ text: text.trim(), start: row.start + index + indent }));
  }
  return cells;
}

/** @param {Line[]} lines @returns {DocumentBlock} */
function listOf(lines) {
  /** @type {{depth: number, lines: Line[]}[]} */
  const items = [];
  for (const line of lines) {
    const marker = ITEM.exec(line.text);
    if (marker)
      items.push({ depth: Math.min(2, Math.floor(marker[1].length / 2)), lines: [after(line, marker[0].length)] });
    else items.at(-1)?.lines.push(after(line, line.text.length - line.text.trimStart().length));
  }
  const number = ITEM.exec(lines[0].text)?.[2];
  const parsed = items.map(({ depth, lines: own }) => ({ depth, runs: joined(own) }));
  return { t: "list", ordered: number !== undefined, first: Number(number ?? 1), items: parsed };
}

/**
 * The document's nodes; what lies in `marked` is under the marker pen: one range, its first piece with the id "quote",
 * or strokes in their order.
 * @param {DocumentBlock[]} blocks @param {Range | Stroke[] | null} marked @param {string} title the page's own heading
 */
export function renderDocument(blocks, marked, title) {
  const pen = new Pen(Array.isArray(marked) ? marked : marked ? [quoteOf(marked)] : []);
  const repeatsTitle = blocks[0]?.t === "h" && textOf(blocks[0].runs) === title;
  const nodes = blocks.map((block, i) => renderBlock(block, pen, repeatsTitle && i === 0));
  return repeatsTitle ? nodes : [h("h1", null, title), ...nodes];
}

/** The same of a part that stands among other things: its headings stay out of the page's outline.
 * @param {string} text @param {Stroke[]} [strokes] */
export function renderExcerpt(text, strokes = []) {
  const pen = new Pen(strokes);
  return parseDocument(text).map((block) =>
    block.t === "h"
      ? h("p", { class: "heading" }, h("strong", null, ...pen.draw(block.runs)))
      : renderBlock(block, pen, false),
  );
}

/** @param {Range} range @returns {Stroke} */
const quoteOf = (range) => ({ ...range, props: (isFirst) => (isFirst ? { id: "quote", tabindex: -1 } : {}) });

/** @param {DocumentBlock} block @param {Pen} pen @param {boolean} isTitle */
function renderBlock(block, pen, isTitle) {
  switch (block.t) {
    case "h": {
      const tag = /** @type {"h1" | "h2" | "h3" | "h4"} */ (
        isTitle ? "h1" : `h${Math.min(4, Math.max(2, block.level))}`
      );
      return h(tag, { id: `at-${block.start}` }, ...pen.draw(block.runs));
    }
    case "code":
      return h("pre", { tabindex: 0 }, h("code", null, ...pen.draw(block.runs)));
    case "quote":
      return h("blockquote", null, h("p", null, ...pen.draw(block.runs)));
    case "list": {
      const items = block.items.map(({ depth, runs }) =>
        h("li", { class: depth ? `depth-${depth}` : null }, ...pen.draw(runs)),
      );
      return block.ordered ? h("ol", { start: block.first }, ...items) : h("ul", null, ...items);
    }
    case "table": {
      const [head = [], ...rows] = block.rows;
      const heads = head.map((cell) => h("th", { scope: "col" }, ...pen.draw(cell)));
      const body = rows.map((row) => h("tr", null, ...row.map((cell) => h("td", null, ...pen.draw(cell)))));
      const table = h("table", null, h("thead", null, h("tr", null, ...heads)), h("tbody", null, ...body));
      return h("div", { class: "table", tabindex: 0, role: "group", "aria-label": "Table" }, table);
    }
    default:
      return h("p", null, ...pen.draw(block.runs));
  }
}

/** @param {Run[]} runs */
export const textOf = (runs) => runs.map(({ text }) => text).join("");

/** Draws runs in the order of the text, and the marker over what is in a stroke. */
class Pen {
  #strokes;
  #at = 0;
  /** @type {Stroke | null} */
  #begun = null;

  /** @param {Stroke[]} strokes */
  constructor(strokes) {
    this.#strokes = strokes;
  }

  /** @param {Run[]} runs @returns {Node[]} */
  draw(runs) {
    /** @type {Node[]} */
    const nodes = [];
    /** @type {HTMLElement | null} */
    let mark = null;
    /** @type {Stroke | null} */
    let drawn = null;
    for (const run of runs) {
      for (const { node, stroke } of this.#pieces(run)) {
        if (stroke !== drawn) {
          mark = stroke && this.#newMark(stroke);
          if (mark) nodes.push(mark);
          drawn = stroke;
        }
        if (mark) mark.append(node);
        else nodes.push(node);
      }
    }
    return nodes;
  }

  /** @param {Stroke} stroke */
  #newMark(stroke) {
    const { class: more = "", ...props } = stroke.props?.(stroke !== this.#begun) ?? {};
    this.#begun = stroke;
    return h("mark", { class: `marker ${more}`.trim(), ...props });
  }

  /** A styled run is one piece, marked if any of it is; plain text is cut at the strokes' ends.
   * @param {Run} run @returns {{node: Node, stroke: Stroke | null}[]} */
  #pieces(run) {
    const { text, start, style } = run;
    const end = start + text.length;
    while (this.#at < this.#strokes.length && this.#strokes[this.#at].end <= start) this.#at += 1;
    const next = this.#strokes[this.#at];
    if (style) return [{ node: styled(run), stroke: next && next.start < end ? next : null }];
    /** @type {{node: Node, stroke: Stroke | null}[]} */
    const pieces = [];
    let from = start;
    const cut = (/** @type {number} */ to, /** @type {Stroke | null} */ stroke) => {
      if (from < to) pieces.push({ node: document.createTextNode(text.slice(from - start, to - start)), stroke });
      from = Math.max(from, to);
    };
    for (let i = this.#at; i < this.#strokes.length && this.#strokes[i].start < end; i += 1) {
      cut(Math.min(end, this.#strokes[i].start), null);
      cut(Math.min(end, this.#strokes[i].end), this.#strokes[i]);
    }
    cut(end, null);
    return pieces;
  }
}

/** @param {Run} run @returns {Node} */
function styled({ text, style, href, parts }) {
  if (!style) return document.createTextNode(text);
  const inner = (parts ?? []).map(styled);
  const address = style === "a" ? safeAddress(href) : null;
  if (style === "a")
    return address ? h("a", { href: address, rel: "noopener noreferrer" }, ...inner) : h("span", null, ...inner);
  return h(style === "b" ? "strong" : style === "i" ? "em" : "code", null, ...inner);
}
