// What the pool benchmarks ask of a contender. Each is a file beside this one, used as its own README says.

/** The tasks of bench/threads/tasks.ts that a pool is asked for. The raw contenders know no failures: not for `fail`. */
export type TaskName = "tiny" | "touch" | "validate" | "look" | "work" | "sleep" | "fail" | "caught";

/** Called when a task has ended, well or not. */
export type Done = () => void;

export interface TaskPool {
  /**
   * Starts a task.
   *
   * @param transfer buffers that move with the payload instead of being copied
   */
  start(name: TaskName, payload: unknown, done: Done, transfer?: ArrayBuffer[]): void;
  /** Only where nobody hears of the single task: resolves when all that was started has ended. `done` is not called then. */
  readonly idle?: () => Promise<void>;
  close(): unknown;
}

/** Starts the contender with this many threads, all up when it resolves. */
export type OpenPool = (threads: number) => Promise<TaskPool>;

/** What every contender starts with, so that its threads are up; the payload of `tiny`. */
export const greeting = { n: 0, key: "" };
