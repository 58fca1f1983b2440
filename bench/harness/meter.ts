// How much of the main thread something takes. Loaded in the processes that are measured.
import { performance } from "node:perf_hooks";
import { mainThreadUs } from "../cpu-time.mjs";
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

/** Starts a meter; the function returned reads it. */
export function startMeter(): () => MainThreadTime {
  // First here and last below, because it sleeps.
  const cpu = mainThreadUs();
  const processCpu = process.cpuUsage();
  const startedAt = performance.now();
  const loop = performance.eventLoopUtilization();
  return () => {
    const elapsedMs = performance.now() - startedAt;
    const { active } = performance.eventLoopUtilization(loop);
    const { user, system } = process.cpuUsage(processCpu);
    const processMs = (user + system) / 1_000;
    const now = mainThreadUs();
    return {
      activeMs: active,
      cpuMs: now === undefined || cpu === undefined ? undefined : (now - cpu) / 1_000,
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
