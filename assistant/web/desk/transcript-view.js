// A conversation as staff read it: every kind of event, notes set apart, what was looked up folded away.

import { plainBlocks, renderBlocks, safeAddress } from "../widget/blocks.js";
import { h } from "../widget/nodes.js";

/** @typedef {import("./desk-state.js").StaffEvent} StaffEvent */

export class TranscriptView {
  element = h("div", { class: "transcript", role: "log", "aria-label": "Transcript", tabindex: 0 });
  #shown = 0;
  #pending = h("div", { class: "pending" });

  clear() {
    this.#shown = 0;
    this.element.replaceChildren(this.#pending);
  }

  /** Appends what is new. @param {StaffEvent[]} events @param {OutItem[]} pending */
  draw(events, pending) {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    const wasAtEnd = this.#shown === 0 || scrollHeight - scrollTop - clientHeight < 60;
    if (!this.#pending.isConnected) this.element.append(this.#pending);
    for (const event of events.slice(this.#shown)) {
      const node = renderEvent(event);
      if (node) this.#pending.before(node);
    }
    this.#shown = events.length;
    this.#pending.replaceChildren(
      ...pending.map(({ frame }) =>
        h(
          "article",
          { class: `entry ${frame.type === "note" ? "note" : "agent"}` },
          h("p", { class: "by" }, "Sending"),
          h("div", { class: "body" }, renderBlocks(plainBlocks(String(frame.text)))),
        ),
      ),
    );
    if (wasAtEnd) this.element.scrollTop = this.element.scrollHeight;
  }
}

/** @param {StaffEvent} event @returns {HTMLElement | null} */
function renderEvent(event) {
  const { kind, data, from } = event;
  const name = from.name ?? "An agent";
  switch (kind) {
    case "message":
      return renderMessage(event);
    case "note":
      return entry(event, "note", `Note by ${name}, for colleagues only`, renderBlocks(plainBlocks(data.text ?? "")));
    case "turn.evidence":
      return renderEvidence(data);
    case "handoff.requested":
      return told(event, data.reason ? `Waits for a person: ${data.reason}` : "Asked for a person");
    case "handoff.accepted":
      return told(event, `${name} joined`);
    case "handoff.transferred":
      return told(event, `${name} passed this on${data.agent?.name ? ` to ${data.agent.name}` : ""}`);
    case "handoff.returned":
      return told(event, `${name} gave this back to the assistant`);
    case "conversation.ended":
      return told(event, "The conversation ended");
    case "message.rated":
      return told(
        event,
        `The customer found an answer ${data.useful ? "useful" : "not useful"}${data.comment ? `: “${data.comment}”` : ""}`,
      );
    case "survey.answered":
      return told(event, `Rated the effort ${data.score}${data.comment ? `: “${data.comment}”` : ""}`);
    case "customer.identified":
      return told(event, "Signed in");
    case "action":
      return told(event, data.summary ?? data.name);
  }
  return null;
}

/** @param {StaffEvent} event */
function renderMessage(event) {
  const { from, data } = event;
  /** @type {Map<number, any>} */
  const citations = new Map((data.citations ?? []).map((/** @type {any} */ citation) => [citation.n, citation]));
  const cite = (/** @type {number} */ n) => {
    const citation = citations.get(n);
    const href = citation && safeAddress(citation.url);
    const props = {
      class: "cite",
      href,
      target: "_blank",
      rel: "noopener",
      title: citation?.quote,
      "aria-label": `Source ${n}: ${citation?.title}`,
    };
    return href ? h("a", props, String(n)) : null;
  };
  const blocks = data.erased ? plainBlocks("This message was deleted.") : (data.blocks ?? plainBlocks(data.text ?? ""));
  const name = from.role === "customer" ? (from.name ?? "Visitor") : (from.name ?? "Assistant");
  return entry(event, from.role, name, renderBlocks(blocks, { cite }));
}

/** @param {StaffEvent} event @param {string} role @param {string} name @param {Node} body */
function entry({ at, seq }, role, name, body) {
  const by = h("p", { class: "by" }, h("b", null, name), " ", h("time", { datetime: at }, clockOf(at)));
  return h("article", { class: `entry ${role}`, "data-seq": seq }, by, h("div", { class: "body" }, body));
}

/** @param {Record<string, any>} data */
function renderEvidence(data) {
  if (!data.question) return null;
  const titles = [...new Set((data.passages ?? []).map((/** @type {any} */ passage) => passage.title).filter(Boolean))];
  return h(
    "details",
    { class: "evidence" },
    h("summary", null, `Looked up “${data.question}”`),
    h("p", null, titles.length ? `Found: ${titles.join(", ")}` : "Found nothing near."),
  );
}

/** @param {StaffEvent} event @param {string} text */
const told = ({ at }, text) => h("p", { class: "told" }, text, " ", h("time", { datetime: at }, clockOf(at)));

/** "14:05" or "2:05 PM", as in the languages that the browser asks for; the one it is written in is often another.
 * @param {string} at */
export function clockOf(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(
    navigator.languages,
    today
      ? { hour: "numeric", minute: "2-digit" }
      : { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" },
  );
}
