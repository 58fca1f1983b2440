// What `snapshot()` returns: everything that an exporter of metrics needs, as raw counts and histograms.
import type { OffloadErrorCode } from "../base/errors.js";
import { since } from "../base/ticks.js";
import type { TaskKind } from "../core/definition.js";
import type { ThreadEndCause } from "../core/events.js";
import type { Ledger } from "../core/ledger.js";
import type { StateCounts } from "../core/measure/counts.js";
import type { HistogramSnapshot } from "../core/measure/histogram.js";
import type { ThreadInfo } from "../engine/threads/thread-info.js";
import type { Definitions } from "../intake/definitions.js";
import type { Refusals } from "../intake/refusals.js";
import type { JournalSnapshot } from "../store/store.js";

/** Counts since the start, and what is now, of the tasks or callbacks of one name. */
export interface NameSnapshot {
  readonly task: string;
  readonly kind: TaskKind;
  /** How many are in each unfinished state now, and how many have ended in each final state so far. */
  readonly states: StateCounts;
  /** How many were accepted so far. */
  readonly accepted: number;
  /** How many attempts failed and were followed by another. */
  readonly retries: number;
  /** The times from queued to started. */
  readonly wait: HistogramSnapshot;
  /** The times of running, measured in the thread. */
  readonly run: HistogramSnapshot;
}

/** An offloader at one moment, for exporters. Counts only grow, except those of unfinished states. */
export interface OffloaderSnapshot {
  /** The option `name`. */
  readonly name: string;
  /** By name and kind, each with what was dispatched since the start. */
  readonly tasks: readonly NameSnapshot[];
  /** How many dispatches were refused at the call, by error code; only codes that there were. */
  readonly refused: Readonly<Partial<Record<OffloadErrorCode, number>>>;
  readonly unfinished: { readonly count: number; readonly bytes: number };
  /** `queue.max` and `queue.maxBytes`. */
  readonly limits: { readonly count: number; readonly bytes: number };
  /** How long the queued task that has been queued for longest has been so, in ms; 0 without one. */
  readonly oldestQueuedMs: number;
  /** How long ago the oldest unfinished task was accepted, in ms; 0 without one. */
  readonly oldestMs: number;
  /** How many have been running for more than `log.longRunning` without a timeout. */
  readonly longRunning: number;
  readonly threads: readonly Omit<ThreadInfo, "running">[];
  /** `pool.maxThreads`. */
  readonly maxThreads: number;
  /** How many threads have ended so far, by cause. */
  readonly threadsEnded: Readonly<Record<ThreadEndCause, number>>;
  /** How many log lines and progress values of tasks were dropped so far, because there were too many. */
  readonly remarksDropped: number;
  /** undefined without a journal. */
  readonly journal: JournalSnapshot | undefined;
  /** Whether a drain has begun. */
  readonly draining: boolean;
}

export interface SnapshotParts {
  readonly name: string;
  readonly ledger: Ledger;
  readonly definitions: Definitions;
  readonly longRunning: { readonly count: number };
  readonly limits: { readonly max: number; readonly maxBytes: number };
  readonly maxThreads: number;
  readonly refusals: Refusals;
  readonly endedBy: Readonly<Record<ThreadEndCause, number>>;
  readonly remarksDropped: number;
  readonly store: { snapshot(): JournalSnapshot | undefined };
  threads(): readonly ThreadInfo[];
  isDraining(): boolean;
}

export function takeSnapshot(parts: SnapshotParts): OffloaderSnapshot {
  const { name, ledger, definitions, longRunning, limits, maxThreads } = parts;
  return {
    name,
    tasks: [...definitions.all()].map((definition) => {
      const states = definition.counts.all();
      return {
        task: definition.name,
        kind: definition.kind,
        states,
        // Each accepted task is in one state, so nothing has to count them at the call.
        accepted: Object.values(states).reduce((sum, count) => sum + count, 0),
        retries: definition.retries,
        wait: definition.waits.snapshot(),
        run: definition.runs.snapshot(),
      };
    }),
    refused: Object.fromEntries(parts.refusals.counts),
    unfinished: { count: ledger.unfinished, bytes: ledger.bytes },
    limits: { count: limits.max, bytes: limits.maxBytes },
    ...ages(ledger),
    longRunning: longRunning.count,
    threads: parts.threads().map(({ running: _, ...thread }) => thread),
    maxThreads,
    threadsEnded: { ...parts.endedBy },
    remarksDropped: parts.remarksDropped,
    journal: parts.store.snapshot(),
    draining: parts.isDraining(),
  };
}

/** How old what is unfinished is, in ms. */
export function ages(ledger: Ledger): { readonly oldestMs: number; readonly oldestQueuedMs: number } {
  const [oldest] = ledger.list(1);
  return {
    oldestMs: oldest === undefined ? 0 : since(oldest.acceptedAt),
    oldestQueuedMs: ledger.counts.in("queued") === 0 ? 0 : ledger.tasks.oldestQueuedMs(),
  };
}
