// Does a number of jobs in one of the ways that a handler has, and tells how long the event loop stood still meanwhile, or how long
// another route's file reads took.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { createOffloader, type Offloader } from "offload-after-response";
import { answer } from "../harness/answer.js";
import { type MainThreadTime, startMeter } from "../harness/meter.js";
import { makeRows } from "../harness/rows.js";
import { quantile } from "../harness/statistics.js";
import * as jobs from "../threads/jobs.js";

export type Way =
  | "in the handler"
  | "in the handler, two at a time"
  | "one thread"
  | "two threads"
  | "three on one thread";

export interface JobOrder {
  readonly job: keyof typeof jobs;
  readonly way: Way;
  readonly count: number;
}

export interface JobReading extends MainThreadTime {
  /** The longest time that the event loop was late, in ms. */
  readonly stallMs: number;
  /** By how much the event loop was late, ms: 99 of 100 times no more. */
  readonly delayP99Ms: number;
}

const root = path.join(import.meta.dirname, "../../../..");
const photos = path.join(root, "examples/photos");
const smallFile = path.join(root, "package.json");
const msBetweenReads = 5;
const users = makeRows(20_000);
const payloads: Record<keyof typeof jobs, () => never> = {
  photo: () => ({ file: path.join(photos, "astronaut.png"), width: 320 }) as never,
  png: () => ({ file: path.join(photos, "chelsea.png") }) as never,
  markdown: () =>
    ({ text: `# Title\n\n${"Some *text* with [a link](https://example.com) and `code`.\n\n".repeat(2_000)}` }) as never,
  pdf: () => ({ pages: 20 }) as never,
  hash: () => ({ password: "correct horse battery staple", rounds: 8 }) as never,
  json: () => ({ text: JSON.stringify(makeRows(100_000)) }) as never,
  rows: () => ({ users }) as never,
};

const pools = {
  "one thread": { maxThreads: 1 },
  "two threads": { maxThreads: 2 },
  // One fewer than libuv has threads for the whole process, so that a file read finds one.
  "three on one thread": { maxThreads: 1, concurrentTasksPerThread: 3 },
};
const offloaders = new Map<Way, Offloader<typeof jobs>>();

answer({
  async measure({ job, way, count }: JobOrder): Promise<JobReading> {
    const start = await warmStarter(way, job);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const read = startMeter();
    await Promise.all(Array.from({ length: count }, start));
    const time = read();
    // What stood still last is recorded when the loop goes on.
    await new Promise((resolve) => setTimeout(resolve, 5));
    delay.disable();
    const late = (ns: number): number => Math.max(0, ns / 1e6 - 1);
    return { ...time, stallMs: late(delay.max), delayP99Ms: late(delay.percentile(99)) };
  },
  /** How long a file read took beside the jobs, ms: 99 of 100 times no more. Apart from `measure`, whose figures it would change. */
  async measureReads({ job, way, count }: JobOrder): Promise<number> {
    const start = await warmStarter(way, job);
    await readFile(smallFile);
    const stopReads = startReads();
    await Promise.all(Array.from({ length: count }, start));
    return quantile(await stopReads(), 0.99);
  },
  async close() {
    for (const offloader of offloaders.values()) await offloader.close();
  },
});

/** What starts one job in a way. Code is compiled, and threads have loaded what they need, so that the clock can start. */
async function warmStarter(way: Way, job: keyof typeof jobs): Promise<() => Promise<unknown>> {
  const start = await starter(way, job, payloads[job]());
  await Promise.all([start(), start()]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  return start;
}

/** What starts one job in a way; resolves when it is done. */
async function starter(way: Way, job: keyof typeof jobs, payload: never): Promise<() => Promise<unknown>> {
  const call = Reflect.get(jobs, job) as (payload: never) => unknown;
  if (way === "in the handler") return async () => await call(payload);
  if (way === "in the handler, two at a time") return limited(2, async () => await call(payload));
  const known = offloaders.get(way);
  const offloader =
    known ??
    createOffloader<typeof jobs>({
      tasks: new URL("../threads/jobs.js", import.meta.url),
      pool: pools[way],
      name: way,
    });
  offloaders.set(way, offloader);
  await offloader.ready();
  return () => offloader.run(job, payload);
}

/**
 * Starts a read of a small file every few ms, whatever became of those before, as clients do that know nothing of each other. The function
 * returned starts no more, and resolves with how long each took, in ms, once the last has ended.
 */
function startReads(): () => Promise<number[]> {
  const reads: Promise<number>[] = [];
  let due = performance.now() + msBetweenReads;
  // A read that the event loop is late for is as late for its client, so the clock starts when it is due.
  const read = async (dueAt: number): Promise<number> => {
    await readFile(smallFile);
    return performance.now() - dueAt;
  };
  const startDue = (): void => {
    for (; due <= performance.now(); due += msBetweenReads) reads.push(read(due));
    timer = setTimeout(startDue, Math.ceil(due - performance.now()));
  };
  let timer = setTimeout(startDue, msBetweenReads);
  return () => {
    clearTimeout(timer);
    return Promise.all(reads);
  };
}

/** A semaphore: at most so many at a time. */
function limited(most: number, job: () => Promise<unknown>): () => Promise<unknown> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async () => {
    if (running === most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
