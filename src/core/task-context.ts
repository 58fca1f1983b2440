// What a task is given beside its payload, wherever it runs.
import type { FollowUpOptions } from "./follow-up.js";

/**
 * Writes to the main thread's logger, with the task's name and id. Bounded: what the main thread cannot keep up with is
 * dropped and counted. Each field arrives as in a result, or in words where it cannot be copied. An error in the place of the
 * fields is the field `err`.
 */
export interface TaskLog {
  /** A line for those who look for a fault. */
  debug(message: string, fields?: object): void;
  /** A line for the normal course. */
  info(message: string, fields?: object): void;
  /** A line for what may become a fault. */
  warn(message: string, fields?: object): void;
  /** A line for a failure. */
  error(message: string, fields?: object): void;
}

/** The second argument of a task. */
export interface TaskContext {
  /** The task's id, the same on every attempt: fit as an idempotency key. */
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts on timeout, cancel and the shutdown deadline. A task that does not stop then loses its thread after a grace. */
  readonly signal: AbortSignal;
  /** The same, read from shared memory: right also within a synchronous loop, in which no event arrives. */
  readonly aborted: boolean;
  /** Throws the reason once the task is aborted, also within a synchronous loop. */
  throwIfAborted(): void;
  /** Tells the main thread how far the task is: event `progress`. */
  progress(value: unknown): void;
  /**
   * Dispatches another task, to be run like any other: it is drained, journaled, limited and retried by its own options. Its
   * events name this task as their `parent`, and it has this task's `context`. A task that is tried again offloads again, so
   * give what must not be done twice a `key`, or make it idempotent by its payload.
   *
   * @returns resolves with the id when the main thread has accepted it; rejects with the refusal, whose `code` says why
   */
  offload(name: string, payload?: unknown, options?: FollowUpOptions): Promise<{ readonly id: string }>;
  /** The main thread's logger, with the name and the id of this task in each line. */
  readonly log: TaskLog;
  /** What the offloader's `context` option returned at the call. */
  readonly context: unknown;
  /** What subscribers of the channel `after-response.dispatch` have put into it, such as `traceparent`. */
  readonly carrier: Readonly<Record<string, string>> | undefined;
}
