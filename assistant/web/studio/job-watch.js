// The one job that may run, looked at while it does. Whoever is interested is told of each change.

import { request } from "../furniture/requests.js";

const LOOK_MS = 500;
const AFTER_TROUBLE_MS = 3_000;

export class JobWatch extends EventTarget {
  /** @type {Studio.Job | null} */
  job = null;
  /** Why nobody knows how the job stands, or "". */
  trouble = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #next;

  get isRunning() {
    return this.job?.state === "running";
  }

  /** What the server just said; looks on while it runs. @param {Studio.Job | null} job */
  take(job) {
    const wasRunning = this.isRunning && this.job?.id === job?.id;
    this.job = job;
    this.trouble = "";
    this.dispatchEvent(new Event("change"));
    if (wasRunning && !this.isRunning) this.dispatchEvent(new Event("end"));
    clearTimeout(this.#next);
    if (this.isRunning) this.#next = setTimeout(() => this.#look(), LOOK_MS);
  }

  /** @param {boolean} publish at once @returns {Promise<void>} */
  async reindex(publish) {
    this.take(await request("/v1/knowledge/reindex", { method: "POST", body: { publish } }));
  }

  /** @param {number} release @param {number | null} [against] */
  async compare(release, against = null) {
    const path = `/v1/knowledge/releases/${release}/compare`;
    this.take(await request(path, { method: "POST", body: { against } }));
  }

  async stop() {
    if (this.job)
      this.take(await request(`/v1/knowledge/job/${encodeURIComponent(this.job.id)}`, { method: "DELETE" }));
  }

  /** Resolves once nothing runs. */
  async idle() {
    while (this.isRunning) await new Promise((resolve) => this.addEventListener("end", resolve, { once: true }));
  }

  async #look() {
    try {
      this.take(await request("/v1/knowledge/job"));
    } catch (refusal) {
      this.trouble = /** @type {Error} */ (refusal).message;
      this.dispatchEvent(new Event("change"));
      this.#next = setTimeout(() => this.#look(), AFTER_TROUBLE_MS);
    }
  }
}
