// Tasks that this worker cannot run and others may: their name is unknown during a rolling deploy, or a newer version wrote them. They
// go back with growing delays, and fail when nobody has been able to run them for a quarter of an hour.
import { type Clock, realClock } from "../../../base/time.js";

const firstDelay = 1_000;
const longestDelay = 60_000;
const giveUpAfter = 15 * 60_000;
/** What has not come back for so long has been run by another. */
const forgetAfter = 2 * giveUpAfter;
const mostKnown = 10_000;

interface Known {
  readonly since: number;
  at: number;
  times: number;
}

export class Returns {
  readonly #known = new Map<string, Known>();

  constructor(private readonly clock: Pick<Clock, "now"> = realClock) {}

  /** @returns how long the task stays away, in ms; undefined: it has been tried for long enough, and fails */
  next(id: string): number | undefined {
    const now = this.clock.now();
    const known = this.#known.get(id) ?? { since: now, at: now, times: 0 };
    // The one that was seen last is at the end.
    this.#known.delete(id);
    if (now - known.since >= giveUpAfter) return undefined;
    known.at = now;
    this.#known.set(id, known);
    this.#forget(now);
    return Math.min(firstDelay * 2 ** known.times++, longestDelay);
  }

  #forget(now: number): void {
    for (const [id, { at }] of this.#known) {
      if (this.#known.size <= mostKnown && now - at < forgetAfter) return;
      this.#known.delete(id);
    }
  }
}
