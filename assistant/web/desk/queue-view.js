// The queue as a list of buttons under three headings; arrow keys walk through it.

import { h } from "../widget/nodes.js";
import { agoOf } from "./desk-state.js";

export class QueueView {
  element = h("nav", { class: "queue", "aria-label": "Queue" });
  #open;

  /** @param {(conversation: string) => void} open */
  constructor(open) {
    this.#open = open;
    this.element.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** @param {import("./desk-state.js").DeskState} state @param {string | null} selected */
  draw(state, selected) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.conversation;
    const sections = state.sections().filter(({ places, title }) => places.length || title === "Waiting");
    this.element.replaceChildren(
      ...sections.flatMap(({ title, places }) => [
        h("h2", null, title, " ", h("span", { class: "figure muted" }, String(places.length))),
        places.length
          ? h("ul", null, ...places.map((place) => h("li", null, this.#row(place, place.conversation === selected))))
          : h("p", { class: "muted small nobody" }, "Nobody is waiting. Who asks for a person appears here at once."),
      ]),
    );
    if (focused)
      this.#rows()
        .find((row) => row.dataset.conversation === focused)
        ?.focus();
  }

  /** @param {import("./desk-state.js").Place} place @param {boolean} selected */
  #row(place, selected) {
    const {
      conversation,
      customer,
      state,
      agent,
      since,
      last_text: lastText,
      last_role: lastRole,
      unread,
      reason,
    } = place;
    const said = lastText
      ? `${lastRole === "customer" ? "" : lastRole === "agent" ? `${agent?.name ?? "Agent"}: ` : "Assistant: "}${lastText}`
      : reason;
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
        h("strong", null, customer.name ?? "Visitor"),
        customer.verified && h("span", { class: "tag good" }, "verified"),
        h("time", { datetime: since, class: "muted small" }, agoOf(since)),
      ),
      h("span", { class: "said" }, said ?? ""),
      h(
        "span",
        { class: "line small muted" },
        state === "waiting"
          ? place.for
            ? `Waiting for ${place.for.name}`
            : (reason ?? "Waiting")
          : `With ${agent?.name ?? "an agent"}`,
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
