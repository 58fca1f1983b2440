// Closes without any time: its threads are terminated in the middle of their teardown, right before it exits.
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({
  tasks: new URL("ends-slowly.mjs", import.meta.url),
  pool: { minThreads: 2, maxThreads: 2 },
  logger: false,
});
await offloader.ready();
await offloader.close({ timeout: 0 });
console.log("closed");
process.exit(3);
