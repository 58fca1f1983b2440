// A clock that stands still until a test moves it, and its timers.
import type { Clock } from "../../src/base/time.js";

interface FakeTimer {
  readonly due: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #now = 0;
  #timers: FakeTimer[] = [];
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

  /** Lets time pass while code runs: no timer fires. */
  spend(ms: number): void {
    this.#now += ms;
  }

  /** Lets time pass, and every timer in it fire at its moment. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.fireNext(end)) {}
    this.#now = Math.max(this.#now, end);
  }

  /**
   * Fires the one timer that is due first.
   *
   * @param end none that is due later
   * @returns whether there was one
   */
  fireNext(end: number = Number.POSITIVE_INFINITY): boolean {
    const [timer] = this.#timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due);
    if (timer === undefined) return false;
    this.#timers = this.#timers.filter((other) => other !== timer);
    this.#now = Math.max(this.#now, timer.due);
    timer.callback();
    return true;
  }
}
