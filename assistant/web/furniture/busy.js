// A button at work: it takes no second press meanwhile, and it keeps the focus, which a disabled one loses.

/**
 * Runs `work` unless it runs already.
 * @param {HTMLButtonElement} button @param {() => Promise<unknown>} work
 */
export async function whileBusy(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
