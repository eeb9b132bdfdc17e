// What customers asked in vain, the most urgent first; and what in the documents themselves wants care.

import { stackedBar } from "../furniture/chart.js";
import { clamped } from "../furniture/clamped.js";
import { confirmBy } from "../furniture/dialog.js";
import { emptyState } from "../furniture/empty.js";
import { request } from "../furniture/requests.js";
import { showToast } from "../furniture/toast.js";
import { h, icon } from "../widget/nodes.js";
import { addressOf, documentAddress } from "./places.js";
import { counted, dayOf, kindOf, shortOf, timeOf, timesOf } from "./words.js";

const GAPS_MAX = 200;
const SHOWN = 200;
export const REASONS = /** @type {Record<string, {name: string, tone: number}>} */ ({
  handed_over: { name: "handed over", tone: 4 },
  thumbed_down: { name: "thumbed down", tone: 2 },
  declined: { name: "declined", tone: 1 },
});

/** @type {Studio.ShowView} */
export async function showGaps(room, { id: tab }) {
  const nodes = tab ? await healthTab(tab) : await gapList(room);
  return {
    title: "Gaps",
    nodes: [
      h("h1", null, "Gaps"),
      h(
        "nav",
        { class: "tabs", "aria-label": "What wants care" },
        ...[
          ["", "Asked in vain"],
          ["unused", "Never used"],
          ["contradictions", "Contradictions"],
          ["stale", "Out of date"],
        ].map(([name, words]) =>
          h(
            "a",
            {
              href: name ? `/studio/gaps/${name}` : "/studio/gaps",
              "data-inside": true,
              "aria-current": name === tab ? "page" : null,
            },
            words,
          ),
        ),
      ),
      ...nodes,
    ],
  };
}

/** @param {Studio.Room} room @returns {Promise<Node[]>} */
async function gapList(room) {
  /** @type {{gaps: Studio.Gap[], up_to_date?: boolean}} */
  const { gaps, up_to_date: isUpToDate } = await request(
    addressOf("/v1/knowledge/gaps", { state: "all", limit: GAPS_MAX }),
  );
  const open = gaps.filter(({ state }) => state === "open" || state === "drafted");
  const done = gaps.filter(({ state }) => state === "closed" || state === "dismissed");
  const full = Math.max(
    1,
    ...open.map(({ declined, thumbed_down: down, handed_over: over }) => declined + down + over),
  );
  return [
    h(
      "p",
      { class: "muted lead" },
      "Questions that were declined, thumbed down or handed to a person, grouped by what they ask.",
    ),
    ...(isUpToDate === false
      ? [
          h(
            "p",
            { class: "muted small", role: "status" },
            "The newest conversations are still being read. Come back in a moment.",
          ),
        ]
      : []),
    open.length
      ? h("ol", { class: "gaps" }, ...open.map((gap, i) => gapCard(gap, i + 1, full, room)))
      : emptyState(
          "No gap is open",
          "When customers ask what the documents do not answer, it stands here, counted and ranked.",
        ),
    ...(done.length
      ? [
          h(
            "details",
            { class: "panel" },
            h("summary", null, h("h2", null, "Closed"), h("span", { class: "muted" }, counted(done.length, "gap"))),
            h("ul", { class: "rows closed" }, ...done.map(closedRow)),
          ),
        ]
      : []),
  ];
}

/** @param {Studio.Gap} gap @param {number} place @param {number} full @param {Studio.Room} room */
function gapCard(gap, place, full, room) {
  const {
    id,
    label,
    count,
    conversations,
    last_at: lastAt,
    state,
    draft,
    reopened_at: reopenedAt,
    products = [],
  } = gap;
  const segments = Object.entries(REASONS).map(([reason, { name, tone }]) => {
    const value = /** @type {any} */ (gap)[reason];
    return { name, value, shown: String(value), tone };
  });
  const write = draft
    ? draft.state === "accepted"
      ? "Look at the answer"
      : "Go on with the answer"
    : "Write the answer";
  const dismiss = async () => {
    const agreed = await confirmBy({
      title: "Dismiss this gap?",
      body: [
        h("p", null, `“${label}”`),
        h(
          "p",
          { class: "muted" },
          "It leaves the list, also when it is asked again. Dismiss what is not yours to answer.",
        ),
      ],
      action: "Dismiss",
    });
    if (!agreed) return;
    try {
      await request(`/v1/knowledge/gaps/${encodeURIComponent(id)}/dismiss`, { method: "POST" });
      room.redraw();
    } catch (refusal) {
      showToast(/** @type {Error} */ (refusal).message);
    }
  };
  return h(
    "li",
    { class: "gap" },
    h("span", { class: "place figure", "aria-hidden": "true" }, String(place)),
    h(
      "div",
      { class: "gap-main" },
      h(
        "div",
        { class: "pair-head" },
        clamped("h2", label),
        draft &&
          h(
            "span",
            { class: draft.state === "accepted" ? "tag good" : "tag" },
            draft.state === "accepted" ? "answer accepted" : "answer begun",
          ),
        state === "open" && reopenedAt && h("span", { class: "tag warning" }, "asked again"),
        ...products.map((/** @type {string} */ product) => h("span", { class: "tag" }, product)),
      ),
      h(
        "p",
        { class: "muted small" },
        `Asked ${timesOf(count)}`,
        conversations > 0 && conversations !== count && ` in ${counted(conversations, "conversation")}`,
        `, last ${timeOf(lastAt)}`,
      ),
      stackedBar(segments, full),
      examplesPanel(gap, room),
      h(
        "div",
        { class: "actions" },
        h(
          "a",
          {
            class: `button${draft?.state === "accepted" ? "" : " primary"}`,
            href: `/studio/gaps/${encodeURIComponent(id)}`,
            "data-inside": true,
            "aria-label": `${write}: ${shortOf(label)}`,
          },
          write,
        ),
        h(
          "button",
          { class: "button plain", type: "button", "aria-label": `Dismiss: ${shortOf(label)}`, on: { click: dismiss } },
          "Dismiss",
        ),
      ),
    ),
  );
}

/** @param {Studio.Gap} gap @param {Studio.Room} room */
export function examplesPanel({ examples }, room, { open = false } = {}) {
  return h(
    "details",
    { class: "panel", open },
    h("summary", null, `How it was asked (${examples.length})`),
    h("ul", { class: "examples" }, ...examples.map((example) => exampleItem(example, room))),
  );
}

/** @param {Studio.Example} example @param {Studio.Room} room */
function exampleItem({ question, reason, at, agent_answer: answer, conversation, seq }, room) {
  const save = async (/** @type {Event} */ event) => {
    const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
    if (button.ariaDisabled) return;
    button.ariaDisabled = "true"; // Out of use, and still where the focus is.
    try {
      await request("/v1/knowledge/questions", { method: "POST", body: { conversation, seq } });
      button.textContent = "Saved";
    } catch (refusal) {
      button.ariaDisabled = null;
      showToast(/** @type {Error} */ (refusal).message);
    }
  };
  return h(
    "li",
    null,
    clamped("p", question, "asked"),
    answer && h("blockquote", { class: "agent-answer", dir: "auto" }, h("span", { class: "marker" }, answer)),
    h(
      "p",
      { class: "muted small example-foot" },
      h("span", null, REASONS[reason]?.name ?? reason),
      h("time", { datetime: at }, timeOf(at)),
      room.agent.role === "admin" &&
        h(
          "a",
          { href: addressOf("/desk", { conversation }), target: "_blank", rel: "noopener" },
          "The conversation",
          icon("out"),
        ),
      h("button", { class: "link", type: "button", on: { click: save } }, "Save as a question"),
    ),
  );
}

/** @param {Studio.Gap} gap */
function closedRow({ label, state, count, closed_at: closedAt, closed_release: release }) {
  const how = state === "dismissed" ? "dismissed" : release ? `answered since release ${release}` : "answered";
  return h(
    "li",
    null,
    h("div", { class: "row-main" }, clamped("s", label)),
    h("span", { class: state === "dismissed" ? "tag" : "tag good" }, how),
    h("span", { class: "muted small" }, `asked ${timesOf(count)}${closedAt ? `, ${dayOf(closedAt)}` : ""}`),
  );
}

/** @param {string} tab @returns {Promise<Node[]>} */
async function healthTab(tab) {
  /** @type {Studio.Health} */
  const { unused, contradictions, stale } = await request("/v1/knowledge/health");
  if (tab === "unused")
    return documentList(
      unused,
      "No customer was ever answered from these. They may be superfluous, or say it in words nobody uses.",
      {
        title: "Every document was used",
        text: "Documents nobody was ever answered from stand here.",
      },
    );
  if (tab === "stale")
    return documentList(stale, "They have not changed for long, or speak of a time that is over.", {
      title: "Nothing is out of date",
      text: "Documents that have not changed for long, or speak of a time that is over, stand here.",
    });
  if (!contradictions.length)
    return [
      emptyState(
        "No two passages contradict each other",
        "Passages that tell different numbers of the same thing stand here, side by side.",
      ),
    ];
  return [
    h(
      "p",
      { class: "muted lead" },
      "These tell different numbers of what seems to be the same thing. Customers are told one or the other.",
    ),
    h("ol", { class: "gaps" }, ...contradictions.slice(0, SHOWN).map(contradictionCard)),
  ];
}

/** @param {Studio.Contradiction} contradiction */
const contradictionCard = ({ what, passages }) =>
  h(
    "li",
    { class: "pair" },
    h("h2", { dir: "auto" }, what),
    h(
      "div",
      { class: "sides" },
      ...passages.map(({ document, title, section, start, end, text, number }) =>
        h(
          "div",
          { class: "side-of" },
          h("p", { class: "said", dir: "auto" }, ...numberMarked(text, number)),
          h(
            "p",
            { class: "small" },
            h(
              "a",
              {
                href: addressOf(`/source/${encodeURIComponent(document)}`, { start, end }),
                target: "_blank",
                rel: "noopener",
              },
              [title, ...section.filter((part) => part !== title)].join(" › "),
              icon("out"),
            ),
          ),
        ),
      ),
    ),
  );

/** @param {string} text @param {string} number @returns {Child[]} */
function numberMarked(text, number) {
  const at = text.indexOf(number);
  if (at < 0 || !number) return [text];
  return [text.slice(0, at), h("mark", { class: "marker" }, number), text.slice(at + number.length)];
}

/** @param {(Studio.Summary & {why?: string})[]} documents @param {string} lead @param {{title: string, text: string}} none @returns {Node[]} */
function documentList(documents, lead, none) {
  if (!documents.length) return [emptyState(none.title, none.text)];
  return [
    h("p", { class: "muted lead" }, lead),
    h(
      "ul",
      { class: "rows" },
      ...documents
        .slice(0, SHOWN)
        .map(({ id, title, media_type: type, changed_at: changedAt, why, source }) =>
          h(
            "li",
            null,
            h(
              "span",
              { class: "row-main" },
              h("a", { href: documentAddress(id), "data-inside": true, dir: "auto" }, title),
              h("span", { class: "muted small source", dir: "auto" }, why ?? source),
            ),
            h("span", { class: "tag" }, kindOf(type)),
            h("span", { class: "muted small" }, changedAt ? `changed ${dayOf(changedAt)}` : ""),
          ),
        ),
    ),
    ...(documents.length > SHOWN
      ? [h("p", { class: "muted small" }, `The first ${SHOWN} of ${documents.length.toLocaleString("en")}.`)]
      : []),
  ];
}
