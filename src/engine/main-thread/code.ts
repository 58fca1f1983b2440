// What an engine on the main thread runs: the seam between how tasks are scheduled there and what a task is.
import type { Task } from "../../core/task.js";
import type { EngineHost } from "../engine.js";

export interface Failure {
  readonly error: unknown;
  /** Whether another attempt may be of use. */
  readonly retryable: boolean;
}

export interface Code {
  /** Begins to load what is to be run, and reports to the host. Resolves when that is done; never rejects. */
  load(host: EngineHost): Promise<void> | undefined;
  /** Whether tasks can be called. */
  readonly ready: boolean;
  /** Calls the task's code. */
  call(task: Task, signal: AbortSignal): unknown;
  /** What a thrown value means. */
  failureOf(thrown: unknown): Failure;
  close(): Promise<void>;
}
