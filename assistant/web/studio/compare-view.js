// What customers would be told differently: saved and recent questions answered by two releases, side by side.

import { clamped } from "../furniture/clamped.js";
import { emptyState } from "../furniture/empty.js";
import { drawing } from "../furniture/icons.js";
import { plainOf } from "../furniture/plain.js";
import { progressBar } from "../furniture/progress.js";
import { request } from "../furniture/requests.js";
import { h } from "../widget/nodes.js";
import { compareWords } from "./diff.js";
import { select } from "./document-table.js";
import { stepInWords } from "./job-strip.js";
import { addressOf, documentAddress } from "./places.js";
import { publishRelease, rollBack } from "./releasing.js";
import { counted, outcomeWord, percentOf, timeOf, whoOf } from "./words.js";

/** @type {Studio.Change[]} */
const ORDER = ["outcome", "sources", "wording", "same"];
const CHANGES = {
  outcome: { one: "another outcome", many: "Another outcome" },
  sources: { one: "other sources", many: "Other sources" },
  wording: { one: "other words", many: "Other words" },
  same: { one: "the same", many: "The same" },
};
const ORIGINS = { saved: "saved question", recent: "asked recently", cases: "written case" };
const SHOWN = 100;

/** @type {Studio.ShowView} */
export async function showComparison(room, { id, asked }) {
  const number = Number(id);
  /** @type {[{releases: Studio.Release[]}, {comparisons: Studio.ComparisonSummary[]}, Studio.Job | null]} */
  const [{ releases }, { comparisons }, job] = await Promise.all([
    request("/v1/knowledge/releases"),
    request("/v1/knowledge/comparisons"),
    request("/v1/knowledge/job"),
  ]);
  room.jobs.take(job);
  const release = releases.find((one) => one.number === number);
  const other = otherOf(number, Number(asked.get("against")), releases, comparisons);
  const isKept = comparisons.some((one) => one.release === number && one.against === other);
  /** @type {Studio.Comparison | null} */
  const comparison = isKept ? await request(comparisonPath(number, other)) : null;
  if (release && other && asked.has("start")) {
    room.go(compareAddress(number, Number(asked.get("against"))), { replace: true });
    if (!comparison && !room.jobs.isRunning) await room.jobs.compare(number, other).catch(() => {});
  }
  room.jobs.addEventListener("end", () => room.jobs.job?.kind === "compare" && room.redraw(), { signal: room.signal });
  return {
    title: `Compare release ${id}`,
    nodes: [
      h(
        "nav",
        { class: "crumbs", "aria-label": "Back" },
        h("a", { href: "/studio/releases", "data-inside": true }, drawing("back"), "Releases"),
      ),
      head(room, number, other, releases, comparison),
      h("div", { class: "comparison" }, ...stageOf(room, release, other, comparison)),
    ],
  };
}

/** The release that another is set beside: the one asked for, the one in service, or for that one the newest it was compared with.
 * @param {number} number @param {number} asked @param {Studio.Release[]} releases @param {Studio.ComparisonSummary[]} comparisons */
function otherOf(number, asked, releases, comparisons) {
  if (asked && asked !== number) return asked;
  const live = releases.find(({ state }) => state === "live")?.number;
  if (live && live !== number) return live;
  const known = comparisons.find(({ release }) => release === number)?.against;
  return known ?? releases.find((one) => one.number !== number)?.number ?? 0;
}

/** @param {number} number @param {number} against */
const comparisonPath = (number, against) => addressOf(`/v1/knowledge/releases/${number}/comparison`, { against });

/** @param {number} number @param {number} [against] */
export const compareAddress = (number, against) =>
  addressOf(`/studio/releases/${number}/compare`, { against: against || null });

/**
 * @param {Studio.Room} room @param {number} number @param {number} other @param {Studio.Release[]} releases
 * @param {Studio.Comparison | null} comparison
 */
function head(room, number, other, releases, comparison) {
  const release = releases.find((one) => one.number === number);
  const live = releases.find(({ state }) => state === "live");
  const others = releases.map((one) => String(one.number)).filter((one) => Number(one) !== number);
  const change = (/** @type {Event} */ event) =>
    room.go(compareAddress(number, Number(/** @type {HTMLSelectElement} */ (event.target).value)));
  const choice =
    release &&
    others.length > 1 &&
    select("Beside", String(other), others, change, (one) => `Beside release ${one}`, "");
  return h(
    "div",
    { class: "view-head" },
    h("h1", null, release && other ? `Release ${number} beside release ${other}` : `Release ${number}`),
    h(
      "div",
      { class: "actions" },
      choice,
      comparison && againButton(room, number, other),
      comparison && release && live && release !== live && actButton(release, live, room),
    ),
  );
}

/**
 * @param {Studio.Room} room @param {Studio.Release | undefined} release @param {number} other
 * @param {Studio.Comparison | null} comparison @returns {Node[]}
 */
function stageOf(room, release, other, comparison) {
  const { job } = room.jobs;
  const releases = h("a", { class: "button", href: "/studio/releases", "data-inside": true }, "See the releases");
  if (!release) return [emptyState("This release is not kept any more", "Only the newest ones are kept.", releases)];
  if (!other)
    return [emptyState("There is no other release yet", "With the next one, you see what changes.", releases)];
  if (comparison) return report(comparison);
  const isOurs = job?.kind === "compare" && job.task.release === release.number && job.task.against === other;
  if (isOurs && job.state === "running") return [runningCard(room)];
  const problem = isOurs && job.state === "failed" && h("p", { class: "problem", role: "alert" }, job.error);
  return [
    emptyState(
      "Not compared yet",
      "The saved questions and last week's real ones are answered by both releases. You see what would change before any customer does.",
      problem,
      room.jobs.isRunning && h("p", { class: "muted" }, "Something else is at work: it can begin once that has ended."),
      againButton(room, release.number, other, "Compare now"),
    ),
  ];
}

/** @param {Studio.Room} room @param {number} number @param {number} other @param {string} [name] */
function againButton(room, number, other, name = "Compare again") {
  const button = h("button", { class: `button${name === "Compare now" ? " primary" : ""}`, type: "button" }, name);
  const isBusy = () => button.ariaDisabled === "true"; // Out of use, and still where the focus is.
  button.ariaDisabled = room.jobs.isRunning ? "true" : null;
  const problem = h("span", { class: "problem", role: "alert" });
  button.addEventListener("click", async () => {
    if (isBusy()) return;
    button.ariaDisabled = "true";
    try {
      await room.jobs.compare(number, other);
      room.redraw();
    } catch (refusal) {
      problem.textContent = /** @type {Error} */ (refusal).message;
      button.ariaDisabled = null;
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
function report({ questions, made_at: madeAt, made_by: madeBy }) {
  const made = h(
    "p",
    { class: "muted small" },
    h("time", { datetime: madeAt }, `Compared ${timeOf(madeAt)}`),
    ` by ${whoOf(madeBy)}`,
  );
  if (!questions.length)
    return [
      made,
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
    ? `${differing} of ${counted(questions.length, "question")} ${differing === 1 ? "is" : "are"} answered differently.`
    : `Nothing changes: ${counted(questions.length, "question")} answered the same.`;
  return [h("div", null, h("p", { class: "lead", role: "status" }, told), made), chips, list, rest];
}

/** @param {Studio.Compared} compared */
function comparedCard({ question, history = [], origin, file, change, before, after }) {
  const words = compareWords(plainOf(before.text), plainOf(after.text));
  return h(
    "li",
    { class: "pair" },
    h(
      "div",
      { class: "pair-head" },
      clamped("h2", question),
      h("span", { class: change === "same" ? "tag" : "tag warning" }, CHANGES[change].one),
      h("span", { class: "tag" }, file ? `${ORIGINS[origin]}, ${file}` : (ORIGINS[origin] ?? origin)),
    ),
    history.length > 0 && clamped("p", `After: ${history.join(" / ")}`, "muted small"),
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
