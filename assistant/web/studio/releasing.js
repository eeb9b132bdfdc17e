// Putting a release in service and taking it back: asked first, done at once, and told.

import { confirmBy } from "../furniture/dialog.js";
import { request } from "../furniture/requests.js";
import { showToast } from "../furniture/toast.js";
import { h } from "../widget/nodes.js";
import { counted } from "./words.js";

/** @typedef {{added: number, changed: number, removed: number}} Counts */

/** "3 added, 1 changed". @param {Counts} counts */
export function changesInWords({ added, changed, removed }) {
  const parts = [added && `${added} added`, changed && `${changed} changed`, removed && `${removed} removed`];
  return parts.filter(Boolean).join(", ") || "nothing different";
}

/** Asks, and puts it in service; whether that happened. @param {Studio.Release} release @param {Studio.Release | undefined} live */
export async function publishRelease(release, live) {
  const { number } = release;
  const agreed = await confirmBy({
    title: `Publish release ${number}?`,
    body: [
      h(
        "p",
        null,
        live
          ? `From the next question on, customers are answered from release ${number} instead of ${live.number}.`
          : `From the next question on, customers are answered from release ${number}.`,
      ),
      h("p", { class: "muted" }, `${counted(release.documents, "document")}: ${changesInWords(release)}.`),
      live && h("p", { class: "muted" }, `Release ${live.number} is kept, and one click takes you back to it.`),
    ],
    action: `Publish release ${number}`,
  });
  return agreed && change(number, "publish", `Release ${number} is in service.`);
}

/** Asks, and goes back to it. @param {Studio.Release} release @param {Studio.Release | undefined} live */
export async function rollBack(release, live) {
  const { number } = release;
  const agreed = await confirmBy({
    title: `Go back to release ${number}?`,
    body: [
      h(
        "p",
        null,
        `Within a second, customers are answered from release ${number} again${live ? ` instead of ${live.number}` : ""}. Conversations go on where they are.`,
      ),
      live && h("p", { class: "muted" }, `Release ${live.number} is kept: you can return to it the same way.`),
    ],
    action: `Go back to release ${number}`,
  });
  return agreed && change(number, "rollback", `Release ${number} is in service again.`);
}

/** @param {number} number @param {"publish" | "rollback"} how @param {string} told */
async function change(number, how, told) {
  try {
    await request(`/v1/knowledge/releases/${number}/${how}`, { method: "POST" });
    showToast(told);
    return true;
  } catch (refusal) {
    showToast(/** @type {Error} */ (refusal).message);
    return false;
  }
}
