// A worker process of the engine's benchmark: BullMQ's with sandboxed threads, or ours with as many threads. It measures itself from the
// end of its warm-up on: tasks a second, and CPU of the whole process a task.
import { createOffloader } from "offload-after-response";
import { bullmq } from "offload-after-response/bullmq";

const { kind, connection, queue, threads, warmUp, tasks } = JSON.parse(process.argv[2]);

const workers = {
  async plain(done) {
    const { Worker } = await import("bullmq");
    const url = new URL(connection);
    const worker = new Worker(queue, new URL("sandbox.mjs", import.meta.url), {
      connection: { host: url.hostname, port: Number(url.port) },
      concurrency: threads,
      useWorkerThreads: true,
      removeOnComplete: { age: 300 },
    });
    worker.on("completed", done);
  },
  async ours(done) {
    const offloader = createOffloader({
      tasks: new URL("tasks.mjs", import.meta.url),
      pool: { maxThreads: threads },
      engine: bullmq({ connection, queue }),
      role: "work",
      logger: false,
    });
    offloader.on("succeeded", done);
  },
};

let count = 0;
let begun;
process.once("disconnect", () => process.exit());
await workers[kind](() => {
  count++;
  if (count === warmUp) begun = { at: performance.now(), cpu: process.cpuUsage() };
  if (count === warmUp + tasks) {
    const seconds = (performance.now() - begun.at) / 1_000;
    const { user, system } = process.cpuUsage(begun.cpu);
    process.send({ value: { perSecond: tasks / seconds, cpuUs: (user + system) / tasks } });
  }
});
