// Tasks that this worker cannot run and others may go back with growing delays, so that what is behind them in the queue gets its turn.
import { type Clock, realClock } from "../../../base/time.js";

export interface ReturnsOptions {
  /** ms; each is twice as long as the one before. */
  readonly firstDelay: number;
  readonly longestDelay: number;
  /** When nobody has been able to run a task for so long, in ms, it is not returned any more. */
  readonly giveUpAfter: number;
}

/** What has not come back for so long has been run by another, in ms. */
const forgetAfter = 30 * 60_000;
const mostKnown = 10_000;

interface Known {
  readonly since: number;
  at: number;
  times: number;
}

export class Returns {
  readonly #known = new Map<string, Known>();

  constructor(
    private readonly options: ReturnsOptions,
    private readonly clock: Pick<Clock, "now"> = realClock,
  ) {}

  /** @returns how long the task stays away, in ms; undefined: it has been tried for long enough, and fails */
  next(id: string): number | undefined {
    const { firstDelay, longestDelay, giveUpAfter } = this.options;
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
