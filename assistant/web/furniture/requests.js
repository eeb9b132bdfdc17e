// Talking to our own HTTP routes: JSON in, JSON out, refusals as errors that carry a sentence.

/** A refusal, with the problem's `code` (PROTOCOL section 5) and a sentence to show. */
export class Refusal extends Error {
  /** @param {string} code @param {number} status @param {string} message */
  constructor(code, status, message) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/**
 * The body of the answer, or null when there is none.
 * @param {string} path @param {{method?: string, body?: unknown}} [options] @returns {Promise<any>}
 */
export async function request(path, { method = "GET", body } = {}) {
  const headers = body === undefined ? undefined : { "content-type": "application/json" };
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (cause) {
    throw Object.assign(
      new Refusal("unavailable", 0, "The server cannot be reached. Check the connection and try again."),
      { cause },
    );
  }
  const found = (response.headers.get("content-type") ?? "").includes("json") ? await response.json() : null;
  if (!response.ok)
    throw new Refusal(
      found?.code ?? "unavailable",
      response.status,
      found?.detail ?? "This did not work. Please try again.",
    );
  return found;
}
