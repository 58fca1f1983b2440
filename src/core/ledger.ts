// The one place where a task changes its state. It counts the tasks by state, queues the events, ends the results, and knows
// what is unfinished.
import { type OffloadError, withoutStack } from "../base/errors.js";
import { since, ticks } from "../base/ticks.js";
import { turn } from "../base/time.js";
import type { Events, TaskEvent } from "./events.js";
import { errorOf, LazyError } from "./lazy-error.js";
import { Counts } from "./measure/counts.js";
import { isBytes } from "./payload/payload.js";
import { restoreAnew } from "./payload/restore.js";
import { resultOf, settleResult } from "./result.js";
import { codeOf, type FinalState, isFinal, mayFollow, type TaskState } from "./states.js";
import { name, type Task } from "./task.js";
import { UnfinishedTasks } from "./unfinished.js";

/** Called after every transition but the first, before its event is delivered. The one observer is the scheduler. */
export type Observer = (task: Task, from: TaskState, detail: Detail) => void;

export class Ledger {
  readonly counts: Counts = new Counts();
  /** The abandoned tasks that no other process runs, each in the state it had before. */
  readonly abandonedTasks: TaskSummary[] = [];
  /** How many tasks and callbacks are in no final state. */
  unfinished = 0;
  /** How many bytes their payloads hold together. */
  bytes = 0;
  /** How many of the unfinished ones have their payload on record alone. They wait for a queue elsewhere, and a limit of their own holds. */
  shed = 0;
  /** What running tasks reported last. */
  readonly progressOf: Map<Task, Progress> = new Map();
  #accepted = 0;
  readonly #tasks = new UnfinishedTasks();
  #observe: Observer = () => {};
  #idleWaiters: (() => void)[] = [];

  readonly #audiences: Events["audiences"];

  constructor(private readonly events: Events) {
    this.#audiences = events.audiences;
  }

  /** Sets the one observer. */
  observe(observer: Observer): void {
    this.#observe = observer;
  }

  /** A new task, held. */
  accept(task: Task): void {
    this.#tasks.link(task);
    this.unfinished++;
    this.bytes += task.bytes;
    this.#accepted++;
    const code = codeOf(task.state);
    this.counts.enter(code);
    task.definition.counts.enter(code);
    if (this.#audiences.accepted.isThere) this.events.emit("accepted", taskEvent(task));
  }

  /** held or delayed -> queued. See `takenBack` for running -> queued. */
  queued(task: Task): void {
    this.#move(task, "queued");
    task.queuedAt = ticks();
    task.threadId = -1;
    // It has waited for nothing yet. The start of an earlier attempt would make the wait negative, which wraps.
    task.startedAt = task.queuedAt;
    if (this.#audiences.queued.isThere) this.events.emit("queued", taskEvent(task));
  }

  /**
   * queued -> running: its next attempt begins.
   *
   * @param threadId of the thread it is handed to; 0 for the main thread
   * @param at in ticks
   */
  started(task: Task, threadId = 0, at: number = ticks()): void {
    task.attempt++;
    task.threadId = threadId;
    task.startedAt = at;
    this.#move(task, "running");
    if (this.#audiences.started.isThere) this.events.emit("started", taskEvent(task, { waitMs: waitMs(task) }));
  }

  /** running -> queued: its code has not begun, so the attempt does not count. */
  takenBack(task: Task): void {
    task.attempt--;
    this.queued(task);
  }

  /** A running task ends, and its code has not begun: the attempt does not count. */
  neverBegan(task: Task): void {
    task.attempt--;
    task.threadId = -1;
  }

  /** running -> delayed: the attempt failed, and another one follows after `delayMs`. */
  delayed(task: Task, delayMs: number, error: unknown, runMs?: number): void {
    this.#move(task, "delayed", { runMs, delayMs, error });
    task.definition.retries++;
    if (this.#audiences.retrying.isThere) {
      const event = taskEvent(task, { waitMs: waitMs(task), runMs, error: errorOf(error) });
      this.events.emit("retrying", { ...event, delayMs });
    }
    this.#attemptEnded(task, { runMs, error });
    // What comes before the next attempt is of no thread.
    task.threadId = -1;
  }

  succeeded(task: Task, value: unknown, runMs?: number): void {
    this.#end(task, "succeeded", value, { runMs });
  }

  /** @param error may be a LazyError, as in the next ones */
  failed(task: Task, error: unknown, runMs?: number): void {
    this.#end(task, "failed", error, { error, runMs });
  }

  cancelled(task: Task, error: OffloadError | LazyError, runMs?: number): void {
    this.#end(task, "cancelled", error, { error, runMs });
  }

  skipped(task: Task): void {
    const error = new LazyError(() => withoutStack("AR_SKIPPED", `${name(task)} was skipped: runIf said no`));
    this.#end(task, "skipped", error, { error });
  }

  /** The shutdown deadline came first. A delivered task goes back to the queue, and is forwarded instead. */
  abandoned(task: Task): void {
    if (task.route === "delivered") {
      this.forwarded(task);
      return;
    }
    const { state } = task;
    const error = new LazyError(() => {
      const message = `${name(task)} was abandoned while ${state}: the shutdown deadline came first`;
      return withoutStack("AR_ABANDONED", message);
    });
    this.#end(task, "abandoned", error, { error });
    if (!task.isLeft) this.abandonedTasks.push({ ...summary(task), state });
  }

  /** The payload of a queued task can be read from its record: it takes no memory any more. */
  dropPayload(task: Task): void {
    if (task.isShed || isFinal(task.state)) return;
    task.isShed = true;
    this.shed++;
    this.bytes -= task.bytes;
    task.bytes = 0;
    if (isBytes(task.payload)) task.payload.release();
    task.payload = undefined;
  }

  /** queued, running or delayed -> forwarded: it runs in another process, or its next attempt may. */
  forwarded(task: Task): void {
    const error = new LazyError(() => {
      return withoutStack("AR_RUN_ELSEWHERE", `${name(task)} was handed over and runs in another process`);
    });
    this.#end(task, "forwarded", error, {});
  }

  /** A running task has reported a value. */
  progress(task: Task, value: unknown): void {
    this.progressOf.set(task, { value, at: ticks() });
    if (this.#audiences.progress.isThere) this.events.emit("progress", { ...taskEvent(task), value });
  }

  /** A running task has run for long, and `waiting` others wait for their turn. */
  longRunning(task: Task, runMs: number, waiting: number): void {
    if (this.#audiences.longRunning.isThere) this.events.emit("longRunning", { ...taskEvent(task), runMs, waiting });
  }

  /** The running tasks, in the order in which they were accepted. */
  running(): Task[] {
    return this.#tasks.list(this.counts.in("running"), (task) => task.state === "running");
  }

  /** The unfinished tasks, oldest first, at most `max` of them. */
  list(max: number = Number.POSITIVE_INFINITY): Task[] {
    return this.#tasks.list(max);
  }

  /** Whether an unfinished task passes a test. Looks from the oldest on, and no further than to the first that does. */
  some(test: (task: Task) => boolean): boolean {
    return this.#tasks.list(1, test).length > 0;
  }

  /** The unfinished tasks that can be looked for. */
  get tasks(): UnfinishedTasks {
    return this.#tasks;
  }

  /** The promise of a task's result, made when first asked for. */
  result(task: Task): Promise<unknown> {
    return resultOf(task);
  }

  /** Resolves when nothing is unfinished and nothing was accepted for two more turns of the event loop. Never rejects. */
  async idle(): Promise<void> {
    let accepted: number;
    do {
      if (this.unfinished > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
      accepted = this.#accepted;
      // Code that awaits the last result, and listeners for the end of the last response, may dispatch now.
      await turn();
      await turn();
      // A task may have come and ended meanwhile, with more to follow: a journal brings its tasks back a few at a time.
    } while (this.unfinished > 0 || this.#accepted !== accepted);
  }

  #end(task: Task, state: FinalState, outcome: unknown, detail: Detail): void {
    const from = this.#enter(task, state);
    task.outcome = outcome;
    this.#tasks.unlink(task);
    this.unfinished--;
    this.bytes -= task.bytes;
    if (task.isShed) this.shed--;
    // A task that ends while it waits has no complete wait to record.
    if ((from === "running" && task.threadId >= 0) || from === "delayed") task.definition.waits.record(waitMs(task));
    if (detail.runMs !== undefined) task.definition.runs.record(detail.runMs);
    this.#observe(task, from, detail);
    // The thread of an abandoned task may still read the payload, so its memory must not be used again.
    if (isBytes(task.payload) && !(state === "abandoned" && from === "running")) task.payload.release();
    task.payload = undefined;
    settleResult(task, task.result);
    if (this.events.has(state)) this.events.emit(state, taskEvent(task, { waitMs: waitMs(task), ...detail }));
    // An attempt is as long on a thread as its task has one.
    if (task.threadId >= 0) this.#attemptEnded(task, detail);
    if (this.unfinished === 0 && this.#idleWaiters.length > 0) {
      for (const resolve of this.#idleWaiters.splice(0)) resolve();
    }
  }

  #attemptEnded(task: Task, detail: Detail): void {
    if (!this.events.hasTracers(task.carrier)) return;
    this.events.attemptEnded(taskEvent(task, { waitMs: waitMs(task), ...detail }));
  }

  #move(task: Task, to: TaskState, detail: Detail = noDetail): void {
    const from = this.#enter(task, to);
    this.#observe(task, from, detail);
  }

  /** @returns the state it was in */
  #enter(task: Task, to: TaskState): TaskState {
    const from = task.state;
    const code = codeOf(from);
    const next = codeOf(to);
    if (!mayFollow(code, next))
      throw new Error(`offload-after-response: ${name(task)} cannot go from ${from} to ${to}`);
    task.state = to;
    if (this.progressOf.size > 0) this.progressOf.delete(task);
    this.counts.move(code, next);
    task.definition.counts.move(code, next);
    return from;
  }
}

/** What a running task reported, and when, in ticks. */
export interface Progress {
  readonly value: unknown;
  readonly at: number;
}

/** What is known of a transition beside the task. The error may be a {@link LazyError}. */
export interface Detail {
  readonly error?: unknown;
  readonly runMs?: number | undefined;
  readonly delayMs?: number | undefined;
}

const noDetail: Detail = {};

/** A task in a list or a report. */
export interface TaskSummary {
  /** The id that the dispatch returned. */
  readonly id: string;
  /** The task's name; for a callback the name of its function. */
  readonly task: string;
  /** Its state at this moment. */
  readonly state: TaskState;
  /** How often it has been started; 0 before the first time. */
  readonly attempt: number;
}

export function summary(task: Task): TaskSummary {
  const { id, state, attempt } = task;
  return { id, task: task.definition.name, state, attempt };
}

function taskEvent(task: Task, { waitMs, runMs, error }: Detail & { readonly waitMs?: number } = {}): TaskEvent {
  const { id, parent, carrier, attempt, state, definition, dispatch, threadId } = task;
  return {
    id,
    task: definition.name,
    kind: definition.kind,
    parent,
    key: dispatch.key,
    priority: dispatch.priority,
    attempt,
    state,
    context: restoreAnew(task.context),
    ageMs: since(task.acceptedAt),
    threadId: threadId < 0 ? undefined : threadId,
    attemptMs: threadId < 0 ? undefined : since(task.startedAt),
    replayed: task.replayedId !== undefined,
    carrier,
    waitMs,
    runMs,
    get error() {
      return errorOf(error);
    },
  };
}

/** From queued to started, of the last attempt, in ms; 0 where there was none. */
export function waitMs(task: Task): number {
  return task.attempt === 0 ? 0 : since(task.queuedAt, task.startedAt);
}
