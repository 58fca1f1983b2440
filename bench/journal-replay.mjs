// How long the event loop stands still while the next process takes over and runs what a killed one has left: the most CPU time
// that the main thread takes in one turn.
//
//   node bench/journal-replay.mjs [tasks …]
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createOffloader } from "offload-after-response";

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
      const { mostMs, elapsedMs } = await child("replay", folder, count);
      const words = mostMs <= bar ? "met    " : "NOT met";
      console.log(
        `${words} ms of CPU in one turn, ${count.toLocaleString("en-US")} tasks: ${mostMs.toFixed(1)} (bar: ${bar})`,
      );
      console.log(`        all of them had run after ${Math.round(elapsedMs)} ms`);
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
  const { turns, stop } = followTurns();
  await offloader.ready();
  while (offloader.stats().succeeded < count) await offloader.idle();
  stop();
  process.send({ mostMs: Math.max(...turns), elapsedMs: performance.now() - from });
  await offloader.close();
  process.disconnect();
}

/** The CPU time of each turn of the event loop, in ms. */
function followTurns() {
  const turns = [0];
  let running = true;
  let before = cpuMs();
  const turn = () => {
    const now = cpuMs();
    turns.push(now - before);
    before = now;
    if (turns.length > 10_000) turns.splice(0, turns.length, Math.max(...turns));
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    turns,
    stop() {
      running = false;
    },
  };
}

function cpuMs() {
  if (process.threadCpuUsage !== undefined) {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  }
  // The kernel brings the number up to date when the thread stops running.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.05);
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "latin1").split(" ")[0]) / 1e6;
}
