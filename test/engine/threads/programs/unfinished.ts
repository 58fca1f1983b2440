// Calls process.exit() with work unfinished: running, queued, delayed.
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({
  tasks: new URL("../../../fixtures/output.mjs", import.meta.url),
  pool: { minThreads: 1, maxThreads: 1 },
});
await offloader.ready();
const delayed = offloader.offload("fails", undefined, { attempts: 2, backoff: 60_000 });
await new Promise<void>((resolve) => void offloader.on("retrying", () => resolve()));
const running = offloader.offload("slowly", { ms: 60_000 });
await new Promise<void>((resolve) => void offloader.on("started", () => resolve()));
const queued = offloader.offload("slowly", { ms: 60_000 });
console.log(JSON.stringify({ running: running.id, queued: queued.id, delayed: delayed.id }));
process.exit(Number(process.argv[2] ?? 0));
