// The options of the thread pool: what each is for, its rule, its default.
import {
  anything,
  boolean,
  integer,
  integerOrInfinity,
  invalid,
  milliseconds,
  object,
  orInfinity,
  plainObject,
  type Rule,
  stringList,
} from "../../base/option-rules.js";
import { parallelism } from "./parallelism.js";

/** The threads that run the tasks. */
export interface PoolOptions {
  /** Threads that are started at once and kept. Default 1. 0 starts the first thread with the first task. */
  readonly minThreads?: number | undefined;
  /**
   * Threads at the most. Default: the CPUs this process may use (a container's quota is respected) less one for the main
   * thread, at least 1.
   */
  readonly maxThreads?: number | undefined;
  /**
   * A thread in native code, such as `pbkdf2Sync` or `execFileSync`, cannot be terminated before that returns. Another takes
   * its place meanwhile, as long as there are no more than so many of them. Default: `maxThreads`.
   */
  readonly maxStuckThreads?: number | undefined;
  /** How long a thread above `minThreads` stays without work, in ms. Default 60,000; a thread costs about 22 ms to start. */
  readonly idleTimeout?: number | undefined;
  /** Tasks that one thread runs at the same time. Default 1, right for CPU-bound tasks; more suits tasks that wait for I/O. */
  readonly concurrentTasksPerThread?: number | undefined;
  /** A thread is replaced after so many tasks, against leaks in the tasks' code. Default Infinity. */
  readonly maxTasksPerThread?: number | undefined;
  /**
   * A thread is replaced once it holds more than so many bytes after a task (heap and buffers), against leaks in the tasks'
   * code. Default Infinity. `resourceLimits` is the hard limit, which fails the task; this one fails none.
   */
  readonly maxThreadMemory?: number | undefined;
  /**
   * Added to the niceness of the threads, 0 to 19: with more than 0 the system prefers the main thread, and with it the
   * requests, where both want a CPU. Processes and native threads that a task starts inherit it. Linux only: on other systems
   * niceness belongs to the whole process, and this option changes nothing. Default 5.
   */
  readonly priority?: number | undefined;
  /**
   * For development: renews the threads when a source file in the folder of the tasks module changes. Default false.
   */
  readonly watch?: boolean | undefined;
  /** How long a task may go on after its signal aborted, before its thread is terminated, in ms. Default 1,000. */
  readonly abortGrace?: number | undefined;
  /** How long the teardown hooks of a thread may take, in ms. Default 5,000. */
  readonly teardownTimeout?: number | undefined;
  /**
   * How long a thread may take to load the tasks module, in ms, and later how long it may take to begin a task it was sent.
   * Default 30,000. Where the first threads take longer, dispatches are refused until one has loaded it.
   */
  readonly startTimeout?: number | undefined;
  /** Memory limits of each thread, as in `new Worker()`. A task over them fails with AR_OUT_OF_MEMORY. */
  readonly resourceLimits?: import("node:worker_threads").ResourceLimits | undefined;
  /** The threads' `process.env`. Default: a copy of the process's, taken by `createOffloader`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Node options for the threads, such as `["--import", "tsx"]`. Default: the process's own. */
  readonly execArgv?: readonly string[] | undefined;
  /** What `workerData` of `node:worker_threads` is in the threads. */
  readonly workerData?: unknown;
}

/** These have no default: what is left out stays out. */
type WithoutDefault = "resourceLimits" | "env" | "execArgv" | "workerData";

export type ResolvedPoolOptions = {
  readonly [Name in keyof Required<PoolOptions>]: Name extends WithoutDefault
    ? PoolOptions[Name]
    : Exclude<PoolOptions[Name], undefined>;
};

export const poolRule: Rule = object<PoolOptions>({
  minThreads: integer(0),
  maxThreads: integer(1),
  maxStuckThreads: integer(0),
  idleTimeout: orInfinity(milliseconds()),
  concurrentTasksPerThread: integer(1, 1_000),
  maxTasksPerThread: integerOrInfinity(1),
  maxThreadMemory: integerOrInfinity(1),
  priority: integer(0, 19),
  watch: boolean,
  abortGrace: milliseconds(),
  teardownTimeout: milliseconds(),
  startTimeout: milliseconds(1),
  resourceLimits: plainObject,
  env: plainObject,
  execArgv: stringList,
  workerData: anything,
});

/**
 * The options with every default filled, frozen.
 *
 * @param where the call as it stands in messages
 * @throws OffloadError AR_INVALID_OPTIONS
 */
export function resolvePool(where: string, pool: PoolOptions): ResolvedPoolOptions {
  const minThreads = pool.minThreads ?? Math.min(1, pool.maxThreads ?? 1);
  const maxThreads = pool.maxThreads ?? Math.max(parallelism() - 1, minThreads, 1);
  if (minThreads > maxThreads) {
    throw invalid(where, "pool.minThreads", `at most pool.maxThreads (${maxThreads})`, minThreads);
  }
  return Object.freeze({
    minThreads,
    maxThreads,
    maxStuckThreads: pool.maxStuckThreads ?? maxThreads,
    idleTimeout: pool.idleTimeout ?? 60_000,
    concurrentTasksPerThread: pool.concurrentTasksPerThread ?? 1,
    maxTasksPerThread: pool.maxTasksPerThread ?? Number.POSITIVE_INFINITY,
    maxThreadMemory: pool.maxThreadMemory ?? Number.POSITIVE_INFINITY,
    priority: pool.priority ?? 5,
    watch: pool.watch ?? false,
    abortGrace: pool.abortGrace ?? 1_000,
    teardownTimeout: pool.teardownTimeout ?? 5_000,
    startTimeout: pool.startTimeout ?? 30_000,
    resourceLimits: pool.resourceLimits,
    env: pool.env,
    execArgv: pool.execArgv,
    workerData: pool.workerData,
  });
}
