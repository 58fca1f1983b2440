// How late and how busy the event loop is, measured by the ticker that there is anyway: Node's own monitor wakes the process for every
// look at the clock, which was half of what an open page cost.
import { loopUse, now } from "../../base/time.js";

export class Loop {
  #due = Number.POSITIVE_INFINITY;
  #use = loopUse();
  /** How late the last tick was, in ms. */
  lateMs = 0;
  /** The share of the time since the tick before it in which the loop was busy, from 0 to 1. */
  busy = 0;

  /** The ticker was set. */
  start(every: number): void {
    this.#due = now() + every;
    this.#use = loopUse();
  }

  /** The ticker has come. */
  tick(every: number): void {
    this.lateMs = Math.max(0, now() - this.#due);
    this.busy = loopUse(this.#use).utilization;
    this.start(every);
  }
}
