// What a process does whose only work is a worker of BullMQ: it says when it is ready, and ends with its parent.
import type { Worker } from "bullmq";

export async function serve(worker: Worker): Promise<void> {
  await worker.waitUntilReady();
  process.send?.("ready");
  process.once("SIGTERM", async () => {
    await worker.close(true);
    process.exit();
  });
  process.once("disconnect", () => process.exit());
}
