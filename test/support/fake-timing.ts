// A clock that stands still until a test moves it, and its timers.
import type { Timing } from "../../src/core/delayed.js";

export class FakeTiming implements Timing {
  #now = 0;
  #timers: { due: number; callback: () => void }[] = [];
  /** Timers set so far. */
  armed = 0;

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    this.armed++;
    const timer = { due: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Timers that are to fire yet. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets time pass, and every timer in it fire at its moment. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      const due = timer;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.due);
      due.callback();
    }
    this.#now = end;
  }

  #next(end: number): { due: number; callback: () => void } | undefined {
    return this.#timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
  }
}
