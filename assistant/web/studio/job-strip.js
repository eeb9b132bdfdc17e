// The strip under the head of every view: what runs and how far, and the next step once it is done.

import { drawing } from "../furniture/icons.js";
import { progressBar } from "../furniture/progress.js";
import { request } from "../furniture/requests.js";
import { showToast } from "../furniture/toast.js";
import { h } from "../widget/nodes.js";
import { Shelf } from "../widget/shelf.js";
import { changesInWords, publishRelease } from "./releasing.js";
import { counted } from "./words.js";

const STEPS = /** @type {Record<string, (done: number, total: number) => string>} */ ({
  starting: () => "Starting",
  embedding: (done, total) => `Working out what ${counted(total, "passage")} mean: ${done} done`,
  indexing: (done, total) => (total ? `Putting the index together: ${done} of ${total}` : "Putting the index together"),
});

/** What a running job does at the moment. @param {Studio.Job} job */
export function stepInWords({ kind, what, done, total }) {
  const known = STEPS[what];
  if (known) return known(done, total);
  if (kind === "compare") return total ? `Asking both releases: question ${done} of ${total}` : "Asking both releases";
  return total ? `Reading ${what}: ${done} of ${total}` : `Reading ${what}`;
}

export class JobStrip {
  element = h("section", { class: "strip", "aria-label": "Work in progress", hidden: true });
  #bar = progressBar("Progress");
  #words = h("p", { class: "strip-words", role: "status" });
  #actions = h("div", { class: "strip-actions" });
  #shelf = new Shelf("tellonce-studio:");
  #jobs;
  #go;
  #changed;
  #drawn = "";
  /** Jobs that ran before our eyes: how those of earlier ended is no news. @type {Set<string>} */
  #watched = new Set();

  /**
   * @param {import("./job-watch.js").JobWatch} jobs @param {(path: string) => void} go
   * @param {() => void} changed called when another release is in service
   */
  constructor(jobs, go, changed) {
    this.#jobs = jobs;
    this.#go = go;
    this.#changed = changed;
    this.element.append(this.#words, this.#bar.element, this.#actions);
    jobs.addEventListener("change", () => void this.draw());
  }

  /** Draws how the job ended anew: the release may have been published elsewhere. */
  refresh() {
    if (!this.#jobs.isRunning) this.#drawn = "";
    void this.draw();
  }

  async draw() {
    const { job, trouble } = this.#jobs;
    if (!job || (job.state !== "running" && this.#shelf.get("seen-job") === job.id)) return this.#hide();
    if (job.state === "running") return this.#drawRunning(job, trouble);
    this.#bar.element.hidden = true;
    if (this.#drawn === job.id) return;
    if (job.state === "done" && job.kind === "compare" && !this.#watched.has(job.id)) return this.#hide();
    this.#drawn = job.id;
    this.element.className = "strip";
    if (job.state === "failed") return this.#drawFailed(job);
    if (job.kind === "compare") return this.#drawCompared(job);
    await this.#drawReindexed(job);
  }

  #hide() {
    this.element.hidden = true;
    this.#drawn = "";
  }

  /** @param {Studio.Job} job @param {string} trouble */
  #drawRunning(job, trouble) {
    this.#watched.add(job.id);
    const title = job.kind === "compare" ? "Comparing" : "Reading your documents";
    const stop = () => this.#jobs.stop().catch((/** @type {Error} */ refusal) => showToast(refusal.message));
    if (this.#drawn !== "running")
      this.#actions.replaceChildren(
        h("button", { class: "button plain", type: "button", on: { click: stop } }, "Stop"),
      );
    this.#drawn = "running";
    this.element.className = "strip";
    this.element.hidden = this.#bar.element.hidden = false;
    // The status is read out when it begins, not with every step: the step stands beside it.
    if (this.#words.dataset.job !== job.id) {
      this.#words.replaceChildren(h("b", null, title), h("span", { class: "step", "aria-live": "off" }));
      this.#words.dataset.job = job.id;
    }
    const step = this.#words.querySelector(".step");
    if (step) step.textContent = trouble || stepInWords(job);
    this.#bar.show(job.done, job.total);
  }

  /** @param {Studio.Job} job */
  #drawFailed(job) {
    this.element.classList.add("failed");
    this.#say(
      job,
      [drawing("alert"), h("b", null, job.kind === "compare" ? "The comparison has ended" : "The reading has ended")],
      job.error ?? "",
    );
  }

  /** @param {Studio.Job} job */
  #drawCompared(job) {
    const number = job.report?.release;
    const path = `/studio/releases/${number}/compare`;
    if (location.pathname === path) return this.#dismiss(job);
    this.#say(job, [h("b", null, `Release ${number} is compared`)], "", this.#link(path, "See what would change"));
  }

  /** @param {Studio.Job} job */
  async #drawReindexed(job) {
    const number = job.report?.release;
    const { releases } = await request("/v1/knowledge/releases").catch(() => ({ releases: [] }));
    if (this.#jobs.job?.id !== job.id) return;
    /** @type {Studio.Release | undefined} */
    const release = releases.find((/** @type {Studio.Release} */ one) => one.number === number);
    const live = releases.find((/** @type {Studio.Release} */ one) => one.state === "live");
    const counts = changesInWords(release ?? { added: 0, changed: 0, removed: 0, ...job.report });
    const faults = job.report?.faults?.length;
    const unread = faults ? ` ${counted(faults, "source")} could not be read.` : "";
    if (release?.state !== "candidate" && !this.#watched.has(job.id)) return this.#hide();
    if (release?.state !== "candidate")
      return this.#say(job, [h("b", null, `Release ${number} is in service`)], `${capital(counts)}.${unread}`);
    const publish = async () => (await publishRelease(release, live)) && (this.#dismiss(job), this.#changed());
    const compare =
      live && this.#link(`/studio/releases/${number}/compare?start`, `Compare with release ${live.number}`);
    this.#say(
      job,
      [h("b", null, `Release ${number} is ready as a candidate`)],
      `${capital(counts)}. Customers see nothing of it yet.${unread}`,
      ...(compare ? [compare] : []),
      h("button", { class: `button${compare ? "" : " primary"}`, type: "button", on: { click: publish } }, "Publish"),
    );
  }

  /** @param {string} path @param {string} text */
  #link(path, text) {
    const click = (/** @type {MouseEvent} */ event) => (event.preventDefault(), this.#go(path));
    return h("a", { class: "button primary", href: path, on: { click } }, text);
  }

  /** @param {Studio.Job} job @param {Node[]} title @param {string} detail @param {...HTMLElement} actions */
  #say(job, title, detail, ...actions) {
    delete this.#words.dataset.job;
    this.element.hidden = false;
    this.#words.replaceChildren(...title, h("span", null, detail));
    const close = h("button", { class: "button plain", type: "button" }, actions.length ? "Later" : "Close");
    close.addEventListener("click", () => this.#dismiss(job));
    this.#actions.replaceChildren(...actions, close);
  }

  /** @param {Studio.Job} job */
  #dismiss(job) {
    this.#shelf.set("seen-job", job.id);
    this.#hide();
  }
}

/** @param {string} words */
const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
