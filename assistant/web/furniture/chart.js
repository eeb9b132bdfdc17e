// Small charts that stand beside their numbers: a stacked bar with its legend, and a stroke of the pen as long as a share.

import { h } from "../widget/nodes.js";

/**
 * @typedef {{name: string, value: number, shown: string, tone: number}} Segment
 *   `shown`: the value in words; `tone`: 1 to 6, which fill it has.
 */

/** @param {HTMLElement} element @param {number} share 0..1 */
function sized(element, share) {
  element.style.setProperty("--share", String(Math.max(0, Math.min(1, share))));
  return element;
}

/** What adds up, and below it each part by name. Parts below zero are hatched and named; they shorten nothing.
 * @param {Segment[]} segments @param {number} full the value that fills the whole width */
export function stackedBar(segments, full) {
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "segments", "aria-hidden": "true" },
      ...segments
        .filter(({ value }) => value !== 0)
        .map(({ value, tone }) =>
          sized(h("i", { class: `tone-${tone}${value < 0 ? " less" : ""}` }), Math.abs(value) / (full || 1)),
        ),
    ),
    h(
      "ul",
      { class: "legend" },
      ...segments.map(({ name, shown, tone, value }) =>
        h(
          "li",
          null,
          h("i", { class: `tone-${tone}${value < 0 ? " less" : ""}`, "aria-hidden": "true" }),
          `${name} `,
          h("b", { class: "figure" }, shown),
        ),
      ),
    ),
  );
}

/** A share as a stroke of the marker pen on its line; the words beside it say the same.
 * @param {number} share 0..1 @param {Child[]} words */
export function strokeOf(share, ...words) {
  return h(
    "span",
    { class: "share" },
    h("span", { class: "share-line", "aria-hidden": "true" }, sized(h("i"), share)),
    h("span", null, ...words),
  );
}
