// What the browser keeps for us: localStorage under one prefix, or memory where that is refused or full.

/** A drawer of named JSON values. */
export class Shelf {
  /** @type {Map<string, string>} */
  #memory = new Map();
  #storage = reachableStorage();

  /** @param {string} prefix */
  constructor(prefix) {
    this.prefix = prefix;
  }

  /** The value kept under `name`, or null. @param {string} name @returns {any} */
  get(name) {
    try {
      return JSON.parse(this.#memory.get(name) ?? this.#storage?.getItem(this.prefix + name) ?? "null");
    } catch {
      return null; // Somebody else's words under our name.
    }
  }

  /** @param {string} name @param {unknown} value */
  set(name, value) {
    const raw = JSON.stringify(value);
    this.#memory.set(name, raw);
    try {
      this.#storage?.setItem(this.prefix + name, raw);
      if (this.#storage) this.#memory.delete(name);
    } catch {
      // Full: it lasts as long as the page does.
    }
  }

  /** @param {string} name */
  remove(name) {
    this.#memory.delete(name);
    this.#storage?.removeItem(this.prefix + name);
  }

  /** Names that begin with `start`. @param {string} start */
  names(start) {
    const kept = Object.keys(this.#storage ?? {}).filter((key) => key.startsWith(this.prefix));
    const names = new Set([...this.#memory.keys(), ...kept.map((key) => key.slice(this.prefix.length))]);
    return [...names].filter((name) => name.startsWith(start));
  }

  /** Calls `listener` when another tab changed something under the prefix; returns what ends that.
   * @param {(name: string) => void} listener */
  whenChangedElsewhere(listener) {
    const onStorage = (/** @type {StorageEvent} */ event) => {
      if (event.key?.startsWith(this.prefix)) listener(event.key.slice(this.prefix.length));
    };
    addEventListener("storage", onStorage);
    return () => removeEventListener("storage", onStorage);
  }
}

/** A sandboxed frame and blocked cookies throw on the mere mention of localStorage. */
function reachableStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
