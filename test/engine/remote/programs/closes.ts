// Is told by a message when the broker does not answer any more: dispatches a backlog, closes, and ends with the exit code 3.
import { once } from "node:events";
import { createOffloader } from "offload-after-response";
import { choiceOf } from "../choice.js";

const [port, queue = "", dir = "", settings = "{}"] = process.argv.slice(2);
const { role, backlog = 0, paused = false, running = false, timeout, exits = false } = JSON.parse(settings);
const offloader = createOffloader({
  tasks: new URL("../../../fixtures/engine.mjs", import.meta.url),
  pool: { maxThreads: 1, workerData: { gate: new SharedArrayBuffer(4) } },
  engine: choiceOf(Number(port), queue),
  role,
  journal: { dir },
});
await offloader.ready();
if (running) {
  const started = new Promise<void>((resolve) => offloader.on("started", () => resolve()));
  offloader.offload("goesOn", 1);
  await started;
} else if (role !== "work") {
  const forwarded = new Promise<void>((resolve) => offloader.on("forwarded", () => resolve()));
  offloader.offload("fails", { message: "on purpose" }, { attempts: 1 });
  await forwarded;
}
console.log("ready");
await once(process, "message");
process.disconnect();
if (paused) offloader.pause();
for (let index = 0; index < backlog; index++) offloader.offload("echo", index);
const { abandoned, journaled } = await offloader.close({ timeout });
console.log(`closed ${JSON.stringify({ abandoned, journaled })}`);
if (exits) process.exit(3);
process.exitCode = 3;
