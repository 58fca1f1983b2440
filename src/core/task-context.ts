// What a task is given beside its payload, wherever it runs.

/**
 * Writes to the main thread's logger, with the task's name and id. Bounded: what the main thread cannot keep up with is
 * dropped and counted. Each field arrives as in a result, or in words where it cannot be copied. An error in the place of the
 * fields is the field `err`.
 */
export interface TaskLog {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
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
  readonly log: TaskLog;
  /** What the offloader's `context` option returned at the call. */
  readonly context: unknown;
}
