// Where one can be in the studio, from its address and back. Pure.

/**
 * @typedef {"documents" | "document" | "search" | "releases" | "compare" | "gaps" | "gap" | "questions" | "nowhere"} Room
 * @typedef {{room: Room, id: string, asked: URLSearchParams}} Place
 *   `id`: the document's, release's, gap's, or the name of a tab of the gaps; "" where there is none.
 */

export const GAP_TABS = Object.freeze(["unused", "contradictions", "stale"]);

/** @param {string} path the address below the origin @param {string} [query] @returns {Place} */
export function placeOf(path, query = "") {
  const [first = "", second = "", third = "", ...more] = path
    .replace(/^\/studio\/?/, "")
    .replace(/\/$/, "")
    .split("/")
    .map(decoded);
  const at = (/** @type {Room} */ room, id = "") => ({ room, id, asked: new URLSearchParams(query) });
  if (more.length) return at("nowhere");
  if (first === "" && !second) return at("documents");
  if (first === "documents" && !third) return second ? at("document", second) : at("documents");
  if (first === "releases" && second && third === "compare") return at("compare", second);
  if (first === "gaps" && second && !third) return at(GAP_TABS.includes(second) ? "gaps" : "gap", second);
  if (!second && (first === "search" || first === "releases" || first === "gaps" || first === "questions"))
    return at(first);
  return at("nowhere");
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** An address with what is asked of it; empty answers are left out.
 * @param {string} path @param {Record<string, string | number | null | undefined>} [asked] */
export function addressOf(path, asked = {}) {
  const filled = Object.entries(asked).filter(([, value]) => value !== "" && value != null);
  const query = new URLSearchParams(filled.map(([name, value]) => [name, String(value)])).toString();
  return query ? `${path}?${query}` : path;
}

/** @param {string} id @param {{release?: number | string | null, passage?: number | null}} [asked] */
export const documentAddress = (id, asked) => addressOf(`/studio/documents/${encodeURIComponent(id)}`, asked);
