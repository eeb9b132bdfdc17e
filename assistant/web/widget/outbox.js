// What the customer did that the server has not yet confirmed. Each item is a key of its own, so that two tabs never
// overwrite each other; each carries the client's id, so that sending it twice stores it once.

export class Outbox {
  #latest = 0;

  /** @param {import("./shelf.js").Shelf} shelf @param {string} owner whose it is: "visitor" or a customer's key */
  constructor(shelf, owner) {
    this.shelf = shelf;
    this.start = `${owner}:out:`;
  }

  /** Keeps a frame until it is settled. @param {OutFrame} frame @returns {OutItem} */
  add(frame) {
    this.#latest = Math.max(this.#latest + 1, Date.now());
    return this.#keep({ id: frame.id, frame, at: this.#latest, failed: null });
  }

  /** Every item, in the order in which the customer made them. @returns {OutItem[]} */
  items() {
    return this.shelf
      .names(this.start)
      .map((name) => this.shelf.get(name))
      .filter((item) => item?.frame?.id)
      .sort((a, b) => a.at - b.at);
  }

  /** What should be on its way: all but the refused. */
  waiting() {
    return this.items().filter((item) => item.failed === null);
  }

  /** @param {string} id @returns {OutItem | null} */
  find(id) {
    return this.shelf.get(this.start + id);
  }

  /** The server has it, or the customer gave up on it. @param {string} id */
  settle(id) {
    this.shelf.remove(this.start + id);
  }

  /** The server will not take it as it is. @param {string} id @param {string} reason */
  fail(id, reason) {
    const item = this.find(id);
    if (item) this.#keep({ ...item, failed: reason });
  }

  /** The customer wants it tried again, under the same id. @param {string} id */
  retry(id) {
    const item = this.find(id);
    return item && this.#keep({ ...item, failed: null });
  }

  /** Hands every item to another owner's outbox. @param {Outbox} other */
  moveTo(other) {
    for (const item of this.items()) {
      other.#keep(item);
      this.settle(item.id);
    }
  }

  /** @param {OutItem} item */
  #keep(item) {
    this.shelf.set(this.start + item.id, item);
    return item;
  }
}
