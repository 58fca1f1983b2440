// Lets 1,000 tasks end in every way and then says what is left of them. Started with --expose-gc.
import { getEventListeners } from "node:events";
import { createOffloader } from "offload-after-response";

interface Measured {
  readonly heapUsed: number;
  readonly external: number;
  readonly resources: number;
}

const exitListeners = process.listenerCount("exit");
const offloader = createOffloader({
  tasks: new URL("../../../fixtures/tasks.mjs", import.meta.url),
  pool: { maxThreads: 1 },
  logger: false,
});
await offloader.ready();

const { signal } = new AbortController();
let collected = 0;
const registry = new FinalizationRegistry(() => {
  collected++;
});

/** 1,000 tasks with payloads of 10 kB, a key, a signal and a timeout each: some succeed, some fail, some are cancelled. */
async function round(watchTheHandles: boolean): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    const options = { key: `key ${i}`, signal, timeout: 60_000, attempts: i % 10 === 0 ? 2 : 1, backoff: 0 };
    const payload = { note: new Uint8Array(10_000), message: "x".repeat(100), attempts: [1] };
    const handle = offloader.offload(["echo", "fails", "failsOnAttempt"][i % 3] ?? "", payload, options);
    if (i % 7 === 0) handle.cancel();
    if (i % 2 === 0) void handle.result();
    if (watchTheHandles) registry.register(handle, i);
  }
  await offloader.idle();
}

async function measure(): Promise<Measured> {
  // Finalizers run in later turns than the collection.
  for (let turn = 0; turn < 10; turn++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heapUsed, external, resources: process.getActiveResourcesInfo().length };
}

for (let i = 0; i < 5; i++) await round(false);
const before = await measure();
for (let i = 0; i < 10; i++) await round(i === 9);
const after = await measure();

const { unfinished, queued, delayed, running, held } = offloader.stats();
console.log(
  JSON.stringify({
    heapGrowth: after.heapUsed - before.heapUsed,
    externalGrowth: after.external - before.external,
    resourceGrowth: after.resources - before.resources,
    listeners: getEventListeners(signal, "abort").length,
    exitListeners: process.listenerCount("exit") - exitListeners,
    collected,
    unfinished: unfinished + queued + delayed + running + held,
  }),
);
await offloader.close();
console.log(JSON.stringify({ exitListenersAfterClose: process.listenerCount("exit") - exitListeners }));
