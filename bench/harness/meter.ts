// How much of the main thread something takes. Loaded in the processes that are measured.
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";

/** Of the main thread, from the start of a meter to its reading. */
export interface MainThreadTime {
  /**
   * ms in which its event loop was not waiting for events (`performance.eventLoopUtilization()`). What else wants the cores
   * lengthens it.
   */
  readonly activeMs: number;
  /** ms of CPU, which nothing else lengthens; undefined where the system does not tell. */
  readonly cpuMs: number | undefined;
  readonly elapsedMs: number;
}

/** Starts a meter; the function returned reads it. */
export function startMeter(): () => MainThreadTime {
  const startedAt = performance.now();
  const loop = performance.eventLoopUtilization();
  const cpu = cpuMs();
  return () => {
    const elapsedMs = performance.now() - startedAt;
    const { active } = performance.eventLoopUtilization(loop);
    const now = cpuMs();
    return { activeMs: active, cpuMs: now === undefined || cpu === undefined ? undefined : now - cpu, elapsedMs };
  };
}

/** CPU time of this thread so far. */
function cpuMs(): number | undefined {
  // Node 23.9 and later.
  const threadCpuUsage: unknown = Reflect.get(process, "threadCpuUsage");
  if (typeof threadCpuUsage === "function") {
    const { user, system }: NodeJS.CpuUsage = threadCpuUsage.call(process);
    return (user + system) / 1_000;
  }
  // The main thread's id is the process's. The kernel brings the number up to date with each tick of its clock, every 4 ms.
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "latin1").split(" ")[0]) / 1e6;
  } catch {
    return undefined;
  }
}
