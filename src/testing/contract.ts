// The public face of the testing kit: every call, its meaning, what it throws. Only types.
import type { TaskState } from "../core/states.js";
import type { DispatchOptions } from "../intake/call/dispatch-options.js";
import type { AnyTasks, TaskName, TaskPayload, TaskResult } from "../intake/call/typed.js";
import type { Operation } from "../intake/intake.js";

/** A matcher of a test runner: `expect.any(String)` of vitest and jest, or a matcher of sinon. */
export type Matcher = { asymmetricMatch(actual: unknown): boolean } | { test(actual: string): boolean };

/** A value of which every part may be left out, or be a matcher. Arrays keep their length. */
export type PartialDeep<Value> = Value extends string | number | boolean | bigint | null | undefined
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly (PartialDeep<Item> | Matcher)[]
    : Value extends object
      ? { readonly [Key in keyof Value]?: PartialDeep<Value[Key]> | Matcher }
      : Value;

/**
 * Which payloads are meant: those that have at least these parts, those that a function says yes to, or those that a matcher
 * accepts. Left out: all.
 */
export type Match<Payload> = PartialDeep<Payload> | ((payload: Payload) => boolean) | Matcher;

/** A task that was offloaded, as it was at the moment of the question. */
export interface OffloadedTask<Tasks = AnyTasks, Name extends TaskName<Tasks> = TaskName<Tasks>> {
  readonly id: string;
  /** Its name. */
  readonly task: Name;
  /** A copy of what was captured at the call. */
  readonly payload: TaskPayload<Tasks, Name>;
  /** The call that offloaded it. */
  readonly operation: Operation;
  /** The options of the call over those of its policy and the defaults; without `transfer` and `signal`. */
  readonly options: Omit<DispatchOptions, "transfer" | "signal">;
  /** What the option `context` returned at the call. */
  readonly context: unknown;
  /** The id of the task that offloaded it by `task.offload()`. */
  readonly parent: string | undefined;
  readonly state: TaskState;
  /** How often it has been started. */
  readonly attempt: number;
  /** What it returned, if it succeeded. */
  readonly result: TaskResult<Tasks, Name> | undefined;
  /** Why it ended otherwise. */
  readonly error: unknown;
}

/** A callback of `runAfterResponse`, as it was at the moment of the question. */
export interface OffloadedCallback {
  readonly id: string;
  /** The name of its function; "callback" for one without a name. */
  readonly callback: string;
  readonly state: TaskState;
  readonly attempt: number;
  /** What the option `context` returned at the call. */
  readonly context: unknown;
  /** Why it ended otherwise than by success. */
  readonly error: unknown;
}

/** What else an assertion asks for. */
export interface AssertOptions {
  /** How many tasks have to match. Default: at least one. */
  readonly times?: number | undefined;
  /** The call that offloaded them. Default: any. */
  readonly operation?: Operation | undefined;
  /** Options that they have, from the call, the policy or the defaults. */
  readonly options?: PartialDeep<OffloadedTask["options"]> | undefined;
}

/** Options of `drain()`. */
export interface DrainOptions<Tasks = AnyTasks> {
  /** Also runs what failed and has attempts left, by moving the clock of the kit to their time. Default false. */
  readonly retries?: boolean | undefined;
  /** Runs only what was kept of these names. Default: all. */
  readonly only?: TaskName<Tasks> | readonly TaskName<Tasks>[] | undefined;
  /** How many starts there may be. More is an error: a task may offload itself for ever. Default 1,000. */
  readonly most?: number | undefined;
}

/** How the starts of a drain ended. */
export interface DrainCounts {
  readonly succeeded: number;
  /** For good. */
  readonly failed: number;
  readonly cancelled: number;
  /** Attempts that failed where another one is left. */
  readonly retrying: number;
}

/** Options of `perform()`. */
export interface PerformOptions {
  /** `task.attempt`. Default 1. */
  readonly attempt?: number | undefined;
  /** `task.context`. It is copied. Default undefined. */
  readonly context?: unknown;
  /** `task.signal`. Default: one that never aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** The codes of refusals that a handler may answer with 503. */
export type Refusal =
  | "AR_QUEUE_FULL"
  | "AR_SHUTTING_DOWN"
  | "AR_TASKS_NOT_LOADABLE"
  | "AR_JOURNAL_FULL"
  | "AR_JOURNAL_UNAVAILABLE";

/**
 * An offloader under test. Tasks that were skipped or cancelled do not count as offloaded, because they never run.
 *
 * A call that is given a name that no task has throws AR_UNKNOWN_TASK.
 */
export interface Testing<Tasks = AnyTasks> {
  /**
   * The tasks that were offloaded since the start or the last `clear()`, oldest first.
   *
   * @param name only those of this name
   * @param match only those whose payload matches
   */
  offloaded<Name extends TaskName<Tasks> = TaskName<Tasks>>(
    name?: Name,
    match?: Match<TaskPayload<Tasks, Name>>,
  ): OffloadedTask<Tasks, Name>[];
  /**
   * Throws unless a task of this name was offloaded.
   *
   * @param name of the task
   * @param match what its payload has to match. Default: anything
   * @param options how many there have to be, by which call, with which options
   * @throws AssertionError of `node:assert` that lists the nearest tasks
   */
  assertOffloaded<Name extends TaskName<Tasks>>(
    name: Name,
    match?: Match<TaskPayload<Tasks, Name>>,
    options?: AssertOptions,
  ): void;
  /**
   * Throws if such a task was offloaded.
   *
   * @throws AssertionError that lists the tasks that match
   */
  assertNotOffloaded<Name extends TaskName<Tasks>>(name: Name, match?: Match<TaskPayload<Tasks, Name>>): void;
  /**
   * Throws if any task was offloaded. Callbacks do not count.
   *
   * @throws AssertionError that lists them
   */
  assertNothingOffloaded(): void;
  /**
   * The callbacks of `runAfterResponse`. They run in every mode.
   *
   * @param name only those of this name
   */
  callbacks(name?: string): OffloadedCallback[];
  /**
   * Resolves when nothing goes on by itself any more: responses are over, callbacks and tasks have ended. What is kept, paused,
   * or waits for the clock of the kit stays.
   *
   * @param options `timeout`: how long to wait, in ms of the real clock. Default 4,000
   * @returns rejects with an AssertionError that lists what still goes on
   */
  settled(options?: { readonly timeout?: number | undefined }): Promise<void>;
  /**
   * Runs the kept tasks here, in their order, one at a time, and what they offload.
   *
   * @returns how they ended; rejects with an AssertionError when there are more than `most`, and with the error of a tasks
   *   module that cannot be loaded
   */
  drain(options?: DrainOptions<Tasks>): Promise<DrainCounts>;
  /**
   * Calls the function of a task here, with a copy of the payload, and returns a copy of its result. Nothing is recorded, but
   * what the task offloads.
   *
   * @returns rejects with what the task threw, as it would arrive from a thread
   */
  perform<Name extends TaskName<Tasks>>(
    name: Name,
    payload?: TaskPayload<Tasks, Name>,
    options?: PerformOptions,
  ): Promise<TaskResult<Tasks, Name>>;
  /**
   * Waits for a task or a callback, past or to come.
   *
   * @param name of the task or the callback
   * @param match what the payload of the task has to match. Default: anything
   * @param state a state that it has reached. Default: accepted is enough
   * @param options `timeout`: how long to wait, in ms of the real clock. Default 1,000
   * @returns the first that matches; rejects with an AssertionError that lists the nearest
   */
  waitFor<Name extends TaskName<Tasks>>(
    name: Name,
    match?: Match<TaskPayload<Tasks, Name>>,
    state?: TaskState,
    options?: { readonly timeout?: number | undefined },
  ): Promise<OffloadedTask<Tasks, Name>>;
  /**
   * Moves the clock of the kit: backoffs of tasks and callbacks, and timeouts of what runs here. Without it that clock stands
   * still. No timer of the test or the application is touched.
   *
   * @param ms how far
   * @returns resolves when what became due had some turns to run in; `settled()` waits for all of it
   * @throws OffloadError AR_INVALID_ARGUMENT in the mode "threads"
   */
  advance(ms: number): Promise<void>;
  /**
   * Has the tasks of this name fail from now on, each attempt with this error, instead of being run or kept. Kept ones fail when
   * they are drained. Ends with `clear()`.
   *
   * @param name of the task
   * @param error what the task throws
   * @param options `times`: how many attempts fail. Default: all
   */
  fail(name: TaskName<Tasks>, error: unknown, options?: { readonly times?: number | undefined }): void;
  /**
   * Refuses every dispatch with this code until `clear()`: the call throws as it does with a full queue, for a test of the
   * answer 503. Callbacks are refused only with AR_QUEUE_FULL and AR_SHUTTING_DOWN.
   */
  refuse(code: Refusal): void;
  /**
   * Forgets what was recorded, and ends `fail` and `refuse`. Cancels what is unfinished, except in the mode "threads".
   *
   * @returns resolves at once, but the first time when the names of the tasks are known; rejects with AR_UNKNOWN_TASK if a task
   *   was offloaded by a name that no task has, before the names were known
   */
  clear(): Promise<void>;
  /** Clears, and has the offloader run its tasks on threads again. The same as the end of a `using` block. */
  restore(): void;
  /** Restores every offloader that is under test, and closes it. */
  closeAll(): Promise<void>;
  /** `using`: the same as `restore()`. */
  [Symbol.dispose](): void;
}
