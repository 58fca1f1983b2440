// What an open page is told each second. Lists are short and texts are cut, so that one message stays below 64 KiB.
import { hostname } from "node:os";
import { upMs, wallClock } from "../../base/time.js";
import type { Offloader } from "../../contract.js";
import type { StateCounts } from "../../core/measure/counts.js";
import type { ThreadInfo } from "../../engine/threads/thread-info.js";
import type { Inside } from "../../intake/inside.js";
import { ages } from "../../observe/snapshot.js";
import type { TaskStats } from "../../observe/stats.js";
import type { TaskInfo } from "../../observe/tasks.js";
import { currentShutdown } from "../../shutdown/process/registry.js";
import { Loop } from "./loop.js";
import { progressText } from "./progress-text.js";
import { type Sample, sampleOf } from "./samples.js";
import { cut } from "./view-text.js";

const mostNames = 100;
/** So many names may be in each message; with more of them the table is in every second message, or third, or fifth at the most. */
const namesASecond = 15;
const slowest = 5;
const mostThreads = 64;
const mostWaiting = 12;
const mostPending = 12;

export interface ViewParts {
  readonly offloader: Offloader;
  readonly inside: Inside;
  /** Makes a number or a text of what a task has reported. */
  readonly progress: ((value: unknown, task: string) => number | string | undefined) | undefined;
}

export class View {
  readonly loop: Loop = new Loop();
  readonly #parts: ViewParts;
  #messagesToTable = 0;

  constructor(parts: ViewParts) {
    this.#parts = parts;
  }

  sample(): Sample {
    const counts = this.#parts.inside.ledger.counts.all();
    return sampleOf(endedOf(counts), counts.failed, waitingOf(counts));
  }

  /** What does not change while a page is open. */
  fixed(): object {
    const { name } = this.#parts.offloader;
    return { name, pid: process.pid, host: hostname(), node: process.version };
  }

  /**
   * @param readers how many pages are open: requests that are no work of the application's
   * @param isWhole with the table of names in any case
   */
  state(readers: number, isWhole: boolean): object {
    const { offloader, inside } = this.#parts;
    const { ledger } = inside;
    const counts = ledger.counts.all();
    const threads = offloader.threads();
    const { oldestMs, oldestQueuedMs } = ages(ledger);
    return {
      at: Math.round(wallClock()),
      upMs: Math.round(upMs()),
      counts: countsOf(counts),
      ended: endedOf(counts),
      unfinished: [ledger.unfinished, ledger.bytes],
      oldest: [Math.round(oldestMs), Math.round(oldestQueuedMs)],
      loop: [round(this.loop.lateMs), Math.round(this.loop.busy * 100)],
      paused: inside.scheduler.pauses.paused.has(undefined),
      threads: threads.slice(0, mostThreads).map((thread) => this.#thread(thread)),
      threadCount: threads.length,
      waiting: this.#waiting(counts).map(lineOf),
      drain: this.#drain(ledger.unfinished, counts.running, readers),
      ...(isWhole || --this.#messagesToTable <= 0 ? this.#table() : undefined),
    };
  }

  /** Percentiles are what costs most. The more names there are, the less often they are computed. */
  #table(): object {
    const { offloader, inside } = this.#parts;
    const stats = offloader.stats();
    const { paused } = inside.scheduler.pauses;
    const names = Object.entries(stats.tasks);
    this.#messagesToTable = Math.min(slowest, Math.ceil(names.length / namesASecond));
    return {
      limits: [finite(stats.max), finite(stats.maxBytes)],
      longRunning: stats.longRunning,
      tasks: names
        .sort(busiestFirst)
        .slice(0, mostNames)
        .map(([name, task]) => rowOf(name, task, paused.has(name))),
      nameCount: names.length,
    };
  }

  #thread({ threadId, state, running, ahead, utilization, memoryMiB, tasksRun }: ThreadInfo): object {
    return {
      id: threadId,
      state,
      ahead,
      use: Math.round(utilization * 100),
      mib: Math.round(memoryMiB),
      ran: tasksRun,
      running: running.slice(0, 8).map(({ id, task, attempt, runMs, stopping, progress }) => ({
        id,
        task: cut(task),
        attempt,
        ms: Math.round(runMs),
        stopping,
        progress: progress && progressText(progress, task, this.#parts.progress),
      })),
    };
  }

  /** The oldest that wait for anything. Nothing is walked where the counts say that there is nothing. */
  #waiting(stats: StateCounts): TaskInfo[] {
    const { offloader } = this.#parts;
    const states = (["queued", "delayed", "held"] as const).filter((state) => stats[state] > 0);
    return states
      .flatMap((state) => offloader.tasks({ state, limit: mostWaiting }))
      .sort((a, b) => b.ageMs - a.ageMs)
      .slice(0, mostWaiting);
  }

  /** What a drain waits for: what runs first, then what is the oldest. */
  #drain(unfinished: number, running: number, readers: number): object | null {
    const { offloader, inside } = this.#parts;
    const shutdown = currentShutdown();
    const course = shutdown?.state === "serving" ? undefined : shutdown?.course;
    const own = inside.drain();
    if (course === undefined && own === undefined) return null;
    const leftMs = course?.leftMs ?? own?.leftMs;
    const begun = running > 0 ? offloader.tasks({ state: "running", limit: mostPending }) : [];
    const tasks = [...begun, ...offloader.tasks({ limit: mostPending }).filter(({ state }) => state !== "running")];
    return {
      reason: course?.reason ?? (leftMs === undefined ? "drain()" : "close()"),
      state: shutdown?.state ?? "draining",
      leftMs: leftMs && Math.max(0, Math.round(leftMs)),
      unfinished,
      requests: Math.max(0, (course?.openRequests.length ?? 0) - readers),
      tasks: tasks.slice(0, mostPending).map(lineOf),
    };
  }
}

function countsOf({
  held,
  queued,
  running,
  delayed,
  succeeded,
  failed,
  cancelled,
  skipped,
  abandoned,
}: StateCounts): object {
  return { held, queued, running, delayed, succeeded, failed, cancelled, skipped, abandoned };
}

function endedOf(counts: StateCounts): number {
  return counts.succeeded + counts.failed + counts.cancelled + counts.skipped + counts.abandoned + counts.forwarded;
}

function waitingOf({ held, queued, delayed }: StateCounts): number {
  return held + queued + delayed;
}

type Named = readonly [name: string, stats: TaskStats];

/** What is unfinished first, then what was run most; of equals the one that comes first in the alphabet. */
function busiestFirst([nameA, a]: Named, [nameB, b]: Named): number {
  return waitingOf(b) + b.running - waitingOf(a) - a.running || endedOf(b) - endedOf(a) || (nameA < nameB ? -1 : 1);
}

/** name, waiting, running, succeeded, failed, p50 and p99 of running in ms, p99 of waiting in ms, paused. */
function rowOf(name: string, stats: TaskStats, paused: boolean): readonly unknown[] {
  const { running, succeeded, failed, runMs, waitMs } = stats;
  return [
    cut(name, 200),
    waitingOf(stats),
    running,
    succeeded,
    failed,
    round(runMs.p50),
    round(runMs.p99),
    round(waitMs.p99),
    paused,
  ];
}

function lineOf({ id, task, state, attempt, ageMs, runningMs, threadId }: TaskInfo): object {
  return {
    id,
    task: cut(task),
    state,
    attempt,
    ms: Math.round(ageMs),
    ranMs: runningMs && Math.round(runningMs),
    thread: threadId,
  };
}

/** JSON has no Infinity. */
function finite(number: number): number | null {
  return Number.isFinite(number) ? number : null;
}

function round(ms: number): number {
  return ms < 10 ? Math.round(ms * 100) / 100 : Math.round(ms);
}
