// Long words shown by their first lines, with a button for all of them where there are more.

import { h } from "../widget/nodes.js";

/**
 * How many lines is the style sheet's to say. A screen reader reads all of it either way.
 * @param {"h1" | "h2" | "p" | "s"} tag @param {string} text @param {string} [kind] further classes of the words
 * @returns {HTMLElement}
 */
export function clamped(tag, text, kind = "") {
  const words = h(tag, { class: `clamped ${kind}`.trim(), dir: "auto" }, text);
  const more = h("button", { class: "link small", type: "button", hidden: true }, "Show all");
  more.addEventListener("click", () => {
    more.textContent = words.classList.toggle("whole") ? "Show less" : "Show all";
  });
  new ResizeObserver(() => {
    const halfLine = parseFloat(getComputedStyle(words).lineHeight) / 2; // some letters reach out of their line
    if (!words.classList.contains("whole")) more.hidden = words.scrollHeight < words.clientHeight + halfLine;
  }).observe(words);
  return h("div", { class: "clampable" }, words, more);
}
