// The process that runs BullMQ's worker. Arguments: the port of Redis, how many jobs at a time.
import { fileURLToPath } from "node:url";
import { Worker } from "bullmq";

const [port, concurrency] = process.argv.slice(2).map(Number);
const processor = fileURLToPath(new URL("../threads/bullmq.js", import.meta.url));
const worker = new Worker("work", processor, {
  connection: { host: "127.0.0.1", port },
  concurrency,
});
await worker.waitUntilReady();
process.send?.("ready");

process.once("SIGTERM", async () => {
  await worker.close(true);
  process.exit();
});
process.once("disconnect", () => process.exit());
