// The objects of a payload in the order in which they were met. One that is met again is written as its number, so that what
// is shared arrives shared and a circle ends.

/** So many are compared one by one. Most payloads have no more, and to clear a Set makes its memory anew. */
const mostFew = 8;

export class Seen {
  /** The first ones, undefined behind them. Empty when there are more. */
  readonly #few: (object | undefined)[] = new Array(mostFew).fill(undefined);
  #fewCount = 0;
  // To look an object up in a Map and then to add it takes twice as long as to add it to a Set. So numbers are given only from
  // the first object on that is met twice; the place in the Set is the number.
  readonly #objects = new Set<object>();
  #numbers: Map<object, number> | undefined;
  #order: object[] | undefined;

  /** @returns its number where it was met before; else it has been noted */
  meet(object: object): number | undefined {
    if (this.#numbers !== undefined) return this.#meetNumbered(this.#numbers, object);
    if (this.#objects.size === 0) {
      for (let index = 0; index < this.#fewCount; index++) if (this.#few[index] === object) return index;
      if (this.#fewCount < mostFew) {
        this.#few[this.#fewCount++] = object;
        this.#order?.push(object);
        return undefined;
      }
      for (const one of this.#listFew()) this.#objects.add(one);
      this.#forgetFew(0);
    }
    const { size } = this.#objects;
    this.#objects.add(object);
    if (this.#objects.size > size) {
      this.#order?.push(object);
      return undefined;
    }
    this.#numbers = new Map();
    for (const one of this.#objects) this.#numbers.set(one, this.#numbers.size);
    this.#objects.clear();
    return this.#numbers.get(object);
  }

  /** How many were met, to go back to. */
  mark(): number {
    this.#order ??= [...(this.#numbers?.keys() ?? (this.#objects.size > 0 ? this.#objects : this.#listFew()))];
    return this.#order.length;
  }

  /** Forgets what came after a mark. */
  forget(mark: number): void {
    if (this.#order === undefined) return;
    this.#forgetFew(mark);
    for (const object of this.#order.splice(mark)) {
      this.#objects.delete(object);
      this.#numbers?.delete(object);
    }
  }

  clear(): void {
    this.#forgetFew(0);
    if (this.#objects.size > 0) this.#objects.clear();
    this.#numbers = undefined;
    this.#order = undefined;
  }

  #listFew(): object[] {
    return this.#few.slice(0, this.#fewCount) as object[];
  }

  #forgetFew(from: number): void {
    while (this.#fewCount > from) this.#few[--this.#fewCount] = undefined;
  }

  #meetNumbered(numbers: Map<object, number>, object: object): number | undefined {
    const number = numbers.get(object);
    if (number !== undefined) return number;
    numbers.set(object, numbers.size);
    this.#order?.push(object);
    return undefined;
  }
}
