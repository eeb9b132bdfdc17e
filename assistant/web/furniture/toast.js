// A sentence that floats for a moment, and is read out.

import { h } from "../widget/nodes.js";

const SHOWN_MS = 6_000;
const live = h("div", { role: "status" });

/** @param {string} text */
export function showToast(text) {
  if (!live.isConnected) document.body.append(live);
  const toast = h("p", { class: "toast" }, text);
  live.replaceChildren(toast);
  setTimeout(() => toast.remove(), SHOWN_MS);
}
