// The conversation as this reader knows it: frames in, state out. Pure: no socket, no page, no clock.

export class Journal {
  /** @type {ChatEvent[]} in order of seq */
  events = [];
  /** The newest seq seen: what `hello` sends as `after`. */
  lastSeq = 0;
  /** The client ids of our own messages among the events. @type {Set<string>} */
  ownIds = new Set();
  /** @type {Draft | null} */
  draft = null;
  /** Who is writing right now, besides us. @type {Author | null} */
  typing = null;
  /** Who speaks next. @type {"assistant" | "queue" | "agent" | "ended"} */
  floor = "assistant";
  /** The place in the queue while a person is waited for. @type {Place | null} */
  queue = null;
  /** @type {string | null} */
  agentName = null;
  /** The survey that still waits for an answer. @type {Survey | null} */
  survey = null;
  /** The customer message the assistant still owes an answer to. @type {ChatEvent | null} */
  owed = null;

  /**
   * Takes one `event` frame. "known": seen before, nothing changed. "hole": something before it is missing; the
   * event is left out, and the caller says hello again with `after: lastSeq`.
   * @param {ChatEvent} event @returns {Taken}
   */
  takeEvent(event) {
    if (event.seq <= this.lastSeq) return "known";
    if (event.prev !== this.lastSeq) return "hole";
    this.events.push(event);
    this.lastSeq = event.seq;
    if (event.id) this.ownIds.add(event.id);
    this.#fold(event);
    return "new";
  }

  /** Takes one `draft` frame: more of an answer that is being written. A lost piece ends the draft, not the answer.
   * @param {{turn: number, text: string, n: number}} piece */
  takeDraft({ turn, text, n }) {
    if (this.#isAnswered(turn)) return;
    if (this.draft?.turn !== turn || n === 0) this.draft = { turn, text: "", next: 0, broken: false };
    const draft = this.draft;
    if (n !== draft.next) draft.broken = true;
    if (draft.broken) return;
    draft.text += text;
    draft.next = n + 1;
    this.typing = null;
  }

  /** @param {{from: Author, on: boolean}} frame */
  takeTyping({ from, on }) {
    if (from?.role === "customer") return;
    this.typing = on ? from : null;
  }

  /** Takes one `queue` frame. @param {Place} place */
  takePlace(place) {
    if (this.queue) this.queue = place;
  }

  /** The last message anybody but the customer wrote, or null. */
  get lastAnswer() {
    return this.events.findLast((event) => event.kind === "message" && event.from.role !== "customer") ?? null;
  }

  /** @param {ChatEvent} event */
  #fold(event) {
    const { kind, from, data } = event;
    switch (kind) {
      case "message":
        this.#foldMessage(event);
        break;
      case "handoff.requested":
      case "handoff.transferred":
        this.floor = "queue";
        this.queue = data;
        this.owed = this.draft = this.typing = null;
        break;
      case "handoff.accepted":
        this.floor = "agent";
        this.agentName = data.agent?.name ?? from.name;
        this.queue = this.owed = null;
        break;
      case "handoff.returned":
        this.floor = "assistant";
        this.agentName = this.queue = null;
        break;
      case "survey.offered":
        this.survey = /** @type {Survey} */ (data);
        break;
      case "survey.answered":
        if (this.survey?.survey === data.survey) this.survey = null;
        break;
      case "conversation.ended":
        this.floor = "ended";
        this.agentName = this.queue = this.owed = this.draft = this.typing = null;
        break;
    }
  }

  /** @param {ChatEvent} event */
  #foldMessage(event) {
    if (event.from.role === "customer") {
      if (this.floor === "ended") this.floor = "assistant"; // Who writes after the end goes on with the conversation.
      if (this.floor === "assistant") this.owed = event;
      this.survey = null;
      return;
    }
    this.typing = null;
    if (event.from.role !== "assistant") return;
    if (this.draft && (event.data.turn ?? this.draft.turn) >= this.draft.turn) this.draft = null;
    if (this.owed && (event.data.turn ?? event.seq) >= this.owed.seq) this.owed = null;
  }

  /** @param {number} turn the seq of a customer's message */
  #isAnswered(turn) {
    return this.events.some((event) => event.from.role === "assistant" && (event.data.turn ?? -1) >= turn);
  }
}
