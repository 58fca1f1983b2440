// A task in native code is told to have timed out, and another waits for its thread. Nothing else keeps the process alive.
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({
  tasks: new URL("../../../fixtures/native.mjs", import.meta.url),
  pool: { maxThreads: 1, maxStuckThreads: 0, abortGrace: 50 },
});
await offloader.ready();
let has = "nothing";
const stuck = offloader.offload("sleepsOutside", { seconds: 3 }, { timeout: 100 });
stuck.result().catch(({ code }) => {
  has = code;
});
const waiting = offloader.offload("where");
process.once("exit", () => {
  const ran = waiting.state === "succeeded" ? 1 : 0;
  process.stdout.write(`${has}, then ${ran} of 1 waiting task has run\n`);
});
