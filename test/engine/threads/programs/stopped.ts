// Starts a thread whose module takes a while to load, within a startTimeout that is too short for a process that is stopped.
import { createOffloader } from "offload-after-response";

const source = "await new Promise((resolve) => setTimeout(resolve, 300)); export function nothing() {}";
const offloader = createOffloader({
  tasks: new URL(`data:text/javascript,${encodeURIComponent(source)}`),
  pool: { maxThreads: 1, startTimeout: 2_000 },
});
process.stdout.write("starting\n");
await offloader.ready();
process.stdout.write("ready\n");
await offloader.close();
