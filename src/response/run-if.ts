// Whether a task runs after the outcome of its response: the answer of the option `runIf`.
import { OffloadError } from "../base/errors.js";
import type { RunIf } from "../core/outcome.js";
import type { Over } from "./watch.js";

/**
 * What `runIf` answers to the outcome of a response.
 *
 * A predicate that throws answers neither yes nor no. To run the task could do what the predicate is there to prevent, and
 * to skip it would lose the task silently. So its error is thrown here, and the caller fails the task with it.
 *
 * @throws what the predicate throws; OffloadError AR_INVALID_ARGUMENT for a predicate that returns a promise
 */
export function runIfAllows(runIf: RunIf, over: Over): boolean {
  if (runIf === "always") return true;
  const { outcome } = over;
  const completed = outcome.kind === "completed";
  if (runIf === "sent") return completed;
  if (runIf === "ok") return completed && outcome.statusCode < 400;
  const answer: unknown = runIf(outcome);
  // The promise of an async predicate is always truthy.
  if (answer instanceof Promise) {
    answer.catch(() => {});
    throw new OffloadError("AR_INVALID_ARGUMENT", "runIf must return a boolean at once; it returned a promise");
  }
  return Boolean(answer);
}
