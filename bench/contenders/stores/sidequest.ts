// sidequest: jobs in SQLite, which its engine looks for in this process and runs on a thread of Piscina. It does not tell the
// process that enqueued a job of its end, so the ends are counted in the database.
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Payload, StoreOptions, TaskStore } from "./contender.js";

/** What is used of it. */
interface Sidequest {
  configure(options: object): Promise<unknown>;
  start(options: object): Promise<void>;
  stop(): Promise<void>;
  build(job: object): { enqueue(payload: Payload): Promise<unknown> };
  readonly job: { count(): Promise<Counts> };
}

/** Jobs by their state. */
interface Counts {
  readonly waiting: number;
  readonly claimed: number;
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
}

// Its default of 100 ms between two looks into an empty queue would be all that is measured of a task that comes alone.
const pollMs = 10;
/** How often the ends are counted. */
const countMs = 10;

export async function openSidequest({ dir, held, installed = {} }: StoreOptions): Promise<TaskStore> {
  const entry = pathToFileURL(path.join(installed.sidequest ?? "", "dist/index.js")).href;
  // Its threads have the same environment.
  process.env.BENCH_SIDEQUEST = entry;
  const { Sidequest }: { Sidequest: Sidequest } = await import(entry);
  const { Tiny } = await import("../../threads/sidequest-tiny.js");
  const options = {
    backend: { driver: "@sidequest/sqlite-backend", config: path.join(dir, "sidequest.db") },
    // Of the 10 jobs that it takes from the database at a time, the thread runs one after the other.
    minThreads: 1,
    maxThreads: 1,
    jobPollingInterval: pollMs,
    fork: false,
    gracefulShutdown: false,
    dashboard: { enabled: false },
    logger: { level: "error" },
  };
  await (held ? Sidequest.configure(options) : Sidequest.start(options));

  // The ends come nearly in the order of acceptance, and all that is measured is when the last has ended.
  const waiting: (() => void)[] = [];
  let ended = 0;
  let counting: NodeJS.Timeout | undefined;
  async function count(): Promise<void> {
    const { completed, failed } = await Sidequest.job.count();
    if (failed > 0) throw new Error(`sidequest: ${failed} jobs failed`);
    for (const done of waiting.splice(0, completed - ended)) done();
    ended = completed;
    counting = waiting.length > 0 ? setTimeout(count, countMs) : undefined;
  }
  return {
    accept(payload, done) {
      waiting.push(done);
      if (!held) counting ??= setTimeout(count, countMs);
      return Sidequest.build(Tiny).enqueue(payload);
    },
    async kept() {
      const { waiting, claimed, running } = await Sidequest.job.count();
      return waiting + claimed + running;
    },
    ended: async () => (await Sidequest.job.count()).completed,
    async close() {
      clearTimeout(counting);
      await Sidequest.stop();
    },
  };
}
