// The client of its engine is in native code for 20 s when it is to end.
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({
  tasks: new URL("../../../fixtures/engine.mjs", import.meta.url),
  pool: { maxThreads: 1 },
  engine: {
    name: "sticks",
    module: new URL("sticking-client.mjs", import.meta.url).href,
    options: {},
    limits: { maxBytes: 1_000, replace: false, transactional: false },
  },
  role: "dispatch",
  logger: false,
});
while (offloader.stats().engine?.up !== true) await new Promise((resolve) => setTimeout(resolve, 10));
await offloader.close({ timeout: 500 });
console.log("closed");
process.exit(3);
