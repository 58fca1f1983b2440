// What follows an attempt: the end of the task, or another attempt after a delay. A task that was asked to stop ends for that
// reason, whatever its code still did.
import type { Clock } from "../../base/time.js";
import { hasAttemptsLeft } from "../early-end.js";
import { errorOf } from "../lazy-error.js";
import type { Ledger } from "../ledger.js";
import type { Task } from "../task.js";
import { backoffDelay } from "./backoff.js";
import { Delayed } from "./delayed.js";

/**
 * Whether something else keeps a delayed task until its next attempt. The task is final then.
 *
 * @param error may be a LazyError
 */
export type KeepElsewhere = (task: Task, delayMs: number, error: unknown) => boolean;

export class Attempts {
  readonly #ledger: Ledger;
  readonly #delayed: Delayed;
  /** The task whose backoff function is being called. */
  #askedAbout: Task | undefined;

  readonly #keepElsewhere: KeepElsewhere;

  /**
   * @param onDue called when it is time for the next attempt of a delayed task
   * @param keepElsewhere asked first where a delayed task waits
   */
  constructor(ledger: Ledger, onDue: (task: Task) => void, clock?: Clock, keepElsewhere: KeepElsewhere = () => false) {
    this.#ledger = ledger;
    this.#keepElsewhere = keepElsewhere;
    this.#delayed = new Delayed(onDue, clock);
  }

  succeeded(task: Task, value: unknown, runMs: number | undefined): void {
    if (task.abortedBy !== undefined) this.#stopped(task, runMs);
    else this.#ledger.succeeded(task, value, runMs);
  }

  failed(task: Task, error: unknown, retryable: boolean, runMs: number | undefined): void {
    if (task.abortedBy !== undefined) this.#stopped(task, runMs);
    else this.#failed(task, error, retryable, runMs);
  }

  /**
   * Whether a running task is between two attempts: its engine has reported the failure and has forgotten the task, and its
   * backoff function is being called. The task ends then for the reason that is set as `abortedBy`.
   */
  isBetween(task: Task): boolean {
    return task === this.#askedAbout;
  }

  /** A delayed task has ended. */
  delayedEnded(): void {
    this.#delayed.removed();
  }

  #stopped(task: Task, runMs: number | undefined): void {
    const reason = task.abortedBy;
    if (reason === undefined) return;
    task.abortedBy = undefined;
    if (reason.code === "AR_CANCELLED") this.#ledger.cancelled(task, reason, runMs);
    else if (reason.code === "AR_ABANDONED") this.#ledger.abandoned(task);
    else if (reason.code === "AR_RUN_ELSEWHERE") this.#ledger.forwarded(task);
    else this.#failed(task, reason, true, runMs);
  }

  #failed(task: Task, error: unknown, retryable: boolean, runMs: number | undefined): void {
    if (!retryable || !hasAttemptsLeft(task)) {
      this.#ledger.failed(task, error, runMs);
      return;
    }
    const delayMs = this.#delayAfter(task, error);
    if (task.abortedBy !== undefined) {
      this.#stopped(task, runMs);
      return;
    }
    this.#ledger.delayed(task, delayMs, error, runMs);
    if (!this.#keepElsewhere(task, delayMs, error)) this.#delayed.add(task, delayMs);
  }

  /** A backoff function is the user's and may cancel its task. */
  #delayAfter(task: Task, error: unknown): number {
    this.#askedAbout = task;
    try {
      const { backoff } = task.dispatch;
      return backoffDelay(backoff, task.attempt, typeof backoff === "function" ? errorOf(error) : undefined);
    } finally {
      this.#askedAbout = undefined;
    }
  }
}
