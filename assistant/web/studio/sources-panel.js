// Where documents come from: folders and uploads, pages and sitemaps; pages are added and removed here.

import { whileBusy } from "../furniture/busy.js";
import { confirmBy } from "../furniture/dialog.js";
import { request } from "../furniture/requests.js";
import { showToast } from "../furniture/toast.js";
import { h } from "../widget/nodes.js";
import { counted, dayOf } from "./words.js";

const KINDS = {
  folder: "Folder on the server",
  file: "File on the server",
  page: "Page",
  sitemap: "Sitemap",
  uploads: "Uploaded here",
};

/** @param {Studio.Source[]} sources @param {Studio.Room} room */
export function sourcesPanel(sources, room) {
  const problem = h("p", { class: "problem", role: "alert" });
  const address = h("input", {
    class: "input",
    name: "location",
    type: "url",
    required: true,
    placeholder: "https://www.example.com/help/sitemap.xml",
    "aria-label": "Address of a page or a sitemap",
  });
  const add = h("button", { class: "button", type: "submit" }, "Add");
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    problem.textContent = "";
    await whileBusy(add, async () => {
      await request("/v1/knowledge/sources", { method: "POST", body: { location: address.value.trim() } });
      await readSoon(room, "Added.");
    }).catch((refusal) => {
      problem.textContent = refusal.message;
      address.focus();
    });
  };
  const panel = h(
    "details",
    { class: "panel sources" },
    h(
      "summary",
      null,
      h("h2", null, "Where it comes from"),
      h("span", { class: "muted" }, counted(sources.length, "source")),
    ),
    h("ul", { class: "rows" }, ...sources.map((source) => sourceRow(source, room))),
    sources.length === 0 && h("p", { class: "muted" }, "No source yet. Files that you drop above become one."),
    h("form", { class: "inline-form", on: { submit } }, address, add),
    h(
      "p",
      { class: "muted small" },
      "A page is read by itself, a sitemap with every page it lists. Only public addresses are read.",
    ),
    problem,
  );
  panel.open = room.remembered.sourcesOpen || sources.length === 0;
  panel.addEventListener("toggle", () => (room.remembered.sourcesOpen = panel.open));
  return panel;
}

/** @param {Studio.Source} source @param {Studio.Room} room */
function sourceRow({ id, location, kind, added_at: addedAt }, room) {
  const remove = async () => {
    const agreed = await confirmBy({
      title: "Remove this source?",
      body: [
        h("p", { class: "breakable" }, location),
        h(
          "p",
          { class: "muted" },
          "Its documents leave with the next release. Until that is published, nothing changes for customers.",
        ),
      ],
      action: "Remove it",
    });
    if (!agreed) return;
    try {
      await request(`/v1/knowledge/sources/${encodeURIComponent(id)}`, { method: "DELETE" });
      await readSoon(room, "Removed.");
    } catch (refusal) {
      showToast(/** @type {Error} */ (refusal).message);
    }
  };
  return h(
    "li",
    null,
    h(
      "span",
      { class: "row-main breakable", dir: "auto" },
      kind === "uploads" ? "Files that were uploaded here" : location,
    ),
    h("span", { class: "tag" }, KINDS[kind] ?? kind),
    h("span", { class: "muted small" }, addedAt ? `since ${dayOf(addedAt)}` : ""),
    kind !== "uploads" &&
      h(
        "button",
        { class: "button plain", type: "button", "aria-label": `Remove ${location}`, on: { click: remove } },
        "Remove",
      ),
  );
}

/** What changed in the sources is read at once, as a candidate. @param {Studio.Room} room @param {string} told */
async function readSoon(room, told) {
  room.remembered.sourcesOpen = true;
  if (room.jobs.isRunning) {
    showToast(`${told} It counts from the next reading on: one is going on now.`);
  } else {
    await room.jobs.reindex(false);
    showToast(`${told} It is being read as a candidate.`);
  }
  room.redraw();
}
