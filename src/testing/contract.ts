// The public face of the testing kit: every call, its meaning, what it throws. Only types.
import type { TaskState } from "../core/states.js";
import type { AnyTasks, TaskName, TaskPayload, TaskResult } from "../intake/call/typed.js";
import type { Operation } from "../intake/intake.js";
import type { Match, OffloadedCallback, OffloadedTask, PartialDeep } from "./offloaded.js";

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

/** Options of `settled()` and `waitFor()`. */
export interface WaitOptions {
  /** How long to wait, in ms of the real clock. Default 4,000 for `settled()`, 1,000 for `waitFor()`. */
  readonly timeout?: number | undefined;
}

/** How the starts of a drain ended. */
export interface DrainCounts {
  /** Tasks that succeeded. */
  readonly succeeded: number;
  /** For good. */
  readonly failed: number;
  /** Tasks that were cancelled. */
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
  settled(options?: WaitOptions): Promise<void>;
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
    options?: WaitOptions,
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
