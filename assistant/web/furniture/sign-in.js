// The way in: e-mail and password for a session cookie that scripts never see.

import { h } from "../widget/nodes.js";
import { whileBusy } from "./busy.js";
import { request } from "./requests.js";

/** @typedef {{id: string, name: string, email: string, role: string}} Agent */

/**
 * @param {string} heading @param {(agent: Agent) => void} enter called once signed in
 * @param {string} [reason] why it is shown
 */
export function signInForm(heading, enter, reason = "") {
  const problem = h("p", { class: "problem", role: "alert" }, reason);
  const email = h("input", { type: "email", name: "email", autocomplete: "username", required: true });
  const password = h("input", { type: "password", name: "password", autocomplete: "current-password", required: true });
  const button = h("button", { class: "button primary", type: "submit" }, "Sign in");
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    await whileBusy(button, async () => {
      const body = { email: email.value.trim(), password: password.value };
      const { agent } = await request("/v1/session", { method: "POST", body });
      enter(agent);
    }).catch((refusal) => {
      problem.textContent = refusal.message;
      password.select();
    });
  };
  return h(
    "form",
    { class: "sign-in", on: { submit } },
    h("h1", null, heading),
    h(
      "p",
      { class: "muted" },
      "Accounts are made with ",
      h("code", null, "tellonce agents add"),
      ". The demo prints a sign-in link when it starts.",
    ),
    problem,
    h("label", { class: "field" }, "E-mail", email),
    h("label", { class: "field" }, "Password", password),
    button,
  );
}

/** Why the way in is shown, from how the session was refused. @param {import("./requests.js").Refusal} refusal */
export function signInReason(refusal) {
  if (new URLSearchParams(location.search).get("link") === "used")
    return "This sign-in link was used before. Sign in with your password, or ask for a new link.";
  return refusal.status === 401 ? "" : refusal.message;
}
