// The clock of one offloader: the real one, until the testing kit puts its own in its place.
import { type Clock, realClock } from "./time.js";

export class SwitchableClock implements Clock {
  #clock: Clock = realClock;

  now(): number {
    return this.#clock.now();
  }

  after(ms: number, callback: () => void): () => void {
    return this.#clock.after(ms, callback);
  }

  /** Timers that are set stay with the clock that set them. */
  switchTo(clock: Clock): void {
    this.#clock = clock;
  }
}
