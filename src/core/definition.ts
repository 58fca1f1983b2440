// What is known of all tasks of one name: their policy, their counts, and their times.
import { Counts } from "./measure/counts.js";
import { Histogram } from "./measure/histogram.js";
import type { RunIf } from "./outcome.js";

/**
 * "high" is started before "normal", and "normal" before "low". Now and then a lower one goes first, so none waits for ever.
 */
export type Priority = "high" | "normal" | "low";

/**
 * How long to wait before the next attempt: a number of ms; a rule; or a function that is given the failed attempt (1 for the
 * first) and its error, and returns ms. The function may cancel its task.
 */
export type Backoff =
  | number
  | {
      /** Default "exponential". */
      readonly type?: "constant" | "exponential" | undefined;
      /** The first delay, in ms. An exponential delay doubles with each attempt. Default 1,000. */
      readonly delay?: number | undefined;
      /** The longest delay, in ms. Default: one hour. */
      readonly maxDelay?: number | undefined;
      /** Which part of the delay is random, from 0 to 1. Default 0.5 for exponential, 0 for constant. */
      readonly jitter?: number | undefined;
    }
  | ((attempt: number, error: unknown) => number);

/** A task runs on a thread, a callback on the main thread. */
export type TaskKind = "task" | "callback";

/** The options of all tasks of one name. */
export interface TaskPolicy {
  /** Which waiting task is started first. Default "normal". */
  readonly priority: Priority;
  /** How long an attempt may run, in ms; 0: no limit. Default 0. */
  readonly timeout: number;
  /** How often a task is started at the most, the first time included. Default 1. */
  readonly attempts: number;
  /** The wait before the next attempt. Default: exponential from 1,000 ms. */
  readonly backoff: Backoff;
  /** After which outcomes of its response a task runs. Default "always". */
  readonly runIf: RunIf;
  /** How many tasks of this name run at the same time, on all threads together. Default Infinity: no limit of its own. */
  readonly concurrency: number;
  /**
   * Whether the queue of the option `engine` gets the task. `false`: it runs in the process that dispatches it. Without that option every
   * task does. Default true.
   */
  readonly engine: boolean;
}

export class TaskDefinition {
  readonly counts: Counts = new Counts();
  /** The times from queued to started, and the times of running, in ms. */
  readonly waits: Histogram = new Histogram();
  readonly runs: Histogram = new Histogram();
  /** How many attempts failed and were followed by another. */
  retries = 0;
  /** How long a run is expected to take, in ms; undefined before the first. It decides about the size of batches. */
  expectedMs: number | undefined = undefined;

  constructor(
    readonly name: string,
    readonly kind: TaskKind,
    readonly policy: TaskPolicy,
  ) {}

  /**
   * A run took this long. The expectation rises fast and falls slowly, because a batch that takes too long keeps others
   * waiting.
   */
  measured(runMs: number): void {
    const expected = this.expectedMs;
    if (expected === undefined) this.expectedMs = runMs;
    else this.expectedMs = expected + (runMs - expected) * (runMs > expected ? 0.5 : 0.1);
  }
}
