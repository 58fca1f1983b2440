// Every metric: its name, what it says, and its values from a snapshot. The names are a contract (docs/observability.md).
import type { OffloadErrorCode } from "../base/errors.js";
import type { OffloaderSnapshot } from "../observe/snapshot.js";
import type { JournalSnapshot } from "../store/store.js";
import { bucketsOf, type CumulativeBuckets } from "./buckets.js";
import { NameLimit } from "./name-limit.js";

export type Labels = Readonly<Record<string, string>>;

/** One value of a metric. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number | CumulativeBuckets;
}

/** The types of metrics that there are. */
export type MetricType = "counter" | "gauge" | "histogram";

/** How the values of several processes become one. */
export type Aggregation = "sum" | "max";

/** A metric and its values at one moment. */
export interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly aggregation: Aggregation;
  readonly samples: readonly Sample[];
}

interface Definition {
  readonly type: MetricType;
  readonly help: string;
  readonly aggregation?: Aggregation;
  /** Its values, without the label `offloader`. */
  samples(snapshot: OffloaderSnapshot): Iterable<Sample>;
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

/** By name, without the prefix. */
const definitions: Readonly<Record<string, Definition>> = {
  tasks: {
    type: "gauge",
    help: "Unfinished tasks and callbacks by state.",
    samples: ({ tasks }) =>
      tasks.flatMap(({ task, kind, states }) =>
        unfinishedStates.map((state) => ({ labels: { task, kind, state }, value: states[state] })),
      ),
  },
  accepted_total: {
    type: "counter",
    help: "Tasks and callbacks that were accepted.",
    samples: ({ tasks }) => tasks.map(({ task, kind, accepted }) => ({ labels: { task, kind }, value: accepted })),
  },
  refused_total: {
    type: "counter",
    help: "Dispatches that were refused at the call, by error code.",
    // From 0 on: a series that begins with its first refusal has no increase that an alert could see.
    samples: ({ refused }) =>
      [...new Set([...refusalCodes, ...(Object.keys(refused) as OffloadErrorCode[])])].map((code) => ({
        labels: { code },
        value: refused[code] ?? 0,
      })),
  },
  ended_total: {
    type: "counter",
    help: "Tasks and callbacks that have ended, by final state.",
    samples: ({ tasks }) =>
      tasks.flatMap(({ task, kind, states }) =>
        finalStates.map((state) => ({ labels: { task, kind, state }, value: states[state] })),
      ),
  },
  retries_total: {
    type: "counter",
    help: "Attempts that failed and were followed by another.",
    samples: ({ tasks }) =>
      tasks.filter(({ kind }) => kind === "task").map(({ task, retries }) => ({ labels: { task }, value: retries })),
  },
  task_wait_seconds: {
    type: "histogram",
    help: "Time from queued to started.",
    samples: ({ tasks }) => tasks.map(({ task, kind, wait }) => ({ labels: { task, kind }, value: bucketsOf(wait) })),
  },
  task_run_seconds: {
    type: "histogram",
    help: "Time of running, measured in the thread.",
    samples: ({ tasks }) => tasks.map(({ task, kind, run }) => ({ labels: { task, kind }, value: bucketsOf(run) })),
  },
  oldest_queued_seconds: {
    type: "gauge",
    help: "How long the task that has been queued for longest has been so.",
    aggregation: "max",
    samples: one(({ oldestQueuedMs }) => seconds(oldestQueuedMs)),
  },
  oldest_unfinished_seconds: {
    type: "gauge",
    help: "How long ago the oldest unfinished task was accepted.",
    aggregation: "max",
    samples: one(({ oldestMs }) => seconds(oldestMs)),
  },
  unfinished: {
    type: "gauge",
    help: "Tasks and callbacks without a final state.",
    samples: one(({ unfinished }) => unfinished.count),
  },
  unfinished_limit: { type: "gauge", help: "The option queue.max.", samples: one(({ limits }) => limits.count) },
  unfinished_bytes: {
    type: "gauge",
    help: "Bytes that the payloads of unfinished tasks hold.",
    samples: one(({ unfinished }) => unfinished.bytes),
  },
  unfinished_limit_bytes: {
    type: "gauge",
    help: "The option queue.maxBytes.",
    samples: one(({ limits }) => limits.bytes),
  },
  threads: {
    type: "gauge",
    help: "Worker threads by state.",
    samples: ({ threads }) =>
      threadStates.map((state) => ({
        labels: { state },
        value: threads.filter((thread) => thread.state === state).length,
      })),
  },
  threads_limit: { type: "gauge", help: "The option pool.maxThreads.", samples: one(({ maxThreads }) => maxThreads) },
  threads_memory_bytes: {
    type: "gauge",
    help: "Memory of all worker threads: V8's heap and what it holds beside it.",
    samples: one(({ threads }) => threads.reduce((sum, { memoryMiB }) => sum + memoryMiB * 2 ** 20, 0)),
  },
  threads_utilization: {
    type: "gauge",
    help: "The share of their time in which the worker threads were busy, 1 for one whole thread.",
    samples: one(({ threads }) => threads.reduce((sum, { utilization }) => sum + utilization, 0)),
  },
  threads_ended_total: {
    type: "counter",
    help: "Worker threads that have ended, by cause.",
    samples: ({ threadsEnded }) => Object.entries(threadsEnded).map(([cause, value]) => ({ labels: { cause }, value })),
  },
  journal_bytes: {
    type: "gauge",
    help: "Bytes of the files in which this process records its tasks.",
    samples: ofJournal(({ bytes }) => bytes),
  },
  journal_live_bytes: {
    type: "gauge",
    help: "What unfinished tasks need of that.",
    samples: ofJournal(({ liveBytes }) => liveBytes),
  },
  journal_limit_bytes: {
    type: "gauge",
    help: "The option journal.maxBytes.",
    samples: ofJournal(({ limitBytes }) => limitBytes),
  },
  dead_letters: {
    type: "gauge",
    help: "Dead letters of all processes that share the directory, by reason.",
    aggregation: "max",
    samples: ({ journal }) =>
      Object.entries(journal?.deadLetters ?? {}).map(([reason, value]) => ({ labels: { reason }, value })),
  },
  remarks_dropped_total: {
    type: "counter",
    help: "Lines of task.log and values of task.progress() that were dropped, because there were too many.",
    samples: one(({ remarksDropped }) => remarksDropped),
  },
  draining: {
    type: "gauge",
    help: "1 once a drain has begun.",
    aggregation: "max",
    samples: one(({ draining }) => Number(draining)),
  },
};

export const metricNames: readonly string[] = Object.keys(definitions).map(withPrefix);

function withPrefix(name: string): string {
  return `after_response_${name}`;
}

function one(value: (snapshot: OffloaderSnapshot) => number): Definition["samples"] {
  return (snapshot) => [{ labels: {}, value: value(snapshot) }];
}

function ofJournal(value: (journal: JournalSnapshot) => number): Definition["samples"] {
  return ({ journal }) => (journal === undefined ? [] : [{ labels: {}, value: value(journal) }]);
}

/** What is measured: every offloader. */
export interface Measured {
  /** What is measured, at this moment. */
  snapshot(): OffloaderSnapshot;
}

/** Collects the metrics of offloaders, again and again, with a bounded number of task names. */
export class Collector {
  readonly #names = new NameLimit();

  constructor(private readonly offloaders: readonly Measured[]) {}

  collect(): Family[] {
    const snapshots = this.offloaders.map((offloader) => this.#names.limited(offloader.snapshot()));
    return Object.entries(definitions).map(([name, { type, help, aggregation = "sum", samples }]) => ({
      name: withPrefix(name),
      type,
      help,
      aggregation,
      samples: snapshots.flatMap((snapshot) =>
        [...samples(snapshot)].map(({ labels, value }) => ({ labels: { offloader: snapshot.name, ...labels }, value })),
      ),
    }));
  }
}
