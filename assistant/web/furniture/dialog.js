// A question that must be answered before something happens. Escape and the ground behind it answer no.

import { h } from "../widget/nodes.js";

/**
 * Whether the person said yes.
 * @param {{title: string, body: Child[], action: string, cancel?: string, danger?: boolean, typed?: string}} question
 *   `typed`: the words that must be typed before the button works; `cancel`: the name of the other button, "" for none.
 * @returns {Promise<boolean>}
 */
export function confirmBy({ title, body, action, cancel = "Cancel", danger = false, typed }) {
  const confirm = h("button", { class: `button ${danger ? "danger" : "primary"}`, value: "yes" }, action);
  const words = typed === undefined ? null : typedField(typed, confirm);
  const dialog = h(
    "dialog",
    { class: "question", "aria-labelledby": "question-title" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "question-title" }, title),
      ...body,
      words,
      h(
        "div",
        { class: "actions" },
        cancel && h("button", { class: "button", type: "button", on: { click: () => dialog.close("no") } }, cancel),
        confirm,
      ),
    ),
  );
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close("no");
  });
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

/** What must be read before going on. @param {{title: string, body: Child[]}} told */
export const tell = (told) => confirmBy({ ...told, action: "Close", cancel: "" });

/** @param {string} typed @param {HTMLButtonElement} confirm */
function typedField(typed, confirm) {
  confirm.disabled = true;
  const input = h("input", {
    autocomplete: "off",
    spellcheck: "false",
    on: { input: () => (confirm.disabled = input.value.trim() !== typed) },
  });
  return h("label", { class: "field" }, h("span", null, "Type ", h("b", null, typed), " to confirm"), input);
}
