// The process that runs BullMQ's worker for tiny tasks. Arguments: the port of Redis, and whether the tasks run "inline" in this process's
// own thread, or in a sandboxed processor on "threads".
import { fileURLToPath } from "node:url";
import { type Job, Worker } from "bullmq";
import { serve } from "../harness/bullmq-worker.js";
import { tiny } from "../threads/tasks.js";

const [port, processor] = process.argv.slice(2);
const connection = { host: "127.0.0.1", port: Number(port) };
const worker =
  processor === "threads"
    ? new Worker("tiny", fileURLToPath(new URL("../threads/bullmq-tiny.js", import.meta.url)), {
        connection,
        useWorkerThreads: true,
        concurrency: 1,
      })
    : new Worker("tiny", async (job: Job) => tiny(job.data), {
        connection,
        // Of what waits for Redis and not for the CPU, many at a time are faster.
        concurrency: 100,
      });
await serve(worker);
