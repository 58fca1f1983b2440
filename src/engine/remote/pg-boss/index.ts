// `offload-after-response/pg-boss`: tasks on a queue of pg-boss, in PostgreSQL.
/** @module offload-after-response/pg-boss */
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { EngineChoice } from "../remote-engine.js";
import { makeEngineTask } from "../transaction/make-engine-task.js";
import { toJob } from "./job.js";
import { type PgBossOptions, resolvePgBoss } from "./options.js";
import { insertJobs } from "./statements.js";

export type { PgBossOptions } from "./options.js";

/** A task is one row, and everybody who looks at the queue reads it. */
const maxBytes = 256 * 1024;

/**
 * The option `engine` for pg-boss: released tasks go to its queue in PostgreSQL, and the threads of any process with the same queue run
 * them. With the option `transaction` of a call, a task is a part of your own transaction. It needs the packages `pg-boss`, version 10 or
 * later, and `pg`.
 *
 * @param options where PostgreSQL is, and the name of the queue
 * @returns for the option `engine` of `createOffloader`
 * @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given
 * @example
 * ```ts
 * import { createOffloader } from "offload-after-response";
 * import { pgBoss } from "offload-after-response/pg-boss";
 *
 * createOffloader({
 *   tasks: "./workers/tasks.js",
 *   journal: { dir: "/var/lib/photos/journal" },
 *   engine: pgBoss({ connection: "postgres://127.0.0.1/photos", queue: "photos" }),
 * });
 * ```
 */
export function pgBoss(options: PgBossOptions): EngineChoice {
  const resolved = resolvePgBoss(options);
  const text = insertJobs(resolved.schema);
  return {
    name: "pg-boss",
    module: pathToFileURL(path.join(__dirname, "offload-after-response-pg-boss.cjs")).href,
    options: resolved,
    limits: { maxBytes, replace: false, transactional: true },
    transactions: {
      make: makeEngineTask,
      async insert(client, task) {
        const values = [resolved.queue, JSON.stringify([toJob(task)])];
        await ("executeSql" in client ? client.executeSql(text, values) : client.query(text, values));
      },
    },
  };
}
