// What is known of all tasks of one name: their policy, and what has been measured of them.
import { Counts } from "./measure/counts.js";
import { Histogram } from "./measure/histogram.js";
import type { RunIf } from "./outcome.js";

/** "high" goes before "normal", "normal" before "low"; none waits for ever. */
export type Priority = "high" | "normal" | "low";

/** How long to wait before the next attempt: ms, a rule, or a function of the failed attempt (1 for the first). */
export type Backoff =
  | number
  | {
      readonly type: "constant" | "exponential";
      /** First delay in ms. */
      readonly delay: number;
      /** No delay is longer, in ms. Default: one hour. */
      readonly maxDelay?: number | undefined;
      /** The part of the delay that is drawn at random, 0 to 1. Default 0.5 for exponential, 0 for constant. */
      readonly jitter?: number | undefined;
    }
  | ((attempt: number, error: unknown) => number);

/** The options a task name can have for all its dispatches. */
export interface TaskPolicy {
  readonly priority: Priority;
  /** ms of running, an attempt; 0: no limit. */
  readonly timeout: number;
  /** Starts at the most, the first included. */
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly runIf: RunIf;
  /** Tasks of this name running at the same time, over all threads; Infinity: no limit of its own. */
  readonly concurrency: number;
}

export class TaskDefinition {
  readonly counts: Counts = new Counts();
  /** From queued to started, and in the thread, in ms. */
  readonly waits: Histogram = new Histogram();
  readonly runs: Histogram = new Histogram();
  /** What a run is expected to take, in ms; undefined before the first. Batches are sized by it. */
  expectedMs: number | undefined = undefined;

  constructor(
    readonly name: string,
    /** A task runs on a thread, a callback on the main thread. */
    readonly kind: "task" | "callback",
    readonly policy: TaskPolicy,
  ) {}

  /** Takes a measured run time into account: upwards at once, downwards slowly, for a batch too long blocks a thread. */
  measured(runMs: number): void {
    const expected = this.expectedMs;
    if (expected === undefined) this.expectedMs = runMs;
    else this.expectedMs = expected + (runMs - expected) * (runMs > expected ? 0.5 : 0.1);
  }
}
