// What `stats()` tells: a picture of the offloader at this moment, cheap enough to ask for every second.
import type { Definitions } from "./definitions.js";
import type { Crew } from "./pool/crew.js";
import { since } from "./task/clock.js";
import type { StateCounts } from "./task/counts.js";
import { Histogram, type Percentiles } from "./task/histogram.js";
import type { Ledger } from "./task/ledger.js";

/** Of one task name: how many are in each state now, or ended in it since the start; times in ms. */
export interface TaskStats extends StateCounts {
  /** From being queued to being started. */
  readonly waitMs: Percentiles;
  /** Running, measured in the thread. */
  readonly runMs: Percentiles;
}

/** Of the whole offloader; callbacks are counted with the tasks. */
export interface OffloaderStats extends TaskStats {
  /** held + queued + delayed + running. */
  readonly unfinished: number;
  /** `queue.max`. */
  readonly max: number;
  readonly threads: { readonly total: number; readonly idle: number; readonly busy: number };
  /** ms since the oldest unfinished task was accepted; 0 without one. */
  readonly oldestMs: number;
  readonly tasks: Readonly<Record<string, TaskStats>>;
}

export function takeStats(ledger: Ledger, definitions: Definitions, crew: Crew, max: number): OffloaderStats {
  const waits = new Histogram();
  const runs = new Histogram();
  const tasks: Record<string, TaskStats> = {};
  for (const definition of definitions.all()) {
    waits.add(definition.waits);
    runs.add(definition.runs);
    tasks[definition.name] = {
      ...definition.counts.all(),
      waitMs: definition.waits.percentiles(),
      runMs: definition.runs.percentiles(),
    };
  }
  const [oldest] = ledger.list(1);
  const idle = crew.idleCount();
  return {
    ...ledger.counts.all(),
    unfinished: ledger.unfinished,
    max,
    threads: { total: crew.threads.size, idle, busy: crew.threads.size - idle },
    oldestMs: oldest === undefined ? 0 : since(oldest.acceptedAt),
    waitMs: waits.percentiles(),
    runMs: runs.percentiles(),
    tasks,
  };
}
