// Closes while its thread loads the tasks module, which takes 20 s in native code.
import { createOffloader } from "offload-after-response";

const file = new URL("loads-slowly.mjs", import.meta.url);
const offloader = createOffloader({ tasks: file, pool: { maxThreads: 1 }, logger: false });
offloader.ready().catch(() => {});
process.once("SIGUSR2", async () => {
  await offloader.close({ timeout: 500 });
  console.log("closed");
  process.exit(3);
});
