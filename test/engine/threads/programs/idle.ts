// Runs a few tasks and does nothing more: it ends by itself, its threads still there.
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({
  tasks: new URL("../../../fixtures/output.mjs", import.meta.url),
  pool: { minThreads: 2, maxThreads: 2, idleTimeout: Number.POSITIVE_INFINITY },
});
await offloader.ready();
const results = [1, 2, 3].map((value) => offloader.run("slowly", { value, ms: 50 }));
console.log(`results ${(await Promise.all(results)).join(" ")}`);
