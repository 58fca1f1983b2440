// When waiting tasks are sent to threads: at the end of the current step, unless that keeps the event loop from turning.
import { microtask, nextTurn, now } from "../../base/time.js";

/** ms of serving threads from microtasks, after which the event loop has to turn before they are served again. */
const turnMs = 3;

export class Serving {
  #waking = false;
  /** When the next turn of the event loop was last asked for. */
  #turnAskedAt = Number.NEGATIVE_INFINITY;
  #turnIsDue = false;

  constructor(private readonly serve: () => void) {}

  /**
   * There may be work. In a microtask, so that what is dispatched together travels together. But Node reads as many as 1,000
   * messages of a port in one turn of the event loop, of 256 tasks each. Busy threads that are always served at once would
   * keep timers and sockets waiting for 100 ms.
   */
  soon(): void {
    if (this.#waking) return;
    this.#waking = true;
    const at = now();
    if (at - this.#turnAskedAt >= turnMs) {
      if (this.#turnIsDue) return;
      this.#turnAskedAt = at;
      this.#turnIsDue = true;
      nextTurn(this.#turned);
    }
    microtask(this.#serveNow);
  }

  readonly #turned = (): void => {
    this.#turnIsDue = false;
    if (this.#waking) this.#serveNow();
  };

  readonly #serveNow = (): void => {
    this.#waking = false;
    this.serve();
  };
}
