// The demo shop: shelves from /v1/demo, a switch that signs you in as one of its customers, and the widget's API in use.

import { Refusal, request } from "../furniture/requests.js";
import { showToast } from "../furniture/toast.js";
import { h, icon } from "../widget/nodes.js";

/**
 * @typedef {{id: string, name: string, model: string, category: string, price: string, tagline: string,
 *   description: string, highlights: string[], in_stock: boolean}} Product
 * @typedef {{id: string, name: string, note: string}} Customer
 * @typedef {{company: Record<string, string>, products: Product[], customers: Customer[],
 *   policies: {title: string, summary: string}[], suggested_questions: string[]}} Shop
 */

const CUSTOMER_KEY = "aldermorn:customer";

/** Calls to the widget, queued until it has arrived. @param {string} name @param {...unknown} args */
function tellonce(name, ...args) {
  const page = /** @type {{tellonce?: any}} */ (window);
  page.tellonce ??= { queue: [] };
  page.tellonce.queue.push([name, ...args]);
}

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {Shop} shop */
function showShop({ company, products, policies, suggested_questions: questions }) {
  document.title = `${company.name}: ${company.tagline}`;
  for (const [id, text] of Object.entries({
    name: company.name,
    "footer-name": company.name,
    tagline: company.tagline,
    about: company.about,
    address: company.address,
    hours: company.support_hours,
    reach: `${company.phone} · ${company.email}`,
  })) {
    byId(id).textContent = text ?? "";
  }
  const categories = [...new Set(products.map(({ category }) => category))];
  byId("categories").replaceChildren(...categories.map((name) => h("li", null, h("a", { href: `#${name}` }, name))));
  byId("questions").replaceChildren(...(questions ?? []).map(questionButton));
  byId("shelf").replaceChildren(...products.map((product) => shelfItem(product, products)));
  byId("promises").replaceChildren(
    ...(policies ?? []).map(({ title, summary }) => h("li", null, h("h3", null, title), h("p", null, summary))),
  );
}

/** @param {string} text */
function questionButton(text) {
  const ask = { click: () => tellonce("ask", text) };
  return h("li", null, h("button", { class: "button", type: "button", on: ask }, text, icon("send")));
}

/** @param {Product} product @param {Product[]} products */
function shelfItem(product, products) {
  const { id, name, price, tagline, category, in_stock: inStock } = product;
  const first = products.find((other) => other.category === category) === product;
  const open = { click: () => showProduct(product) };
  return h(
    "li",
    first ? { id: category } : null,
    h(
      "button",
      { type: "button", on: open },
      h("img", { src: artOf(id), width: 320, height: 260, alt: "", loading: "lazy" }),
      h("span", { class: "line" }, h("span", { class: "name" }, name), h("span", { class: "figure" }, price)),
      h("span", { class: "tagline" }, tagline),
      !inStock && h("span", null, " ", h("span", { class: "tag warning" }, "Back soon")),
    ),
  );
}

/** @param {Product} product */
function showProduct({ id, name, model, price, description, highlights, in_stock: inStock }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("product"));
  const ask = () => {
    dialog.close();
    tellonce("context", { product: name });
    tellonce("open");
  };
  dialog.replaceChildren(
    h(
      "div",
      { class: "product" },
      h("img", { src: artOf(id), alt: "" }),
      h(
        "div",
        { class: "words" },
        h("div", null, h("h2", { id: "product-name" }, name), h("p", { class: "muted small" }, `Model ${model}`)),
        h("p", null, description),
        h("ul", null, ...highlights.map((text) => h("li", null, text))),
        h("p", { class: "price figure" }, price, " ", !inStock && h("span", { class: "tag warning" }, "Back soon")),
        h("button", { class: "button primary", type: "button", on: { click: ask } }, `Ask about the ${name}`),
        h("button", { class: "button plain", type: "button", on: { click: () => dialog.close() } }, "Back to the shop"),
      ),
    ),
  );
  dialog.showModal();
}

/** @param {string} id */
const artOf = (id) => `/web/demo/art/${encodeURIComponent(id)}.svg`;

/** The switch: signs in at our own server, which plays the shop's, and hands the signed identity to the widget.
 * @param {Customer[]} customers */
function offerSignIn(customers) {
  const select = /** @type {HTMLSelectElement} */ (byId("customer"));
  select.append(...customers.map(({ id, name }) => h("option", { value: id }, name)));
  const become = async (/** @type {string} */ id) => {
    const customer = customers.find((other) => other.id === id);
    select.value = customer?.id ?? "";
    keepCustomer(customer?.id ?? null);
    const known = byId("known");
    known.hidden = !customer;
    if (!customer) return tellonce("logout");
    known.replaceChildren(`Signed in as ${customer.name}. We know: `, h("span", { class: "marker" }, customer.note));
    const { token } = await request("/v1/demo/identity", { method: "POST", body: { customer: customer.id } });
    tellonce("identify", token);
  };
  const attempt = (/** @type {string} */ id) => become(id).catch((refusal) => showToast(refusal.message));
  select.addEventListener("change", () => attempt(select.value));
  const kept = keptCustomer();
  if (kept) attempt(kept);
}

function keptCustomer() {
  try {
    return localStorage.getItem(CUSTOMER_KEY);
  } catch {
    return null; // No storage: every visit begins as a visitor.
  }
}

/** @param {string | null} id */
function keepCustomer(id) {
  try {
    if (id) localStorage.setItem(CUSTOMER_KEY, id);
    else localStorage.removeItem(CUSTOMER_KEY);
  } catch {
    // The sign-in lasts as long as the page, then.
  }
}

byId("ask").addEventListener("click", () => tellonce("open"));
byId("product").addEventListener("click", (event) => {
  if (event.target === event.currentTarget) /** @type {HTMLDialogElement} */ (event.currentTarget).close();
});

try {
  const shop = /** @type {Shop} */ (await request("/v1/demo"));
  showShop(shop);
  offerSignIn(shop.customers);
} catch (refusal) {
  if (!(refusal instanceof Refusal)) throw refusal;
  byId("about").textContent = refusal.message;
}
