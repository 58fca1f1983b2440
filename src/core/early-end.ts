// The words for tasks that end before their code does, and whether an attempt may follow.
import { OffloadError, withoutStack } from "../base/errors.js";
import { name, type Task } from "./task.js";

export function hasAttemptsLeft(task: Task): boolean {
  return task.attempt < task.dispatch.attempts;
}

/** Whether a task is being stopped for running too long and would be tried again: a cancel or the shutdown prevents that. */
export function stopsToBeRetried(task: Task): boolean {
  return task.abortedBy?.code === "AR_TIMEOUT" && hasAttemptsLeft(task);
}

/** Whether a task runs yet and will end cancelled. */
export function isBeingCancelled({ abortedBy }: Task): boolean {
  return abortedBy?.code === "AR_CANCELLED";
}

export function cancelledError(task: Task, reason: unknown): OffloadError {
  const why = typeof reason === "string" ? `: ${reason}` : reason instanceof Error ? `: ${reason.message}` : "";
  return withoutStack("AR_CANCELLED", `${name(task)} was cancelled${why}`, { cause: reason });
}

export function timeoutError(task: Task): OffloadError {
  return withoutStack("AR_TIMEOUT", `${name(task)} ran longer than its timeout of ${task.dispatch.timeout} ms`);
}

/** The reason of every task that is aborted at the deadline. */
export function abandonedError(reason: Error): OffloadError {
  return new OffloadError("AR_ABANDONED", reason.message, { cause: reason });
}
