// Counts the bytes that a dispatch allocates which leaves for a queue elsewhere: the capture of its payload, its record and its acceptance.
// The queue cannot be reached, so that nothing but the dispatch is counted. Prints them as one line of JSON; test/bench/ says what they may
// be. Run with a large young generation, as bench/guard.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { createOffloader } from "offload-after-response";
import { bullmq } from "offload-after-response/bullmq";

/** Of one dispatch. */
export interface OutboxCounts {
  readonly bytes: number;
}

const perRound = 200;
const rounds = 100;
// Of the last rounds, when the code has been optimised.
const counted = 40;
const payload = { key: "photos/2024/06/IMG_20240612_104511.jpg", widths: [320, 640, 1280], userId: 421_337 };
// No server listens there.
const nowhere = "redis://127.0.0.1:7";

const dir = mkdtempSync(path.join(tmpdir(), "offload-after-response-guard-"));
const { offload, close } = createOffloader({
  tasks: new URL("./threads/counting-tasks.ts", import.meta.url),
  engine: bullmq({ connection: nowhere, queue: "guard" }),
  role: "dispatch",
  journal: { dir },
  logger: false,
});
const all: number[] = [];
for (let round = 0; round < rounds; round++) all.push(await bytesOfRound());
await close({ timeout: 0 });
rmSync(dir, { recursive: true, force: true });
console.log(`counts ${JSON.stringify({ bytes: Math.min(...all.slice(-counted)) } satisfies OutboxCounts)}`);
process.exit();

async function bytesOfRound(): Promise<number> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  const before = allocated();
  for (let n = 0; n < perRound; n++) offload("tiny", payload);
  const bytes = allocated() - before;
  await turn();
  await turn();
  observer.disconnect();
  return collections > 0 ? Number.POSITIVE_INFINITY : bytes / perRound;
}

function allocated(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
