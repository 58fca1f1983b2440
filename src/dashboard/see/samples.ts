// What the curves of the page begin with: one sample each ten seconds, also while nobody looks, of the last ten minutes.
import { clearTicker, setTicker, wallClock } from "../../base/time.js";

const every = 10_000;
const kept = 60;

/** ms since 1970, how many have ended and how many have failed so far, how many wait. */
export type Sample = readonly [at: number, ended: number, failed: number, waiting: number];

export class Samples {
  readonly #samples: Sample[] = [];
  readonly #ticker: ReturnType<typeof setTicker>;

  /** @param measure called for each sample, in a few us */
  constructor(private readonly measure: () => Sample) {
    this.#ticker = setTicker(() => this.#take(), every).unref();
    this.#take();
  }

  all(): readonly Sample[] {
    return this.#samples;
  }

  stop(): void {
    clearTicker(this.#ticker);
  }

  #take(): void {
    this.#samples.push(this.measure());
    if (this.#samples.length > kept) this.#samples.shift();
  }
}

/** A sample of these counts. */
export function sampleOf(ended: number, failed: number, waiting: number): Sample {
  return [Math.round(wallClock()), ended, failed, waiting];
}
