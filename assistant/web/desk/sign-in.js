// The way in: e-mail and password for a session cookie that scripts never see.

import { request } from "../furniture/requests.js";
import { h } from "../widget/nodes.js";

/** @param {(agent: import("./desk-state.js").Agent) => void} enter @param {string} [reason] why it is shown */
export function signInForm(enter, reason = "") {
  const problem = h("p", { class: "problem", role: "alert" }, reason);
  const email = h("input", { type: "email", name: "email", autocomplete: "username", required: true });
  const password = h("input", { type: "password", name: "password", autocomplete: "current-password", required: true });
  const button = h("button", { class: "button primary", type: "submit" }, "Sign in");
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const body = { email: email.value.trim(), password: password.value };
      const { agent } = await request("/v1/session", { method: "POST", body });
      enter(agent);
    } catch (refusal) {
      problem.textContent = /** @type {Error} */ (refusal).message;
      password.select();
    } finally {
      button.disabled = false;
    }
  };
  return h(
    "form",
    { class: "sign-in", on: { submit } },
    h("h1", null, "Sign in to the desk"),
    h(
      "p",
      { class: "muted" },
      "Accounts are made with `tellonce agents add`. The demo prints a sign-in link when it starts.",
    ),
    problem,
    h("label", { class: "field" }, "E-mail", email),
    h("label", { class: "field" }, "Password", password),
    button,
  );
}
