// What is said of a shutdown: the report at its end, and the words for what it still waits for.
import type { DrainTarget, UnfinishedTask } from "./target.js";

/** What became of the work during a drain. */
export interface CloseReport {
  /** Tasks and callbacks that ended without failing: succeeded, cancelled or skipped. */
  readonly completed: number;
  readonly failed: number;
  /** What had not ended at the deadline, as it was then. */
  readonly abandoned: readonly UnfinishedTask[];
  /** Unfinished tasks that the journal keeps for the next process, also those that it had taken over and not yet brought back. */
  readonly journaled: number;
  readonly durationMs: number;
}

/** What became of the process. */
export interface ShutdownReport extends CloseReport {
  /** What began it: a signal's name, or what `close()` was given. */
  readonly reason: string;
  /** Connections that were closed with a request open, because its time was over. */
  readonly forcedSockets: number;
  /** The hooks that threw or took too long, by name. */
  readonly failedHooks: readonly string[];
  /** 0: clean. 1: something was abandoned, or a hook failed, or an exception began it. 128 + n: forced by signal n. */
  readonly exitCode: number;
}

type Totals = ReturnType<DrainTarget["totals"]>;

/** What ended between two readings of the totals. */
export function tally(before: Totals, after: Totals): Pick<CloseReport, "completed" | "failed"> {
  const withoutFailing = (totals: Totals): number => totals.succeeded + totals.cancelled + totals.skipped;
  return { completed: withoutFailing(after) - withoutFailing(before), failed: after.failed - before.failed };
}

/** "3.2 s" */
export function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
}

/** "1 task", "2 tasks" */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** `12 tasks (optimizeImage: 3 running, 9 queued)` */
export function describeTasks(total: number, sample: readonly UnfinishedTask[]): string {
  if (total === 0) return count(0, "task");
  const names = new Map<string, Map<string, number>>();
  for (const { task, state } of sample) {
    const states = names.get(task) ?? new Map<string, number>();
    states.set(state, (states.get(state) ?? 0) + 1);
    names.set(task, states);
  }
  const parts = [...names].map(([task, states]) => {
    return `${task}: ${[...states].map(([state, n]) => `${n} ${state}`).join(", ")}`;
  });
  const more = total > sample.length ? `; and ${total - sample.length} more` : "";
  return `${count(total, "task")} (${parts.join("; ")}${more})`;
}

/** `2 open requests (GET /slow for 4.2 s; POST /photos for 0.3 s)` */
export function describeRequests(requests: readonly OpenRequest[], most = 5): string {
  if (requests.length === 0) return count(0, "open request");
  const oldest = [...requests].sort((a, b) => b.forMs - a.forMs).slice(0, most);
  const parts = oldest.map(({ method, path, forMs }) => `${method} ${path} for ${seconds(forMs)}`);
  const more = requests.length > most ? `; and ${requests.length - most} more` : "";
  return `${count(requests.length, "open request")} (${parts.join("; ")}${more})`;
}

/** A request that has no complete response yet. */
export interface OpenRequest {
  readonly method: string;
  /** Without the query, which may hold secrets. */
  readonly path: string;
  readonly forMs: number;
}

/** The path of a request without its query. */
export function pathOf(url: string | undefined): string {
  return (url ?? "").split("?", 1)[0] ?? "";
}
