// The queue as a list of buttons under three headings; arrow keys walk through it.

import { h } from "../widget/nodes.js";
import { agoOf, visitorName } from "./desk-state.js";

export class QueueView {
  element = h("nav", { class: "queue", "aria-label": "Queue" });
  #open;
  #shown = "";

  /** @param {(conversation: string) => void} open */
  constructor(open) {
    this.#open = open;
    this.element.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** @param {import("./desk-state.js").DeskState} state @param {string | null} selected */
  draw(state, selected) {
    const sections = state.sections().filter(({ places, title }) => places.length || title === "Waiting");
    // Left alone while nothing in it changed: a row that is replaced under a pressed button loses the click.
    const shown = JSON.stringify([selected, sections, [...state.places.values()].map(({ since }) => agoOf(since))]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.conversation;
    this.element.replaceChildren(
      ...sections.flatMap(({ title, places }) => [
        h("h2", null, title, " ", h("span", { class: "figure muted" }, String(places.length))),
        places.length
          ? h(
              "ul",
              null,
              ...places.map((place) =>
                h("li", null, this.#row(place, place.conversation === selected, state.isMine(place.conversation))),
              ),
            )
          : h("p", { class: "muted small nobody" }, "Nobody is waiting. Who asks for a person appears here at once."),
      ]),
    );
    if (focused) this.focus(focused);
  }

  /** @param {string | null} conversation whose row takes the focus; the first where it is not in the queue any more */
  focus(conversation) {
    const rows = this.#rows();
    (rows.find((row) => row.dataset.conversation === conversation) ?? rows[0])?.focus();
  }

  /** @param {import("./desk-state.js").Place} place @param {boolean} selected @param {boolean} mine */
  #row(place, selected, mine) {
    const {
      conversation,
      customer,
      state,
      agent,
      since,
      last_text: lastText,
      last_role: lastRole,
      asked,
      unread,
      reason,
    } = place;
    // Customers are told apart by what they want to know; what the assistant said last is much the same to all of them.
    const said = state === "taken" && lastRole === "agent" ? `${agent?.name ?? "Agent"}: ${lastText}` : asked;
    return h(
      "button",
      {
        type: "button",
        "data-conversation": conversation,
        "aria-current": selected ? "true" : null,
        on: { click: () => this.#open(conversation) },
      },
      h(
        "span",
        { class: "line" },
        h("strong", null, customer.name ?? visitorName(conversation)),
        customer.verified && h("span", { class: "tag good" }, "verified"),
        h("time", { datetime: since, class: "muted small" }, agoOf(since)),
      ),
      said && h("span", { class: "said" }, said),
      h(
        "span",
        { class: "line small muted" },
        state === "waiting"
          ? place.for
            ? `Waiting for ${place.for.name}`
            : (reason ?? "Waiting")
          : `With ${mine ? "you" : (agent?.name ?? "an agent")}`,
        unread > 0 && state === "taken" && h("span", { class: "unread" }, `${unread} new`),
      ),
    );
  }

  #rows() {
    return /** @type {HTMLElement[]} */ ([...this.element.querySelectorAll("button")]);
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const rows = this.#rows();
    const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    rows[Math.min(rows.length - 1, Math.max(0, at + step))]?.focus();
    event.preventDefault();
  }
}
