// The handoff packet beside the conversation: what the customer should not have to tell again.

import { plainOf } from "../furniture/plain.js";
import { safeAddress } from "../widget/blocks.js";
import { h } from "../widget/nodes.js";
import { visitorName } from "./desk-state.js";

/** @typedef {Record<string, any>} Packet */

const TIMELINE_SHOWN = 12;

/** @param {Packet} packet @param {(text: string) => void} reply puts a suggested reply into the composer @returns {Node[]} */
export function renderPacket(packet, reply) {
  const { conversation, customer, summary, open_question: question, suggested_reply: suggestion, tried, passages, timeline } = packet;
  return [
    customerCard(customer, conversation),
    section(
      "In short",
      h("p", null, summary),
      question && h("p", { class: "open" }, "Still open: ", h("span", { class: "marker" }, question)),
    ),
    suggestion &&
      section(
        "Suggested reply",
        h("p", { class: "suggestion" }, suggestion.text),
        h(
          "button",
          { class: "button", type: "button", on: { click: () => reply(suggestion.text) } },
          "Put into the reply",
        ),
      ),
    tried?.length > 0 && section("Already tried", h("ul", { class: "plain" }, ...tried.map(triedItem))),
    passages?.length > 0 && section("From the knowledge", h("ul", { class: "plain" }, ...passages.map(passageItem))),
    timeline?.length > 0 &&
      section("Journey", h("ol", { class: "plain journey" }, ...timeline.slice(0, TIMELINE_SHOWN).map(timelineItem))),
  ].filter((node) => node instanceof Node);
}

/** @param {string} title @param {...(Node | string | null | undefined | false)} content */
const section = (title, ...content) => h("section", null, h("h3", null, title), ...content);

/** @param {Record<string, any>} customer @param {string} conversation */
function customerCard(customer, conversation) {
  const { name, verified, email, phone, since, products, orders, appointments, traits, page } = customer;
  const row = (/** @type {string} */ term, /** @type {any} */ value) =>
    value && h("div", null, h("dt", null, term), h("dd", null, value));
  const known = (/** @type {string} */ text) => h("li", null, h("span", { class: "marker" }, text));
  return h(
    "section",
    { class: "customer" },
    h(
      "h2",
      null,
      name ?? visitorName(conversation),
      " ",
      h("span", { class: verified ? "tag good" : "tag" }, verified ? "verified" : "not signed in"),
    ),
    h(
      "dl",
      null,
      row("E-mail", email),
      row("Phone", phone),
      row("Since", since && dayOf(since)),
      row("On page", page?.title || page?.url),
    ),
    products?.length > 0 && h("h3", null, "Owns"),
    products?.length > 0 &&
      h(
        "ul",
        { class: "known" },
        ...products.map((/** @type {any} */ owned) =>
          known(
            [
              owned.name,
              owned.serial && `serial ${owned.serial}`,
              owned.bought_on && `bought ${dayOf(owned.bought_on)}`,
            ]
              .filter(Boolean)
              .join(", "),
          ),
        ),
      ),
    traits && Object.keys(traits).length > 0 && h("h3", null, "Told us before"),
    traits &&
      Object.keys(traits).length > 0 &&
      h("ul", { class: "known" }, ...Object.entries(traits).map(([name, value]) => known(traitLine(name, value)))),
    orders?.length > 0 && h("h3", null, "Orders"),
    orders?.length > 0 &&
      h("ul", { class: "known" }, ...orders.map((/** @type {any} */ order) => known(orderLine(order)))),
    appointments?.length > 0 && h("h3", null, "Appointments"),
    appointments?.length > 0 &&
      h(
        "ul",
        { class: "known" },
        ...appointments.map((/** @type {any} */ visit) => known(`${visit.what}, ${dayOf(visit.at)}, ${visit.status}`)),
      ),
  );
}

/** `water_hardness`, `18 °dH` → "Water hardness: 18 °dH". @param {string} name @param {unknown} value */
function traitLine(name, value) {
  const words = name.replaceAll("_", " ");
  const isDay = typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value);
  const plain = Array.isArray(value) ? value.join(", ") : isDay ? dayOf(value) : String(value);
  const said = value === true ? "yes" : value === false ? "no" : plain;
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}: ${said}`;
}

/** @param {Record<string, any>} order */
function orderLine({ number, items, status, delivered_on: deliveredOn, expected_on: expectedOn }) {
  const when = deliveredOn ? ` ${dayOf(deliveredOn)}` : expectedOn ? `, expected ${dayOf(expectedOn)}` : "";
  return `${number}: ${items.join(", ")}, ${status}${when}`;
}

/** What came of a question, as a colleague would say it. @param {Record<string, any>} exchange */
function cameOf({ outcome, by, citations }) {
  const titles = [...new Set((citations ?? []).map((/** @type {any} */ { title }) => title).filter(Boolean))];
  if (outcome === "declined") return "The assistant found no answer.";
  if (outcome === "clarifying") return "The assistant asked back.";
  if (outcome === "acted") return "Answered from the customer's records.";
  if (outcome === "said") return `Answered by ${by ?? "a colleague"}.`;
  return titles.length ? `Answered from ${titles.map((title) => `“${title}”`).join(", ")}.` : "Answered.";
}

/** @param {Record<string, any>} exchange */
function triedItem(exchange) {
  const { question, answer, useful } = exchange;
  return h(
    "li",
    null,
    h("strong", null, question),
    h("p", { class: "muted small clamp" }, plainOf(answer ?? "")),
    h(
      "p",
      { class: "small" },
      useful === false
        ? "The customer says it did not help."
        : useful === true
          ? "The customer says it helped."
          : cameOf(exchange),
    ),
  );
}

/** @param {Record<string, any>} passage */
function passageItem({ title, section: path, text, url }) {
  const href = safeAddress(url);
  const heading = [title, path].filter(Boolean).join(" › ");
  return h(
    "li",
    null,
    href ? h("a", { href, target: "_blank", rel: "noopener" }, heading) : h("strong", null, heading),
    h("p", { class: "small clamp" }, h("span", { class: "marker" }, plainOf(text))),
  );
}

/** @param {Record<string, any>} entry */
const timelineItem = ({ at, text, outcome, channel }) =>
  h(
    "li",
    null,
    h("time", { datetime: at, class: "muted small" }, dayOf(at)),
    h(
      "p",
      null,
      text,
      outcome && h("span", { class: "muted" }, ` (${outcome})`),
      channel && h("span", { class: "muted" }, `, ${channel}`),
    ),
  );

/** @param {string} at */
const dayOf = (at) =>
  new Date(at).toLocaleDateString(navigator.languages, { day: "numeric", month: "short", year: "numeric" });
