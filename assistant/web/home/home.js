// The page of a server without the demo shop: says what is ready and helps with the next step.

import { showToast } from "../furniture/toast.js";
import { h } from "../widget/nodes.js";

const LOOK_AGAIN_MS = 2000;
const NAMES = /** @type {Record<string, string>} */ ({ stores: "Storage", index: "Knowledge", model: "Answers" });

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @typedef {{ready: boolean, parts: Record<string, {ready: boolean, detail: string, empty?: boolean}>}} Readiness */

/** @returns {Promise<Readiness>} */
async function readiness() {
  const response = await fetch("/readyz"); // 503 while something is not ready: the body names it all the same
  return response.json();
}

/** Told once: the same words again would be read out again. @param {string} words */
function say(words) {
  if (part("summary").textContent !== words) part("summary").textContent = words;
}

async function showReadiness() {
  try {
    const { ready, parts } = await readiness();
    const isEmpty = Object.values(parts).some(({ empty }) => empty);
    say(
      !ready
        ? "Some of it is still starting. This page looks again by itself."
        : isEmpty
          ? "The server is ready, but it knows nothing yet: give it your documents, and this page tells when they are there."
          : "Everything is ready.",
    );
    part("parts").replaceChildren(
      ...Object.entries(parts).map(([name, { ready: isReady, detail, empty }]) =>
        h(
          "li",
          { class: isReady && !empty ? "tag good" : "tag warning" },
          `${NAMES[name] ?? name}: ${detail || "starting"}`,
        ),
      ),
    );
    if (!ready || isEmpty) setTimeout(showReadiness, LOOK_AGAIN_MS);
  } catch {
    say("The server does not answer. Is it still running?");
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
