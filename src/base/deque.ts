// A queue with two ends in a ring buffer: O(1) at both ends, 8 bytes an entry.

const smallest = 16;
/** A ring of so many entries, 8 kB, is kept: to make one anew for each burst of a few requests costs more. */
const kept = 1_024;

export class Deque<Item> {
  #ring: (Item | undefined)[] = new Array(smallest);
  #head = 0;
  length = 0;

  /** Adds an item behind all others. */
  pushBack(item: Item): void {
    if (this.length === this.#ring.length) this.#resize(this.length * 2);
    this.#ring[(this.#head + this.length) & (this.#ring.length - 1)] = item;
    this.length++;
  }

  /** Adds an item before all others. */
  pushFront(item: Item): void {
    if (this.length === this.#ring.length) this.#resize(this.length * 2);
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = item;
    this.length++;
  }

  /** Takes the first item out; undefined if there is none. */
  popFront(): Item | undefined {
    if (this.length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.length--;
    // After a burst of 1,000,000 entries, the 8 MB of the ring are given back.
    if (this.#ring.length > kept && this.length < this.#ring.length / 8) this.#resize(this.#ring.length / 2);
    return item;
  }

  /** The first item, which stays where it is. */
  peekFront(): Item | undefined {
    return this.#ring[this.#head];
  }

  /** Keeps only the items for which `keep` returns true, in their order. O(n). */
  filter(keep: (item: Item) => boolean): void {
    const kept: Item[] = [];
    for (let item = this.popFront(); item !== undefined; item = this.popFront()) if (keep(item)) kept.push(item);
    for (const item of kept) this.pushBack(item);
  }

  #resize(size: number): void {
    const ring: (Item | undefined)[] = new Array(size);
    for (let i = 0; i < this.length; i++) ring[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)];
    this.#ring = ring;
    this.#head = 0;
  }
}
