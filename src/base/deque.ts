// A double-ended queue in a ring: O(1) at both ends, 8 bytes an entry.

const smallest = 16;

export class Deque<Item> {
  #ring: (Item | undefined)[] = new Array(smallest);
  #head = 0;
  length = 0;

  pushBack(item: Item): void {
    if (this.length === this.#ring.length) this.#resize(this.length * 2);
    this.#ring[(this.#head + this.length) & (this.#ring.length - 1)] = item;
    this.length++;
  }

  pushFront(item: Item): void {
    if (this.length === this.#ring.length) this.#resize(this.length * 2);
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = item;
    this.length++;
  }

  popFront(): Item | undefined {
    if (this.length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.length--;
    // A burst of 1,000,000 must not hold its 8 MB for ever.
    if (this.#ring.length > smallest && this.length < this.#ring.length / 8) this.#resize(this.#ring.length / 2);
    return item;
  }

  peekFront(): Item | undefined {
    return this.#ring[this.#head];
  }

  /** Keeps the items that `keep` says yes to, in their order; O(n). */
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
