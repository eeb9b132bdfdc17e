// The saved questions: what every comparison asks. Added, tried against the release in service, deleted.

import { whileBusy } from "../furniture/busy.js";
import { confirmBy } from "../furniture/dialog.js";
import { emptyState } from "../furniture/empty.js";
import { drawing } from "../furniture/icons.js";
import { request } from "../furniture/requests.js";
import { showToast } from "../furniture/toast.js";
import { h } from "../widget/nodes.js";
import { answerCard, answerInWords } from "./answer-card.js";
import { counted, dayOf, outcomeWord, whoOf } from "./words.js";

/** @type {Studio.ShowView} */
export async function showQuestions(room) {
  /** @type {{questions: Studio.Question[]}} */
  const { questions } = await request("/v1/knowledge/questions");
  return {
    title: "Saved questions",
    nodes: [
      h("h1", null, "Saved questions"),
      h(
        "p",
        { class: "muted lead" },
        "Each comparison of two releases asks these, and shows whose answer would change.",
      ),
      addForm(room),
      filesBar(room, questions.length > 0),
      questions.length
        ? h(
            "section",
            { "aria-label": "Questions" },
            h("p", { class: "muted small" }, counted(questions.length, "question")),
            h("ul", { class: "rows questions" }, ...questions.map((one) => questionRow(one, room))),
          )
        : emptyState(
            "No question is saved yet",
            "Begin with the ten that customers ask most. From a gap or a search, one click saves one.",
          ),
    ],
  };
}

/** @param {Studio.Room} room */
function addForm(room) {
  const question = h("input", {
    class: "input",
    name: "question",
    required: true,
    maxlength: 8000,
    placeholder: "How long is the warranty of the kettle?",
    "aria-label": "Question",
    dir: "auto",
  });
  const facts = h("input", { class: "input", name: "facts", placeholder: "three years", dir: "auto" });
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const held = facts.value
      .split(";")
      .map((fact) => fact.trim())
      .filter(Boolean);
    try {
      await request("/v1/knowledge/questions", {
        method: "POST",
        body: { question: question.value.trim(), expect: held.length ? { facts: held } : null },
      });
      room.redraw();
    } catch (refusal) {
      problem.textContent = /** @type {Error} */ (refusal).message;
      question.focus();
    }
  };
  return h(
    "form",
    { class: "add-question", on: { submit } },
    h("label", { class: "field grow" }, "Question", question),
    h(
      "label",
      { class: "field" },
      h("span", null, "What the answer must tell ", h("span", { class: "muted" }, "(optional)")),
      facts,
    ),
    h("button", { class: "button primary", type: "submit" }, "Save"),
    problem,
  );
}

/** Questions from files and into one. @param {Studio.Room} room @param {boolean} any */
function filesBar(room, any) {
  const problem = h("p", { class: "problem", role: "alert" });
  const input = h("input", { type: "file", accept: ".yaml,.yml", multiple: true, hidden: true });
  const choose = h(
    "button",
    { class: "button", type: "button", on: { click: () => input.click() } },
    drawing("drop"),
    "Import written cases",
  );
  input.addEventListener("change", async () => {
    choose.disabled = true;
    let count = 0;
    try {
      for (const file of input.files ?? []) {
        const body = { yaml: await file.text(), file: file.name };
        try {
          count += (await request("/v1/knowledge/questions/import", { method: "POST", body })).questions.length;
        } catch (refusal) {
          throw new Error(`${file.name}: ${/** @type {Error} */ (refusal).message}`, { cause: refusal });
        }
      }
      showToast(`${counted(count, "question")} saved. Every comparison asks them from now on.`);
      room.redraw();
    } catch (refusal) {
      problem.textContent = /** @type {Error} */ (refusal).message;
      choose.disabled = false;
      input.value = "";
    }
  });
  return h(
    "div",
    { class: "actions files-bar" },
    choose,
    input,
    any && h("a", { class: "button", href: "/v1/knowledge/questions.yaml", download: "saved.yaml" }, "Export them all"),
    h(
      "span",
      { class: "muted small" },
      "Files of the evaluations (YAML). The same file again replaces what it brought.",
    ),
    problem,
  );
}

/** @param {Studio.Question} one @param {Studio.Room} room */
function questionRow(
  { id, question, history = [], expect, made_by: madeBy, made_at: madeAt, conversation, imported_from: file },
  room,
) {
  const told = h("p", { class: "hush", role: "status" });
  const result = h("div", { class: "run" });
  const run = h("button", { class: "button", type: "button", "aria-label": `Run now: ${question}` }, "Run now");
  const ask = async () => {
    result.setAttribute("aria-busy", "true");
    if (!result.childElementCount) result.replaceChildren(h("div", { class: "skeleton" }));
    try {
      /** @type {Studio.Answer} */
      const answer = await request(`/v1/knowledge/questions/${encodeURIComponent(id)}/answer`, { method: "POST" });
      result.replaceChildren(answerCard(answer));
      told.textContent = answerInWords(answer);
    } catch (refusal) {
      result.replaceChildren(h("p", { class: "problem", role: "alert" }, /** @type {Error} */ (refusal).message));
    } finally {
      result.removeAttribute("aria-busy");
    }
  };
  run.addEventListener("click", () => whileBusy(run, ask));
  const remove = async () => {
    if (
      !(await confirmBy({
        title: "Delete this question?",
        body: [h("p", { dir: "auto" }, question)],
        action: "Delete",
        danger: true,
      }))
    )
      return;
    try {
      await request(`/v1/knowledge/questions/${encodeURIComponent(id)}`, { method: "DELETE" });
      room.redraw();
    } catch (refusal) {
      showToast(/** @type {Error} */ (refusal).message);
    }
  };
  return h(
    "li",
    null,
    h(
      "div",
      { class: "row-main" },
      history.length > 0 && h("p", { class: "muted small", dir: "auto" }, `After: ${history.join(" / ")}`),
      h("b", { dir: "auto" }, question),
      h(
        "p",
        { class: "muted small" },
        [
          expectation(expect ?? {}),
          conversation && "from a conversation",
          file && `from ${file}`,
          `${whoOf(madeBy)}, ${dayOf(madeAt)}`,
        ]
          .filter(Boolean)
          .join(" · "),
      ),
      told,
    ),
    run,
    h(
      "button",
      { class: "button plain", type: "button", "aria-label": `Delete: ${question}`, on: { click: remove } },
      "Delete",
    ),
    result,
  );
}

/** @param {Record<string, any>} expect */
function expectation({ outcome, facts, cites, never }) {
  return [
    outcome && `${[outcome].flat().map(outcomeWord).join(" or ").toLowerCase()}`,
    facts?.length && `tells ${facts.map((/** @type {string} */ fact) => `“${fact}”`).join(", ")}`,
    cites?.length && `from ${cites.join(", ")}`,
    never?.length && `never ${never.map((/** @type {string} */ word) => `“${word}”`).join(", ")}`,
  ]
    .filter(Boolean)
    .join(", ");
}
