// How long the event loop stands still while the next process takes over and runs what a killed one has left: the most CPU time
// that the main thread takes in one turn.
//
//   node bench/journal-replay.mjs [tasks …]
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createOffloader } from "offload-after-response";
import { mainThreadUs } from "./cpu-time.mjs";

const bar = 20;

if (process.send === undefined) await main(process.argv.slice(2).map(Number));
else if (process.argv[2] === "leave") await leave(process.argv[3], Number(process.argv[4]));
else await replay(process.argv[3], Number(process.argv[4]));

async function main([...counts]) {
  console.log(`Node ${process.version}`);
  for (const count of counts.length === 0 ? [100_000, 1_000_000] : counts) {
    const folder = mkdtempSync(path.join(tmpdir(), "replay-bench-"));
    writeFileSync(path.join(folder, "tasks.mjs"), "export const tiny = ({ n }) => n + 1;\n");
    try {
      await child("leave", folder, count);
      const { cpuMs, clockMs, elapsedMs } = await child("replay", folder, count);
      const words = cpuMs <= bar ? "met    " : "NOT met";
      console.log(
        `${words} ms of CPU in one turn, ${count.toLocaleString("en-US")} tasks: ${cpuMs.toFixed(1)} (bar: ${bar})`,
      );
      console.log(
        `        by the clock ${clockMs.toFixed(1)} ms, with the wait for a core and for the disk; all of them had run after ${Math.round(elapsedMs)} ms`,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Runs a step in a process of its own; what it answers last. */
async function child(step, folder, count) {
  const program = fork(import.meta.filename, [step, folder, String(count)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let answer = {};
  program.on("message", (message) => {
    answer = message;
  });
  await once(program, "exit");
  return answer;
}

function open(folder) {
  return createOffloader({
    tasks: pathToFileURL(path.join(folder, "tasks.mjs")),
    pool: { maxThreads: 1 },
    queue: { max: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY },
    journal: { dir: path.join(folder, "journal"), maxBytes: 4e9 },
    logger: false,
  });
}

async function leave(folder, count) {
  const offloader = open(folder);
  await offloader.ready();
  offloader.pause();
  for (let n = 0; n < count; n++) offloader.offload("tiny", { n, key: "photos/2024/05/17.jpg" });
  process.kill(process.pid, "SIGKILL");
}

async function replay(folder, count) {
  const from = performance.now();
  const offloader = open(folder);
  const { most, stop } = followTurns();
  await offloader.ready();
  while (offloader.stats().succeeded < count) await offloader.idle();
  stop();
  process.send({ ...most, elapsedMs: performance.now() - from });
  await offloader.close();
  process.disconnect();
}

/** The most that one turn of the event loop took so far, in ms: of CPU, and by the clock. */
function followTurns() {
  const most = { cpuMs: 0, clockMs: 0 };
  let running = true;
  let cpuBefore = mainThreadUs();
  let before = performance.now();
  const turn = () => {
    // Before the CPU time is read, because the thread sleeps for that.
    const now = performance.now();
    const cpuNow = mainThreadUs();
    most.clockMs = Math.max(most.clockMs, now - before);
    most.cpuMs = Math.max(most.cpuMs, (cpuNow - cpuBefore) / 1_000);
    cpuBefore = cpuNow;
    before = performance.now();
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    most,
    stop() {
      running = false;
    },
  };
}
