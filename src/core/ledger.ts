// The one place where a task changes its state: it counts, tells the listeners, settles the result, and knows who is unfinished.

import { OffloadError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { since, ticks } from "../base/ticks.js";
import { Counts } from "./counts.js";
import type { Events, TaskEvent } from "./events.js";
import { LostResult, settlementOf } from "./result.js";
import { codeOf, type FinalState, mayFollow, type TaskState } from "./states.js";
import { name, type Task } from "./task.js";

/** Told of every final state, for those who keep something of a task elsewhere. */
export type EndListener = (task: Task) => void;
/** Told of every transition once it is made. */
export type TransitionListener = (task: Task, from: TaskState) => void;

export class Ledger {
  readonly counts: Counts = new Counts();
  /** What was abandoned, as it was before that. */
  readonly abandonedTasks: TaskSummary[] = [];
  /** Unfinished tasks and callbacks. */
  unfinished = 0;
  #accepted = 0;
  // They are linked through themselves: a Set of 1,000,000 would cost as much again as the tasks.
  #first: Task | undefined;
  #last: Task | undefined;
  #endListeners: EndListener[] = [];
  #transitionListener: TransitionListener | undefined;
  #idleWaiters: (() => void)[] = [];

  constructor(
    private readonly events: Events,
    private readonly logger: Logger,
  ) {}

  /** Registers a listener for every task's end. */
  onEnd(listener: EndListener): void {
    this.#endListeners.push(listener);
  }

  /** Sets the one listener for every transition. */
  onTransition(listener: TransitionListener): void {
    this.#transitionListener = listener;
  }

  /** Enters a new task, in the state it was made with. */
  accept(task: Task): void {
    task.before = this.#last;
    if (this.#last === undefined) this.#first = task;
    else this.#last.after = task;
    this.#last = task;
    this.unfinished++;
    this.#accepted++;
    this.counts.enter(task.state);
    task.definition.counts.enter(task.state);
    if (this.events.has("accepted")) this.events.emit("accepted", taskEvent(task));
  }

  /** held, delayed or taken back -> queued. */
  queued(task: Task): void {
    this.#move(task, "queued");
    task.queuedAt = ticks();
    if (this.events.has("queued")) this.events.emit("queued", taskEvent(task));
  }

  /** queued -> running, on its next attempt. */
  started(task: Task): void {
    task.attempt++;
    this.#move(task, "running");
    task.startedAt = ticks();
    if (this.events.has("started")) this.events.emit("started", taskEvent(task, { waitMs: waitMs(task) }));
  }

  /** running -> queued: the thread never began it, so the attempt does not count. */
  takenBack(task: Task): void {
    task.attempt--;
    this.queued(task);
  }

  /** running -> delayed: it failed and will be tried again. */
  delayed(task: Task, delayMs: number, error: unknown, runMs?: number): void {
    this.#move(task, "delayed");
    if (this.events.has("retrying")) {
      this.events.emit("retrying", { ...taskEvent(task, { waitMs: waitMs(task), runMs, error }), delayMs });
    }
  }

  succeeded(task: Task, value: unknown, runMs?: number): void {
    this.#end(task, "succeeded", value, { runMs });
    if (value instanceof LostResult) task.settlement?.reject(value.error(task));
    else task.settlement?.resolve(value);
  }

  failed(task: Task, error: unknown, runMs?: number): void {
    this.#endInError(task, "failed", error, runMs);
  }

  cancelled(task: Task, error: OffloadError, runMs?: number): void {
    this.#endInError(task, "cancelled", error, runMs);
  }

  skipped(task: Task): void {
    this.#endInError(task, "skipped", stackless("AR_SKIPPED", `${name(task)} was skipped: runIf said no`));
  }

  abandoned(task: Task): void {
    this.abandonedTasks.push(summary(task));
    const message = `${name(task)} was abandoned while ${task.state}: the shutdown deadline came first`;
    this.#endInError(task, "abandoned", stackless("AR_ABANDONED", message));
  }

  /** Tells of a value that a running task reported. */
  progress(task: Task, value: unknown): void {
    if (this.events.has("progress")) this.events.emit("progress", { ...taskEvent(task), value });
  }

  /** The unfinished tasks, oldest first, `max` of them at the most. */
  list(max: number = Number.POSITIVE_INFINITY): Task[] {
    const tasks: Task[] = [];
    for (let task = this.#first; task !== undefined && tasks.length < max; task = task.after) tasks.push(task);
    return tasks;
  }

  /** The promise of a task's result, made when first asked for. */
  result(task: Task): Promise<unknown> {
    task.settlement ??= settlementOf(task);
    return task.settlement.promise;
  }

  /** Resolves when nothing is unfinished, and nothing new comes within two turns of the event loop; never rejects. */
  async settled(): Promise<void> {
    let accepted: number;
    do {
      if (this.unfinished > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
      accepted = this.#accepted;
      // The last response's `finish` listeners and what awaits the last result may dispatch yet.
      await turn();
      await turn();
      // What has come and ended meanwhile may be followed by more: a journal brings its tasks back a few at a time.
    } while (this.unfinished > 0 || this.#accepted !== accepted);
  }

  #end(task: Task, state: FinalState, outcome: unknown, detail: { error?: unknown; runMs?: number | undefined }): void {
    this.#move(task, state, outcome);
    this.#unlink(task);
    if (task.attempt > 0) task.definition.waits.record(waitMs(task));
    if (detail.runMs !== undefined) task.definition.runs.record(detail.runMs);
    task.payload = undefined;
    task.transfer = undefined;
    for (const listener of this.#endListeners) listener(task);
    if (this.events.has(state)) this.events.emit(state, taskEvent(task, { waitMs: waitMs(task), ...detail }));
    else if (state === "failed") this.#logFailure(task, detail.error);
    if (this.unfinished === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #endInError(task: Task, state: Exclude<FinalState, "succeeded">, error: unknown, runMs?: number): void {
    this.#end(task, state, error, { error, runMs });
    task.settlement?.reject(error);
  }

  #move(task: Task, to: TaskState, outcome?: unknown): void {
    const from = task.state;
    const code = codeOf(from);
    const next = codeOf(to);
    if (!mayFollow(code, next))
      throw new Error(`offload-after-response: ${name(task)} cannot go from ${from} to ${to}`);
    task.state = to;
    task.outcome = outcome;
    this.counts.move(code, next);
    task.definition.counts.move(code, next);
    this.#transitionListener?.(task, from);
  }

  #unlink(task: Task): void {
    if (task.before === undefined) this.#first = task.after;
    else task.before.after = task.after;
    if (task.after === undefined) this.#last = task.before;
    else task.after.before = task.before;
    task.before = undefined;
    task.after = undefined;
    this.unfinished--;
  }

  /** A failure that no listener hears is logged: it is never silent. */
  #logFailure(task: Task, error: unknown): void {
    const { id, attempt, context } = task;
    this.logger.error(
      { task: task.definition.name, id, attempt, context, err: error },
      `${task.definition.kind} failed`,
    );
  }
}

/** A task in a list or report. */
export interface TaskSummary {
  readonly id: string;
  readonly task: string;
  readonly state: TaskState;
  readonly attempt: number;
}

export function summary(task: Task): TaskSummary {
  const { id, state, attempt } = task;
  return { id, task: task.definition.name, state, attempt };
}

/**
 * An error whose stack would show nothing but this library. At a deadline there may be 50,000 of them to make in the last
 * half second, and the stack is most of what an error costs.
 */
function stackless(code: "AR_SKIPPED" | "AR_ABANDONED", message: string): OffloadError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new OffloadError(code, message);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function taskEvent(task: Task, detail?: { waitMs?: number; runMs?: number | undefined; error?: unknown }): TaskEvent {
  const { id, attempt, state, context } = task;
  return { id, task: task.definition.name, attempt, state, context, ...detail };
}

function waitMs(task: Task): number {
  return task.attempt === 0 ? 0 : since(task.queuedAt, task.startedAt);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
