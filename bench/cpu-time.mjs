// The CPU time of the main thread, for the benchmarks that are programs of their own and for the meter of the others.
import { readFileSync } from "node:fs";

// The thread waits for this one, which nobody changes.
const unchanged = new Int32Array(new SharedArrayBuffer(4));
const napMs = 0.05;

/**
 * us of CPU time of this thread so far. The kernel brings the number up to date when the thread rests, or else with each tick of its
 * clock, every 4 ms: so it rests first. After that a spin of 0.3 ms reads as 0.4, and without it as 0 or 1. Undefined where the system does
 * not tell.
 */
export function mainThreadUs() {
  Atomics.wait(unchanged, 0, 0, napMs);
  // Node.js 23.9 and later. Before, Linux tells it in ns; the id of the main thread is that of the process.
  const usage = process.threadCpuUsage?.();
  if (usage !== undefined) return usage.user + usage.system;
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "latin1").split(" ")[0]) / 1_000;
  } catch {
    return undefined;
  }
}
