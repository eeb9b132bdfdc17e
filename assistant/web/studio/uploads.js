// Files on their way to the server: a few at a time, each with what became of it. Goes on while one looks elsewhere.

import { Refusal } from "../furniture/requests.js";

const AT_ONCE = 2;

/**
 * @typedef {"waiting" | "sending" | "saved" | "refused" | "failed"} Fate
 *   "refused": the server said why; "failed": it could not be reached.
 * @typedef {{name: string, size: number, sent: number, fate: Fate, reason: string, file: File}} Parcel
 */

export class Uploads extends EventTarget {
  /** @type {Parcel[]} */
  parcels = [];
  #sending = 0;

  get isBusy() {
    return this.parcels.some(({ fate }) => fate === "waiting" || fate === "sending");
  }

  /** @param {Fate} fate */
  count(fate) {
    return this.parcels.filter((parcel) => parcel.fate === fate).length;
  }

  /** Sends these; those of an earlier time that are done with are forgotten. @param {{name: string, file: File}[]} files */
  add(files) {
    if (!this.isBusy) this.parcels = [];
    for (const { name, file } of files)
      this.parcels.push({ name, size: file.size, sent: 0, fate: "waiting", reason: "", file });
    this.#go();
  }

  /** Sends again what did not get through. */
  retry() {
    for (const parcel of this.parcels)
      if (parcel.fate === "failed") Object.assign(parcel, { fate: "waiting", sent: 0 });
    this.#go();
  }

  clear() {
    if (!this.isBusy) this.parcels = [];
    this.#tell();
  }

  #go() {
    this.#tell();
    while (this.#sending < AT_ONCE) {
      const next = this.parcels.find(({ fate }) => fate === "waiting");
      if (!next) break;
      this.#sending += 1;
      next.fate = "sending";
      void this.#send(next);
    }
  }

  /** @param {Parcel} parcel */
  async #send(parcel) {
    try {
      const { refused } = await post(parcel, () => this.#tell());
      parcel.fate = refused.length ? "refused" : "saved";
      parcel.reason = refused[0]?.reason ?? "";
    } catch (refusal) {
      const { status, message } = /** @type {Refusal} */ (refusal);
      parcel.fate = status >= 400 && status < 500 ? "refused" : "failed";
      parcel.reason = message;
    }
    this.#sending -= 1;
    this.#go();
    if (!this.isBusy) this.dispatchEvent(new Event("end"));
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** One file by XMLHttpRequest, which alone tells how far an upload is.
 * @param {Parcel} parcel @param {() => void} tell @returns {Promise<{refused: {name: string, reason: string}[]}>} */
function post(parcel, tell) {
  const form = new FormData();
  form.append("files", parcel.file, parcel.name);
  const sending = new XMLHttpRequest();
  sending.open("POST", "/v1/knowledge/uploads");
  sending.responseType = "json";
  return new Promise((resolve, reject) => {
    sending.upload.onprogress = ({ loaded, total }) => {
      parcel.sent = total ? loaded / total : 0;
      tell();
    };
    sending.onload = () => {
      const answer = sending.response;
      if (sending.status < 300 && answer) return resolve(answer);
      const sentence = answer?.detail ?? "The server did not take it. Please try again.";
      reject(new Refusal(answer?.code ?? "unavailable", sending.status, sentence));
    };
    sending.onerror = () => reject(new Refusal("unavailable", 0, "The server cannot be reached."));
    sending.send(form);
  });
}

/** Every file in what was dropped, folders opened; names keep the folders they lie in.
 * @param {DataTransfer} dropped @returns {Promise<{name: string, file: File}[]>} */
export async function filesOf(dropped) {
  const entries = [...dropped.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.every((entry) => entry === null)) return chosen(dropped.files);
  const found = await Promise.all(entries.map((entry) => (entry ? filesBelow(entry) : [])));
  return found.flat();
}

/** @param {FileList} files @returns {{name: string, file: File}[]} */
export const chosen = (files) =>
  [...files]
    .filter(({ name }) => !name.startsWith("."))
    .map((file) => ({ name: file.webkitRelativePath || file.name, file }));

/** @param {FileSystemEntry} entry @returns {Promise<{name: string, file: File}[]>} */
async function filesBelow(entry) {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry);
    const file = await new Promise((resolve, reject) => one.file(resolve, reject));
    return [{ name: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  // A folder is read in portions, the last one empty.
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!portion.length) return found;
    for (const inner of portion) found.push(...(await filesBelow(inner)));
  }
}
