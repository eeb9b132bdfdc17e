// What stands where there is nothing yet: what will be there, and how to begin.

import { h } from "../widget/nodes.js";

/** @param {string} title @param {string} text @param {...Child} actions */
export function emptyState(title, text, ...actions) {
  return h("div", { class: "empty" }, h("strong", null, title), h("p", null, text), ...actions);
}

/** The same where it is all there is on the page. @param {string} title @param {string} text @param {...Child} actions */
export function emptyPage(title, text, ...actions) {
  return h("div", { class: "empty" }, h("h1", null, title), h("p", null, text), ...actions);
}
