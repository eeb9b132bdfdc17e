// Where the customer writes: Enter sends, Shift+Enter breaks the line, 8,000 characters at most.

import { h, icon } from "./nodes.js";

export const MAX_CHARACTERS = 8_000;
const COUNT_FROM = 7_500;

/** @param {string} text counted as the server counts: in code points, not UTF-16 units */
export const lengthOf = (text) => [...text].length;

export class Composer {
  #words;
  #count = h("p", { class: "count", role: "status", hidden: true });
  #area = h("textarea", { rows: 1, autocomplete: "off", enterkeyhint: "send", dir: "auto" });
  #button = h("button", { class: "solid send", type: "submit" }, icon("send"));
  element = h("form", null, this.#count, h("div", { class: "write" }, this.#area, this.#button));

  /** @param {Strings} words
   * @param {{send: (text: string) => void, change: (text: string) => void}} actions */
  constructor(words, { send, change }) {
    this.#words = words;
    this.setWords(words);
    const submit = () => {
      const text = this.text.trim();
      if (!text || lengthOf(text) > MAX_CHARACTERS) return;
      this.text = "";
      change("");
      send(text);
    };
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
      this.focus();
    });
    this.#area.addEventListener("input", () => {
      this.#measure();
      change(this.text);
    });
    this.#area.addEventListener("keydown", (event) => {
      // While an input method composes, Enter picks a character and sends nothing.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      submit();
    });
    this.#measure();
  }

  get text() {
    return this.#area.value;
  }

  set text(text) {
    this.#area.value = text;
    this.#measure();
  }

  focus() {
    this.#area.focus();
  }

  /** @param {Strings} words */
  setWords(words) {
    this.#words = words;
    this.#area.setAttribute("aria-label", words.composer);
    this.#area.setAttribute("placeholder", words.placeholder);
    this.#button.setAttribute("aria-label", words.send);
  }

  #measure() {
    const length = lengthOf(this.text.trim());
    const over = length - MAX_CHARACTERS;
    this.#button.disabled = length === 0 || over > 0;
    this.#count.hidden = length < COUNT_FROM;
    this.#count.classList.toggle("over", over > 0);
    this.#count.textContent = over > 0 ? this.#words.tooLong(over) : this.#words.charactersLeft(-over);
  }
}
