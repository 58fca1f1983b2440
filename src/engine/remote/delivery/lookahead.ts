// How many tasks a worker takes beyond those that can begin: some ms of work for each place, while tasks are short. Without them, a thread
// waits after each task until the broker has heard of its end and has answered with the next one, about 1 ms.
import { clearTicker, setTicker, type Timer } from "../../../base/time.js";

/** ms of work that may wait for a place. */
const aheadMs = 10;
/** Tasks that may wait for a place. A message or a command for so many costs hardly more than for one. */
const most = 16;
/** What has not begun for so long was taken in vain. After a pause of so long, nothing is known of what comes next. In ms. */
const longest = 50;

export interface LookaheadParts {
  /** The delivery that has waited for longest, by its number. */
  oldestWaiting(): number | undefined;
  /** Nothing is to be taken ahead for now, and what was goes back. */
  giveBack(): void;
}

export class Lookahead {
  readonly #parts: LookaheadParts;
  #expectedMs: number | undefined;
  #looking: Timer | undefined;
  /** The last delivery, and the last one at the look before. */
  #last = 0;
  #lastLook = 0;

  constructor(parts: LookaheadParts) {
    this.#parts = parts;
  }

  /** For one place: 0 while nothing is known, and for long tasks. */
  get tasks(): number {
    if (this.#expectedMs === undefined) return 0;
    return Math.min(most, Math.floor(aheadMs / Math.max(this.#expectedMs, aheadMs / most)));
  }

  delivered(number: number): void {
    this.#last = number;
  }

  /**
   * A task has ended whose runs are expected to take so long. The expectation rises fast and falls slowly, because what is taken in vain
   * keeps other workers waiting.
   */
  ended(expectedMs: number | undefined): void {
    if (expectedMs === undefined) return;
    const before = this.#expectedMs ?? expectedMs;
    this.#expectedMs = before + (expectedMs - before) * (expectedMs > before ? 0.5 : 0.1);
    if (this.tasks > 0) this.#looking ??= setTicker(() => this.#look(), longest).unref();
  }

  /** Nothing is known until a task ends. */
  forget(): void {
    this.#expectedMs = undefined;
    clearTicker(this.#looking);
    this.#looking = undefined;
  }

  #look(): void {
    const before = this.#lastLook;
    this.#lastLook = this.#last;
    const oldest = this.#parts.oldestWaiting();
    if (this.#last === before || (oldest !== undefined && oldest <= before)) this.#parts.giveBack();
  }
}
