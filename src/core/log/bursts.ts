// Lines of the log that are alike: the first ones are written, the others of the next ten seconds are counted and summed up.
import { AsyncLocalStorage } from "node:async_hooks";
import { backgroundClock, type Clock } from "../../base/time.js";

/** What was not written of one kind of line. */
export interface Sum<Example> {
  readonly count: number;
  /** Of all of them, or of the first few, as the constructor was told. */
  readonly ids: readonly string[];
  /** The last one. */
  readonly example: Example;
}

interface Burst<Example> {
  written: number;
  count: number;
  ids: string[];
  example: Example;
}

export interface BurstOptions<Example> {
  /** How many lines of a kind are written within ten seconds. */
  readonly most: number;
  /** Called every ten seconds with each kind of which more came. */
  readonly onSum: (sum: Sum<Example>) => void;
  /** How many ids a sum has at the most. */
  readonly mostIds: number;
  /** Whether a sum is made as soon as it has so many ids, so that every id is in one. */
  readonly namesAll: boolean;
  readonly clock?: Clock | undefined;
}

const windowMs = 10_000;
/** Kinds at a time. Texts of errors may be made of data: beyond this many, those of one name are summed up as one kind. */
const mostKinds = 200;

// The timer is set within a request, and what it calls must not see that one.
const outsideOfRequests = AsyncLocalStorage.snapshot();

export class Bursts<Example> {
  readonly #bursts = new Map<string, Burst<Example>>();
  readonly #clock: Clock;
  #disarm: (() => void) | undefined;

  constructor(private readonly options: BurstOptions<Example>) {
    this.#clock = options.clock ?? backgroundClock;
  }

  /**
   * One more line of a kind.
   *
   * @param kind what lines that are alike have in common
   * @param wider the same of fewer words, where there are too many kinds
   * @returns whether it is to be written; if not, it is summed up
   */
  add(kind: string, wider: string, example: Example, id: () => string | undefined): boolean {
    const { most, mostIds, namesAll } = this.options;
    const burst = this.#burst(this.#bursts.has(kind) || this.#bursts.size < mostKinds ? kind : wider, example);
    if (burst.written < most) {
      burst.written++;
      return true;
    }
    burst.count++;
    burst.example = example;
    if (burst.ids.length < mostIds) {
      const named = id();
      if (named !== undefined) burst.ids.push(named);
    }
    if (namesAll && burst.ids.length >= mostIds) this.#sumUp(burst);
    return false;
  }

  /** Sums up what there is now. */
  flush(): void {
    for (const burst of this.#bursts.values()) if (burst.count > 0) this.#sumUp(burst);
  }

  /** The offloader is closed. */
  stop(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.flush();
    this.#bursts.clear();
  }

  #burst(kind: string, example: Example): Burst<Example> {
    const known = this.#bursts.get(kind);
    if (known !== undefined) return known;
    const burst: Burst<Example> = { written: 0, count: 0, ids: [], example };
    this.#bursts.set(kind, burst);
    this.#arm();
    return burst;
  }

  #sumUp(burst: Burst<Example>): void {
    const { count, ids, example } = burst;
    burst.count = 0;
    burst.ids = [];
    this.options.onSum({ count, ids, example });
  }

  #arm(): void {
    this.#disarm ??= outsideOfRequests(() => this.#clock.after(windowMs, () => this.#windowOver()));
  }

  #windowOver(): void {
    this.#disarm = undefined;
    for (const [kind, burst] of this.#bursts) {
      // While a kind goes on, only its sums are written.
      if (burst.count === 0) this.#bursts.delete(kind);
      else this.#sumUp(burst);
    }
    if (this.#bursts.size > 0) this.#arm();
  }
}
