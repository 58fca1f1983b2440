// What the pool benchmarks ask of a contender. Each is a file beside this one, used as its own README says.

export interface TinyPayload {
  readonly n: number;
  readonly key: string;
}

/** Called when a task has ended, with its result where the contender tells it. */
export type Done = (result?: number) => void;

export interface TaskPool {
  /** Starts `tiny`. */
  tiny(payload: TinyPayload, done: Done): void;
  /** Starts `touch` with bytes that are copied. */
  copy(bytes: Uint8Array, done: Done): void;
  /** Starts `touch` with bytes whose buffer is moved. */
  move(bytes: Uint8Array<ArrayBuffer>, done: Done): void;
  /**
   * Only where nobody hears of the single task: resolves when all that was started has ended. `done` is not called then.
   */
  readonly idle?: () => Promise<void>;
  close(): Promise<unknown>;
}

/** Starts the contender with this many threads, all up when it resolves. */
export type OpenPool = (threads: number) => Promise<TaskPool>;
