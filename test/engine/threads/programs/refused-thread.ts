// The system refuses one more thread, as it does at a limit of its pids: `new Worker()` throws.
import { createRequire } from "node:module";
import { createOffloader } from "offload-after-response";

// What Piscina reads at each start of a thread.
const threads = createRequire(import.meta.url)("node:worker_threads") as { Worker: unknown };
const { Worker } = threads;
threads.Worker = class {
  constructor() {
    throw Object.assign(new Error("Worker initialization failure: EAGAIN"), { code: "ERR_WORKER_INIT_FAILED" });
  }
};
const offloader = createOffloader({
  tasks: new URL("data:text/javascript,export function nothing() {}"),
  pool: { minThreads: 1, maxThreads: 1 },
});
await offloader.ready().catch((error: Error) => process.stdout.write(`refused: ${error.message}\n`));
threads.Worker = Worker;
await offloader.close();
process.stdout.write("closed\n");
