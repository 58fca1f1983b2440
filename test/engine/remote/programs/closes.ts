// Is told by a message when the broker does not answer any more: dispatches a backlog, closes, and ends with the exit code 3.
import { once } from "node:events";
import { createOffloader, type EngineChoice } from "offload-after-response";
import { bullmq } from "offload-after-response/bullmq";
import { pgBoss } from "offload-after-response/pg-boss";
import { choiceOf } from "../choice.js";

const [port, queue = "", dir = "", settings = "{}"] = process.argv.slice(2);
const { connection, role, backlog = 0, paused = false, running = false, timeout, exits = false } = JSON.parse(settings);
const offloader = createOffloader({
  tasks: new URL("../../../fixtures/engine.mjs", import.meta.url),
  pool: { maxThreads: 1, workerData: { gate: new SharedArrayBuffer(4) } },
  engine: engine(),
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
const startedAt = performance.now();
const { abandoned, journaled } = await offloader.close({ timeout });
const lateMs = performance.now() - startedAt - timeout;
console.log(`closed ${JSON.stringify({ abandoned: abandoned.length, journaled, lateMs })}`);
if (exits) process.exit(3);
process.exitCode = 3;

/** Of the fake broker, unless there is the URL of a real one. */
function engine(): EngineChoice {
  if (connection === undefined) return choiceOf(Number(port), queue);
  return connection.startsWith("redis:") ? bullmq({ connection, queue }) : pgBoss({ connection, queue });
}
