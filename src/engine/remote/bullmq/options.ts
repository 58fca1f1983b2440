// The options of `bullmq()`: data alone, because they travel to the thread of the engine.
import { checkOptions, integer, invalid, milliseconds, type Rules, string } from "../../../base/option-rules.js";
import { connectionRule } from "../connection.js";

/** Options of `bullmq()`. */
export interface BullMQOptions {
  /**
   * Where Redis or Valkey is: a URL, `"redis://127.0.0.1:6379"`, or the options of ioredis as data, `{ host, port, password, tls: {} }`. A
   * client that is connected already is refused, because the engine has a thread of its own.
   */
  readonly connection: string | Readonly<Record<string, unknown>>;
  /** Name of the queue. Every process that gives tasks to it or runs tasks from it has the same. */
  readonly queue: string;
  /** Of all keys in Redis. Default `"bull"`, BullMQ's own. */
  readonly prefix?: string | undefined;
  /**
   * For how long a worker may be out of touch before its tasks are given to another one, in ms. If Redis stands still for longer, each
   * running task runs twice. Default 30,000.
   */
  readonly lockMs?: number | undefined;
  /** How often dead workers are looked for, in ms. Default 5,000. */
  readonly stalledMs?: number | undefined;
  /** For how long a task that has succeeded is kept, so that a second submission of it is recognised, in ms. Default 300,000. */
  readonly keepSucceededMs?: number | undefined;
}

export type ResolvedBullMQOptions = {
  readonly [Name in keyof BullMQOptions]-?: Exclude<BullMQOptions[Name], undefined>;
};

const day = 86_400_000;

const rules: Rules<BullMQOptions> = {
  connection: connectionRule(["redis", "rediss"]),
  queue: {
    expected: "a name without a colon",
    holds: (value) => string.holds(value) && !String(value).includes(":") && value !== "",
  },
  prefix: string,
  lockMs: milliseconds(1_000, day),
  stalledMs: milliseconds(500, day),
  keepSucceededMs: integer(1_000),
};

/** @throws OffloadError AR_INVALID_OPTIONS */
export function resolveBullMQ(options: BullMQOptions): ResolvedBullMQOptions {
  checkOptions("bullmq", options, rules);
  for (const name of ["connection", "queue"] as const) {
    if (options[name] === undefined) throw invalid("bullmq", name, rules[name].expected, undefined);
  }
  const { connection, queue, prefix = "bull", lockMs = 30_000, stalledMs = 5_000, keepSucceededMs = 300_000 } = options;
  return { connection, queue, prefix, lockMs, stalledMs, keepSucceededMs };
}
