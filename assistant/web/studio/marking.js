// Which words of a passage the question shares, and where a document's passages lie. Pure.

import { rangesOf } from "../source/document-view.js";
import { plain } from "./words.js";

/** @typedef {import("../source/document-view.js").Stroke} Stroke */

/** Strokes over the words of `text` that belong to one of `terms`, other endings included.
 * @param {string} text @param {string[]} terms @returns {Stroke[]} */
export function wordStrokes(text, terms) {
  const wanted = terms.map(plain);
  return [...text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)]
    .filter(([word]) => wanted.some((term) => areKin(term, plain(word))))
    .map(({ 0: word, index }) => ({ start: index, end: index + word.length }));
}

/** Whether two words differ in their endings only: "descale" and "descaling", not "order" and "ordinary".
 * @param {string} a @param {string} b */
export function areKin(a, b) {
  if (a === b) return true;
  const shorter = Math.min(a.length, b.length);
  if (shorter < 3 || /\d/.test(a + b) || Math.max(a.length, b.length) - shorter > 4) return false;
  let shared = 0;
  while (shared < shorter && a[shared] === b[shared]) shared += 1;
  return shared >= Math.max(3, shorter - (shorter > 5 ? 2 : 1));
}

/** One stroke a passage, in two tones by turns; their order is that of the text.
 * @param {string} text @param {Studio.Passage[]} passages @returns {Stroke[]} */
export function passageStrokes(text, passages) {
  return rangesOf(text, passages)
    .flatMap((range, i) => (range ? [{ ...range, props: passageProps(passages[i].position, i) }] : []))
    .sort((a, b) => a.start - b.start);
}

/** @param {number} position @param {number} turn */
const passageProps = (position, turn) => () => ({ class: turn % 2 ? "second" : "first", "data-passage": position });
