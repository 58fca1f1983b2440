// Entries that have become void stay where they are until their turn, because taking one out of the middle would be O(n).
// This counts them and says when they are so many that a sweep pays.

// Void entries are swept out once there are more than this many, and more of them than of the others.
const fewest = 1_024;

export class VoidEntries {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** An entry has become void. */
  add(): void {
    this.#count++;
  }

  /** A void entry has come to its turn and is gone. */
  remove(): void {
    this.#count--;
  }

  /** All void entries are gone. */
  clear(): void {
    this.#count = 0;
  }

  /** Whether they are to be swept out of `length` entries, themselves included. */
  areTooMany(length: number): boolean {
    return sweepPays(this.#count, length);
  }
}

/** Whether `count` void entries are to be swept out of `length` entries, themselves included. */
export function sweepPays(count: number, length: number): boolean {
  return count > fewest && count > length - count;
}
