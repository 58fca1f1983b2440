// The process that runs BullMQ's worker. Arguments: the port of Redis, how many jobs at a time.
import { fileURLToPath } from "node:url";
import { Worker } from "bullmq";
import { serve } from "../harness/bullmq-worker.js";

const [port, concurrency] = process.argv.slice(2).map(Number);
const processor = fileURLToPath(new URL("../threads/bullmq.js", import.meta.url));
const worker = new Worker("work", processor, {
  connection: { host: "127.0.0.1", port },
  concurrency,
});
await serve(worker);
