// What became of the work and of the process: the reports of a drain and of a shutdown.
import type { DrainTarget, UnfinishedTask } from "./target.js";

/** What became of the work during a drain. */
export interface CloseReport {
  /** Tasks and callbacks that ended without failing: succeeded, cancelled or skipped. */
  readonly completed: number;
  /** Tasks and callbacks that failed for good. */
  readonly failed: number;
  /** What had not ended at the deadline, as it was then. */
  readonly abandoned: readonly UnfinishedTask[];
  /** Unfinished tasks that the journal keeps for the next process, also those that it had taken over and not yet brought back. */
  readonly journaled: number;
  /** How long it took, in ms. */
  readonly durationMs: number;
}

/** What became of the process. */
export interface ShutdownReport extends CloseReport {
  /** What began it: a signal's name, or what `close()` was given. */
  readonly reason: string;
  /** Connections that were closed with a request open, because its time was over. */
  readonly forcedSockets: number;
  /** The hooks that threw or took too long, by name. */
  readonly failedHooks: readonly string[];
  /** 0: clean. 1: something was abandoned, or a hook failed, or an exception began it. 128 + n: forced by signal n. */
  readonly exitCode: number;
}

type Totals = ReturnType<DrainTarget["totals"]>;

/** What ended between two readings of the totals. */
export function tally(before: Totals, after: Totals): Pick<CloseReport, "completed" | "failed"> {
  const withoutFailing = (totals: Totals): number => totals.succeeded + totals.cancelled + totals.skipped;
  return { completed: withoutFailing(after) - withoutFailing(before), failed: after.failed - before.failed };
}
