// One socket that comes back by itself: jittered waits, a heartbeat, a watch on silence. Knows frames, not their sense.

import { waitBeforeMs } from "./backoff.js";

const HEARTBEAT_MS = 20_000;
const SILENCE_MS = 8_000;
const UNANSWERED = new Set(["typing", "seen", "status", "watch"]);

/**
 * @typedef {{type: string, [field: string]: any}} Frame
 * @typedef {"idle" | "connecting" | "open" | "waiting"} LineState "waiting": cut off, and will try again
 * @typedef {{
 *   url: string,
 *   protocol?: string,
 *   hello: () => Frame | Promise<Frame>,
 *   onFrame: (frame: Frame) => void,
 *   onState: (state: LineState, closeCode: number) => void,
 * }} LineOptions `hello` makes the first frame of every connection.
 */

export class Line {
  /** @type {LineState} */
  state = "idle";
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #heartbeatTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silenceTimer;
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
      this.#silenceTimer = undefined;
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
    this.#silenceTimer = undefined;
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
    this.#silenceTimer ??= setTimeout(() => this.#lost(0), SILENCE_MS);
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
