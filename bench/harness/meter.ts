// How much of the main thread something takes. Loaded in the processes that are measured.
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Commands } from "./answer.js";
import { type ProfileLine, startProfiler } from "./profiler.js";

/** Of the main thread, from the start of a meter to its reading. */
export interface MainThreadTime {
  /**
   * ms in which its event loop was not waiting for events (`performance.eventLoopUtilization()`). What else wants the cores
   * lengthens it.
   */
  readonly activeMs: number;
  /** ms of CPU, which nothing else lengthens; undefined where the system does not tell. */
  readonly cpuMs: number | undefined;
  /** ms of CPU of the whole process, its threads included. */
  readonly processMs: number;
  readonly elapsedMs: number;
}

// The main thread waits for this one, which nobody changes.
const unchanged = new Int32Array(new SharedArrayBuffer(4));
const napMs = 0.05;

/** Starts a meter; the function returned reads it. */
export function startMeter(): () => MainThreadTime {
  // First here and last below, because it sleeps.
  const cpu = cpuMs();
  const processCpu = process.cpuUsage();
  const startedAt = performance.now();
  const loop = performance.eventLoopUtilization();
  return () => {
    const elapsedMs = performance.now() - startedAt;
    const { active } = performance.eventLoopUtilization(loop);
    const { user, system } = process.cpuUsage(processCpu);
    const processMs = (user + system) / 1_000;
    const now = cpuMs();
    return {
      activeMs: active,
      cpuMs: now === undefined || cpu === undefined ? undefined : now - cpu,
      processMs,
      elapsedMs,
    };
  };
}

/** Commands of a program whose meter is started and read from outside; with `profile`, a profiler with it. */
export function meterCommands(): Commands {
  let read = startMeter();
  let stop: (() => Promise<ProfileLine[]>) | undefined;
  return {
    startMeter(profile?: boolean) {
      stop = profile ? startProfiler() : undefined;
      read = startMeter();
    },
    async readMeter(): Promise<MeterReading> {
      const time = read();
      return { ...time, profile: (await stop?.()) ?? [] };
    },
  };
}

/** What `readMeter` answers. */
export interface MeterReading extends MainThreadTime {
  readonly profile: readonly ProfileLine[];
}

/**
 * CPU time of this thread so far. The kernel brings the number up to date when the thread stops running, or else with each tick of its
 * clock, every 4 ms. After a short sleep a spin of 0.3 ms reads as 0.4, without one as 0 or 1.
 */
function cpuMs(): number | undefined {
  Atomics.wait(unchanged, 0, 0, napMs);
  // Node 23.9 and later.
  const threadCpuUsage: unknown = Reflect.get(process, "threadCpuUsage");
  if (typeof threadCpuUsage === "function") {
    const { user, system }: NodeJS.CpuUsage = threadCpuUsage.call(process);
    return (user + system) / 1_000;
  }
  // The main thread's id is the process's.
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "latin1").split(" ")[0]) / 1e6;
  } catch {
    return undefined;
  }
}
