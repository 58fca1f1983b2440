// Runs a task within its timeout, which is too short for a process that is stopped meanwhile.
import { createOffloader } from "offload-after-response";

// In steps, so that it still has work to do when the process goes on.
const source = `
  export async function work() {
    process.stdout.write("working\\n");
    for (let step = 0; step < 25; step++) await new Promise((resolve) => setTimeout(resolve, 20));
  }`;
const offloader = createOffloader({
  tasks: new URL(`data:text/javascript,${encodeURIComponent(source)}`),
  pool: { maxThreads: 1, abortGrace: 50 },
});
await offloader.ready();
const task = offloader.offload("work", undefined, { timeout: 1_000 });
await task.result()?.catch(() => {});
process.stdout.write(`ended ${task.state}\n`);
await offloader.close();
