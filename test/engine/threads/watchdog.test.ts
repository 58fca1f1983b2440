// How often the main thread looks after its threads.
import { createHook } from "node:async_hooks";
import { performance } from "node:perf_hooks";
import { expect, it, onTestFinished } from "vitest";
import { watch } from "../../support/offloader.js";

const looks = 5;
/**
 * Half of what they are apart: a look comes 100 ms after the task was sent that the one before it found, which may have waited for a CPU.
 * With 6 ms between looks these take 36 to 60 ms.
 */
const leastMs = ((looks - 1) * 100) / 2;

it("looks seldom at a thread with one task at a time, whenever it looks", async () => {
  const { offloader } = watch("tasks.mjs", { pool: { minThreads: 1, maxThreads: 1 } });
  await offloader.run("nothing");
  let set = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === "Timeout" && new Error("set").stack?.includes("#wakeAt")) set++;
    },
  }).enable();
  onTestFinished(() => void hook.disable());
  const startedAt = performance.now();
  // There is always a task in flight. At a steady pace of requests it may be so at each look too.
  while (set <= looks) await offloader.run("nothing");
  const elapsedMs = performance.now() - startedAt;
  expect(elapsedMs).toBeGreaterThan(leastMs);
});
