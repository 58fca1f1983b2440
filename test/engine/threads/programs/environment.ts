// Starts a thread before dotenv has loaded the environment, and one after it.

import { config } from "dotenv";
import { createOffloader } from "offload-after-response";

const source = "export const look = () => process.env.LATE_SECRET ?? 'unset';";
const offloader = createOffloader({
  tasks: new URL(`data:text/javascript,${encodeURIComponent(source)}`),
  pool: { minThreads: 1, maxThreads: 1, maxTasksPerThread: 1 },
});
await offloader.ready();
const first = await offloader.run("look");
config({ path: process.argv[2] ?? "", quiet: true });
const second = await offloader.run("look");
process.stdout.write(`seen ${first} ${second}\n`);
await offloader.close();
