// What was dispatched under test: one record a task or callback, with what was captured of its payload and the states it has
// been in.
import type { Events } from "../core/events.js";
import { errorOf } from "../core/lazy-error.js";
import { isBytes, PayloadBytes } from "../core/payload/payload.js";
import { restore, restoreAnew } from "../core/payload/restore.js";
import { LostResult } from "../core/result.js";
import { isFinal, type TaskState } from "../core/states.js";
import type { Task } from "../core/task.js";
import type { Operation } from "../intake/intake.js";
import type { OffloadedCallback, OffloadedTask } from "./offloaded.js";

export class Recorded {
  readonly task: Task;
  /** Undefined where that was not recorded. */
  readonly operation: Operation | undefined;
  /** A copy of its own: that of the task is given away when the task ends. */
  readonly payload: unknown;
  /** Each state that it has been in since it was accepted. */
  readonly states: Set<TaskState> = new Set<TaskState>(["held"]);

  constructor(task: Task, operation: Operation | undefined) {
    this.task = task;
    this.operation = operation;
    this.payload = task.definition.kind === "task" ? payloadOf(task) : undefined;
  }

  get name(): string {
    return this.task.definition.name;
  }

  /** Whether it runs, has run, or will. */
  get counts(): boolean {
    return this.task.state !== "skipped" && this.task.state !== "cancelled";
  }

  get error(): unknown {
    const { state, outcome } = this.task;
    return isFinal(state) && state !== "succeeded" ? errorOf(outcome) : undefined;
  }

  /** The task as the test sees it. */
  view(): OffloadedTask {
    const { id, parent, state, attempt, dispatch, context, outcome } = this.task;
    const { concurrency: _, ...options } = dispatch;
    return {
      id,
      task: this.name,
      payload: this.payload,
      operation: this.operation ?? "offload",
      options,
      context: restoreAnew(context),
      parent,
      state,
      attempt,
      result: state === "succeeded" && !(outcome instanceof LostResult) ? restore(outcome) : undefined,
      error: this.error,
    };
  }

  callbackView(): OffloadedCallback {
    const { id, state, attempt, context } = this.task;
    return { id, callback: this.name, state, attempt, context: restoreAnew(context), error: this.error };
  }
}

/** Which event says that a task has come into which state. */
const stateOf = {
  queued: "queued",
  started: "running",
  retrying: "delayed",
  succeeded: "succeeded",
  failed: "failed",
  cancelled: "cancelled",
  skipped: "skipped",
  abandoned: "abandoned",
  forwarded: "forwarded",
} as const satisfies Partial<Record<string, TaskState>>;

const eventNames = Object.keys(stateOf) as (keyof typeof stateOf)[];

export class Recorder {
  #records: Recorded[] = [];
  readonly #byId = new Map<string, Recorded>();
  readonly #watchers = new Set<() => void>();
  readonly #off: (() => void)[];

  constructor(events: Events) {
    this.#off = eventNames.map((name) => {
      return events.on(name, ({ id }) => {
        this.#byId.get(id)?.states.add(stateOf[name]);
        this.#changed();
      });
    });
  }

  /** A task is about to be accepted. */
  add(task: Task, operation: Operation): void {
    const record = new Recorded(task, operation);
    this.#records.push(record);
    this.#byId.set(task.id, record);
    this.#changed();
  }

  /** Oldest first. */
  all(kind: "task" | "callback"): Recorded[] {
    return this.#records.filter(({ task }) => task.definition.kind === kind);
  }

  /** The record of a task, or a new one for what was dispatched before the test, or before it was cleared. */
  recordOf(task: Task): Recorded {
    const known = this.#byId.get(task.id);
    return known ?? new Recorded(task, task.definition.kind === "task" ? undefined : "runAfterResponse");
  }

  clear(): void {
    this.#records = [];
    this.#byId.clear();
  }

  /** Calls `look` at every change; returns what ends that. */
  onChange(look: () => void): () => void {
    this.#watchers.add(look);
    return () => void this.#watchers.delete(look);
  }

  stop(): void {
    for (const off of this.#off) off();
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look();
  }
}

/** A copy of the payload, also of buffers that are to move to a thread. */
function payloadOf({ payload }: Task): unknown {
  if (!isBytes(payload) || payload.loose === undefined) return restoreAnew(payload);
  const { bytes, lengths, aside, loose } = payload;
  return restore(new PayloadBytes(bytes, lengths, { aside, loose: loose.map((buffer) => buffer.slice(0)) }));
}
