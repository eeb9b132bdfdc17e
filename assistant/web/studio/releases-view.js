// Every release that is kept, on one line of time: who made it, what changed, which one serves; publish, compare, go back.

import { emptyState } from "../furniture/empty.js";
import { request } from "../furniture/requests.js";
import { h } from "../widget/nodes.js";
import { compareAddress } from "./compare-view.js";
import { addressOf, documentAddress } from "./places.js";
import { publishRelease, rollBack } from "./releasing.js";
import { counted, timeOf, whoOf } from "./words.js";

const STATES = { live: "in service", kept: "kept", candidate: "candidate" };
const CHANGES_SHOWN = 30;

/** @type {Studio.ShowView} */
export async function showReleases(room) {
  /** @type {[{releases: Studio.Release[]}, {comparisons: Studio.ComparisonSummary[]}]} */
  const [{ releases }, { comparisons }] = await Promise.all([
    request("/v1/knowledge/releases"),
    request("/v1/knowledge/comparisons"),
  ]);
  const comparedAs = (/** @type {Studio.Release} */ { number }) =>
    comparisons.filter(({ release }) => release === number);
  const live = releases.find(({ state }) => state === "live");
  return {
    title: "Releases",
    nodes: [
      h("h1", null, "Releases"),
      h(
        "p",
        { class: "muted lead" },
        "Customers are answered from exactly one. A candidate changes nothing until you publish it.",
      ),
      releases.length
        ? h(
            "ol",
            { class: "timeline" },
            ...releases.map((release) => releaseRow(release, live, room, comparedAs(release))),
          )
        : emptyState(
            "No release yet",
            "The first one is made when documents are read for the first time.",
            h("a", { class: "button primary", href: "/studio", "data-inside": true }, "Add documents"),
          ),
    ],
  };
}

/**
 * @param {Studio.Release} release @param {Studio.Release | undefined} live @param {Studio.Room} room
 * @param {Studio.ComparisonSummary[]} compared
 */
function releaseRow(release, live, room, compared) {
  const {
    number,
    state,
    made_at: madeAt,
    made_by: madeBy,
    published_at: publishedAt,
    published_by: publishedBy,
  } = release;
  return h(
    "li",
    { class: `release ${state}` },
    h(
      "article",
      { "aria-labelledby": `release-${number}` },
      h(
        "div",
        { class: "release-head" },
        h(
          "h2",
          { id: `release-${number}` },
          state === "live" ? h("span", { class: "marker" }, `Release ${number}`) : `Release ${number}`,
        ),
        h(
          "span",
          { class: state === "live" ? "tag good" : state === "candidate" ? "tag warning" : "tag" },
          STATES[state],
        ),
        h("span", { class: "counts figure" }, ...countTags(release)),
      ),
      h(
        "p",
        { class: "muted small" },
        h("time", { datetime: madeAt }, `Made ${timeOf(madeAt)}`),
        ` by ${whoOf(madeBy)}`,
        publishedAt &&
          ` · in service since ${timeOf(publishedAt)}`.replace(
            "in service since",
            state === "live" ? "in service since" : "last put in service",
          ),
        publishedAt && publishedBy !== madeBy && ` by ${whoOf(publishedBy)}`,
      ),
      h(
        "p",
        { class: "small" },
        `${counted(release.documents, "document")}, ${counted(release.passages, "passage")}`,
        h("span", { class: "muted" }, ` · ${release.embedder}`),
      ),
      compared.length > 0 && h("ul", { class: "comparisons small" }, ...compared.map(comparisonItem)),
      changesPanel(release, live),
      h("div", { class: "actions" }, ...releaseActions(release, live, room)),
    ),
  );
}

/** @param {Studio.ComparisonSummary} comparison */
function comparisonItem({ release, against, made_at: madeAt, counts }) {
  const changed = counts.questions - counts.same;
  const told = counts.questions
    ? `${changed || "none"} of ${counted(counts.questions, "answer")} ${changed === 1 ? "changes" : "change"}`
    : "nothing was asked";
  return h(
    "li",
    null,
    h("a", { href: compareAddress(release, against), "data-inside": true }, `Compared with release ${against}`),
    `: ${told}`,
    h("time", { class: "muted", datetime: madeAt }, ` · ${timeOf(madeAt)}`),
  );
}

/** @param {Studio.Release} release @param {Studio.Release | undefined} live @param {Studio.Room} room @returns {Node[]} */
function releaseActions(release, live, room) {
  const { number, state } = release;
  if (state === "live") return [];
  const compare =
    live &&
    h(
      "a",
      {
        class: "button",
        href: compareAddress(number),
        "data-inside": true,
        "aria-label": `Compare release ${number} with ${live.number}`,
      },
      `Compare with ${live.number}`,
    );
  const act = state === "candidate" ? publishRelease : rollBack;
  const click = async () => (await act(release, live)) && room.redraw();
  const name = state === "candidate" ? "Publish" : "Go back to this one";
  return [
    ...(compare ? [compare] : []),
    h(
      "button",
      {
        class: `button${state === "candidate" ? " primary" : ""}`,
        type: "button",
        "aria-label": `${name}: release ${number}`,
        on: { click },
      },
      name,
    ),
  ];
}

/** @param {{added: number, changed: number, removed: number}} counts */
export function countTags({ added, changed, removed }) {
  const one = (/** @type {string} */ sign, /** @type {number} */ count, /** @type {string} */ kind) =>
    h(
      "span",
      { class: count ? kind : "none" },
      h("span", { "aria-hidden": "true" }, sign),
      String(count),
      h("span", { class: "hush" }, ` ${kind} `),
    );
  return [one("+", added, "added"), one("~", changed, "changed"), one("−", removed, "removed")];
}

/** @param {Studio.Release} release @param {Studio.Release | undefined} live */
function changesPanel({ number, state }, live) {
  const list = h("div", { class: "changes" });
  const name =
    state === "live" ? "What it changed" : live ? `What differs from release ${live.number}` : "What is in it";
  const panel = h("details", { class: "panel" }, h("summary", null, name), list);
  panel.addEventListener("toggle", async () => {
    if (!panel.open || list.childElementCount) return;
    list.replaceChildren(h("div", { class: "skeleton" }));
    try {
      list.replaceChildren(...changeLists(await request(`/v1/knowledge/releases/${number}/changes`)));
    } catch (refusal) {
      list.replaceChildren(h("p", { class: "problem" }, /** @type {Error} */ (refusal).message));
    }
  });
  return panel;
}

/** @param {Studio.Changes} changes @returns {Node[]} */
function changeLists({ release, against, added, changed, removed }) {
  const lists = [
    { name: "Added", sign: "+", kind: "added", documents: added, of: release },
    { name: "Changed", sign: "~", kind: "changed", documents: changed, of: release },
    { name: "Removed", sign: "−", kind: "removed", documents: removed, of: against },
  ];
  const filled = lists.filter(({ documents }) => documents.length);
  if (!filled.length)
    return [
      h(
        "p",
        { class: "muted" },
        against ? `Nothing differs from release ${against}.` : "There is no release to set it beside.",
      ),
    ];
  return filled.map(({ name, sign, kind, documents, of }) =>
    h(
      "section",
      { class: kind },
      h("h3", null, `${name} `, h("span", { class: "figure muted" }, String(documents.length))),
      h(
        "ul",
        null,
        ...documents
          .slice(0, CHANGES_SHOWN)
          .map(({ id, title }) =>
            h(
              "li",
              null,
              h("span", { class: "sign", "aria-hidden": "true" }, sign),
              h("a", { href: documentAddress(id, { release: of }), "data-inside": true, dir: "auto" }, title),
            ),
          ),
      ),
      documents.length > CHANGES_SHOWN &&
        h(
          "p",
          { class: "small" },
          h(
            "a",
            { href: addressOf("/studio", { release: of }), "data-inside": true },
            `and ${documents.length - CHANGES_SHOWN} more`,
          ),
        ),
    ),
  );
}
