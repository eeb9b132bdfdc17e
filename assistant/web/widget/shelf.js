// What the browser keeps for us: localStorage under one prefix, or memory where that is refused or full.

/** A drawer of named JSON values. */
export class Shelf {
  /** @type {Map<string, string>} */
  #memory = new Map();
  /** @type {Storage | null} */
  #storage;

  /** @param {string} prefix @param {Storage | null} [storage] */
  constructor(prefix, storage = reachableStorage()) {
    this.prefix = prefix;
    this.#storage = storage;
  }

  /** The value kept under `name`, or null. @param {string} name @returns {any} */
  get(name) {
    const raw = this.#memory.get(name) ?? this.#read(name);
    if (raw == null) return null;
    try {
      return JSON.parse(raw);
    } catch {
      return null;
    }
  }

  /** @param {string} name @param {unknown} value */
  set(name, value) {
    const raw = JSON.stringify(value);
    try {
      if (!this.#storage) throw new Error("no storage");
      this.#storage.setItem(this.prefix + name, raw);
      this.#memory.delete(name);
    } catch {
      this.#memory.set(name, raw); // Full or forbidden: it lasts as long as the page does.
    }
  }

  /** @param {string} name */
  remove(name) {
    this.#memory.delete(name);
    try {
      this.#storage?.removeItem(this.prefix + name);
    } catch {
      // Nothing was kept there in the first place.
    }
  }

  /** Names that begin with `start`. @param {string} start */
  names(start) {
    const found = new Set([...this.#memory.keys()].filter((name) => name.startsWith(start)));
    try {
      for (let i = 0; i < (this.#storage?.length ?? 0); i++) {
        const key = /** @type {Storage} */ (this.#storage).key(i) ?? "";
        if (key.startsWith(this.prefix + start)) found.add(key.slice(this.prefix.length));
      }
    } catch {
      // Memory alone, then.
    }
    return [...found];
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

  /** @param {string} name */
  #read(name) {
    try {
      return this.#storage?.getItem(this.prefix + name) ?? null;
    } catch {
      return null;
    }
  }
}

/** localStorage if the browser lets us at it: a sandboxed frame or blocked cookies throw on the mere mention. */
function reachableStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
