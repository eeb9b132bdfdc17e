// The desk: wires the agents' line to the queue, the transcript, the packet and the reply.

import { emptyPage } from "../furniture/empty.js";
import { Refusal, request } from "../furniture/requests.js";
import { signInForm, signInReason } from "../furniture/sign-in.js";
import { showToast } from "../furniture/toast.js";
import { Line } from "../widget/line.js";
import { h } from "../widget/nodes.js";
import { Outbox } from "../widget/outbox.js";
import { Shelf } from "../widget/shelf.js";
import { DeskState, visitorName } from "./desk-state.js";
import { renderPacket } from "./packet-view.js";
import { QueueView } from "./queue-view.js";
import { Reply } from "./reply.js";
import { TranscriptView } from "./transcript-view.js";

const TYPING_SHOWN_MS = 6_000;
const SIGNED_OUT = 1008;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

class Desk {
  #state = new DeskState();
  #shelf = new Shelf("tellonce-desk:");
  /** @type {string | null} */
  #selected = null;
  /** The conversation whose Accept was pressed, until it is ours. @type {string | null} */
  #accepting = null;
  #ready = false;
  #frame = 0;
  /** What stands beside the conversation now; undefined: what stood there was somebody else's. @type {unknown} */
  #shownPacket;

  #queue = new QueueView((conversation) => this.#open(conversation));
  #transcript = new TranscriptView();
  #reply = new Reply(this.#shelf, {
    send: (type, text) => this.#act(type, { text }),
    typing: (on) => this.#line.send({ type: "typing", conversation: this.#selected, on }),
  });
  #head = h("header", { class: "talk-head" });
  #hint = h("p", { class: "muted small hint", role: "status" });
  #talk = h(
    "section",
    { class: "talk", "aria-label": "Conversation" },
    this.#head,
    this.#transcript.element,
    this.#hint,
    this.#reply.element,
  );
  #side = h("aside", { class: "side", "aria-label": "Customer", tabindex: 0 });
  #none = h(
    "div",
    { class: "empty none" },
    h("strong", null, "No conversation open"),
    h(
      "p",
      null,
      "Choose one from the queue. You see the whole conversation before you take it, and the customer's record once you do.",
    ),
  );
  #room = byId("room");
  #outbox;
  #line;

  /** @param {import("./desk-state.js").Agent} agent */
  constructor(agent) {
    this.#state.agent = agent;
    this.#outbox = new Outbox(this.#shelf, `agent:${agent.id}`);
    this.#line = new Line({
      url: `${location.origin.replace(/^http/, "ws")}/ws/desk`,
      protocol: "tellonce.v1",
      hello: () => ({ type: "hello" }),
      onFrame: (frame) => this.#take(frame),
      onState: (state, code) => this.#lineEntered(state, code),
    });
  }

  start() {
    byId("me").hidden = false;
    byId("to-studio").hidden = this.#state.agent?.role !== "admin";
    const status = /** @type {HTMLSelectElement} */ (byId("status"));
    status.onchange = () => this.#line.send({ type: "status", status: status.value });
    byId("sign-out").onclick = () => this.#signOut();
    this.#room.className = "desk";
    this.#room.removeAttribute("aria-busy");
    this.#room.replaceChildren(
      h("h1", { class: "hush" }, "Desk"),
      this.#queue.element,
      this.#none,
      this.#talk,
      this.#side,
    );
    this.#selected = conversationInAddress();
    addEventListener("popstate", () => {
      const conversation = conversationInAddress(); // the same after the skip link: nobody moves
      if (conversation !== this.#selected) this.#show(conversation);
    });
    this.#line.open();
    setInterval(() => this.#redraw(), 30_000);
    this.#draw();
  }

  // Frames

  /** @param {Frame} frame */
  #take(frame) {
    switch (frame.type) {
      case "queue":
        this.#state.takeQueue(/** @type {any} */ (frame));
        if (frame.items) this.#begin();
        break;
      case "presence":
        this.#state.colleagues = frame.agents;
        break;
      case "event":
        this.#takeEvent(/** @type {any} */ (frame));
        break;
      case "packet":
        this.#state.watch(frame.conversation).packet = frame;
        break;
      case "typing":
        this.#takeTyping(frame);
        break;
      case "ack":
        this.#outbox.settle(frame.id);
        break;
      case "error":
        this.#refused(/** @type {any} */ (frame));
        break;
    }
    this.#redraw();
  }

  /** A new connection: look where we looked before, and send what was not confirmed. */
  #begin() {
    this.#ready = true;
    for (const { frame } of this.#outbox.waiting()) this.#line.send(frame);
    if (this.#selected) this.#watch(this.#selected);
    const { value: status } = /** @type {HTMLSelectElement} */ (byId("status"));
    if (status !== "online") this.#line.send({ type: "status", status }); // A new connection begins online.
  }

  /** @param {import("./desk-state.js").StaffEvent} event */
  #takeEvent(event) {
    const taken = this.#state.watch(event.conversation).take(event);
    if (taken === "hole") this.#watch(event.conversation);
    if (event.id) this.#outbox.settle(event.id);
  }

  /** @param {Frame} frame */
  #takeTyping({ conversation, from, on }) {
    const watched = this.#state.watch(conversation);
    watched.typing = on ? (from.name ?? "The customer") : null;
    if (on) setTimeout(() => ((watched.typing = null), this.#redraw()), TYPING_SHOWN_MS);
  }

  /** @param {{code: string, message: string, id?: string}} error */
  #refused({ code, message, id }) {
    const item = id ? this.#outbox.find(id) : null;
    if (code === "rate_limited" || code === "unavailable") {
      if (item) setTimeout(() => this.#outbox.find(item.id) && this.#line.send(item.frame), 3_000);
    } else if (item) {
      this.#outbox.settle(item.id);
      // Words that could not be delivered go back to where they can be sent from again.
      if (item.frame.text && item.frame.conversation === this.#selected) this.#reply.propose(String(item.frame.text));
    }
    showToast(message);
  }

  /** @param {LineState} state @param {number} code */
  #lineEntered(state, code) {
    if (state !== "open") this.#ready = false;
    byId("line").textContent = state === "waiting" ? "Connecting again. What you write is kept." : "";
    if (state !== "waiting") return;
    // Refused or cut off by policy: ask whether we are still signed in instead of knocking on.
    if (code === SIGNED_OUT || code === 1006) this.#checkSession();
  }

  async #checkSession() {
    try {
      await request("/v1/session");
    } catch (refusal) {
      if (!(refusal instanceof Refusal) || ![401, 403].includes(refusal.status)) return;
      this.#line.close();
      showSignIn("Your session has ended. Please sign in again.");
    }
  }

  // What the agent does

  /** The address says which conversation is open: a reload stays there, and Back leads to the one before.
   * @param {string | null} conversation */
  #open(conversation) {
    if (conversation !== this.#selected)
      history.pushState(null, "", conversation ? `?conversation=${encodeURIComponent(conversation)}` : location.pathname);
    this.#show(conversation);
  }

  /** @param {string | null} conversation null: the queue alone */
  #show(conversation) {
    const left = this.#selected;
    this.#selected = conversation;
    this.#accepting = null;
    this.#transcript.clear();
    this.#shownPacket = undefined;
    if (conversation) this.#watch(conversation);
    this.#draw();
    if (conversation) this.#transcript.element.focus();
    else this.#queue.focus(left);
  }

  /** @param {string} conversation */
  #accept(conversation) {
    this.#accepting = conversation;
    this.#act("accept");
  }

  /** @param {string} conversation */
  #watch(conversation) {
    if (!this.#ready) return;
    this.#line.send({ type: "watch", conversation, after: this.#state.watch(conversation).lastSeq });
    if (this.#state.isMine(conversation)) this.#act("accept"); // Accepting one's own again brings the packet.
  }

  /** @param {string} type @param {Record<string, unknown>} [fields] */
  #act(type, fields = {}) {
    const item = this.#outbox.add({ type, id: crypto.randomUUID(), conversation: this.#selected, ...fields });
    if (this.#ready) this.#line.send(item.frame);
    this.#redraw();
  }

  async #signOut() {
    this.#line.close();
    await request("/v1/session", { method: "DELETE" }).catch((refusal) => showToast(refusal.message));
    location.reload();
  }

  // The picture

  #redraw() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const conversation = this.#selected;
    const waiting = [...this.#state.places.values()].filter(({ state }) => state === "waiting").length;
    document.title = waiting ? `(${waiting}) Desk` : "Desk";
    this.#room.classList.toggle("talking", conversation !== null);
    this.#queue.draw(this.#state, conversation);
    this.#none.hidden = conversation !== null;
    this.#talk.hidden = this.#side.hidden = conversation === null;
    if (conversation !== null) this.#drawTalk(conversation);
  }

  /** @param {string} conversation */
  #drawTalk(conversation) {
    const watched = this.#state.watch(conversation);
    const place = this.#state.places.get(conversation);
    const mine = this.#state.isMine(conversation);
    const pending = this.#outbox
      .waiting()
      .filter(({ id, frame }) => frame.conversation === conversation && frame.text && !watched.ownIds.has(id));
    this.#transcript.draw(watched.events, pending);
    const hadFocus = this.#head.contains(document.activeElement);
    this.#drawHead(conversation, place, mine);
    const others = this.#state.alsoViewing(conversation).map(({ name }) => name);
    this.#hint.textContent = [
      watched.typing && `${watched.typing} is writing.`,
      others.length > 0 && `${others.join(" and ")} also ${others.length > 1 ? "look" : "looks"} at this.`,
      !mine && place?.state === "waiting" && "Accept to reply. Until then you can leave a note.",
    ]
      .filter(Boolean)
      .join(" ");
    this.#reply.turnTo(conversation, mine);
    // Who has pressed a button that is gone goes on where the next thing is to be done. That the button goes and that the
    // conversation is ours may come one after the other.
    const lost = hadFocus && !this.#head.contains(document.activeElement);
    const atTranscript = document.activeElement === this.#transcript.element;
    if (mine && (lost || (atTranscript && this.#accepting === conversation))) this.#reply.focus();
    else if (lost) this.#transcript.element.focus();
    if (mine) this.#accepting = null;
    this.#drawSide(watched.packet);
  }

  /** @param {string} conversation @param {import("./desk-state.js").Place | undefined} place @param {boolean} mine */
  #drawHead(conversation, place, mine) {
    const watched = this.#state.watch(conversation);
    const name = place?.customer.name ?? watched.packet?.customer.name ?? watched.customerName ?? visitorName(conversation);
    const standing = mine
      ? "With you"
      : place?.state === "waiting"
        ? "Waiting"
        : place
          ? `With ${place.agent?.name}`
          : watched.ended
            ? "Ended"
            : "With the assistant";
    const accepting = this.#outbox
      .waiting()
      .some(({ frame }) => frame.type === "accept" && frame.conversation === conversation);
    const key = JSON.stringify([conversation, name, standing, mine, accepting]);
    if (this.#head.dataset.key === key) return;
    this.#head.dataset.key = key;
    // The second click of a double one may meet a button that has just come there: Close where Accept was.
    const button = (/** @type {string} */ text, /** @type {() => void} */ act, kind = "") =>
      h(
        "button",
        {
          class: `button ${kind}`,
          type: "button",
          on: { click: (/** @type {MouseEvent} */ { detail }) => detail < 2 && act() },
        },
        text,
      );
    const accept = button("Accept", () => accepting || this.#accept(conversation), "primary");
    const keepsFocus = accepting && this.#head.contains(document.activeElement);
    if (accepting) accept.setAttribute("aria-disabled", "true");
    this.#head.replaceChildren(
      h(
        "button",
        {
          class: "button plain back",
          type: "button",
          "aria-label": "Back to the queue",
          on: { click: () => this.#open(null) },
        },
        "‹",
      ),
      h("div", { class: "who" }, h("h2", null, name), h("p", { class: "muted small" }, standing)),
      ...(place?.state === "waiting" ? [accept] : []),
      ...(mine
        ? [
            button("To the assistant", () => this.#act("return")),
            button("Pass on", () => this.#act("transfer")),
            button("Close", () => this.#act("close")),
          ]
        : []),
    );
    if (keepsFocus) accept.focus();
  }

  /** @param {Record<string, any> | null} packet */
  #drawSide(packet) {
    if (packet === this.#shownPacket) return;
    this.#shownPacket = packet;
    const empty = h(
      "div",
      { class: "empty" },
      h("p", null, "Once you accept, everything the customer should not have to tell again stands here."),
    );
    this.#side.replaceChildren(...(packet ? renderPacket(packet, (text) => this.#reply.propose(text)) : [empty]));
  }
}

const conversationInAddress = () => new URLSearchParams(location.search).get("conversation");

/** @param {string} [reason] */
function showSignIn(reason) {
  const room = byId("room");
  byId("me").hidden = true;
  room.className = "";
  room.removeAttribute("aria-busy");
  room.replaceChildren(signInForm("Sign in to the desk", enter, reason));
  room.querySelector("input")?.focus();
}

/** @param {import("../furniture/sign-in.js").Agent} agent */
function enter(agent) {
  if (agent.role !== "content") return new Desk(agent).start();
  byId("room").removeAttribute("aria-busy");
  byId("room").replaceChildren(
    emptyPage(
      "The desk is for agents",
      "Your account keeps the knowledge, and reads no conversations. An admin can change that with `tellonce agents`.",
      h("a", { class: "button primary", href: "/studio" }, "Open the studio"),
    ),
  );
}

try {
  const { agent } = await request("/v1/session");
  enter(agent);
} catch (refusal) {
  if (!(refusal instanceof Refusal)) throw refusal;
  showSignIn(signInReason(refusal));
}
