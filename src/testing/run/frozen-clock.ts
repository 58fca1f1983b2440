// The kit's own clock. It stands still until a test moves it, and goes on with the real one when the test is over.
import { describe, OffloadError } from "../../base/errors.js";
import { type Clock, realClock } from "../../base/time.js";

interface FrozenTimer {
  readonly due: number;
  readonly callback: () => void;
  /** Set when the real clock has taken it over. */
  disarm?: () => void;
}

export class FrozenClock implements Clock {
  #now: number;
  /** How far this clock is ahead of the real one; undefined while it stands still. */
  #ahead: number | undefined;
  readonly #timers = new Set<FrozenTimer>();

  /** @param start what the clock before it shows, so that times of both can be compared */
  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#ahead === undefined ? this.#now : realClock.now() + this.#ahead;
  }

  after(ms: number, callback: () => void): () => void {
    if (this.#ahead !== undefined) return realClock.after(ms, callback);
    const timer: FrozenTimer = { due: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      timer.disarm?.();
    };
  }

  /** How long until the first timer, in ms; undefined without one. */
  get untilNext(): number | undefined {
    const first = this.#first(Number.POSITIVE_INFINITY);
    return first && Math.max(0, first.due - this.#now);
  }

  /**
   * Lets time pass, and every timer in it fire at its moment.
   *
   * @param react called after each; what it sets in that time fires too
   * @throws OffloadError AR_INVALID_ARGUMENT for what is no time
   */
  async advance(ms: number, react: () => Promise<void>): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0) {
      throw new OffloadError(
        "AR_INVALID_ARGUMENT",
        `advance: expected a number of milliseconds of 0 or more, got ${describe(ms)}`,
      );
    }
    const end = this.#now + ms;
    for (let timer = this.#first(end); timer !== undefined; timer = this.#first(end)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.due);
      timer.callback();
      await react();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** Goes on with the real clock. What waits, waits on for the rest of its time. */
  thaw(): void {
    if (this.#ahead !== undefined) return;
    for (const timer of this.#timers) {
      timer.disarm = realClock.after(Math.max(0, timer.due - this.#now), timer.callback);
    }
    this.#timers.clear();
    this.#ahead = this.#now - realClock.now();
  }

  /** Stands still again. */
  freeze(): void {
    this.#now = this.now();
    this.#ahead = undefined;
  }

  #first(end: number): FrozenTimer | undefined {
    let first: FrozenTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= end && (first === undefined || timer.due < first.due)) first = timer;
    }
    return first;
  }
}
