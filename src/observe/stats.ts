// What `stats()` returns: the offloader at this moment, cheap enough to ask for every second.
import { now } from "../base/time.js";
import type { TaskDefinition } from "../core/definition.js";
import type { Ledger } from "../core/ledger.js";
import { Counts, type StateCounts } from "../core/measure/counts.js";
import { Histogram, type Percentiles } from "../core/measure/histogram.js";
import type { EngineState } from "../engine/remote/engine-status.js";
import type { Definitions } from "../intake/definitions.js";
import { ages } from "./snapshot.js";

/** For one task name: how many are in each unfinished state now, and how many have ended in each final state so far. */
export interface TaskStats extends StateCounts {
  /** The times from queued to started, in ms. */
  readonly waitMs: Percentiles;
  /** The times of running, in ms, measured in the thread. */
  readonly runMs: Percentiles;
}

/** For the whole offloader. Callbacks are counted with the tasks. */
export interface OffloaderStats extends TaskStats {
  /** held + queued + delayed + running. */
  readonly unfinished: number;
  /** `queue.max`. */
  readonly max: number;
  /** How many bytes the payloads of unfinished tasks hold together. */
  readonly bytes: number;
  /** `queue.maxBytes`. */
  readonly maxBytes: number;
  /**
   * `total`: the threads that have loaded the tasks module. `stuck`: beside them, those that were terminated and have not ended,
   * because they are in native code.
   */
  readonly threads: { readonly total: number; readonly idle: number; readonly busy: number; readonly stuck: number };
  /** How many tasks and callbacks ended per second, since the call of `stats()` about ten seconds ago. */
  readonly throughput: number;
  /** How long ago the oldest unfinished task was accepted, by an earlier process perhaps, in ms; 0 if there is none. */
  readonly oldestMs: number;
  /**
   * How long the queued task that has been queued for longest has been so, in ms; 0 if none is queued. It grows when threads do not
   * keep up.
   */
  readonly oldestQueuedMs: number;
  /** How many tasks and callbacks have been running for more than `log.longRunning` ms without a timeout. */
  readonly longRunning: number;
  /** By task name. */
  readonly tasks: Readonly<Record<string, TaskStats>>;
  /** The queue of the option `engine`, as far as this process knows. */
  readonly engine?: EngineState | undefined;
}

/** Ends per second, computed from earlier readings, so that nothing has to be counted while nobody asks. */
export class Throughput {
  readonly #readings: { readonly at: number; readonly ended: number }[] = [{ at: now(), ended: 0 }];

  read(ended: number, at: number = now()): number {
    this.#readings.push({ at, ended });
    while ((this.#readings[1]?.at ?? at) <= at - windowMs) this.#readings.shift();
    const [first] = this.#readings;
    if (first === undefined || at - first.at < 1) return 0;
    return ((ended - first.ended) / (at - first.at)) * 1_000;
  }
}

const windowMs = 10_000;

export interface StatsParts {
  readonly ledger: Ledger;
  readonly definitions: Definitions;
  readonly threads: ThreadCounts;
  readonly throughput: Throughput;
  readonly longRunning: { readonly count: number };
  readonly limits: { readonly max: number; readonly maxBytes: number };
}

/** How many threads there are. */
export interface ThreadCounts {
  readonly threads: { readonly size: number };
  readonly stuck: { readonly size: number };
  idleCount(): number;
}

export function takeStats(parts: StatsParts): OffloaderStats {
  const { ledger, definitions, threads, throughput, limits } = parts;
  const waits = new Histogram();
  const runs = new Histogram();
  for (const definition of definitions.all()) {
    waits.add(definition.waits);
    runs.add(definition.runs);
  }
  const counts = ledger.counts.all();
  const idle = threads.idleCount();
  return {
    ...counts,
    unfinished: ledger.unfinished,
    max: limits.max,
    bytes: ledger.bytes,
    maxBytes: limits.maxBytes,
    threads: { total: threads.threads.size, idle, busy: threads.threads.size - idle, stuck: threads.stuck.size },
    throughput: throughput.read(
      counts.succeeded + counts.failed + counts.cancelled + counts.skipped + counts.abandoned + counts.forwarded,
    ),
    ...ages(ledger),
    waitMs: waits.percentiles(),
    runMs: runs.percentiles(),
    longRunning: parts.longRunning.count,
    tasks: byName(definitions.all()),
  };
}

/** A callback that has the name of a task is counted with the task. */
function byName(definitions: Iterable<TaskDefinition>): Record<string, TaskStats> {
  const named = new Map<string, Measured>();
  for (const definition of definitions) {
    const { name } = definition;
    const other = named.get(name);
    named.set(name, other === undefined ? definition : together(other, definition));
  }
  const stats = [...named].map(([name, { counts, waits, runs }]): [string, TaskStats] => [
    name,
    { ...counts.all(), waitMs: waits.percentiles(), runMs: runs.percentiles() },
  ]);
  return Object.fromEntries(stats);
}

type Measured = Pick<TaskDefinition, "counts" | "waits" | "runs">;

function together(a: Measured, b: Measured): Measured {
  const sums = { counts: new Counts(), waits: new Histogram(), runs: new Histogram() };
  for (const { counts, waits, runs } of [a, b]) {
    sums.counts.add(counts);
    sums.waits.add(waits);
    sums.runs.add(runs);
  }
  return sums;
}
