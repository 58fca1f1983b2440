// The options of createOffloader: what each is for, its rule, its default.

import { consoleLogger, guardLogger, type Logger, silentLogger } from "./base/logger.js";
import {
  checkOptions,
  either,
  func,
  integerOrInfinity,
  invalid,
  milliseconds,
  object,
  oneOf,
  orInfinity,
  plainObject,
  type Rule,
  type Rules,
  record,
  string,
} from "./base/option-rules.js";
import type { TaskPolicy } from "./core/definition.js";
import type { TaskLogSettings } from "./core/log/task-log.js";
import { checkRole, type EngineRole, engineRule, roleRule } from "./engine/remote/options.js";
import type { EngineChoice } from "./engine/remote/remote-engine.js";
import { type PoolOptions, poolRule, type ResolvedPoolOptions, resolvePool } from "./engine/threads/options.js";
import { defaultPolicy, mergePolicy, type PolicyOptions, policyRule } from "./intake/call/dispatch-options.js";
import type { AnyTasks, TaskName } from "./intake/call/typed.js";
import { memoryLimit } from "./intake/memory.js";
import type { JournalOptions } from "./journal/options.js";

/** Options of `createOffloader`. */
export interface OffloaderOptions<Tasks = AnyTasks> {
  /**
   * The tasks module. A path such as `"./workers/images.js"` is looked for in the folder of the program, in the working directory
   * and in its `src`. In these places, `images.ts`, `images.mjs` or `images.cjs` is found where there is no `images.js`. Or a URL such
   * as `new URL("./workers/images.js", import.meta.url)`, or an absolute path such as `path.join(__dirname, "workers/images.js")`;
   * bundlers break both.
   */
  readonly tasks: URL | string;
  /**
   * A name for logs and reports. Default "offloader". If an offloader with this name and the same tasks module is open in
   * this process, `createOffloader` returns that one.
   */
  readonly name?: string | undefined;
  /** The threads that run the tasks. */
  readonly pool?: PoolOptions | undefined;
  /** How much may be unfinished (held, queued, delayed or running) at a time. More is refused with AR_QUEUE_FULL. */
  readonly queue?: QueueOptions | undefined;
  /** The callbacks of `runAfterResponse`. `concurrency`: how many run at the same time. Default 100. */
  readonly callbacks?: { readonly concurrency?: number | undefined } | undefined;
  /** The policy of every task and callback that has none of its own. */
  readonly defaults?: PolicyOptions | undefined;
  /** The policy of single tasks, by name. */
  readonly policies?: { readonly [Name in TaskName<Tasks>]?: PolicyOptions | undefined } | undefined;
  /**
   * Records accepted tasks on disk until they have ended, so that they survive the death of the process. Callbacks are not
   * recorded, because a closure means nothing to another process. Default: no journal.
   */
  readonly journal?: JournalOptions | undefined;
  /**
   * Where released tasks run, on whatever machine: what the function of an engine returns. They are on record here when the call returns,
   * and a thread forwards them. Callbacks, `run()` and `transfer` stay in this process, and so do tasks whose policy says
   * `engine: false`. Default: no engine, every task runs in this process.
   */
  readonly engine?: EngineChoice | undefined;
  /**
   * What this process does with the queue of `engine`: give tasks to it and run tasks from it (`"both"`, the default), only give
   * (`"dispatch"`), or run (`"work"`). What a task of a worker dispatches goes to the queue too.
   */
  readonly role?: EngineRole | undefined;
  /**
   * Called at each dispatch. What it returns, such as a request id, is `task.context` in the thread and is on every event and
   * log line of the task. If it throws, the dispatch throws. Default: none.
   */
  readonly context?: (() => unknown) | undefined;
  /** Where failures, warnings and the shutdown are logged, in pino's argument order. Default: stderr. `false`: nowhere. */
  readonly logger?: Logger | false | undefined;
  /** What is logged of tasks. */
  readonly log?: LogOptions | undefined;
}

/** Limits of admission. */
export interface QueueOptions {
  /** Unfinished tasks and callbacks at the most. Default 10,000. */
  readonly max?: number | undefined;
  /**
   * Bytes that the payloads of unfinished tasks may hold together. Default: a quarter of the memory that the process may
   * use, which is V8's heap limit or the container's limit, whichever is less.
   */
  readonly maxBytes?: number | undefined;
  /**
   * How long a task or callback waits for the end of its response, in ms. After that it is released as if the client had gone:
   * the outcome is `aborted`, with an `error` that says so, and `runIf` decides. The bound is there because clients that never
   * read would fill the queue. Infinity: no bound, for responses that stream for longer. Default 900,000: 15 minutes.
   */
  readonly maxHold?: number | undefined;
}

/** What is logged of tasks. Other warnings and the log of the shutdown do not depend on it. */
export interface LogOptions {
  /**
   * `"failed"` (default): logs each task and callback that failed for good as an error, and each attempt that is followed by
   * another as a warning. After ten that are alike within ten seconds they are summed up; what failed for good is still named by
   * id. `"slow"`: also logs, as info, ends that waited or ran for `slowMs` or more. `"all"`: also logs all other ends, or the part
   * of them that `sample` says. `"none"`: logs no end and no failed attempt. What is abandoned by a shutdown is always logged.
   */
  readonly ended?: "failed" | "slow" | "all" | "none" | undefined;
  /** With `"slow"` and `"all"`: from how long a wait or a run on an end is slow, in ms. Default 10,000. */
  readonly slowMs?: number | undefined;
  /** With `"all"`: which part of the ends that neither failed nor were slow is logged, from 0 to 1. Default 1: each. */
  readonly sample?: number | undefined;
  /**
   * How long a task or callback without a timeout runs before it is logged as a warning, in ms. It is logged again at twice the
   * time, at four times the time, and so on. The event `longRunning` and `stats().longRunning` follow it too. Infinity: never.
   * Default 60,000.
   */
  readonly longRunning?: number | undefined;
}

/** The options with every default filled. */
export interface ResolvedOptions {
  readonly tasks: URL | string;
  readonly name: string;
  readonly pool: ResolvedPoolOptions;
  readonly queue: { readonly max: number; readonly maxBytes: number; readonly maxHold: number };
  readonly log: TaskLogSettings & { readonly longRunning: number };
  readonly callbacks: { readonly concurrency: number };
  readonly defaults: TaskPolicy;
  readonly policies: ReadonlyMap<string, TaskPolicy>;
  readonly journal: JournalOptions | undefined;
  readonly engine: EngineChoice | undefined;
  readonly role: EngineRole;
  readonly context: (() => unknown) | undefined;
  readonly logger: Logger;
}

const logger: Rule = {
  expected: "an object with the methods info, warn and error, or false",
  holds: (value) =>
    value === false ||
    (typeof value === "object" &&
      value !== null &&
      ["info", "warn", "error"].every((name) => typeof Reflect.get(value, name) === "function")),
};

const share: Rule = {
  expected: "a number from 0 to 1",
  holds: (value) => typeof value === "number" && value >= 0 && value <= 1,
};

/** Ticks, in which the age of a task is kept, wrap after nearly five days. */
const longest = 4 * 86_400_000;

const rules: Rules<OffloaderOptions> = {
  tasks: {
    ...either({ expected: "", holds: (value) => value instanceof URL }, string),
    expected: 'the path or URL of the tasks module, as "./workers/tasks.js"',
  },
  name: string,
  pool: poolRule,
  queue: object<QueueOptions>({
    max: integerOrInfinity(1),
    maxBytes: integerOrInfinity(1),
    maxHold: orInfinity(milliseconds(1, longest)),
  }),
  callbacks: object<NonNullable<OffloaderOptions["callbacks"]>>({ concurrency: integerOrInfinity(1) }),
  defaults: policyRule,
  policies: record(policyRule),
  // Its fields are checked where it is opened.
  journal: plainObject,
  engine: engineRule,
  role: roleRule,
  context: func,
  logger,
  log: object<LogOptions>({
    ended: oneOf("failed", "slow", "all", "none"),
    slowMs: milliseconds(),
    sample: share,
    longRunning: orInfinity(milliseconds(1, longest)),
  }),
};

/**
 * The options with every default filled, frozen.
 *
 * @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given
 */
export function resolveOptions(options: OffloaderOptions): ResolvedOptions {
  const where = "createOffloader";
  checkOptions(where, options, rules);
  if (options.tasks === undefined) throw invalid(where, "tasks", rules.tasks.expected, undefined);
  checkRole(where, options.engine, options.role);
  const defaults = mergePolicy(defaultPolicy, options.defaults);
  const policies: [string, PolicyOptions | undefined][] = Object.entries(options.policies ?? {});
  return Object.freeze({
    tasks: options.tasks,
    name: options.name ?? "offloader",
    pool: resolvePool(where, options.pool ?? {}),
    queue: Object.freeze({
      max: options.queue?.max ?? 10_000,
      maxBytes: options.queue?.maxBytes ?? Math.floor(memoryLimit() / 4),
      maxHold: options.queue?.maxHold ?? 900_000,
    }),
    log: Object.freeze({
      // Without a logger no line is made, because its error would be made for it.
      ended: options.logger === false ? "none" : (options.log?.ended ?? "failed"),
      slowMs: options.log?.slowMs ?? 10_000,
      sample: options.log?.sample ?? 1,
      longRunning: options.log?.longRunning ?? 60_000,
    }),
    callbacks: Object.freeze({ concurrency: options.callbacks?.concurrency ?? 100 }),
    defaults,
    policies: new Map(policies.map(([name, policy]) => [name, mergePolicy(defaults, policy)])),
    journal: options.journal,
    engine: options.engine,
    role: options.role ?? "both",
    context: options.context,
    logger: options.logger === false ? silentLogger : guardLogger(options.logger ?? consoleLogger),
  });
}
