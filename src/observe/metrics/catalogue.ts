// Every metric: its names for Prometheus and for OpenTelemetry, what it says, and its values from a snapshot. The names are a contract
// (docs/observability.md).
import type { OffloadErrorCode } from "../../base/errors.js";
import type { HistogramSnapshot } from "../../core/measure/histogram.js";
import type { JournalSnapshot } from "../../store/store.js";
import type { OffloaderSnapshot } from "../snapshot.js";

export type Labels = Readonly<Record<string, string>>;

/** The types of metrics that there are. */
export type MetricType = "counter" | "gauge" | "histogram";

/** How the values of several processes become one. */
export type Aggregation = "sum" | "max";

/** One value of a metric: in seconds, bytes or a number of things; times as they were counted. */
export interface Sample {
  /** Without the offloader. */
  readonly labels: Labels;
  readonly value: number | HistogramSnapshot;
}

export interface Metric {
  /** Its name for Prometheus, without the prefix. */
  readonly prometheus: string;
  /** Its name for OpenTelemetry, without the prefix. */
  readonly otel: string;
  /** In UCUM, as OpenTelemetry wants it. */
  readonly unit: string;
  readonly type: MetricType;
  readonly help: string;
  readonly aggregation?: Aggregation;
  samples(snapshot: OffloaderSnapshot): Iterable<Sample>;
}

/** What is measured: every offloader. */
export interface Measured {
  /** What is measured, at this moment. */
  snapshot(): OffloaderSnapshot;
}

const unfinishedStates = ["held", "queued", "delayed", "running"] as const;
const finalStates = ["succeeded", "failed", "cancelled", "skipped", "abandoned", "forwarded"] as const;
const threadStates = ["idle", "busy", "ending", "stuck"] as const;
/** What a dispatch can be refused with. */
const refusalCodes: readonly OffloadErrorCode[] = [
  ...([
    "AR_QUEUE_FULL",
    "AR_SHUTTING_DOWN",
    "AR_TASKS_NOT_LOADABLE",
    "AR_UNKNOWN_TASK",
    "AR_INVALID_ARGUMENT",
  ] as const),
  ...([
    "AR_INVALID_OPTIONS",
    "AR_NO_RESPONSE",
    "AR_IN_THREAD",
    "AR_PAYLOAD_NOT_CLONEABLE",
    "AR_PAYLOAD_TOO_LARGE",
  ] as const),
  ...(["AR_OUT_OF_MEMORY", "AR_JOURNAL_FULL", "AR_JOURNAL_UNAVAILABLE"] as const),
];
const seconds = (ms: number): number => ms / 1_000;

export const catalogue: readonly Metric[] = [
  {
    prometheus: "tasks",
    otel: "tasks",
    unit: "{task}",
    type: "gauge",
    help: "Unfinished tasks and callbacks by state.",
    samples: ({ tasks }) =>
      tasks.flatMap(({ task, kind, states }) =>
        unfinishedStates.map((state) => ({ labels: { task, kind, state }, value: states[state] })),
      ),
  },
  {
    prometheus: "accepted_total",
    otel: "accepted",
    unit: "{task}",
    type: "counter",
    help: "Tasks and callbacks that were accepted.",
    samples: ({ tasks }) => tasks.map(({ task, kind, accepted }) => ({ labels: { task, kind }, value: accepted })),
  },
  {
    prometheus: "refused_total",
    otel: "refused",
    unit: "{task}",
    type: "counter",
    help: "Dispatches that were refused at the call, by error code.",
    // From 0 on: a series that begins with its first refusal has no increase that an alert could see.
    samples: ({ refused }) =>
      [...new Set([...refusalCodes, ...(Object.keys(refused) as OffloadErrorCode[])])].map((code) => ({
        labels: { code },
        value: refused[code] ?? 0,
      })),
  },
  {
    prometheus: "ended_total",
    otel: "ended",
    unit: "{task}",
    type: "counter",
    help: "Tasks and callbacks that have ended, by final state.",
    samples: ({ tasks }) =>
      tasks.flatMap(({ task, kind, states }) =>
        finalStates.map((state) => ({ labels: { task, kind, state }, value: states[state] })),
      ),
  },
  {
    prometheus: "retries_total",
    otel: "retries",
    unit: "{attempt}",
    type: "counter",
    help: "Attempts that failed and were followed by another.",
    samples: ({ tasks }) =>
      tasks.filter(({ kind }) => kind === "task").map(({ task, retries }) => ({ labels: { task }, value: retries })),
  },
  {
    prometheus: "task_wait_seconds",
    otel: "wait.duration",
    unit: "s",
    type: "histogram",
    help: "Time from queued to started.",
    samples: ({ tasks }) => tasks.map(({ task, kind, wait }) => ({ labels: { task, kind }, value: wait })),
  },
  {
    prometheus: "task_run_seconds",
    otel: "run.duration",
    unit: "s",
    type: "histogram",
    help: "Time of running, measured in the thread.",
    samples: ({ tasks }) => tasks.map(({ task, kind, run }) => ({ labels: { task, kind }, value: run })),
  },
  {
    prometheus: "oldest_queued_seconds",
    otel: "oldest_queued",
    unit: "s",
    type: "gauge",
    help: "How long the task that has been queued for longest has been so.",
    aggregation: "max",
    samples: one(({ oldestQueuedMs }) => seconds(oldestQueuedMs)),
  },
  {
    prometheus: "oldest_unfinished_seconds",
    otel: "oldest_unfinished",
    unit: "s",
    type: "gauge",
    help: "How long ago the oldest unfinished task was accepted.",
    aggregation: "max",
    samples: one(({ oldestMs }) => seconds(oldestMs)),
  },
  {
    prometheus: "unfinished",
    otel: "unfinished",
    unit: "{task}",
    type: "gauge",
    help: "Tasks and callbacks without a final state.",
    samples: one(({ unfinished }) => unfinished.count),
  },
  {
    prometheus: "unfinished_limit",
    otel: "unfinished.limit",
    unit: "{task}",
    type: "gauge",
    help: "The option queue.max.",
    samples: one(({ limits }) => limits.count),
  },
  {
    prometheus: "unfinished_bytes",
    otel: "unfinished.size",
    unit: "By",
    type: "gauge",
    help: "Bytes that the payloads of unfinished tasks hold.",
    samples: one(({ unfinished }) => unfinished.bytes),
  },
  {
    prometheus: "unfinished_limit_bytes",
    otel: "unfinished.size.limit",
    unit: "By",
    type: "gauge",
    help: "The option queue.maxBytes.",
    samples: one(({ limits }) => limits.bytes),
  },
  {
    prometheus: "threads",
    otel: "threads",
    unit: "{thread}",
    type: "gauge",
    help: "Worker threads by state.",
    samples: ({ threads }) =>
      threadStates.map((state) => ({
        labels: { state },
        value: threads.filter((thread) => thread.state === state).length,
      })),
  },
  {
    prometheus: "threads_limit",
    otel: "threads.limit",
    unit: "{thread}",
    type: "gauge",
    help: "The option pool.maxThreads.",
    samples: one(({ maxThreads }) => maxThreads),
  },
  {
    prometheus: "threads_memory_bytes",
    otel: "threads.memory",
    unit: "By",
    type: "gauge",
    help: "Memory of all worker threads: V8's heap and what it holds beside it.",
    samples: one(({ threads }) => threads.reduce((sum, { memoryMiB }) => sum + memoryMiB * 2 ** 20, 0)),
  },
  {
    prometheus: "threads_utilization",
    otel: "threads.utilization",
    unit: "1",
    type: "gauge",
    help: "The share of their time in which the worker threads were busy, 1 for one whole thread.",
    samples: one(({ threads }) => threads.reduce((sum, { utilization }) => sum + utilization, 0)),
  },
  {
    prometheus: "threads_ended_total",
    otel: "threads.ended",
    unit: "{thread}",
    type: "counter",
    help: "Worker threads that have ended, by cause.",
    samples: ({ threadsEnded }) => Object.entries(threadsEnded).map(([cause, value]) => ({ labels: { cause }, value })),
  },
  {
    prometheus: "journal_bytes",
    otel: "journal.size",
    unit: "By",
    type: "gauge",
    help: "Bytes of the files in which this process records its tasks.",
    samples: ofJournal(({ bytes }) => bytes),
  },
  {
    prometheus: "journal_live_bytes",
    otel: "journal.live_size",
    unit: "By",
    type: "gauge",
    help: "What unfinished tasks need of that.",
    samples: ofJournal(({ liveBytes }) => liveBytes),
  },
  {
    prometheus: "journal_limit_bytes",
    otel: "journal.size.limit",
    unit: "By",
    type: "gauge",
    help: "The option journal.maxBytes.",
    samples: ofJournal(({ limitBytes }) => limitBytes),
  },
  {
    prometheus: "dead_letters",
    otel: "dead_letters",
    unit: "{task}",
    type: "gauge",
    help: "Dead letters of all processes that share the directory, by reason.",
    aggregation: "max",
    samples: ({ journal }) =>
      Object.entries(journal?.deadLetters ?? {}).map(([reason, value]) => ({ labels: { reason }, value })),
  },
  {
    prometheus: "remarks_dropped_total",
    otel: "remarks_dropped",
    unit: "{remark}",
    type: "counter",
    help: "Lines of task.log and values of task.progress() that were dropped, because there were too many.",
    samples: one(({ remarksDropped }) => remarksDropped),
  },
  {
    prometheus: "draining",
    otel: "draining",
    unit: "1",
    type: "gauge",
    help: "1 once a drain has begun.",
    aggregation: "max",
    samples: one(({ draining }) => Number(draining)),
  },
];

function one(value: (snapshot: OffloaderSnapshot) => number): Metric["samples"] {
  return (snapshot) => [{ labels: {}, value: value(snapshot) }];
}

function ofJournal(value: (journal: JournalSnapshot) => number): Metric["samples"] {
  return ({ journal }) => (journal === undefined ? [] : [{ labels: {}, value: value(journal) }]);
}
