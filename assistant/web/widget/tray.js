// What asks for a decision above the composer: the survey, the end, the next questions. One thing at a time.

import { h } from "./nodes.js";

/** @param {ButtonProps} props */
const button = ({ class: className, type = "button", text, click }) =>
  h("button", { class: className, type, on: click ? { click } : {} }, text);

/**
 * A survey as a radio group from the scale's low end to its high end, with room for a word of one's own.
 * @param {Survey} survey @param {Strings} words
 * @param {{answer: (score: number, comment: string) => void, skip: () => void}} actions
 */
export function surveyForm({ question, scale }, words, { answer, skip }) {
  const { min, max, min_label: minLabel, max_label: maxLabel } = scale;
  const scores = Array.from({ length: max - min + 1 }, (_, i) => min + i);
  const send = h("button", { class: "solid", type: "submit", disabled: true }, words.surveySend);
  const labelOf = (/** @type {number} */ score) =>
    score === min ? `${score}, ${minLabel}` : score === max ? `${score}, ${maxLabel}` : `${score}`;
  const choose = () => (send.disabled = false);
  const choices = scores.map((score) =>
    h(
      "label",
      null,
      h("input", { type: "radio", name: "score", value: score, "aria-label": labelOf(score), on: { change: choose } }),
      h("span", { "aria-hidden": "true" }, String(score)),
    ),
  );
  const comment = h("textarea", {
    class: "field",
    rows: 2,
    maxlength: 2000,
    "aria-label": words.surveyComment,
    placeholder: words.surveyComment,
  });
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const score = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get("score");
    if (score !== null) answer(Number(score), comment.value.trim());
  };
  return h(
    "form",
    { class: "tray survey", on: { submit } },
    h("p", { id: "survey-question" }, question),
    h("div", { class: "scale", role: "radiogroup", "aria-labelledby": "survey-question" }, ...choices),
    h("div", { class: "ends", "aria-hidden": "true" }, h("span", null, minLabel), h("span", null, maxLabel)),
    comment,
    h("div", { class: "row end" }, button({ class: "outline", text: words.surveySkip, click: skip }), send),
  );
}

/** @param {Strings} words @param {{confirm: () => void, cancel: () => void}} actions */
export function endQuestion(words, { confirm, cancel }) {
  return h(
    "div",
    { class: "tray", role: "group", "aria-label": words.endQuestion },
    h("p", null, words.endQuestion),
    h(
      "div",
      { class: "row end" },
      button({ class: "outline", text: words.endCancel, click: cancel }),
      button({ class: "solid", text: words.endConfirm, click: confirm }),
    ),
  );
}

/** @param {Strings} words @param {() => void} startNew */
export function endedNote(words, startNew) {
  return h(
    "div",
    { class: "tray" },
    h("div", { class: "row" }, button({ class: "outline", text: words.startNew, click: startNew })),
  );
}

/** @param {string[]} suggestions @param {Strings} words @param {(text: string) => void} ask */
export function suggestionRow(suggestions, words, ask) {
  const buttons = suggestions.map((text) => button({ class: "outline", text, click: () => ask(text) }));
  return h("div", { class: "suggestions", role: "group", "aria-label": words.suggestions }, ...buttons);
}
