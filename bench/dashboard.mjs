// node bench/dashboard.mjs: how long the main thread works for one open page, with 10,000 tasks that wait and 50 names. Beside it
// the same process with nobody looking. Run `npm run build` before. On Linux.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Worker } from "node:worker_threads";
import { createOffloader } from "offload-after-response";
import { dashboard } from "offload-after-response/dashboard";

const seconds = Number(process.argv[2] ?? 20);
const names = Array.from({ length: 50 }, (_, n) => `task${n}`);

const offloader = createOffloader({
  tasks: new URL("dashboard/names.cjs", import.meta.url),
  pool: { minThreads: 1, maxThreads: 1 },
  queue: { max: 20_000 },
  logger: false,
});
const page = dashboard(offloader, { access: "local" });
const server = createServer((req, res) => page(req, res)).listen(0, "127.0.0.1");
await once(server, "listening");

// Every name has been run, so that its percentiles have to be computed.
await Promise.all(names.flatMap((name) => Array.from({ length: 100 }, () => offloader.run(name))));
offloader.pause();
for (let n = 0; n < 10_000; n++) offloader.offload(names[n % names.length], { n });

/** CPU time of the main thread until now, in ms: not the time that the event loop was busy, because others may have had the CPU. */
function cpuMs() {
  const [ns] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
  return Number(ns) / 1e6;
}

/** The same for each second from now on. */
async function busyMsASecond() {
  const before = cpuMs();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  return (cpuMs() - before) / seconds;
}

// The reader is in another thread, so that its own work does not count.
const reader = `
  const { get } = require("node:http");
  const { parentPort, workerData } = require("node:worker_threads");
  get(workerData, (response) => response.on("data", (chunk) => parentPort.postMessage(chunk.length)));
`;

await busyMsASecond();
const alone = await busyMsASecond();
const worker = new Worker(reader, { eval: true, workerData: `http://127.0.0.1:${server.address().port}/events` });
await once(worker, "message");
let bytes = 0;
worker.on("message", (length) => {
  bytes += length;
});
await busyMsASecond();
bytes = 0;
const watched = await busyMsASecond();
await worker.terminate();

const ms = (value) => `${value.toFixed(2)} ms`;
console.log(`nobody looks:  ${ms(alone)} of the main thread a second`);
console.log(
  `one open page: ${ms(watched)}, ${ms(watched - alone)} more; ${(bytes / seconds / 1_000).toFixed(1)} kB a second`,
);
process.exit();
