// One timer that ends the threads above the minimum that have been idle for too long.
import { clearTimer, now, setTimer, type Timer } from "../../../base/time.js";

export class IdleReaper {
  #timer: Timer | undefined;

  /**
   * @param idleTimeout in ms; Infinity: no thread is ended
   * @param reap ends the threads that have been idle since `idleBefore`, and returns whether others may follow
   */
  constructor(
    private readonly idleTimeout: number,
    private readonly reap: (idleBefore: number) => boolean,
  ) {}

  /** There may be an idle thread to end. */
  arm(): void {
    if (this.#timer !== undefined || this.idleTimeout === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimer(() => {
      this.#timer = undefined;
      if (this.reap(now() - this.idleTimeout)) this.arm();
    }, this.idleTimeout);
    this.#timer.unref();
  }

  stop(): void {
    clearTimer(this.#timer);
  }
}
