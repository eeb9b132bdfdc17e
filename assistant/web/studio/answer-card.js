// What a customer would be told, with the quotes it stands on, and beside it what the search behind it found.

import { strokeOf } from "../furniture/chart.js";
import { plainOf } from "../furniture/plain.js";
import { renderExcerpt } from "../source/document-view.js";
import { renderBlocks } from "../widget/blocks.js";
import { h } from "../widget/nodes.js";
import { wordStrokes } from "./marking.js";
import { addressOf, documentAddress } from "./places.js";
import { outcomeWord, percentOf, surenessWord } from "./words.js";

/** @param {Studio.Answer} answer */
export function answerCard(answer) {
  return h(
    "div",
    { class: "rehearsed" },
    h("section", { "aria-label": "The answer" }, ...toldPart(answer)),
    h("section", { "aria-label": "What is found" }, ...foundPart(answer)),
  );
}

/** How it ends, in one line: what is read out of it. @param {Studio.Answer} answer */
export const answerInWords = ({ outcome, hand_over: handOver, sureness, release, searches }) =>
  [
    `${outcomeWord(outcome)}${handOver ? " and hands over to a person" : ""}`,
    searches.length && `${percentOf(sureness)} sure`,
    `release ${release}`,
  ]
    .filter(Boolean)
    .join(", ");

/** @param {Studio.Answer} answer @returns {(Node | false)[]} */
function toldPart({ outcome, hand_over: handOver, blocks, citations, release, model_would_word_it: byModel }) {
  const cite = (/** @type {number} */ n) => {
    const cited = citations.find((one) => one.n === n);
    if (!cited) return null;
    return h("a", { class: "cite figure", href: cited.url, target: "_blank", rel: "noopener" }, `[${n}]`);
  };
  return [
    h(
      "p",
      { class: "side-head" },
      h("span", { class: "muted small" }, "The answer"),
      h("span", { class: "outcome" }, `${outcomeWord(outcome)}${handOver ? ", and hands over" : ""}`),
      h("span", { class: "muted small figure" }, `release ${release}`),
    ),
    h("div", { class: "told", dir: "auto" }, renderBlocks(blocks, { cite })),
    citations.length > 0 && h("ol", { class: "quotes" }, ...citations.map(quoteItem)),
    byModel &&
      h(
        "p",
        { class: "muted small" },
        "Put together from the passages alone. The language model that answers customers sees the same passages and words it itself.",
      ),
  ];
}

/** @param {Citation} citation */
function quoteItem({ n, title, section, url, quote }) {
  const path = [title, ...[section ?? []].flat()].filter(Boolean).join(" › ");
  return h(
    "li",
    { value: n },
    h("q", { class: "marker", dir: "auto" }, plainOf(quote)),
    " ",
    h("a", { class: "small", href: url, target: "_blank", rel: "noopener", dir: "auto" }, path),
  );
}

/** @param {Studio.Answer} answer @returns {(Node | false)[]} */
function foundPart({ searches, release }) {
  const [search] = searches;
  const name = h("span", { class: "muted small" }, "What is found");
  if (!search)
    return [h("p", { class: "side-head" }, name), h("p", null, "Nothing had to be looked up for this answer.")];
  const { question, sureness, found } = search;
  const [best, ...others] = found;
  return [
    h(
      "p",
      { class: "side-head" },
      name,
      strokeOf(
        sureness,
        h("b", null, surenessWord(sureness)),
        h("span", { class: "muted figure" }, ` ${percentOf(sureness)}`),
      ),
    ),
    h("p", { class: "muted small", dir: "auto" }, `Searched for “${question}”`),
    best
      ? h(
          "div",
          { class: "excerpt document", dir: "auto" },
          ...renderExcerpt(best.passage.text ?? "", wordStrokes(best.passage.text ?? "", best.terms)),
        )
      : h("p", null, "Nothing is near this question."),
    found.length > 0 &&
      h(
        "ol",
        { class: "found-list small" },
        ...[best, ...others].map(({ passage, sureness: own }) =>
          h(
            "li",
            null,
            h(
              "a",
              {
                href: documentAddress(passage.document ?? "", { release, passage: passage.position }),
                "data-inside": true,
                dir: "auto",
              },
              [passage.title, passage.section.at(-1)].filter(Boolean).join(" › "),
            ),
            h("span", { class: "muted figure" }, ` ${percentOf(own)}`),
          ),
        ),
      ),
    h(
      "a",
      { class: "small", href: addressOf("/studio/search", { q: question, release }), "data-inside": true },
      "Why these results",
    ),
  ];
}
