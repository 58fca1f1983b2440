// What the store benchmark asks of a contender: a task is accepted so that it outlives the process, runs, and is gone from
// the store. Each is a file beside this one, used as its own README says.
import { createOffloader, type Offloader, type OffloaderOptions } from "offload-after-response";
import type * as tasks from "../../threads/tasks.js";

/** The payload of `tiny` in bench/threads/tasks.ts. */
export interface Payload {
  readonly n: number;
  readonly key: string;
}

export interface TaskStore {
  /**
   * Accepts a task and has it run.
   *
   * @param done called when the task has ended and is gone from the store
   * @returns nothing where the task would survive the process as soon as the call returns; otherwise a promise that resolves
   *   once it would
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: it is what a function without a return statement returns
  accept(payload: Payload, done: () => void): void | Promise<unknown>;
  /** Accepted tasks that have not ended, those of earlier processes included: as many as it still knows of. */
  kept(): number | Promise<number>;
  /** Tasks that have ended since this process opened the store; there only where a store itself runs what an earlier process has left. */
  ended?(): number | Promise<number>;
  close(): unknown;
}

/** Where a contender keeps what it has, and what it needs from outside the repository. */
export interface StoreOptions {
  /** A directory of its own: empty, or with what an earlier process of the same contender has left. */
  readonly dir: string;
  /** Default false: what is accepted runs. Otherwise nothing does. */
  readonly held?: boolean;
  /** The Redis to use. Default: the contender that needs one starts its own, which ends with it. */
  readonly redisPort?: number | undefined;
  /** The folders of the packages that were installed for this run, by name. */
  readonly installed?: Readonly<Record<string, string>>;
}

/** Starts the contender with one thread or worker, up when it resolves. */
export type OpenStore = (options: StoreOptions) => Promise<TaskStore>;

/** The pool that the contenders by hand run the tasks in; with `held` it runs nothing. */
export async function openPool(
  held: boolean | undefined,
  options: Partial<OffloaderOptions> = {},
): Promise<Offloader<typeof tasks>> {
  const offloader = createOffloader<typeof tasks>({
    tasks: new URL("../../threads/tasks.js", import.meta.url),
    pool: { minThreads: 1, maxThreads: 1 },
    // Where nothing runs, the lines about what is left are no news.
    ...(held && { logger: false }),
    ...options,
  });
  // In the same turn: nothing of an earlier process has been brought back.
  if (held) offloader.pause();
  await offloader.ready();
  return offloader;
}
