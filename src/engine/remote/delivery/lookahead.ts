// How many tasks a worker takes beyond those that can begin: some ms of work for each place, while tasks are short. Without them, a thread
// waits after each task until the broker has heard of its end and has answered with the next one, about 1 ms.

/** ms of work that may wait for a place. */
const aheadMs = 10;
/** Tasks that may wait for a place. More save nothing: a message or a command for 8 costs hardly more than for one. */
const most = 16;

export class Lookahead {
  #expectedMs: number | undefined;

  /** Of one place. 0 as long as nothing is known, and for tasks of more than `aheadMs`. */
  get tasks(): number {
    return this.#expectedMs === undefined ? 0 : Math.min(most, Math.floor(aheadMs / Math.max(this.#expectedMs, 0.01)));
  }

  /**
   * A task has ended whose runs are expected to take so long. It rises fast and falls slowly, because what is taken in vain keeps others
   * waiting.
   */
  ended(expectedMs: number | undefined): void {
    if (expectedMs === undefined) return;
    const before = this.#expectedMs;
    this.#expectedMs =
      before === undefined ? expectedMs : before + (expectedMs - before) * (expectedMs > before ? 0.5 : 0.1);
  }

  /** Nothing is known of what comes next. */
  forget(): void {
    this.#expectedMs = undefined;
  }
}
