// The promise of a task's result. It is made when somebody asks for it, before the end of the task or after it.
import { type Deferred, deferred } from "../base/deferred.js";
import { OffloadError } from "../base/errors.js";
import { errorOf } from "./lazy-error.js";
import { restore } from "./payload/restore.js";
import { isFinal } from "./states.js";
import { name, type Task } from "./task.js";

/** The outcome of a task that succeeded, where its result could not be brought to the main thread. */
export class LostResult {
  constructor(
    private readonly code: "AR_RESULT_NOT_CLONEABLE" | "AR_RESULT_NOT_KEPT",
    private readonly why: string,
  ) {}

  error(task: Task): OffloadError {
    return new OffloadError(this.code, `${name(task)} succeeded, but ${this.why}`);
  }
}

/** The promise of a task's result, always the same one. */
export function resultOf(task: Task): Promise<unknown> {
  if (task.result === undefined) {
    task.result = deferred();
    // A result that nobody awaits must not cause an unhandledRejection. Who awaits it later still gets the rejection.
    task.result.promise.catch(() => {});
    settleResult(task, task.result);
  }
  return task.result.promise;
}

/** Resolves or rejects the promise, if there is one and the task has ended. */
export function settleResult(task: Task, result: Deferred<unknown> | undefined): void {
  if (result === undefined || !isFinal(task.state)) return;
  const { outcome } = task;
  if (task.state !== "succeeded") result.reject(errorOf(outcome));
  else if (outcome instanceof LostResult) result.reject(outcome.error(task));
  else resolveRestored(task, result);
}

function resolveRestored(task: Task, result: Deferred<unknown>): void {
  try {
    result.resolve(restore(task.outcome));
  } catch (cause) {
    const message = `${name(task)} succeeded, but its result cannot be read: ${String(cause)}`;
    result.reject(new OffloadError("AR_RESULT_NOT_CLONEABLE", message, { cause }));
  }
}
