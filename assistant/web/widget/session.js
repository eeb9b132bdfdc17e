// One customer's conversation over one line: who they are, what is kept, what is on its way. No page in here.

import { Journal } from "./journal.js";
import { Line } from "./line.js";
import { Outbox } from "./outbox.js";

const VISITOR = "visitor";
const RESEND_MS = 3_000;
const CLAIM_MS = 4_000;

export class Session {
  journal = new Journal();
  /** @type {string | null} */
  conversation = null;
  /** @type {{name: string | null, verified: boolean} | null} */
  customer = null;
  mode = "model";
  /** Whether this connection was answered; only then does the outbox leave. */
  welcomed = false;
  /** @type {string | null} */
  identity = null;
  /** Whose conversation, outbox and draft these are: "visitor", or the signed-in customer's key. */
  owner = VISITOR;
  /** @type {Record<string, unknown>} what the page said about itself */
  context = {};

  /** Acknowledged, by seq, but its event has not come by yet. @type {Map<number, OutItem>} */
  #confirmed = new Map();
  #refusals = 0;
  /** The page's word for its visitor was not accepted: nothing is said until it gives another. */
  #awaitsIdentity = false;
  /** @type {(() => void) | null} */
  #releaseClaim = null;
  #options;
  #shelf;
  #line;
  #stopListening;

  /** @param {SessionOptions} options */
  constructor(options) {
    this.#options = options;
    this.#shelf = options.shelf;
    this.outbox = new Outbox(this.#shelf, this.owner);
    this.#line = new Line({
      url: `${options.origin.replace(/^http/, "ws")}/ws/chat`,
      protocol: "tellonce.v1",
      hello: () => this.#hello(),
      onFrame: (frame) => this.#take(frame),
      onState: (state) => this.#lineEntered(state),
    });
    this.#stopListening = this.#shelf.whenChangedElsewhere((name) => this.#changedElsewhere(name));
  }

  get lineState() {
    return this.#line.state;
  }

  /** Connects only if there is something to come back to. */
  resume() {
    if (this.#kept("conversation") || this.outbox.waiting().length) this.open();
  }

  open() {
    this.#line.open();
  }

  close() {
    this.#stopListening();
    this.#line.close();
  }

  // What the customer does. Each of these survives a lost connection and a closed tab.

  /** @param {string} text */
  say(text) {
    return this.#send({ type: "say", id: crypto.randomUUID(), text });
  }

  /** @param {string | null} [reason] */
  askHuman(reason = null) {
    return this.#send({ type: "ask_human", id: crypto.randomUUID(), reason });
  }

  end() {
    return this.#send({ type: "end", id: crypto.randomUUID() });
  }

  /** @param {number} seq @param {boolean} useful */
  rate(seq, useful, comment = "") {
    return this.#send({ type: "rate", id: crypto.randomUUID(), seq, useful, comment });
  }

  /** @param {string} survey @param {number} score @param {string} comment */
  answerSurvey(survey, score, comment) {
    return this.#send({ type: "survey", id: crypto.randomUUID(), survey, score, comment });
  }

  /** @param {string} id */
  retry(id) {
    const item = this.outbox.retry(id);
    if (item) this.#deliver(item);
    this.#options.onChange("outbox");
  }

  /** @param {string} id */
  discard(id) {
    this.outbox.settle(id);
    this.#options.onChange("outbox");
  }

  // What may be lost.

  /** @param {boolean} on */
  typing(on) {
    if (this.welcomed) this.#line.send({ type: "typing", on });
  }

  /** @param {number} seq */
  seen(seq) {
    if (seq <= this.seenSeq) return;
    this.#keep("seen", { conversation: this.conversation, seq });
    if (this.welcomed) this.#line.send({ type: "seen", seq });
  }

  get seenSeq() {
    const seen = this.#kept("seen");
    return seen?.conversation === this.conversation ? /** @type {number} */ (seen?.seq ?? 0) : 0;
  }

  /** What stands in the composer, kept so that a closed tab costs no words. */
  get composed() {
    return /** @type {string} */ (this.#kept("composed") ?? "");
  }

  set composed(text) {
    if (text) this.#keep("composed", text);
    else this.#shelf.remove(`${this.owner}:composed`);
  }

  /** Messages on their way, oldest first: the outbox, and what is confirmed but not yet in the journal. */
  get pending() {
    const shown = [...this.#confirmed.values(), ...this.outbox.items()];
    return shown
      .filter(({ id, frame }) => frame.type === "say" && !this.journal.ownIds.has(id))
      .sort((a, b) => a.at - b.at);
  }

  // Who the customer is.

  /** The visitor's conversation goes along, unless this customer has one. @param {string} token PROTOCOL section 6 */
  identify(token) {
    if (token === this.identity) return;
    const owner = ownerOf(token);
    this.identity = token;
    if (owner !== this.owner) this.#becomeOwner(owner, this.owner === VISITOR);
    if (this.lineState !== "idle" || this.#awaitsIdentity) this.#line.reopen();
    else this.resume();
  }

  /** Whoever comes next on this device starts with nothing. */
  logout() {
    if (this.identity === null && this.owner === VISITOR) return;
    this.identity = null;
    this.#shelf.remove("token");
    this.#becomeOwner(VISITOR, false);
    this.#shelf.remove(`${VISITOR}:conversation`);
    if (this.lineState !== "idle" || this.#awaitsIdentity) this.#line.reopen();
  }

  /** @param {Record<string, unknown>} context */
  setContext(context) {
    const before = JSON.stringify(this.context);
    this.context = { ...this.context, ...context };
    // The page travels in `hello` only, so a changed product is told by saying it again.
    if (this.welcomed && JSON.stringify(this.context) !== before) this.#line.reopen();
  }

  /** Leaves this conversation behind and begins another. */
  startNew() {
    this.#forgetConversation();
    if (this.lineState === "idle") this.open();
    else this.#line.reopen();
  }

  async #hello() {
    if (!this.#kept("conversation")) await this.#claimStart();
    const conversation = /** @type {string | null} */ (this.#kept("conversation"));
    if (conversation !== this.conversation) this.#reset(conversation);
    return {
      type: "hello",
      also: ["queue"],
      visitor: this.#shelf.get("token"),
      identity: this.identity,
      conversation,
      after: this.journal.lastSeq,
      locale: this.#options.locale(),
      page: { url: location.href.slice(0, 2000), title: document.title.slice(0, 300), ...this.context },
    };
  }

  /** Two tabs that begin at once begin one conversation: the second waits until the first knows its id. */
  async #claimStart() {
    if (!navigator.locks) return;
    /** @type {Promise<void>} */
    const claimed = new Promise((resolve) => {
      const held = () => {
        resolve();
        return new Promise((release) => (this.#releaseClaim = () => release(null)));
      };
      const signal = AbortSignal.timeout(CLAIM_MS);
      navigator.locks.request(`tellonce:${this.owner}:start`, { signal }, held).catch(() => resolve());
    });
    await claimed;
  }

  /** @param {Frame} frame */
  #take(frame) {
    const { journal } = this;
    switch (frame.type) {
      case "welcome":
        return this.#welcome(frame);
      case "event":
        return this.#takeEvent(/** @type {any} */ (frame));
      case "ack":
        return this.#acknowledged(frame.id, frame.seq);
      case "draft":
        journal.takeDraft(/** @type {any} */ (frame));
        break;
      case "typing":
        journal.takeTyping(/** @type {any} */ (frame));
        break;
      case "queue":
        journal.takePlace(/** @type {any} */ (frame));
        break;
      case "error":
        return this.#refused(/** @type {any} */ (frame));
    }
    this.#options.onChange("passing");
  }

  /** @param {Frame} frame */
  #welcome(frame) {
    this.#shelf.set("token", frame.visitor);
    this.#keep("conversation", frame.conversation); // Before anything is said into it.
    this.#endClaim();
    const asked = this.conversation;
    const { lastSeq } = this.journal;
    if (frame.conversation !== asked) this.#reset(frame.conversation);
    this.customer = frame.customer ?? null;
    this.mode = frame.mode;
    // Another conversation than the one we counted in, or one that lost its end: read it from the start.
    if (lastSeq > 0 && (frame.conversation !== asked || frame.seq < lastSeq)) {
      this.#reset(frame.conversation);
      return this.#line.reopen();
    }
    this.welcomed = true;
    this.#refusals = 0;
    this.#awaitsIdentity = false;
    this.#options.onChange("welcome", frame);
    for (const item of this.outbox.waiting()) this.#deliver(item);
  }

  /** @param {ChatEvent} event */
  #takeEvent(event) {
    const taken = this.journal.takeEvent(event);
    if (taken === "hole") return this.#line.reopen();
    if (taken === "known") return;
    if (event.id) this.outbox.settle(event.id);
    this.#confirmed.delete(event.seq);
    this.#options.onChange("event", event);
  }

  /** @param {string} id @param {number} seq */
  #acknowledged(id, seq) {
    const item = this.outbox.find(id);
    if (item && seq > this.journal.lastSeq) this.#confirmed.set(seq, item);
    this.outbox.settle(id);
    this.#options.onChange("outbox");
  }

  /** @param {Problem} error */
  #refused(error) {
    const item = error.id ? this.outbox.find(error.id) : null;
    if (item) this.#refusedItem(item, error);
    else if (!this.welcomed || error.code === "unauthorized") this.#refusedHello(error); // Also when a sign-in runs out.
    this.#options.onChange("refused", error);
  }

  /** @param {OutItem} item @param {Problem} error */
  #refusedItem(item, { code, message, retry_after_seconds: seconds }) {
    if (code === "rate_limited" || code === "unavailable") {
      setTimeout(() => this.outbox.find(item.id) && this.#deliver(item), seconds ? seconds * 1000 : RESEND_MS);
    } else if (item.frame.type !== "say") {
      this.outbox.settle(item.id);
    } else if (code === "not_found" || code === "forbidden" || code === "conflict") {
      this.startNew();
    } else {
      this.outbox.fail(item.id, message);
    }
  }

  /** @param {Problem} error */
  #refusedHello({ code }) {
    this.#endClaim();
    if (code === "rate_limited" || code === "unavailable") return this.#line.retryLater();
    if (code === "unauthorized" && this.identity) {
      this.#awaitsIdentity = true;
      return this.#line.close();
    }
    if (code === "unauthorized" || this.#refusals > 0) this.#shelf.remove("token");
    if (++this.#refusals > 2) return this.#line.close();
    this.startNew();
  }

  /** @param {OutFrame} frame */
  #send(frame) {
    const item = this.outbox.add(frame);
    if (!this.#awaitsIdentity) this.open();
    this.#deliver(item);
    this.#options.onChange("outbox");
    return item.id;
  }

  /** @param {OutItem} item */
  #deliver(item) {
    if (this.welcomed) this.#line.send(item.frame);
  }

  /** @param {LineState} state */
  #lineEntered(state) {
    if (state !== "open") {
      this.welcomed = false;
      this.journal.typing = null;
      this.#endClaim();
    }
    this.#options.onChange("line", state);
  }

  /** @param {string} name */
  #changedElsewhere(name) {
    if (name.startsWith(this.outbox.start)) this.#options.onChange("outbox");
    const conversation = name === `${this.owner}:conversation` ? this.#kept("conversation") : null;
    if (conversation && this.welcomed && conversation !== this.conversation) this.#line.reopen();
  }

  /** @param {string} owner @param {boolean} carry whether what was begun goes along */
  #becomeOwner(owner, carry) {
    const conversation = this.#kept("conversation");
    const outbox = new Outbox(this.#shelf, owner);
    const { composed } = this;
    if (carry) {
      this.outbox.moveTo(outbox);
      this.composed = "";
      if (!this.#shelf.get(`${owner}:conversation`) && conversation) {
        this.#shelf.set(`${owner}:conversation`, conversation);
        this.#shelf.remove(`${this.owner}:conversation`);
      }
    }
    this.owner = owner;
    this.outbox = outbox;
    if (carry && composed) this.composed = composed;
    if (this.#kept("conversation") !== this.conversation) this.#reset(null);
  }

  #forgetConversation() {
    this.#shelf.remove(`${this.owner}:conversation`);
    this.#reset(null);
  }

  /** @param {string | null} conversation */
  #reset(conversation) {
    this.conversation = conversation;
    this.journal = new Journal();
    this.#confirmed.clear();
    this.customer = null;
    this.welcomed = false;
    this.#options.onChange("reset");
  }

  #endClaim() {
    this.#releaseClaim?.();
    this.#releaseClaim = null;
  }

  /** @param {string} name */
  #kept(name) {
    return this.#shelf.get(`${this.owner}:${name}`);
  }

  /** @param {string} name @param {unknown} value */
  #keep(name, value) {
    this.#shelf.set(`${this.owner}:${name}`, value);
  }
}

/** Under which key this customer's things are kept; checking signatures is the server's. @param {string} token */
function ownerOf(token) {
  try {
    const payload = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
    return `customer:${JSON.parse(new TextDecoder().decode(bytes)).sub}`;
  } catch {
    return "customer:";
  }
}
