// When waiting tasks are sent to threads: at the end of the current step, unless that keeps the event loop from turning.
import { afterStep, nextTurn, now } from "../../base/time.js";

/** ms of serving threads at the end of steps, after which the event loop has to turn before they are served again. */
const turnMs = 3;
/** So often threads are served before anybody looks whether the event loop turns: at a few requests a turn it does. */
const unlooked = 4;

export class Serving {
  #waking = false;
  /** When the next turn of the event loop was last asked for. */
  #turnAskedAt = 0;
  #turnIsDue = false;
  /** How often threads were served since the event loop last turned, as far as is known. */
  #served = 0;

  constructor(private readonly serve: () => void) {}

  /**
   * There may be work. At the end of the step, so that what is dispatched together travels together. But Node reads as many as 1,000
   * messages of a port in one turn of the event loop, of 256 tasks each. Busy threads that are always served at once would
   * keep timers and sockets waiting for 100 ms.
   */
  soon(): void {
    if (this.#waking) return;
    this.#waking = true;
    if (++this.#served > unlooked) {
      const at = now();
      if (!this.#turnIsDue) {
        this.#turnIsDue = true;
        this.#turnAskedAt = at;
        nextTurn(this.#turned);
      } else if (at - this.#turnAskedAt >= turnMs) {
        return;
      }
    }
    afterStep(this.#serveNow);
  }

  readonly #turned = (): void => {
    this.#turnIsDue = false;
    this.#served = 0;
    if (this.#waking) this.#serveNow();
  };

  readonly #serveNow = (): void => {
    this.#waking = false;
    this.serve();
  };
}
