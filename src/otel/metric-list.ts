// Every metric for OpenTelemetry: its name, what it says, and its values from a snapshot.
import type { HistogramSnapshot } from "../core/measure/histogram.js";
import type { OffloaderSnapshot } from "../observe/snapshot.js";

export type Value = number | HistogramSnapshot;

export interface Described {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** Attributes, without the name of the offloader, and the value. */
  values(snapshot: OffloaderSnapshot): Iterable<readonly [Readonly<Record<string, string>>, Value]>;
}

const unfinishedStates = ["held", "queued", "delayed", "running"] as const;
const finalStates = ["succeeded", "failed", "cancelled", "skipped", "abandoned", "forwarded"] as const;

/** The attributes of a name. */
const of = (
  task: string,
  kind: string,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> => ({
  "messaging.destination.name": task,
  "after_response.kind": kind,
  ...more,
});

const one =
  (value: (snapshot: OffloaderSnapshot) => number): Described["values"] =>
  (snapshot) => [[{}, value(snapshot)]];

export const definitions: readonly Described[] = [
  {
    name: "after_response.tasks",
    description: "Unfinished tasks and callbacks by state.",
    unit: "{task}",
    type: "gauge",
    values: ({ tasks }) =>
      tasks.flatMap(({ task, kind, states }) =>
        unfinishedStates.map((state) => [of(task, kind, { "after_response.state": state }), states[state]] as const),
      ),
  },
  {
    name: "after_response.accepted",
    description: "Tasks and callbacks that were accepted.",
    unit: "{task}",
    type: "counter",
    values: ({ tasks }) => tasks.map(({ task, kind, accepted }) => [of(task, kind), accepted] as const),
  },
  {
    name: "after_response.refused",
    description: "Dispatches that were refused at the call, by error code.",
    unit: "{task}",
    type: "counter",
    values: ({ refused }) =>
      Object.entries(refused).map(([code, count]) => [{ "error.type": code }, count ?? 0] as const),
  },
  {
    name: "after_response.ended",
    description: "Tasks and callbacks that have ended, by final state.",
    unit: "{task}",
    type: "counter",
    values: ({ tasks }) =>
      tasks.flatMap(({ task, kind, states }) =>
        finalStates.map((state) => [of(task, kind, { "after_response.state": state }), states[state]] as const),
      ),
  },
  {
    name: "after_response.retries",
    description: "Attempts that failed and were followed by another.",
    unit: "{attempt}",
    type: "counter",
    values: ({ tasks }) => tasks.map(({ task, kind, retries }) => [of(task, kind), retries] as const),
  },
  {
    name: "after_response.wait.duration",
    description: "Time from queued to started.",
    unit: "s",
    type: "histogram",
    values: ({ tasks }) => tasks.map(({ task, kind, wait }) => [of(task, kind), wait] as const),
  },
  {
    name: "after_response.run.duration",
    description: "Time of running, measured in the thread.",
    unit: "s",
    type: "histogram",
    values: ({ tasks }) => tasks.map(({ task, kind, run }) => [of(task, kind), run] as const),
  },
  {
    name: "after_response.oldest_queued",
    description: "How long the task that has been queued for longest has been so.",
    unit: "s",
    type: "gauge",
    values: one(({ oldestQueuedMs }) => oldestQueuedMs / 1_000),
  },
  {
    name: "after_response.unfinished",
    description: "Tasks and callbacks without a final state.",
    unit: "{task}",
    type: "gauge",
    values: one(({ unfinished }) => unfinished.count),
  },
  {
    name: "after_response.unfinished.limit",
    description: "The option queue.max.",
    unit: "{task}",
    type: "gauge",
    values: one(({ limits }) => limits.count),
  },
  {
    name: "after_response.unfinished.size",
    description: "Bytes that the payloads of unfinished tasks hold.",
    unit: "By",
    type: "gauge",
    values: one(({ unfinished }) => unfinished.bytes),
  },
  {
    name: "after_response.threads",
    description: "Worker threads.",
    unit: "{thread}",
    type: "gauge",
    values: one(({ threads }) => threads.length),
  },
  {
    name: "after_response.threads.limit",
    description: "The option pool.maxThreads.",
    unit: "{thread}",
    type: "gauge",
    values: one(({ maxThreads }) => maxThreads),
  },
  {
    name: "after_response.threads.utilization",
    description: "The share of their time in which the worker threads were busy, 1 for one whole thread.",
    unit: "1",
    type: "gauge",
    values: one(({ threads }) => threads.reduce((sum, { utilization }) => sum + utilization, 0)),
  },
  {
    name: "after_response.threads.ended",
    description: "Worker threads that have ended, by cause.",
    unit: "{thread}",
    type: "counter",
    values: ({ threadsEnded }) =>
      Object.entries(threadsEnded).map(([cause, count]) => [{ "after_response.cause": cause }, count] as const),
  },
  {
    name: "after_response.dead_letters",
    description: "Dead letters of all processes that share the directory, by reason.",
    unit: "{task}",
    type: "gauge",
    values: ({ journal }) =>
      Object.entries(journal?.deadLetters ?? {}).map(
        ([reason, count]) => [{ "after_response.reason": reason }, count] as const,
      ),
  },
];
