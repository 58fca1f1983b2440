// Moves accepted tasks through their states: when each goes to its engine, and how one is ended early. What the engines report
// comes back through engine-reports.ts.
import type { OffloadError } from "../../base/errors.js";
import type { Clock } from "../../base/time.js";
import { cancelledError } from "../../core/early-end.js";
import type { Events } from "../../core/events.js";
import { LazyError } from "../../core/lazy-error.js";
import type { Detail, Ledger } from "../../core/ledger.js";
import type { TaskLog } from "../../core/log/task-log.js";
import { resultOf } from "../../core/result.js";
import { Attempts } from "../../core/retry/attempts.js";
import { isFinal, type TaskState } from "../../core/states.js";
import { hasKeyElsewhere, type Task } from "../../core/task.js";
import type { Engine, EngineHost } from "../../engine/engine.js";
import type { Store } from "../../store/store.js";
import { Keys } from "./keys.js";
import type { LongRunning } from "./long-running.js";
import { Pauses } from "./pauses.js";
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
  readonly longRunning: LongRunning;
  readonly log: TaskLog;
  readonly clock?: Clock | undefined;
}

export class Scheduler {
  readonly events: Events;
  readonly keys: Keys = new Keys();
  readonly pauses: Pauses;
  readonly attempts: Attempts;
  readonly #parts: SchedulerParts;
  readonly #engines: { task: Engine; callback: Engine };
  readonly #signals = new Signals((task, reason) => void this.cancel(task, reason));

  constructor(parts: SchedulerParts) {
    const { ledger, engines, clock } = parts;
    this.#parts = parts;
    this.events = parts.events;
    this.#engines = { ...engines };
    this.attempts = new Attempts(
      ledger,
      (task) => this.move(() => this.release(task)),
      clock,
      (task, delayMs, error) => this.#engineOf(task).delay?.(task, delayMs, error) ?? false,
    );
    this.pauses = new Pauses(
      () => Object.values(this.#engines),
      () => ledger.unfinished,
    );
    ledger.observe((task, from, detail) => this.#moved(task, from, detail));
  }

  /** Starts the engines, which report to `host`. */
  start(host: EngineHost): void {
    for (const engine of Object.values(this.#engines)) engine.start(host);
  }

  /**
   * Puts another engine in the place of the one that has tasks, for the testing kit. It is not started, and has to answer for
   * the tasks that the one before it was given.
   *
   * @param make is given the one before it
   */
  replaceTaskEngine(make: (before: Engine) => Engine): void {
    this.#engines.task = make(this.#engines.task);
    this.pauses.applyTo(this.#engines.task);
  }

  /**
   * Makes transitions that belong together: events are delivered when all of them are made. Where some 500,000 tasks a second pass, the
   * same is done without a closure, by `events`.
   */
  move<Result>(make: () => Result): Result {
    this.events.beginMove();
    try {
      return make();
    } finally {
      this.events.endMove();
    }
  }

  // What the intake and the handles ask for.

  /**
   * Accepts a task that is on record: it claims its key, and its signal is followed.
   *
   * @param signal cancels the task when it aborts, or at once if it has
   */
  accept(task: Task, signal?: AbortSignal): void {
    const { key } = task.dispatch;
    if (key !== undefined && !hasKeyElsewhere(task)) this.keys.claim(task, key);
    this.#parts.ledger.accept(task);
    this.#parts.log.accepted(task);
    this.pauses.update();
    if (signal !== undefined) this.#signals.follow(task, signal);
  }

  /** held or delayed -> queued. One that waits for another with its key goes to its engine when that one has ended. */
  release(task: Task): void {
    this.#parts.ledger.queued(task);
    if (!this.keys.isWaiting(task)) this.#engineOf(task).add(task);
  }

  /** held -> skipped */
  skip(task: Task): void {
    this.#parts.ledger.skipped(task);
  }

  /** Fails a task whose code does not run. One that runs goes on. */
  fail(task: Task, error: unknown): void {
    if (task.state === "running" || isFinal(task.state)) return;
    this.move(() => {
      this.#leave(task);
      this.#parts.ledger.failed(task, error);
    });
  }

  /**
   * Cancels a task in whatever state it is.
   *
   * @returns whether it took effect: false when the task has ended
   */
  cancel(task: Task, reason: unknown): boolean {
    // What is in a transaction is taken back by its rollback.
    if (isFinal(task.state) || task.route === "inserted") return false;
    const { ledger } = this.#parts;
    this.events.beginMove();
    try {
      if (task.state !== "running") {
        this.#leave(task);
        ledger.cancelled(task, new LazyError(() => cancelledError(task, reason)));
        return true;
      }
      const error = cancelledError(task, reason);
      return this.#stopRunning(task, error, () => ledger.cancelled(task, error));
    } finally {
      this.events.endMove();
    }
  }

  /**
   * Cancels all tasks and callbacks of a name that wait: for their response, their turn or their next attempt.
   *
   * @returns how many
   */
  cancelWaiting(name: string, reason: unknown): number {
    const { ledger } = this.#parts;
    const waits = ({ state, definition }: Task): boolean => state !== "running" && definition.name === name;
    return this.move(() => {
      const waiting = ledger.tasks.list(Number.POSITIVE_INFINITY, waits);
      return waiting.reduce((count, task) => count + (this.cancel(task, reason) ? 1 : 0), 0);
    });
  }

  /** The promise of a task's result. */
  result(task: Task): Promise<unknown> {
    const result = resultOf(task);
    if (task.state === "running") this.#engineOf(task).want(task);
    return result;
  }

  // The last moments of a drain.

  /**
   * Abandons tasks whose code does not run.
   *
   * @param tasks those of them; default: all
   */
  abandonWaiting(tasks?: readonly Task[]): void {
    const { ledger } = this.#parts;
    this.move(() => {
      for (const task of tasks ?? ledger.list()) {
        if (task.state === "running") continue;
        this.#leave(task);
        ledger.abandoned(task);
      }
    });
  }

  /** Has every running task end for `reason`, and abandons those whose code has not begun. */
  abortRunning(reason: OffloadError): void {
    const { ledger } = this.#parts;
    this.move(() => {
      for (const engine of Object.values(this.#engines)) engine.halt();
      for (const task of ledger.list()) {
        if (task.state === "running") this.#stopRunning(task, reason, () => ledger.abandoned(task));
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

  #engineOf(task: Task): Engine {
    return this.#engines[task.definition.kind];
  }

  /**
   * A started task is asked to stop; one whose code has not begun ends by `finish` at once.
   *
   * @returns whether it took effect
   */
  #stopRunning(task: Task, reason: OffloadError, finish: () => void): boolean {
    if (this.attempts.isBetween(task)) {
      task.abortedBy = reason;
      return true;
    }
    const answer = this.#engineOf(task).stop(task, reason);
    if (answer === "unbegun") {
      this.#parts.ledger.neverBegan(task);
      finish();
    }
    return answer !== "ended";
  }

  /** Takes a task that is not started out of where it waits, right before it ends. */
  #leave(task: Task): void {
    if (task.state === "queued" && !this.keys.isWaiting(task)) this.#engineOf(task).remove(task);
  }

  /** Everything that follows from a transition, whoever made it. */
  #moved(task: Task, from: TaskState, detail: Detail): void {
    const { store, longRunning, log } = this.#parts;
    store.moved(task, from);
    if (from === "running") longRunning.left(task);
    log.moved(task, from, detail);
    if (!isFinal(task.state)) return;
    const isDelivered = task.route === "delivered";
    // The delay of a delivered task is not kept here.
    if (from === "delayed" && !isDelivered) this.attempts.delayedEnded();
    this.#signals.forget(task);
    this.#engineOf(task).ended?.(task);
    const follower = hasKeyElsewhere(task) ? undefined : this.keys.release(task);
    if (follower?.state === "queued") this.#engineOf(follower).add(follower);
    this.pauses.update();
  }
}
