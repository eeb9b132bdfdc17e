// The page of a server without the demo shop: says what is ready and helps with the next step.

import { showToast } from "../furniture/toast.js";
import { h } from "../widget/nodes.js";

const LOOK_AGAIN_MS = 2000;
const NAMES = /** @type {Record<string, string>} */ ({ stores: "Storage", index: "Knowledge", model: "Answers" });

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @typedef {{ready: boolean, parts: Record<string, {ready: boolean, detail: string}>}} Readiness */

/** @returns {Promise<Readiness>} */
async function readiness() {
  const response = await fetch("/readyz"); // 503 while something is not ready: the body names it all the same
  return response.json();
}

async function showReadiness() {
  try {
    const { ready, parts } = await readiness();
    part("summary").textContent = ready
      ? "Everything is ready."
      : "Some of it is still starting. This page looks again by itself.";
    part("parts").replaceChildren(
      ...Object.entries(parts).map(([name, { ready: isReady, detail }]) =>
        h("li", { class: isReady ? "tag good" : "tag warning" }, `${NAMES[name] ?? name}: ${detail || "starting"}`),
      ),
    );
    if (!ready) setTimeout(showReadiness, LOOK_AGAIN_MS);
  } catch {
    part("summary").textContent = "The server does not answer. Is it still running?";
    setTimeout(showReadiness, LOOK_AGAIN_MS);
  }
}

const snippet = `<script src="${location.origin}/widget.js" async></${"script"}>`;
part("snippet").textContent = snippet;
part("ask").addEventListener("click", () => /** @type {any} */ (window).tellonce?.open());
part("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(snippet);
    showToast("Copied.");
  } catch {
    showToast("This browser does not let pages copy here. Select the line and copy it.");
  }
});
void showReadiness();
