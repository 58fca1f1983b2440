// A web process of the engine's benchmark, of one kind: `plain` adds each task to BullMQ's queue and does not wait, `ours` dispatches
// it, `none` does nothing.
// It measures itself: what a dispatch costs, the CPU of the main thread, and how late its event loop is.
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createOffloader } from "offload-after-response";
import { bullmq } from "offload-after-response/bullmq";

const { kind, connection, queue, journal } = JSON.parse(process.argv[2]);
const payload = { key: "photos/2024/06/IMG_20240612_104511.jpg", widths: [320, 640, 1280], userId: 421_337 };
let stats = () => undefined;
const dispatch = await { none: () => () => {}, plain, ours }[kind]();

/** CPU time of this thread alone. Node.js has a call for it from 23.9 on; Linux counts it in ns, the id of the main thread is the pid. */
function mainThreadUs() {
  const usage = process.threadCpuUsage?.();
  if (usage !== undefined) return usage.user + usage.system;
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]) / 1_000;
}

async function plain() {
  const { Queue } = await import("bullmq");
  const url = new URL(connection);
  const plainQueue = new Queue(queue, { connection: { host: url.hostname, port: Number(url.port) } });
  plainQueue.on("error", () => {});
  await plainQueue.waitUntilReady();
  return () => void plainQueue.add("nothing", payload, { removeOnComplete: { age: 300 } }).catch(() => {});
}

async function ours() {
  const offloader = createOffloader({
    name: queue,
    tasks: new URL("tasks.mjs", import.meta.url),
    pool: { maxThreads: 1 },
    queue: { max: 1_000_000 },
    journal: { dir: journal },
    engine: bullmq({ connection, queue }),
    role: "dispatch",
    logger: false,
  });
  await offloader.ready();
  while (offloader.stats().engine?.up !== true) await sleep(10);
  stats = () => offloader.stats().engine;
  return () => void offloader.offload("nothing", payload);
}

const commands = {
  /** `tasks` dispatches, ten a turn every ms. @returns p50 in us, CPU of the main thread in us a task, loop delay p99 in ms */
  async dispatch({ tasks }) {
    const took = [];
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const before = mainThreadUs();
    while (took.length < tasks) {
      for (let n = 0; n < 10; n++) {
        const start = performance.now();
        dispatch();
        took.push(performance.now() - start);
      }
      await sleep(1);
    }
    // What was begun by these is theirs.
    await sleep(300);
    const cpuUs = (mainThreadUs() - before) / tasks;
    delay.disable();
    took.sort((a, b) => a - b);
    return {
      p50us: took[took.length >> 1] * 1_000,
      cpuUs,
      delayP99ms: delay.percentile(99) / 1e6,
    };
  },
  async fill({ tasks }) {
    for (let n = 0; n < tasks; n++) {
      dispatch();
      if (n % 500 === 499) await sleep(1);
    }
  },
  /** Resolves when nothing is left to forward. */
  async emptied() {
    while (stats()?.backlog !== 0) await sleep(5);
  },
};

process.once("disconnect", () => process.exit());
process.on("message", async ({ command, argument }) => {
  process.send({ value: await commands[command](argument) });
});
process.send({ ready: true });
