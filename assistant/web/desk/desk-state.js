// What the desk knows: frames of /ws/desk in, queue and conversations out. Pure.

/**
 * @typedef {{conversation: string, state: "waiting" | "taken", agent: {id: string, name: string} | null,
 *   for: {id: string, name: string} | null, customer: {name: string | null, verified: boolean}, reason: string | null,
 *   since: string, last_text: string, last_role: string, last_at: string, asked: string, unread: number, seq: number}} Place
 * @typedef {{conversation: string, seq: number, prev: number, at: string, kind: string, id?: string,
 *   from: {role: string, name: string | null, id?: string}, data: Record<string, any>}} StaffEvent
 * @typedef {{id: string, name: string, email: string, role: string}} Agent
 * @typedef {{id: string, name: string, status: string, viewing: string[]}} Colleague
 */

/** One conversation in front of the agent. */
export class Watched {
  /** @type {StaffEvent[]} */
  events = [];
  lastSeq = 0;
  /** The handoff packet, once accepted. @type {Record<string, any> | null} */
  packet = null;
  /** Who else is writing here. @type {string | null} */
  typing = null;
  /** @type {Set<string>} */
  ownIds = new Set();
  ended = false;
  /** @type {string | null} */
  customerName = null;

  /** @param {StaffEvent} event @returns {"new" | "known" | "hole"} */
  take(event) {
    if (event.seq <= this.lastSeq) return "known";
    if (event.prev !== this.lastSeq) return "hole";
    this.events.push(event);
    this.lastSeq = event.seq;
    if (event.id) this.ownIds.add(event.id);
    if (event.kind === "conversation.ended") this.ended = true;
    if (event.kind === "message") {
      this.typing = null;
      if (event.from.role === "customer") {
        this.ended = false;
        this.customerName = event.from.name ?? this.customerName;
      }
    }
    return "new";
  }
}

export class DeskState {
  /** @type {Map<string, Place>} */
  places = new Map();
  /** @type {Agent | null} */
  agent = null;
  /** @type {Colleague[]} */
  colleagues = [];
  /** @type {Map<string, Watched>} */
  watched = new Map();

  /** @param {{items?: Place[], agent?: Agent, changed?: Place, removed?: string}} frame */
  takeQueue({ items, agent, changed, removed }) {
    if (items) this.places = new Map(items.map((place) => [place.conversation, place]));
    if (agent) this.agent = agent;
    if (changed) this.places.set(changed.conversation, changed);
    if (removed) this.places.delete(removed);
  }

  /** @param {string} conversation */
  watch(conversation) {
    let watched = this.watched.get(conversation);
    if (!watched) this.watched.set(conversation, (watched = new Watched()));
    return watched;
  }

  /** @param {string} conversation */
  isMine(conversation) {
    return this.places.get(conversation)?.agent?.id === this.agent?.id && this.agent !== null;
  }

  /** Who else has this conversation open. @param {string} conversation */
  alsoViewing(conversation) {
    return this.colleagues.filter(({ id, viewing }) => id !== this.agent?.id && viewing.includes(conversation));
  }

  /** The queue in the order in which it wants attention: mine, then those who wait, longest first, then others'. */
  sections() {
    const places = [...this.places.values()].sort((a, b) => (a.since < b.since ? -1 : 1));
    const mine = places.filter(({ conversation }) => this.isMine(conversation));
    return [
      { title: "Yours", places: mine },
      { title: "Waiting", places: places.filter(({ state }) => state === "waiting") },
      { title: "With colleagues", places: places.filter((place) => place.state === "taken" && !mine.includes(place)) },
    ];
  }
}

/** What a visitor without a name is called: a number, the same on every desk and after a reload, so that colleagues can say
 * whom they mean. It only tells apart; no two that wait together share one but by rare chance.
 * @param {string} conversation its id, of which the end is random */
export function visitorName(conversation) {
  const hash = [...conversation].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 900_001, 7);
  return `Visitor ${1000 + (hash % 9000)}`;
}

/** How long since, in the shortest form that still tells: "now", "12 min", "3 h", "2 d".
 * @param {string} at @param {number} [now] milliseconds since the epoch */
export function agoOf(at, now = Date.now()) {
  const minutes = Math.floor((now - Date.parse(at)) / 60_000);
  if (!(minutes >= 1)) return "now";
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}
