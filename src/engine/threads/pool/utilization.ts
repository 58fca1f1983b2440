// Which share of its time a thread was busy lately. Computed from earlier readings, so that nothing runs while nobody looks.
import { now } from "../../../base/time.js";

/** What Node tells of an event loop: ms since it began. */
export interface LoopTimes {
  readonly idle: number;
  readonly active: number;
}

interface Reading extends LoopTimes {
  readonly at: number;
}

/** A reading is about the last 5 to 10 seconds, for those who look more often than that. */
const windowMs = 5_000;
/** In less time than this a share means little: the last answer holds. */
const leastMs = 100;

export class Utilization {
  #from: Reading | undefined;
  #next: Reading | undefined;
  #last = 0;

  constructor(
    private readonly times: () => LoopTimes,
    private readonly clock: () => number = now,
  ) {}

  /** From 0 to 1. The first reading is about the whole life of the thread. */
  read(): number {
    const { idle, active } = this.times();
    const at = this.clock();
    const from = this.#from ?? { at: Number.NEGATIVE_INFINITY, idle: 0, active: 0 };
    if (at - from.at < leastMs) return this.#last;
    const all = idle - from.idle + active - from.active;
    this.#last = all <= 0 ? 0 : Math.min(1, Math.max(0, (active - from.active) / all));
    this.#from ??= { at, idle, active };
    this.#next ??= { at, idle, active };
    if (at - this.#next.at >= windowMs) {
      this.#from = this.#next;
      this.#next = { at, idle, active };
    }
    return this.#last;
  }
}
