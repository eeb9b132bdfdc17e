// Where the agent writes: to the customer or, set apart, to colleagues. What is unsent is kept per conversation.

import { h } from "../widget/nodes.js";

const TYPING_MS = 3_000;

/** @typedef {"say" | "note"} Audience */

export class Reply {
  #area = h("textarea", { rows: 3, maxlength: 8000, dir: "auto" });
  #send = h("button", { class: "button primary", type: "submit" });
  #choices = /** @type {Record<Audience, HTMLInputElement>} */ ({
    say: h("input", { type: "radio", name: "audience", value: "say", checked: true }),
    note: h("input", { type: "radio", name: "audience", value: "note" }),
  });
  #shelf;
  #conversation = "";
  #typingUntil = 0;
  element;

  /**
   * @param {import("../widget/shelf.js").Shelf} shelf
   * @param {{send: (verb: Audience, text: string) => void, typing: (on: boolean) => void}} actions
   */
  constructor(shelf, { send, typing }) {
    this.#shelf = shelf;
    const submit = () => {
      const text = this.#area.value.trim();
      if (!text || this.#send.disabled) return;
      this.#area.value = "";
      this.#shelf.remove(this.#draftName);
      send(this.audience, text);
    };
    this.#area.addEventListener("input", () => {
      this.#keep();
      if (this.audience !== "say" || Date.now() < this.#typingUntil) return;
      this.#typingUntil = Date.now() + TYPING_MS;
      typing(true);
    });
    this.#area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      submit();
    });
    const choice = (/** @type {Audience} */ audience, /** @type {string} */ text) =>
      h("label", { class: "choice" }, this.#choices[audience], h("span", null, text));
    this.element = h(
      "form",
      { class: "reply" },
      h(
        "div",
        { class: "choices", role: "radiogroup", "aria-label": "Who reads this" },
        choice("say", "Reply"),
        choice("note", "Note to colleagues"),
      ),
      h("div", { class: "write" }, this.#area, this.#send),
    );
    this.element.addEventListener("change", () => {
      this.#swapDraft();
      this.#describe();
    });
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
      this.focus();
    });
    this.#describe();
  }

  /** @returns {Audience} */
  get audience() {
    return this.#choices.note.checked ? "note" : "say";
  }

  /** Turns to a conversation and what was being written there. @param {string} conversation @param {boolean} mayReply */
  turnTo(conversation, mayReply) {
    if (conversation === this.#conversation && mayReply === !this.#choices.say.disabled) return;
    this.#conversation = conversation;
    this.#choices.say.disabled = !mayReply;
    this.#choices[mayReply ? "say" : "note"].checked = true;
    this.#swapDraft();
    this.#describe();
  }

  /** Puts words there to be looked over before they are sent. @param {string} text */
  propose(text) {
    this.#choices.say.checked = true;
    this.#area.value = text;
    this.#keep();
    this.#describe();
    this.focus();
  }

  focus() {
    this.#area.focus();
  }

  get #draftName() {
    return `draft:${this.#conversation}:${this.audience}`;
  }

  #keep() {
    if (this.#area.value) this.#shelf.set(this.#draftName, this.#area.value);
    else this.#shelf.remove(this.#draftName);
  }

  #swapDraft() {
    this.#area.value = this.#shelf.get(this.#draftName) ?? "";
  }

  #describe() {
    const isNote = this.audience === "note";
    this.element.classList.toggle("is-note", isNote);
    this.#area.setAttribute("aria-label", isNote ? "Note to colleagues" : "Reply to the customer");
    this.#area.setAttribute("placeholder", isNote ? "Only colleagues see this" : "Write to the customer");
    this.#send.textContent = isNote ? "Add note" : "Send";
  }
}
