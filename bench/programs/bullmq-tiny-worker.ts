// The process that runs BullMQ's worker for tiny tasks, in its own thread, since a sandbox costs more than they do.
// Argument: the port of Redis.
import { type Job, Worker } from "bullmq";
import { serve } from "../harness/bullmq-worker.js";
import { tiny } from "../threads/tasks.js";

const worker = new Worker("tiny", async (job: Job) => tiny(job.data), {
  connection: { host: "127.0.0.1", port: Number(process.argv[2]) },
  // Of what waits for Redis and not for the CPU, many at a time are faster.
  concurrency: 100,
});
await serve(worker);
