// Where files are dropped or chosen, how far each is, and what happens to them once they are there.

import { drawing } from "../furniture/icons.js";
import { progressBar } from "../furniture/progress.js";
import { showToast } from "../furniture/toast.js";
import { h } from "../widget/nodes.js";
import { chosen, filesOf } from "./uploads.js";
import { counted, sizeOf } from "./words.js";

const ROWS_SHOWN = 6;
const FATES = { waiting: "waiting", sending: "sending", saved: "here", refused: "refused", failed: "not sent" };

/** @param {import("./uploads.js").Uploads} uploads @param {AbortSignal} signal @param {{get: () => boolean, set: (publish: boolean) => void}} atOnce */
export function dropZone(uploads, signal, atOnce) {
  const pick = (/** @type {HTMLInputElement} */ input) => {
    uploads.add(chosen(/** @type {FileList} */ (input.files)));
    input.value = "";
  };
  const files = h("input", { type: "file", multiple: true, hidden: true, on: { change: () => pick(files) } });
  const folder = h("input", { type: "file", webkitdirectory: true, hidden: true, on: { change: () => pick(folder) } });
  files.setAttribute("data-pick", "files");
  const button = (/** @type {string} */ text, /** @type {HTMLInputElement} */ input) =>
    h("button", { class: "button", type: "button", on: { click: () => input.click() } }, text);
  const list = h("div", { class: "parcels", "aria-live": "off" });
  const spoken = h("p", { class: "hush", role: "status" });
  const zone = h(
    "section",
    { class: "drop", "aria-label": "Add documents" },
    h(
      "div",
      { class: "drop-ask" },
      drawing("drop", "drop-icon"),
      h(
        "div",
        { class: "drop-words" },
        h("h2", null, "Drop files or a folder here"),
        h(
          "p",
          { class: "muted small" },
          "Markdown, web pages, PDF, Word, FAQ tables (CSV, JSON Lines), text or a ZIP.",
        ),
      ),
      h(
        "div",
        { class: "drop-buttons" },
        button("Choose files", files),
        button("Choose a folder", folder),
        files,
        folder,
      ),
    ),
    nextChoice(atOnce),
    list,
    spoken,
  );
  catchDrops(zone, uploads, signal);
  const draw = () => {
    list.replaceChildren(...parcelRows(uploads));
    if (uploads.parcels.length && !uploads.isBusy) spoken.textContent = summary(uploads);
  };
  uploads.addEventListener("change", draw, { signal });
  draw();
  return zone;
}

/** @param {{get: () => boolean, set: (publish: boolean) => void}} atOnce */
function nextChoice(atOnce) {
  const choice = (/** @type {boolean} */ publish, /** @type {string} */ name, /** @type {string} */ meaning) =>
    h(
      "label",
      { class: "choice" },
      h("input", {
        type: "radio",
        name: "next",
        checked: atOnce.get() === publish,
        on: { change: () => atOnce.set(publish) },
      }),
      h("span", null, h("b", null, name), h("span", { class: "muted" }, ` ${meaning}`)),
    );
  return h(
    "fieldset",
    { class: "drop-next" },
    h("legend", null, "Once they are here"),
    choice(false, "Look first.", "A candidate is made; customers see nothing of it yet."),
    choice(true, "Publish at once.", "Customers are answered from it as soon as it is read."),
  );
}

/** Files may be let go anywhere on the page. @param {HTMLElement} zone @param {import("./uploads.js").Uploads} uploads @param {AbortSignal} signal */
function catchDrops(zone, uploads, signal) {
  let depth = 0;
  const hover = (/** @type {number} */ step) => {
    depth = Math.max(0, depth + step);
    zone.classList.toggle("over", depth > 0);
  };
  const carriesFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => carriesFiles(event) && hover(1), { signal });
  document.addEventListener("dragleave", (event) => carriesFiles(event) && hover(-1), { signal });
  document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault(), { signal });
  document.addEventListener(
    "drop",
    async (event) => {
      if (!carriesFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      hover(-depth);
      try {
        uploads.add(await filesOf(event.dataTransfer));
      } catch {
        showToast("This folder could not be read. Choose its files instead.");
      }
    },
    { signal },
  );
}

/** What went wrong first, then what moves, then what is done. @param {import("./uploads.js").Uploads} uploads @returns {Node[]} */
function parcelRows(uploads) {
  const order = { failed: 0, refused: 1, sending: 2, waiting: 3, saved: 4 };
  const sorted = [...uploads.parcels].sort((a, b) => order[a.fate] - order[b.fate]);
  if (!sorted.length) return [];
  const refused = uploads.count("refused") + uploads.count("failed");
  const shown = sorted.slice(0, Math.max(ROWS_SHOWN, Math.min(refused, 50)));
  const total = progressBar("Files sent");
  total.show(uploads.parcels.length - uploads.count("waiting") - uploads.count("sending"), uploads.parcels.length);
  const again = () => uploads.retry();
  return [
    h("p", { class: "parcels-head" }, h("b", null, summary(uploads))),
    ...(uploads.isBusy && uploads.parcels.length > 1 ? [total.element] : []),
    h("ul", { class: "parcel-list" }, ...shown.map(parcelRow)),
    ...(sorted.length > shown.length
      ? [h("p", { class: "muted small" }, `and ${counted(sorted.length - shown.length, "more file")}`)]
      : []),
    ...(uploads.count("failed") && !uploads.isBusy
      ? [h("button", { class: "button", type: "button", on: { click: again } }, "Send again what is missing")]
      : []),
  ];
}

/** @param {import("./uploads.js").Uploads} uploads */
function summary(uploads) {
  const [saved, refused, failed] = [uploads.count("saved"), uploads.count("refused"), uploads.count("failed")];
  if (uploads.isBusy) return `Sending ${counted(uploads.parcels.length, "file")}: ${saved} here`;
  return [
    saved && `${counted(saved, "file")} ${saved === 1 ? "is" : "are"} here.`,
    refused && `${counted(refused, "file")} refused.`,
    failed && `${counted(failed, "file")} not sent.`,
  ]
    .filter(Boolean)
    .join(" ");
}

/** @param {import("./uploads.js").Parcel} parcel */
function parcelRow({ name, size, sent, fate, reason }) {
  const bar = progressBar(`Sending ${name}`);
  bar.show(sent, 1);
  return h(
    "li",
    { class: fate },
    h("span", { class: "parcel-name", dir: "auto" }, name),
    h("span", { class: "muted small figure" }, sizeOf(size)),
    fate === "sending" ? bar.element : h("span", { class: `fate ${fate}` }, FATES[fate]),
    reason && h("p", { class: "small reason" }, sentence(reason)),
  );
}

/** @param {string} reason "it is empty" → "It is empty." */
function sentence(reason) {
  const begun = reason.charAt(0).toUpperCase() + reason.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
