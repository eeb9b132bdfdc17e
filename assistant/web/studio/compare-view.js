// What customers would be told differently: saved and recent questions answered by two releases, side by side.

import { emptyState } from "../furniture/empty.js";
import { drawing } from "../furniture/icons.js";
import { progressBar } from "../furniture/progress.js";
import { request } from "../furniture/requests.js";
import { h } from "../widget/nodes.js";
import { compareWords } from "./diff.js";
import { stepInWords } from "./job-strip.js";
import { documentAddress } from "./places.js";
import { publishRelease, rollBack } from "./releasing.js";
import { outcomeWord, percentOf } from "./words.js";

/** @type {Studio.Change[]} */
const ORDER = ["outcome", "sources", "wording", "same"];
const CHANGES = {
  outcome: { one: "another outcome", many: "Another outcome" },
  sources: { one: "other sources", many: "Other sources" },
  wording: { one: "other words", many: "Other words" },
  same: { one: "the same", many: "The same" },
};
const ORIGINS = { saved: "saved question", recent: "asked recently", cases: "evaluation case" };
const SHOWN = 100;

/** @type {Studio.ShowView} */
export async function showComparison(room, { id, asked }) {
  const number = Number(id);
  /** @type {[{releases: Studio.Release[]}, Studio.Job | null]} */
  const [{ releases }, job] = await Promise.all([request("/v1/knowledge/releases"), request("/v1/knowledge/job")]);
  room.jobs.take(job);
  const release = releases.find((one) => one.number === number);
  const live = releases.find(({ state }) => state === "live");
  const stage = h("div", { class: "comparison" });
  const head = h(
    "div",
    { class: "view-head" },
    h("h1", null, live && live.number !== number ? `Release ${id} beside release ${live.number}` : `Release ${id}`),
  );
  const draw = () => stage.replaceChildren(...stageOf(room, number, release, live, head));
  if (release && live && release !== live && asked.has("start") && !isOf(room.jobs.job, number)) {
    room.go(`/studio/releases/${id}/compare`, { replace: true });
    await room.jobs.compare(number).catch(() => {});
  }
  room.jobs.addEventListener("end", draw, { signal: room.signal });
  draw();
  return {
    title: `Compare release ${id}`,
    nodes: [
      h(
        "nav",
        { class: "crumbs", "aria-label": "Back" },
        h("a", { href: "/studio/releases", "data-inside": true }, drawing("back"), "Releases"),
      ),
      head,
      stage,
    ],
  };
}

/** @param {Studio.Job | null} job @param {number} number */
const isOf = (job, number) => job?.kind === "compare" && (job.state === "running" || job.report?.release === number);

/**
 * @param {Studio.Room} room @param {number} number @param {Studio.Release | undefined} release
 * @param {Studio.Release | undefined} live @param {HTMLElement} head @returns {Node[]}
 */
function stageOf(room, number, release, live, head) {
  const { job } = room.jobs;
  if (!release)
    return [
      emptyState(
        "This release is not kept any more",
        "Only the newest ones are kept.",
        h("a", { class: "button", href: "/studio/releases", "data-inside": true }, "See the releases"),
      ),
    ];
  if (!live || live.number === number)
    return [
      emptyState(
        "This release is in service",
        "Compare another one with it.",
        h("a", { class: "button", href: "/studio/releases", "data-inside": true }, "See the releases"),
      ),
    ];
  if (job?.kind === "compare" && job.state === "running") return [runningCard(room)];
  if (job?.kind === "compare" && job.state === "done" && job.report?.release === number) {
    head.querySelector(".actions")?.remove();
    head.append(h("div", { class: "actions" }, againButton(room, number, live), actButton(release, live, room)));
    return report(/** @type {Studio.Comparison} */ (job.report));
  }
  const problem =
    job?.kind === "compare" && job.state === "failed" && h("p", { class: "problem", role: "alert" }, job.error);
  return [
    emptyState(
      "Not compared yet",
      "The saved questions and last week's real ones are answered by both releases. You see what would change before any customer does.",
      problem,
      againButton(room, number, live, "Compare now"),
    ),
  ];
}

/** @param {Studio.Room} room @param {number} number @param {Studio.Release} live @param {string} [name] */
function againButton(room, number, live, name = "Compare again") {
  const button = h("button", { class: `button${name === "Compare now" ? " primary" : ""}`, type: "button" }, name);
  const problem = h("span", { class: "problem", role: "alert" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await room.jobs.compare(number, live.number);
      room.redraw();
    } catch (refusal) {
      problem.textContent = /** @type {Error} */ (refusal).message;
      button.disabled = false;
    }
  });
  return h("span", null, button, problem);
}

/** @param {Studio.Release} release @param {Studio.Release} live @param {Studio.Room} room */
function actButton(release, live, room) {
  const act = release.state === "candidate" ? publishRelease : rollBack;
  const click = async () => (await act(release, live)) && room.go("/studio/releases");
  const name =
    release.state === "candidate" ? `Publish release ${release.number}` : `Go back to release ${release.number}`;
  return h("button", { class: "button primary", type: "button", on: { click } }, name);
}

/** @param {Studio.Room} room */
function runningCard(room) {
  const bar = progressBar("Questions compared");
  const words = h("p", { class: "muted" });
  const draw = () => {
    const { job } = room.jobs;
    if (job?.state !== "running") return;
    words.textContent = stepInWords(job);
    bar.show(job.done, job.total);
  };
  room.jobs.addEventListener("change", draw, { signal: room.signal });
  draw();
  return h("div", { class: "empty" }, h("strong", null, "Both releases are being asked"), words, bar.element);
}

/** @param {Studio.Comparison} comparison @returns {Node[]} */
function report({ questions }) {
  if (!questions.length)
    return [
      emptyState(
        "There was nothing to ask",
        "Save a few questions: each comparison then asks them.",
        h("a", { class: "button primary", href: "/studio/questions", "data-inside": true }, "Save questions"),
      ),
    ];
  const of = (/** @type {Studio.Change} */ change) => questions.filter((one) => one.change === change);
  const differing = questions.length - of("same").length;
  let chosen = /** @type {Studio.Change | "changes"} */ (differing ? "changes" : "same");
  const list = h("ol", { class: "compared" });
  const rest = h("p", { class: "muted small" });
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Which questions" });
  const draw = () => {
    const shown = chosen === "changes" ? ORDER.slice(0, 3).flatMap(of) : of(chosen);
    list.replaceChildren(...shown.slice(0, SHOWN).map(comparedCard));
    rest.textContent = shown.length > SHOWN ? `The first ${SHOWN} of ${shown.length}.` : "";
    for (const chip of chips.children)
      chip.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (chip).dataset.of === chosen));
  };
  const chip = (
    /** @type {Studio.Change | "changes"} */ name,
    /** @type {string} */ words,
    /** @type {number} */ count,
  ) =>
    h(
      "button",
      { class: "chip", type: "button", "data-of": name, on: { click: () => ((chosen = name), draw()) } },
      h("b", { class: "figure" }, String(count)),
      ` ${words}`,
    );
  chips.append(
    chip("changes", "change in all", differing),
    ...ORDER.map((change) => chip(change, CHANGES[change].many, of(change).length)),
  );
  draw();
  const told = differing
    ? `${differing} of ${questions.length} questions would be answered differently.`
    : `All ${questions.length} questions are answered the same.`;
  return [h("p", { class: "lead", role: "status" }, told), chips, list, rest];
}

/** @param {Studio.Compared} compared */
function comparedCard({ question, origin, change, before, after }) {
  const words = compareWords(before.text, after.text);
  return h(
    "li",
    { class: "pair" },
    h(
      "div",
      { class: "pair-head" },
      h("h2", { dir: "auto" }, question),
      h("span", { class: change === "same" ? "tag" : "tag warning" }, CHANGES[change].one),
      h("span", { class: "tag" }, ORIGINS[origin] ?? origin),
    ),
    h(
      "div",
      { class: "sides" },
      answerSide("Before", before, words.before, after, "del"),
      answerSide("After", after, words.after, before, "ins"),
    ),
  );
}

/**
 * @param {string} name @param {Studio.Rehearsed} answer @param {import("./diff.js").Piece[]} pieces
 * @param {Studio.Rehearsed} other @param {"ins" | "del"} tag
 */
function answerSide(name, { outcome, citations, sureness }, pieces, other, tag) {
  const cited = (/** @type {Citation} */ one) =>
    [/** @type {any} */ (one).document, one.title, ...[one.section ?? []].flat()].join("\n");
  const known = new Set(other.citations.map(cited));
  const differs = outcome !== other.outcome;
  const outcomeWords = outcomeWord(outcome);
  return h(
    "div",
    { class: `side-of ${tag}`, role: "group", "aria-label": name },
    h(
      "p",
      { class: "side-head" },
      h("span", { class: "muted small" }, name),
      differs ? h(tag, { class: "outcome" }, outcomeWords) : h("span", { class: "outcome" }, outcomeWords),
      h("span", { class: "muted small figure" }, `${percentOf(sureness)} sure`),
    ),
    h(
      "p",
      { class: "said", dir: "auto" },
      ...pieces.flatMap(({ text, differs: isOther }) => (isOther ? marked(text, tag) : [text])),
    ),
    citations.length > 0 &&
      h(
        "ul",
        { class: "cited-list" },
        ...citations.map((citation) => {
          const { title, section, document, release } = /** @type {any} */ (citation);
          const path = [title, ...[section ?? []].flat()].filter(Boolean).join(" › ");
          const href = citation.url || (document ? documentAddress(document, { release }) : null);
          const link = href ? h("a", { href, target: "_blank", rel: "noopener" }, path) : path;
          return h(
            "li",
            { class: "small" },
            known.has(cited(citation)) ? link : h(tag, { class: tag === "ins" ? "marker" : null }, link),
          );
        }),
      ),
  );
}

/** The blanks behind a word stay outside of its stroke. @param {string} text @param {"ins" | "del"} tag @returns {Child[]} */
function marked(text, tag) {
  const words = text.trimEnd();
  return [words && h(tag, { class: tag === "ins" ? "marker" : null }, words), text.slice(words.length)];
}
