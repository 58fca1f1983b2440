// What follows the end of an attempt, of a task or of a callback: success, another attempt, or the end.

import { OffloadError } from "../base/errors.js";
import { backoffDelay } from "./backoff.js";
import type { Ledger } from "./ledger.js";
import { isFinal } from "./states.js";
import type { Task } from "./task.js";

/** Lets a task wait for its next attempt. */
export type Retry = (task: Task, delayMs: number, error: unknown, runMs?: number) => void;

export class Attempts {
  constructor(
    private readonly ledger: Ledger,
    private readonly retry: Retry,
  ) {}

  succeeded(task: Task, value: unknown, runMs?: number): void {
    if (isFinal(task.state)) return;
    if (task.abortedBy !== undefined) this.#aborted(task, task.abortedBy, runMs);
    else this.ledger.succeeded(task, value, runMs);
  }

  /** @param retryable false when another attempt would be of no use */
  failed(task: Task, error: unknown, retryable: boolean, runMs?: number): void {
    if (isFinal(task.state)) return;
    if (task.abortedBy !== undefined) this.#aborted(task, task.abortedBy, runMs);
    else this.#failed(task, error, retryable, runMs);
  }

  /** Once a task has been told to end, it ends as it was told, whatever it still did. */
  #aborted(task: Task, reason: OffloadError, runMs?: number): void {
    task.abortedBy = undefined;
    if (reason.code === "AR_CANCELLED") this.ledger.cancelled(task, reason, runMs);
    else if (reason.code === "AR_ABANDONED") this.ledger.abandoned(task);
    else this.#failed(task, reason, true, runMs);
  }

  #failed(task: Task, error: unknown, retryable: boolean, runMs?: number): void {
    if (!retryable || !hasAttemptsLeft(task)) this.ledger.failed(task, error, runMs);
    else this.retry(task, backoffDelay(task.dispatch.backoff, task.attempt, error), error, runMs);
  }
}

export function hasAttemptsLeft(task: Task): boolean {
  return task.attempt < task.dispatch.attempts;
}

/** Whether a task is being ended for running too long, and would be tried again: a cancel or the shutdown prevents that. */
export function endsToBeRetried(task: Task): boolean {
  return task.abortedBy?.code === "AR_TIMEOUT" && hasAttemptsLeft(task);
}

/** The error of a cancelled task. */
export function cancelledError(label: string, reason: unknown): OffloadError {
  const why = typeof reason === "string" ? `: ${reason}` : reason instanceof Error ? `: ${reason.message}` : "";
  return new OffloadError("AR_CANCELLED", `${label} was cancelled${why}`, { cause: reason });
}

/** The error of a task that ran too long. */
export function timeoutError(label: string, timeout: number): OffloadError {
  return new OffloadError("AR_TIMEOUT", `${label} ran longer than its timeout of ${timeout} ms`);
}
