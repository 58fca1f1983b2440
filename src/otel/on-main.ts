// On the main thread: the spans of callbacks as they run, and afterwards those of tasks whose thread has no SDK or has died.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Span, Tracer } from "@opentelemetry/api";
import { wallClock } from "../base/time.js";
import type { OffloaderEvents, TaskEvent } from "../core/events.js";
import type { TaskState } from "../core/states.js";
import { attemptEndChannel, type RunMessage, runChannel } from "../core/trace/channels.js";
import { endProcess, type Outcome, type Relation, startProcess } from "./spans.js";

interface EventMessage<Event> {
  readonly offloader: string;
  readonly event: Event;
}

export function traceOnMain(tracer: () => Tracer, relation: Relation): () => void {
  const stop = [traceCallbacks(tracer, relation), traceAfterwards(tracer, relation)];
  return () => {
    for (const one of stop) one();
  };
}

function traceCallbacks(tracer: () => Tracer, relation: Relation): () => void {
  const spans = new WeakMap<object, Span>();
  const end = (message: RunMessage, isOver: boolean): void => {
    const span = spans.get(message);
    const isFailed = "error" in message && message.error !== undefined;
    // A promise: its outcome is there at `asyncEnd`.
    if (span === undefined || !(isOver || isFailed || "result" in message)) return;
    spans.delete(message);
    endProcess(span, isFailed ? "failed" : "succeeded", message.error);
  };
  const subscribers = {
    start(message: RunMessage) {
      if (message.kind === "callback" && message.carrier !== undefined)
        spans.set(message, startProcess(tracer(), message, relation).span);
    },
    end: (message: RunMessage) => end(message, false),
    asyncStart() {},
    asyncEnd: (message: RunMessage) => end(message, true),
    error() {},
  };
  runChannel.subscribe(subscribers as never);
  return () => void runChannel.unsubscribe(subscribers as never);
}

function traceAfterwards(tracer: () => Tracer, relation: Relation): () => void {
  // By offloader and thread: those that make the spans themselves.
  const traced = new Set<string>();
  const onStarted = (message: unknown): void => {
    const { offloader, event } = message as EventMessage<OffloaderEvents["threadStarted"]>;
    if (event.traced) traced.add(`${offloader} ${event.threadId}`);
  };
  const onEnded = (message: unknown): void => {
    const { offloader, event } = message as EventMessage<OffloaderEvents["threadEnded"]>;
    traced.delete(`${offloader} ${event.threadId}`);
  };
  const onAttemptEnd = (message: unknown): void => {
    const { offloader, event } = message as EventMessage<TaskEvent>;
    // What another process goes on with has no end here.
    if (event.kind !== "task" || event.state === "forwarded") return;
    // Without `runMs` the thread did not live to see the end of the attempt, and could not end its own span.
    if (event.runMs !== undefined && traced.has(`${offloader} ${event.threadId}`)) return;
    const endTime = wallClock();
    const attempt = {
      offloader,
      task: event.task,
      kind: event.kind,
      id: event.id,
      attempt: event.attempt,
      priority: event.priority,
      replayed: event.replayed ?? false,
      carrier: event.carrier,
      waitMs: event.waitMs,
      threadId: event.threadId,
    };
    const outcome = outcomeOf(event.state);
    const { span } = startProcess(tracer(), attempt, relation, endTime - (event.runMs ?? event.attemptMs ?? 0));
    endProcess(span, outcome, outcome === "succeeded" ? undefined : event.error, endTime);
  };
  const subscriptions: [string, (message: unknown) => void][] = [
    ["after-response.threadStarted", onStarted],
    ["after-response.threadEnded", onEnded],
    [attemptEndChannel.name as string, onAttemptEnd],
  ];
  for (const [name, listener] of subscriptions) subscribe(name, listener);
  return () => {
    for (const [name, listener] of subscriptions) unsubscribe(name, listener);
  };
}

/** What the state that a task is in after an attempt says of the attempt. */
function outcomeOf(state: TaskState): Outcome {
  return state === "delayed" ? "retrying" : (state as Outcome);
}
