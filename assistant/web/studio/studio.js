// The studio: who may come in, which view the address names, and what all views share.

import { emptyPage } from "../furniture/empty.js";
import { Refusal, request } from "../furniture/requests.js";
import { signInForm, signInReason } from "../furniture/sign-in.js";
import { showToast } from "../furniture/toast.js";
import { h } from "../widget/nodes.js";
import { showComparison } from "./compare-view.js";
import { showDocument } from "./document-view.js";
import { showDocuments } from "./documents-view.js";
import { showDraft } from "./draft-view.js";
import { showGaps } from "./gaps-view.js";
import { JobStrip } from "./job-strip.js";
import { JobWatch } from "./job-watch.js";
import { placeOf } from "./places.js";
import { showQuestions } from "./questions-view.js";
import { showReleases } from "./releases-view.js";
import { showSearch } from "./search-view.js";
import { Uploads } from "./uploads.js";

const SKELETON_AFTER_MS = 150;
const SCROLL_KEPT_MS = 250;

/** @type {Record<import("./places.js").Room, Studio.ShowView>} */
const VIEWS = {
  documents: showDocuments,
  document: showDocument,
  search: showSearch,
  releases: showReleases,
  compare: showComparison,
  gaps: showGaps,
  gap: showDraft,
  questions: showQuestions,
  nowhere: async () => ({
    title: "Not here",
    nodes: [
      emptyPage(
        "There is no such page",
        "The address may be incomplete.",
        h("a", { class: "button", href: "/studio", "data-inside": true }, "See the documents"),
      ),
    ],
  }),
};

const PLACES = [
  { href: "/studio", name: "Documents", rooms: ["documents", "document"] },
  { href: "/studio/search", name: "Search", rooms: ["search"] },
  { href: "/studio/releases", name: "Releases", rooms: ["releases", "compare"] },
  { href: "/studio/gaps", name: "Gaps", rooms: ["gaps", "gap"] },
  { href: "/studio/questions", name: "Questions", rooms: ["questions"] },
];

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

class StudioPage {
  #agent;
  #jobs = new JobWatch();
  #uploads = new Uploads();
  #strip = new JobStrip(
    this.#jobs,
    (path) => this.go(path),
    () => void this.show(),
  );
  #leaving = new AbortController();
  #remembered = {};
  #atOnce = false;
  #isReading = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #scrolling;

  /** @param {Studio.Agent} agent */
  constructor(agent) {
    this.#agent = agent;
    byId("me").hidden = false;
    byId("to-desk").hidden = agent.role !== "admin";
    byId("sign-out").onclick = () => this.#signOut();
    byId("places").replaceChildren(...PLACES.map(({ href, name }) => h("a", { href, "data-inside": true }, name)));
    byId("strip").replaceChildren(this.#strip.element);
    this.#uploads.addEventListener("end", () => void this.#readUploads());
    this.#jobs.addEventListener("end", () => this.#showNews());
    document.addEventListener("click", (event) => this.#follow(event));
    addEventListener("popstate", () => void this.show({ scroll: history.state?.scroll ?? 0 }));
    addEventListener("beforeunload", (event) => this.#uploads.isBusy && event.preventDefault());
    addEventListener("scroll", () => this.#keepScroll(), { passive: true });
    history.scrollRestoration = "manual";
    request("/v1/knowledge/job").then(
      (job) => this.#jobs.take(job),
      () => {},
    );
    void this.show({ isFirst: true });
  }

  /** @param {string} path @param {{replace?: boolean}} [how] */
  go(path, { replace = false } = {}) {
    if (replace) return replaceEntry(history.state, path);
    replaceEntry({ scroll: scrollY });
    history.pushState(null, "", path);
    void this.show();
  }

  /** Draws the view that the address names. @param {{scroll?: number, isFirst?: boolean, quiet?: boolean}} [how] `quiet`: the same view anew, nobody moves */
  async show({ scroll = 0, isFirst = false, quiet = false } = {}) {
    this.#leaving.abort();
    const leaving = (this.#leaving = new AbortController());
    const place = placeOf(location.pathname, location.search);
    const main = byId("room");
    const held = /** @type {HTMLElement} */ (document.activeElement);
    this.#markPlace(place.room);
    this.#strip.refresh();
    main.setAttribute("aria-busy", "true");
    const waiting = setTimeout(() => quiet || main.replaceChildren(...skeletons()), isFirst ? 0 : SKELETON_AFTER_MS);
    const { title, nodes } = await this.#load(place, leaving.signal);
    clearTimeout(waiting);
    if (leaving.signal.aborted) return;
    document.title = `${title} · Studio`;
    main.replaceChildren(...nodes);
    main.removeAttribute("aria-busy");
    if (quiet) return this.#holdAgain(held);
    if (!isFirst) main.focus({ preventScroll: true });
    if (!place.asked.has("passage")) scrollTo(0, scroll);
  }

  /** Another release may be there now: the views that tell of releases are drawn anew, unless something is being written. */
  #showNews() {
    const { room } = placeOf(location.pathname);
    if (this.#jobs.job?.kind !== "reindex" || (room !== "documents" && room !== "releases")) return;
    if (!byId("room").querySelector("form :focus")) void this.show({ quiet: true });
  }

  /** The same control is in hand again after a view was drawn anew. @param {HTMLElement} held */
  #holdAgain(held) {
    if (held.isConnected && held !== document.body) return;
    const main = byId("room");
    const nameOf = (/** @type {Element} */ one) => one.getAttribute("aria-label") ?? one.textContent;
    const alike = /** @type {HTMLElement[]} */ ([...main.querySelectorAll(held.tagName)]).filter(
      (one) => nameOf(one) === nameOf(held),
    );
    const again = alike.length === 1 ? alike[0] : null;
    (again ?? main).focus({ preventScroll: true });
    if (again instanceof HTMLInputElement && again.selectionStart !== null)
      again.setSelectionRange(again.value.length, again.value.length);
  }

  /** @param {import("./places.js").Place} place @param {AbortSignal} signal @returns {Promise<Studio.View>} */
  async #load(place, signal) {
    const page = this;
    /** @type {Studio.Room} */
    const room = {
      agent: this.#agent,
      jobs: this.#jobs,
      uploads: this.#uploads,
      remembered: this.#remembered,
      signal,
      go: (path, how) => signal.aborted || page.go(path, how),
      redraw: () => signal.aborted || void page.show({ quiet: true }),
      get atOnce() {
        return page.#atOnce;
      },
      set atOnce(publish) {
        page.#atOnce = publish;
      },
    };
    try {
      return await VIEWS[place.room](room, place);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.status === 401) location.reload();
      return this.#refusedView(refusal);
    }
  }

  /** @param {Refusal} refusal @returns {Studio.View} */
  #refusedView({ status, message }) {
    const again = h(
      "button",
      { class: "button primary", type: "button", on: { click: () => void this.show() } },
      "Try again",
    );
    const title =
      status === 404
        ? "This is not here any more"
        : status === 0
          ? "The server is out of reach"
          : "This cannot be shown now";
    return { title, nodes: [h("div", { role: "alert" }, emptyPage(title, message, again))] };
  }

  /** What was uploaded is read when the last file is there. */
  async #readUploads() {
    if (!this.#uploads.count("saved") || this.#isReading) return;
    this.#isReading = true;
    try {
      await this.#jobs.idle();
      await this.#jobs.reindex(this.#atOnce);
    } catch (refusal) {
      showToast(/** @type {Error} */ (refusal).message);
    } finally {
      this.#isReading = false;
    }
  }

  /** Links within the studio open without loading the page anew. @param {MouseEvent} event */
  #follow(event) {
    const link = /** @type {Element} */ (event.target).closest?.("a[data-inside]");
    if (
      !link ||
      event.defaultPrevented ||
      event.button ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    event.preventDefault();
    this.go(/** @type {HTMLAnchorElement} */ (link).getAttribute("href") ?? "/studio");
  }

  #keepScroll() {
    if (byId("room").hasAttribute("aria-busy")) return;
    clearTimeout(this.#scrolling);
    this.#scrolling = setTimeout(() => replaceEntry({ scroll: scrollY }), SCROLL_KEPT_MS);
  }

  /** @param {string} room */
  #markPlace(room) {
    [...byId("places").children].forEach((link, i) => {
      if (PLACES[i].rooms.includes(room)) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
  }

  async #signOut() {
    await request("/v1/session", { method: "DELETE" }).catch((refusal) => showToast(refusal.message));
    location.reload();
  }
}

/** Safari refuses more than a hundred of these in half a minute; the next one tells the same.
 * @param {unknown} state @param {string} [path] */
function replaceEntry(state, path) {
  try {
    history.replaceState(state, "", path);
  } catch (refusal) {
    if (!(refusal instanceof DOMException)) throw refusal;
  }
}

const skeletons = () => ["title", "", "", "short"].map((kind) => h("div", { class: `skeleton ${kind}` }));

/** @param {import("../furniture/sign-in.js").Agent} agent */
function enter(agent) {
  const room = byId("room");
  room.removeAttribute("aria-busy");
  if (agent.role !== "agent") return void new StudioPage(/** @type {Studio.Agent} */ (agent));
  room.replaceChildren(
    emptyPage(
      "The studio is for those who keep the knowledge",
      "Your account answers customers at the desk. An admin can change that with `tellonce agents`.",
      h("a", { class: "button primary", href: "/desk" }, "Open the desk"),
    ),
  );
}

/** @param {string} reason */
function showSignIn(reason) {
  byId("room").removeAttribute("aria-busy");
  byId("room").replaceChildren(signInForm("Sign in to the studio", enter, reason));
  byId("room").querySelector("input")?.focus();
}

try {
  const { agent } = await request("/v1/session");
  enter(agent);
} catch (refusal) {
  if (!(refusal instanceof Refusal)) throw refusal;
  showSignIn(signInReason(refusal));
}
