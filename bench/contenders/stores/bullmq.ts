// BullMQ: a job in a Redis that writes to the disk as BullMQ's guide to production says, a worker in a process of its own,
// and the queue's events to hear of the end. A job that has ended is removed.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Queue, QueueEvents } from "bullmq";
import { startRedis } from "../../harness/redis.js";
import type { OpenStore, StoreOptions, TaskStore } from "./contender.js";

export const openBullmq: OpenStore = (options) => open(options, "inline");

/** With a sandboxed processor on a worker thread of the worker's process, as its option `useWorkerThreads` has it. */
export const openBullmqThreads: OpenStore = (options) => open(options, "threads");

async function open({ dir, held, redisPort }: StoreOptions, processor: "inline" | "threads"): Promise<TaskStore> {
  const redis = redisPort === undefined ? await startRedis({ appendOnlyIn: dir }) : { port: redisPort, stop() {} };
  const connection = { host: "127.0.0.1", port: redis.port };
  const queue = new Queue("tiny", { connection });
  await queue.waitUntilReady();
  // A job may have ended before it is known to be accepted, so its id is chosen here.
  const waiting = new Map<string, () => void>();
  let serial = 0;
  let ended = 0;
  const stop = held
    ? () => {}
    : await run(redis.port, processor, (jobId) => {
        ended++;
        waiting.get(jobId)?.();
        waiting.delete(jobId);
      });
  return {
    accept(payload, done) {
      const jobId = `task-${++serial}`;
      waiting.set(jobId, done);
      return queue.add("tiny", payload, { jobId, removeOnComplete: true });
    },
    kept: () => queue.getJobCountByTypes("waiting", "active"),
    ended: () => ended,
    async close() {
      await stop();
      await queue.close();
      redis.stop();
    },
  };
}

/** Starts the worker; the function returned stops it. */
async function run(port: number, processor: string, completed: (jobId: string) => void): Promise<() => Promise<void>> {
  const events = new QueueEvents("tiny", { connection: { host: "127.0.0.1", port } });
  events.on("completed", ({ jobId }) => completed(jobId));
  // First, because a worker may find jobs that an earlier process has left.
  await events.waitUntilReady();
  const worker = fork(fileURLToPath(new URL("../../programs/bullmq-tiny-worker.js", import.meta.url)), [
    String(port),
    processor,
  ]);
  await once(worker, "message");
  return async () => {
    worker.kill("SIGTERM");
    await once(worker, "exit");
    await events.close();
  };
}
