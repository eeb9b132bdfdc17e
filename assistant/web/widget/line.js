// One socket that comes back by itself: jittered waits, a heartbeat, a watch on silence. Knows frames, not their sense.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

const GOING_AWAY = 1001;
const POLICY = 1008;
const TRY_LATER = 1013;

const HEARTBEAT_MS = 20_000;
const SILENCE_MS = 8_000;
const UNANSWERED = new Set(["typing", "seen", "status", "watch"]);

/**
 * Milliseconds to wait before attempt number `attempt`, 0 after a working connection: half a second to half a minute,
 * jittered, so that customers cut off together do not come back together. Close codes: PROTOCOL section 3.
 * @param {number} attempt
 * @param {{code?: number, random?: () => number}} [options]
 */
export function waitBeforeMs(attempt, { code = 0, random = Math.random } = {}) {
  if (code === GOING_AWAY && attempt === 0) return random() * FIRST_WAIT_MS;
  let wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  if (code === TRY_LATER) wait = Math.max(wait, 5_000);
  if (code === POLICY) wait = LONGEST_WAIT_MS;
  return wait * (0.5 + random() / 2);
}

export class Line {
  /** @type {LineState} */
  state = "idle";
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  #retryTimer = 0;
  #heartbeatTimer = 0;
  #silenceTimer = 0;
  #options;

  /** @param {LineOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Opens the line, or does nothing while it is open or opening. */
  open() {
    if (this.#socket) return;
    if (this.state === "idle") this.#watchPage(true);
    this.#connect();
  }

  /** Closes the line for good, until the next `open`. */
  close() {
    this.#watchPage(false);
    this.#drop();
    this.#enter("idle");
  }

  /** Says hello anew on a fresh connection, at once. */
  reopen() {
    this.#drop();
    this.open();
  }

  /** Tries again after a while: the server cannot serve us now. */
  retryLater() {
    this.#lost(TRY_LATER);
  }

  /** Sends a frame if the line is open; whether it did. Losing it is the caller's case: see outbox.js.
   * @param {Frame} frame */
  send(frame) {
    if (this.state !== "open" || !this.#socket) return false;
    this.#socket.send(JSON.stringify(frame));
    if (!UNANSWERED.has(frame.type)) this.#expectSomething();
    return true;
  }

  #connect() {
    clearTimeout(this.#retryTimer);
    const socket = new WebSocket(this.#options.url, this.#options.protocol ?? []);
    this.#socket = socket;
    this.#enter("connecting");
    this.#expectSomething();
    socket.onopen = async () => {
      const hello = await this.#options.hello();
      if (this.#socket !== socket || socket.readyState !== WebSocket.OPEN) return;
      socket.send(JSON.stringify(hello));
      this.#enter("open");
      this.#beat();
    };
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return;
      clearTimeout(this.#silenceTimer);
      this.#silenceTimer = 0;
      const frame = JSON.parse(data);
      if (frame.type !== "error") this.#attempt = 0;
      this.#options.onFrame(frame);
    };
    socket.onclose = ({ code }) => this.#socket === socket && this.#lost(code);
  }

  /** @param {number} code */
  #lost(code) {
    this.#drop();
    const wait = waitBeforeMs(this.#attempt++, { code });
    this.#retryTimer = setTimeout(() => this.#connect(), wait);
    this.#enter("waiting", code);
  }

  #drop() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#heartbeatTimer);
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = 0;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #beat() {
    clearTimeout(this.#heartbeatTimer);
    this.#heartbeatTimer = setTimeout(() => {
      this.send({ type: "ping" });
      this.#beat();
    }, HEARTBEAT_MS);
  }

  /** The other frames are all answered in some way; silence after it means that the line is dead without telling. */
  #expectSomething() {
    this.#silenceTimer ||= setTimeout(() => this.#lost(0), SILENCE_MS);
  }

  #wake = () => {
    if (document.visibilityState === "hidden") return;
    if (this.state === "waiting") this.#connect();
    else this.send({ type: "ping" }); // The network may have changed under an open socket.
  };

  #sleep = () => {
    if (this.#socket) this.#lost(0);
  };

  /** @param {boolean} on */
  #watchPage(on) {
    const change = on ? addEventListener : removeEventListener;
    change("online", this.#wake);
    change("offline", this.#sleep);
    if (on) document.addEventListener("visibilitychange", this.#wake);
    else document.removeEventListener("visibilitychange", this.#wake);
  }

  /** @param {LineState} state */
  #enter(state, closeCode = 0) {
    this.state = state;
    this.#options.onState(state, closeCode);
  }
}
