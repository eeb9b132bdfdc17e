// How the studio says numbers, times and kinds. Pure.

const KINDS = /** @type {Record<string, string>} */ ({
  "text/markdown": "Markdown",
  "text/html": "Web page",
  "application/pdf": "PDF",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
  "text/csv": "FAQ table",
  "text/tab-separated-values": "FAQ table",
  "application/jsonl": "FAQ list",
  "application/x-ndjson": "FAQ list",
  "application/json": "FAQ list",
  "text/plain": "Text",
});

/** @param {string} mediaType */
export const kindOf = (mediaType) => KINDS[mediaType] ?? mediaType.replace(/^.*\//, "").toUpperCase();

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** "once", "twice", "9 times". @param {number} count */
export const timesOf = (count) => ["never", "once", "twice"][count] ?? counted(count, "time");

/** @param {number} bytes */
export function sizeOf(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  const step =
    bytes < 999_500 ? { by: 1e3, unit: "kB" } : bytes < 999.5e6 ? { by: 1e6, unit: "MB" } : { by: 1e9, unit: "GB" };
  const value = bytes / step.by;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${step.unit}`;
}

/** "23 Nov 2026"; the year is left out in its own year. @param {string | null | undefined} at @param {Date} [now] */
export function dayOf(at, now = new Date()) {
  const date = new Date(at ?? "");
  if (Number.isNaN(date.getTime())) return "";
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year });
}

/** "14:05" today, "23 Nov, 14:05" before. @param {string | null | undefined} at @param {Date} [now] */
export function timeOf(at, now = new Date()) {
  const date = new Date(at ?? "");
  if (Number.isNaN(date.getTime())) return "";
  const clock = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return date.toDateString() === now.toDateString() ? `today, ${clock}` : `${dayOf(at, now)}, ${clock}`;
}

/** The beginning of long words, to name something by. @param {string} text */
export const shortOf = (text) => (text.length > 120 ? `${text.slice(0, 119).trimEnd()}…` : text);

/** Who did it, as people say it: "command" is nobody's name. @param {string | null | undefined} by */
export const whoOf = (by) => (!by || by === "command" ? "the command line" : by);

/** @param {number} sureness 0..1 */
export const percentOf = (sureness) => `${Math.round(Math.max(0, Math.min(1, sureness)) * 100)} %`;

/** How sure, in words that stand for the same share everywhere. @param {number} sureness 0..1 */
export function surenessWord(sureness) {
  if (sureness >= 0.8) return "sure";
  if (sureness >= 0.55) return "fairly sure";
  if (sureness >= 0.3) return "unsure";
  return "not there, most likely";
}

const OUTCOMES = /** @type {Record<string, string>} */ ({
  answered: "Answers",
  acted: "Looks it up",
  clarifying: "Asks back",
  declined: "Does not know",
  handoff: "Hands over",
  handed_over: "Hands over",
});

/** @param {string} outcome */
export const outcomeWord = (outcome) => OUTCOMES[outcome] ?? outcome.replaceAll("_", " ");

const LANGUAGES = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

/** @param {string | null} code a BCP 47 tag */
export function languageOf(code) {
  try {
    return code ? (LANGUAGES.of(code) ?? code) : "";
  } catch {
    return code ?? "";
  }
}

/** Lower case and without accents, to search by. @param {string} text */
export const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
