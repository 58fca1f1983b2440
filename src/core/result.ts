// The promise of a task's result, made when somebody asks, be it before the end or after it.
import { OffloadError } from "../base/errors.js";
import { isFinal } from "./states.js";
import { name, type Settlement, type Task } from "./task.js";

/** Stands for the result of a task that succeeded when the result itself could not be brought over. */
export class LostResult {
  constructor(
    private readonly code: "AR_RESULT_NOT_CLONEABLE" | "AR_RESULT_NOT_KEPT",
    private readonly why: string,
  ) {}

  error(task: Task): OffloadError {
    return new OffloadError(this.code, `${name(task)} succeeded, but ${this.why}`);
  }
}

/** The promise of a task, settled already where the task has ended. */
export function settlementOf(task: Task): Settlement {
  const settlement = withResolvers();
  // Whoever looks at it later is told all the same; whoever never does, gets no unhandledRejection.
  settlement.promise.catch(() => {});
  if (task.state === "succeeded") {
    if (task.outcome instanceof LostResult) settlement.reject(task.outcome.error(task));
    else settlement.resolve(task.outcome);
  } else if (isFinal(task.state)) {
    settlement.reject(task.outcome);
  }
  return settlement;
}

function withResolvers(): Settlement {
  let resolve: Settlement["resolve"] = () => {};
  let reject: Settlement["reject"] = () => {};
  const promise = new Promise<unknown>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
