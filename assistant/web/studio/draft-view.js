// The answer to a gap, as it is written and as it will be read; kept as one types, accepted when it is right.

import { clamped } from "../furniture/clamped.js";
import { confirmBy } from "../furniture/dialog.js";
import { emptyPage } from "../furniture/empty.js";
import { drawing } from "../furniture/icons.js";
import { request } from "../furniture/requests.js";
import { showToast } from "../furniture/toast.js";
import { renderExcerpt } from "../source/document-view.js";
import { h } from "../widget/nodes.js";
import { Shelf } from "../widget/shelf.js";
import { examplesPanel } from "./gaps-view.js";
import { addressOf } from "./places.js";
import { shortOf, timesOf } from "./words.js";

const KEEP_MS = 800;

/** @type {Studio.ShowView} */
export async function showDraft(room, { id }) {
  /** @type {{gaps: Studio.Gap[]}} */
  const { gaps } = await request(addressOf("/v1/knowledge/gaps", { state: "all", limit: 200 }));
  const gap = gaps.find((one) => String(one.id) === id);
  const back = h(
    "nav",
    { class: "crumbs", "aria-label": "Back" },
    h("a", { href: "/studio/gaps", "data-inside": true }, drawing("back"), "Gaps"),
  );
  if (!gap)
    return {
      title: "Gap",
      nodes: [back, emptyPage("This gap is not there any more", "It may have been put together with another one.")],
    };
  const draft = gap.draft ?? (await request(`/v1/knowledge/gaps/${encodeURIComponent(id)}/draft`, { method: "POST" }));
  const desk = new DraftDesk(draft, room);
  return {
    title: shortOf(gap.label),
    nodes: [
      back,
      clamped("h1", gap.label),
      h(
        "p",
        { class: "muted lead" },
        `Asked ${timesOf(gap.count)}. Write what customers should be told; it becomes a document of its own.`,
      ),
      desk.element,
      examplesPanel(gap, room, { open: true }),
    ],
  };
}

class DraftDesk {
  element = h("div", { class: "draft-desk" });
  #draft;
  #room;
  #shelf = new Shelf("tellonce-studio:");
  #question = h("input", { class: "input", name: "question", maxlength: 500, dir: "auto" });
  #answer = h("textarea", { name: "answer", rows: 7, maxlength: 20_000, dir: "auto" });
  #products = h("input", { class: "input", name: "products", placeholder: "Lark 2, Heron" });
  #state = h("p", { class: "muted small", role: "status" });
  #problem = h("p", { class: "problem", role: "alert" });
  #preview = h("div", { class: "preview document", dir: "auto" });
  #actions = h("div", { class: "actions" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #next;

  /** @param {Studio.GapDraft} draft @param {Studio.Room} room */
  constructor(draft, room) {
    this.#draft = draft;
    this.#room = room;
    const kept = this.#shelf.get(this.#name) ?? draft;
    this.#question.value = kept.question;
    this.#answer.value = kept.answer;
    this.#products.value = kept.products.join(", ");
    const left = draft.left_out ?? [];
    this.element.append(
      h(
        "form",
        {
          class: "draft-form",
          on: { input: () => this.#changed(), submit: (/** @type {Event} */ event) => event.preventDefault() },
        },
        left.length > 0 &&
          h(
            "p",
            { class: "notice-line" },
            `Taken from an agent's answer, without what tells who asked (${left.join(", ")}). Write the text anew where it stands in brackets.`,
          ),
        h("label", { class: "field" }, "Question, as customers ask it", this.#question),
        h("label", { class: "field" }, "Answer", this.#answer),
        h("label", { class: "field" }, "Products, where it is about some only", this.#products),
        this.#problem,
        this.#actions,
        this.#state,
      ),
      h(
        "section",
        { class: "preview-card", "aria-label": "How it will be read" },
        h("p", { class: "muted small" }, "How it will be read"),
        this.#preview,
      ),
    );
    this.#room.signal.addEventListener("abort", () => void this.#keep());
    this.#draw();
  }

  get #name() {
    return `draft:${this.#draft.id}`;
  }

  get #written() {
    const products = this.#products.value
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    return { question: this.#question.value, answer: this.#answer.value, products };
  }

  #changed() {
    this.#shelf.set(this.#name, this.#written);
    this.#state.textContent = "";
    clearTimeout(this.#next);
    this.#next = setTimeout(() => void this.#keep(), KEEP_MS);
    this.#draw();
  }

  /** Hands what was written to the server; whether it has it. */
  async #keep() {
    clearTimeout(this.#next);
    if (!this.#shelf.get(this.#name)) return true;
    try {
      const written = this.#written;
      this.#draft = await request(`/v1/knowledge/drafts/${encodeURIComponent(this.#draft.id)}`, {
        method: "PUT",
        body: written,
      });
      if (JSON.stringify(this.#shelf.get(this.#name)) === JSON.stringify(written)) this.#shelf.remove(this.#name);
      this.#problem.textContent = "";
      this.#state.textContent = "Saved.";
      this.#drawActions();
      return true;
    } catch (refusal) {
      this.#problem.textContent = `${/** @type {Error} */ (refusal).message} What you wrote is kept in this browser.`;
      return false;
    }
  }

  #draw() {
    const { question, answer } = this.#written;
    this.#preview.replaceChildren(
      h("p", { class: "preview-question" }, question || "The question"),
      ...(answer.trim()
        ? renderExcerpt(answer)
        : [
            h(
              "p",
              { class: "muted" },
              "The answer stands here as you write it. Markdown is understood: lists, tables, **bold**.",
            ),
          ]),
    );
    this.#drawActions();
  }

  #drawActions() {
    const accepted = this.#draft.state === "accepted";
    const button = (/** @type {string} */ words, /** @type {() => Promise<unknown>} */ click, kind = "") =>
      h("button", { class: `button ${kind}`, type: "button", on: { click } }, words);
    const focused = this.#actions.contains(document.activeElement);
    this.#actions.replaceChildren(
      ...(accepted
        ? [
            button("Make a candidate with it", () => this.#read(false), "primary"),
            button("Publish it at once", () => this.#read(true)),
          ]
        : [button("Accept", () => this.#accept(), "primary")]),
      button("Discard", () => this.#discard(), "plain"),
    );
    if (focused) this.#actions.querySelector("button")?.focus();
    if (accepted)
      this.#state.textContent = "Accepted. It is in the next release; the gap closes once that is in service.";
  }

  async #accept() {
    if (!(await this.#keep())) return;
    try {
      this.#draft = await request(`/v1/knowledge/drafts/${encodeURIComponent(this.#draft.id)}/accept`, {
        method: "POST",
      });
      this.#problem.textContent = "";
      this.#drawActions();
    } catch (refusal) {
      this.#problem.textContent = /** @type {Error} */ (refusal).message;
    }
  }

  /** @param {boolean} publish */
  async #read(publish) {
    try {
      await this.#room.jobs.reindex(publish);
    } catch (refusal) {
      showToast(/** @type {Error} */ (refusal).message);
    }
  }

  async #discard() {
    const agreed = await confirmBy({
      title: "Discard this answer?",
      body: [
        h(
          "p",
          null,
          this.#draft.state === "accepted"
            ? "It leaves with the next release. The gap is open again."
            : "The gap stays open.",
        ),
      ],
      action: "Discard",
      danger: true,
    });
    if (!agreed) return;
    try {
      clearTimeout(this.#next);
      this.#shelf.remove(this.#name);
      await request(`/v1/knowledge/drafts/${encodeURIComponent(this.#draft.id)}`, { method: "DELETE" });
      this.#room.go("/studio/gaps");
    } catch (refusal) {
      this.#problem.textContent = /** @type {Error} */ (refusal).message;
    }
  }
}
