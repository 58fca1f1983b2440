// plainjob: a queue in SQLite by better-sqlite3, both installed by bench/harness/on-demand.ts. Its worker looks for jobs on the caller's
// own event loop, as its README starts it, and marks a job as done in the database.
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { tiny } from "../../threads/tasks.js";
import type { Payload, StoreOptions, TaskStore } from "./contender.js";

interface Job {
  readonly id: number;
  readonly data: string;
}

/** What is used of it. */
interface Plainjob {
  better(database: object): object;
  defineQueue(options: { connection: object; logger: object }): {
    add(type: string, data: object): { id: number };
    countJobs(of: { status: number }): number;
    close(): void;
  };
  defineWorker(
    type: string,
    run: (job: Job) => Promise<void>,
    options: { queue: object; logger: object; pollIntervall: number; onCompleted: (job: Job) => void },
  ): { start(): Promise<void>; stop(): Promise<void> };
}

const silent = { error: console.error, warn() {}, info() {}, debug() {} };
// Its default of 1 s between two looks into an empty queue would be all that is measured of a task that comes alone.
const pollMs = 1;
/** Its `JobStatus.Pending` and `JobStatus.Processing`. */
const unended = [0, 1];

export async function openPlainjob({ dir, held, installed = {} }: StoreOptions): Promise<TaskStore> {
  const Database: new (file: string) => object = createRequire(import.meta.url)(installed["better-sqlite3"] ?? "");
  const entry = path.join(installed.plainjob ?? "", "dist/plainjob.js");
  const { better, defineQueue, defineWorker }: Plainjob = await import(pathToFileURL(entry).href);
  const connection = better(new Database(path.join(dir, "plainjob.db")));
  const queue = defineQueue({ connection, logger: silent });
  const waiting = new Map<number, () => void>();
  let ended = 0;
  const worker = defineWorker("tiny", async ({ data }) => void tiny(JSON.parse(data) as Payload), {
    queue,
    logger: silent,
    pollIntervall: pollMs,
    onCompleted({ id }) {
      ended++;
      waiting.get(id)?.();
      waiting.delete(id);
    },
  });
  if (!held) void worker.start();
  return {
    accept: (payload, done) => void waiting.set(queue.add("tiny", payload).id, done),
    kept: () => unended.reduce((sum, status) => sum + queue.countJobs({ status }), 0),
    ended: () => ended,
    async close() {
      if (!held) await worker.stop();
      queue.close();
    },
  };
}
