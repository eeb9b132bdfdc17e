// How far something is: a bar with its words, drawn once and moved on.

import { h } from "../widget/nodes.js";

/** `show(done, total)`: `total` 0 while nobody knows how much there is. @param {string} label */
export function progressBar(label) {
  const bar = h("progress", { class: "bar", "aria-label": label });
  return {
    element: bar,
    /** @param {number} done @param {number} total */
    show(done, total) {
      if (!total) return bar.removeAttribute("value");
      bar.max = total;
      bar.value = Math.min(done, total);
    },
  };
}
