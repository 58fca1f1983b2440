// Tasks that are stopped before their code has ended: the errors they end with, and whether another attempt follows.
import { OffloadError, withoutStack } from "../base/errors.js";
import { name, type Task } from "./task.js";

export function hasAttemptsLeft(task: Task): boolean {
  return task.attempt < task.dispatch.attempts;
}

/** Whether a task is being stopped for running too long and has attempts left, which a cancel or the shutdown can prevent. */
export function stopsToBeRetried(task: Task): boolean {
  return task.abortedBy?.code === "AR_TIMEOUT" && hasAttemptsLeft(task);
}

/** Whether a task still runs and will end as cancelled. */
export function isBeingCancelled({ abortedBy }: Task): boolean {
  return abortedBy?.code === "AR_CANCELLED";
}

/** @param reason text or an error for the message; the cause of the error */
export function cancelledError(task: Task, reason: unknown): OffloadError {
  const why = typeof reason === "string" ? `: ${reason}` : reason instanceof Error ? `: ${reason.message}` : "";
  return withoutStack("AR_CANCELLED", `${name(task)} was cancelled${why}`, { cause: reason });
}

export function timeoutError(task: Task): OffloadError {
  return withoutStack("AR_TIMEOUT", `${name(task)} ran longer than its timeout of ${task.dispatch.timeout} ms`);
}

/** The error of all tasks that are aborted at the deadline. */
export function abandonedError(reason: Error): OffloadError {
  return new OffloadError("AR_ABANDONED", reason.message, { cause: reason });
}
