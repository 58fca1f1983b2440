// The options of `pgBoss()`: data alone, because they travel to the thread of the engine.
import { checkOptions, integer, invalid, milliseconds, type Rules } from "../../../base/option-rules.js";
import { connectionRule } from "../connection.js";

/** Options of `pgBoss()`. */
export interface PgBossOptions {
  /**
   * Where PostgreSQL is: a URL, `"postgres://user:password@127.0.0.1/photos"`, or the options of `pg` as data, `{ host, user, ssl: {} }`. A
   * client that is connected already is refused, because the engine has a thread of its own. It opens at most four connections, or `max`.
   */
  readonly connection: string | Readonly<Record<string, unknown>>;
  /** Name of the queue. Every process that gives tasks to it or runs tasks from it has the same. It is made when it is not there. */
  readonly queue: string;
  /** The schema of pg-boss. It is made when it is not there. Default `"pgboss"`, pg-boss' own. */
  readonly schema?: string | undefined;
  /**
   * For how long a worker may be out of touch before its tasks are given to another one, in ms. If PostgreSQL stands still for longer,
   * each running task may run twice. The same in every process of the queue. Default 30,000.
   */
  readonly lockMs?: number | undefined;
  /** How often a worker with free threads looks for tasks when it has found none, in ms. Default 500. */
  readonly pollMs?: number | undefined;
  /** For how long a task that has succeeded is kept, so that a second submission of it is recognised, in ms. Default 300,000. */
  readonly keepSucceededMs?: number | undefined;
}

export type ResolvedPgBossOptions = {
  readonly [Name in keyof PgBossOptions]-?: Exclude<PgBossOptions[Name], undefined>;
};

const day = 86_400_000;
const matches = (expected: string, pattern: RegExp) => ({
  expected,
  holds: (value: unknown) => typeof value === "string" && pattern.test(value),
});

const rules: Rules<PgBossOptions> = {
  connection: connectionRule(["postgres", "postgresql"]),
  // They stand in the statements of pg-boss as they are.
  queue: matches("a name of letters, digits, - and _", /^[\w-]{1,200}$/),
  schema: matches("a name of at most 50 letters, digits and _, no digit first", /^[a-z_]\w{0,49}$/i),
  lockMs: milliseconds(1_000, day),
  pollMs: milliseconds(50, day),
  keepSucceededMs: integer(1_000),
};

/** @throws OffloadError AR_INVALID_OPTIONS */
export function resolvePgBoss(options: PgBossOptions): ResolvedPgBossOptions {
  checkOptions("pgBoss", options, rules);
  for (const name of ["connection", "queue"] as const) {
    if (options[name] === undefined) throw invalid("pgBoss", name, rules[name].expected, undefined);
  }
  const { connection, queue, schema = "pgboss", lockMs = 30_000, pollMs = 500, keepSucceededMs = 300_000 } = options;
  return { connection, queue, schema, lockMs, pollMs, keepSucceededMs };
}
