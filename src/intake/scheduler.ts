// Moves accepted tasks through their states: when each goes to its engine, what follows an attempt, how one is ended early.
// The only place that knows the ledger, the store, the keys, the delays and the engines.
import type { OffloadError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { type Clock, clearTicker, setTicker } from "../base/time.js";
import { backoffDelay } from "../core/backoff.js";
import { Delayed } from "../core/delayed.js";
import { cancelledError, hasAttemptsLeft } from "../core/early-end.js";
import type { Events } from "../core/events.js";
import type { Ledger } from "../core/ledger.js";
import { restore } from "../core/payload/restore.js";
import { resultOf } from "../core/result.js";
import { isFinal, type TaskState } from "../core/states.js";
import type { Task } from "../core/task.js";
import type { Engine, EngineHost } from "../engine/engine.js";
import type { Store } from "../store/store.js";
import { Keys } from "./keys.js";
import type { Readiness } from "./readiness.js";
import { Signals } from "./signals.js";

/** Where tasks run and where callbacks run. */
export interface Engines {
  readonly task: Engine;
  readonly callback: Engine;
}

export interface SchedulerParts {
  readonly ledger: Ledger;
  readonly events: Events;
  readonly store: Store;
  readonly engines: Engines;
  readonly readiness: Readiness;
  readonly logger: Logger;
  /** Whether the failure of a task is logged. */
  readonly logsFailures: boolean;
  readonly clock?: Clock | undefined;
}

export class Scheduler implements EngineHost {
  readonly keys: Keys = new Keys();
  readonly #parts: SchedulerParts;
  readonly #delayed: Delayed;
  readonly #signals = new Signals((task, reason) => void this.cancel(task, reason));
  readonly #paused = new Set<string | undefined>();
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#delayed = new Delayed((task) => this.#due(task), parts.clock);
    parts.ledger.observe((task, from) => this.#moved(task, from));
  }

  /** Starts the engines. */
  start(): void {
    for (const engine of this.#engines()) engine.start(this);
  }

  // What the intake asks for.

  /**
   * Accepts a task that is on record: it holds its key, and its signal is followed.
   *
   * @param signal cancels the task when it aborts
   */
  accept(task: Task, signal?: AbortSignal): void {
    const { key } = task.dispatch;
    if (key !== undefined) this.keys.claim(task, key);
    this.#parts.ledger.accept(task);
    if (this.#paused.size > 0) this.#stayAlive();
    if (signal !== undefined) this.#signals.follow(task, signal);
  }

  /** held -> queued: nothing has to be waited for any more but its turn. */
  release(task: Task): void {
    this.#parts.ledger.queued(task);
    // One that waits for another with its key comes to its engine after the end of that one.
    if (!this.keys.isWaiting(task)) this.engineOf(task).add(task);
  }

  /** held -> skipped */
  skip(task: Task): void {
    this.#parts.ledger.skipped(task);
  }

  /**
   * Cancels a task in whatever state it is.
   *
   * @returns whether it took effect: false when the task has ended
   */
  cancel(task: Task, reason: unknown): boolean {
    if (isFinal(task.state)) return false;
    return this.move(() => {
      const error = cancelledError(task, reason);
      return this.#stop(task, error, () => this.#parts.ledger.cancelled(task, error));
    });
  }

  /** Fails a task whose code does not run; one that runs goes on. */
  fail(task: Task, error: unknown): void {
    if (task.state === "running" || isFinal(task.state)) return;
    this.move(() => this.#withdraw(task, () => this.#parts.ledger.failed(task, error)));
  }

  /** The promise of a task's result. */
  result(task: Task): Promise<unknown> {
    const result = resultOf(task);
    if (task.state === "running") this.engineOf(task).want(task);
    return result;
  }

  /** Makes transitions that belong together: events are delivered when all of them are made. */
  move<Result>(make: () => Result): Result {
    const { events } = this.#parts;
    events.beginMove();
    try {
      return make();
    } finally {
      events.endMove();
    }
  }

  /** Starts no more tasks, or none of this name, until `resume`. */
  pause(task?: string): void {
    this.#paused.add(task);
    for (const engine of this.#engines()) engine.pause(task);
    if (this.#parts.ledger.unfinished > 0) this.#stayAlive();
  }

  resume(task?: string): void {
    if (!this.#paused.delete(task)) return;
    for (const engine of this.#engines()) engine.resume(task);
    if (this.#paused.size === 0) this.#letGo();
  }

  /** A drain waits for all tasks, so it lifts every pause. */
  resumeAll(): void {
    for (const task of [...this.#paused]) this.resume(task);
  }

  // The last moments of a drain.

  /** Abandons every task whose code does not run. */
  abandonWaiting(): void {
    const { ledger } = this.#parts;
    this.move(() => {
      for (const task of ledger.list()) {
        if (task.state !== "running") this.#withdraw(task, () => ledger.abandoned(task));
      }
    });
  }

  /** Has every running task end for `reason`, and abandons those whose code has not begun. */
  abortRunning(reason: OffloadError): void {
    const { ledger } = this.#parts;
    this.move(() => {
      for (const engine of this.#engines()) engine.halt();
      for (const task of ledger.list()) {
        if (task.state === "running") this.#stop(task, reason, () => ledger.abandoned(task));
      }
      this.abandonWaiting();
    });
  }

  /** Abandons everything that is left, whatever it does. */
  abandonRunning(): void {
    const { ledger } = this.#parts;
    this.move(() => {
      this.abandonWaiting();
      for (const task of ledger.list()) ledger.abandoned(task);
    });
  }

  // What the engines report.

  together(report: () => void): void {
    this.move(report);
  }

  started(task: Task): void {
    this.#parts.ledger.started(task);
  }

  returned(task: Task): void {
    if (isFinal(task.state)) return;
    this.#parts.ledger.takenBack(task);
  }

  succeeded(task: Task, value: unknown, runMs?: number): void {
    if (isFinal(task.state)) return;
    const { events, ledger } = this.#parts;
    // No closure here: some 500,000 tasks a second pass.
    events.beginMove();
    try {
      if (task.abortedBy !== undefined) this.#stopped(task, task.abortedBy, runMs);
      else ledger.succeeded(task, value, runMs);
    } finally {
      events.endMove();
    }
  }

  failed(task: Task, error: unknown, retryable: boolean, runMs?: number): void {
    if (isFinal(task.state)) return;
    this.move(() => {
      if (task.abortedBy !== undefined) this.#stopped(task, task.abortedBy, runMs);
      else this.#attemptFailed(task, error, retryable, runMs);
    });
  }

  handedOver(task: Task): void {
    if (isFinal(task.state)) return;
    this.move(() => this.#parts.ledger.forwarded(task));
  }

  progress(task: Task, value: unknown): void {
    if (isFinal(task.state)) return;
    this.move(() => this.#parts.ledger.progress(task, value));
  }

  ready(): void {
    this.#parts.readiness.up();
  }

  loaded(names: readonly string[]): void {
    const { ledger, readiness } = this.#parts;
    const errorOf = readiness.loaded(names);
    if (errorOf === undefined) return;
    this.move(() => {
      for (const task of ledger.list()) {
        const error = errorOf(task.definition);
        if (error !== undefined) this.fail(task, error);
      }
    });
  }

  unloadable(reason: Error): void {
    const error = this.#parts.readiness.unloadable(reason);
    this.move(() => {
      for (const task of this.#parts.ledger.list()) if (task.definition.kind === "task") this.fail(task, error);
    });
  }

  beforeDeparture(): void {
    this.#parts.store.flush();
  }

  engineOf(task: Task): Engine {
    return this.#parts.engines[task.definition.kind];
  }

  #engines(): readonly Engine[] {
    const { task, callback } = this.#parts.engines;
    return [task, callback];
  }

  /** The one rule for ending a task early: what has begun is asked to stop, everything else ends by `finish`. */
  #stop(task: Task, reason: OffloadError, finish: () => void): boolean {
    if (task.state !== "running") {
      this.#withdraw(task, finish);
      return true;
    }
    const stopped = this.engineOf(task).stop(task, reason);
    if (stopped === "unbegun") finish();
    return stopped !== "ended";
  }

  /** Ends a task whose code does not run. */
  #withdraw(task: Task, finish: () => void): void {
    if (task.state === "queued" && !this.keys.isWaiting(task)) this.engineOf(task).remove(task);
    finish();
  }

  /** Once a task has been told to stop, it ends for that reason, whatever its code still did. */
  #stopped(task: Task, reason: OffloadError, runMs?: number): void {
    const { ledger } = this.#parts;
    task.abortedBy = undefined;
    if (reason.code === "AR_CANCELLED") ledger.cancelled(task, reason, runMs);
    else if (reason.code === "AR_ABANDONED") ledger.abandoned(task);
    else this.#attemptFailed(task, reason, true, runMs);
  }

  #attemptFailed(task: Task, error: unknown, retryable: boolean, runMs?: number): void {
    const { ledger } = this.#parts;
    if (!retryable || !hasAttemptsLeft(task)) {
      ledger.failed(task, error, runMs);
      return;
    }
    const delayMs = backoffDelay(task.dispatch.backoff, task.attempt, error);
    ledger.delayed(task, delayMs, error, runMs);
    this.#delayed.add(task, delayMs);
  }

  /** delayed -> queued */
  #due(task: Task): void {
    this.move(() => this.release(task));
  }

  /** Everything that follows from a transition, whoever made it. */
  #moved(task: Task, from: TaskState): void {
    this.#parts.store.moved(task, from);
    if (!isFinal(task.state)) return;
    if (from === "delayed") this.#delayed.removed();
    this.#signals.forget(task);
    const follower = this.keys.release(task);
    if (follower?.state === "queued") this.engineOf(follower).add(follower);
    if (task.state === "failed" && this.#parts.logsFailures) this.#logFailure(task);
    if (this.#keepAlive !== undefined && this.#parts.ledger.unfinished === 0) this.#letGo();
  }

  #logFailure(task: Task): void {
    const { id, attempt, outcome, definition } = task;
    const fields = { task: definition.name, id, attempt, context: restore(task.context), err: outcome };
    this.#parts.events.later(() => this.#parts.logger.error(fields, `${definition.kind} failed`));
  }

  /** A paused process with work stays alive, though nothing runs in it. */
  #stayAlive(): void {
    this.#keepAlive ??= setTicker(() => {}, 2 ** 30);
  }

  #letGo(): void {
    clearTicker(this.#keepAlive);
    this.#keepAlive = undefined;
  }
}
