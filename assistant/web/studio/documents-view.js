// The first view: what is in service, a place to drop documents, what could not be read, and every document there is.

import { drawing } from "../furniture/icons.js";
import { request } from "../furniture/requests.js";
import { showToast } from "../furniture/toast.js";
import { h } from "../widget/nodes.js";
import { documentTable } from "./document-table.js";
import { dropZone } from "./drop-zone.js";
import { addressOf } from "./places.js";
import { sourcesPanel } from "./sources-panel.js";
import { counted, sizeOf, timeOf, whoOf } from "./words.js";

/** @type {Studio.ShowView} */
export async function showDocuments(room, { asked }) {
  const of = asked.get("release");
  /** @type {[Studio.Overview, {documents: Studio.Summary[], release: number | null}, {releases: Studio.Release[]}]} */
  const [overview, listed, { releases }] = await Promise.all([
    request("/v1/knowledge"),
    request(addressOf("/v1/knowledge/documents", { release: of })),
    request("/v1/knowledge/releases"),
  ]);
  if (overview.job?.id !== room.jobs.job?.id || !room.jobs.isRunning) room.jobs.take(overview.job);
  const atOnce = { get: () => room.atOnce, set: (/** @type {boolean} */ publish) => (room.atOnce = publish) };
  return {
    title: "Documents",
    nodes: [
      h("h1", null, "What the assistant knows"),
      h(
        "div",
        { class: "overview" },
        dropZone(room.uploads, room.signal, atOnce),
        serviceCard(overview, releases, room),
      ),
      faultsPanel(overview.faults),
      sourcesPanel(overview.sources, room),
      documentTable(listed.documents, listed.release, releases, room, asked),
    ],
  };
}

/** @param {Studio.Overview} overview @param {Studio.Release[]} releases @param {Studio.Room} room */
function serviceCard(overview, releases, room) {
  const live = releases.find(({ state }) => state === "live");
  const again = h("button", { class: "button", type: "button" }, "Read everything again");
  again.disabled = room.jobs.isRunning || !overview.sources.length;
  again.addEventListener("click", () =>
    room.jobs.reindex(false).catch((/** @type {Error} */ refusal) => showToast(refusal.message)),
  );
  room.jobs.addEventListener("change", () => (again.disabled = room.jobs.isRunning || !overview.sources.length), {
    signal: room.signal,
  });
  const figure = (/** @type {string} */ name, /** @type {string} */ value) =>
    h("div", null, h("dt", null, name), h("dd", { class: "figure" }, value));
  if (overview.release === null)
    return h(
      "section",
      { class: "service", "aria-label": "In service" },
      h("h2", null, "Nothing is in service yet"),
      h(
        "p",
        { class: "muted" },
        "Drop a folder, or add the address of your help pages below. Until then the assistant says that it does not know.",
      ),
      again,
    );
  return h(
    "section",
    { class: "service", "aria-label": "In service" },
    h("p", { class: "muted small" }, "In service"),
    h("h2", null, h("span", { class: "marker" }, `Release ${overview.release}`)),
    h(
      "p",
      { class: "muted small" },
      `since ${timeOf(live?.published_at ?? overview.made_at)}, by ${whoOf(live?.published_by ?? live?.made_by)}`,
    ),
    h(
      "dl",
      { class: "figures" },
      figure("Documents", overview.documents.toLocaleString("en")),
      figure("Passages", overview.passages.toLocaleString("en")),
      figure("On disk", sizeOf(overview.size_bytes)),
    ),
    again,
  );
}

/** @param {Studio.Fault[]} faults */
function faultsPanel(faults) {
  if (!faults.length) return document.createDocumentFragment();
  const many = faults.length > 6;
  const list = h(
    "ul",
    { class: "faults" },
    ...faults.map(({ source, reason }) => h("li", null, h("b", { dir: "auto" }, nameOf(source)), h("p", null, reason))),
  );
  const title = `${counted(faults.length, "source")} could not be read the last time`;
  return h(
    "section",
    { class: "notice", "aria-label": "What could not be read" },
    drawing("alert"),
    many
      ? h("details", null, h("summary", null, h("h2", null, title)), list)
      : h("div", null, h("h2", null, title), list),
  );
}

/** A path's last two parts tell which file it is. @param {string} source */
function nameOf(source) {
  if (/^https?:/.test(source)) return source;
  return source.split("/").filter(Boolean).slice(-2).join("/") || source;
}
