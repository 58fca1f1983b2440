// Whether a task runs after this outcome.
import { OffloadError } from "../base/errors.js";
import type { ResponseOutcome, RunIf } from "../core/outcome.js";

/**
 * What `runIf` says to an outcome.
 *
 * A predicate that throws has said neither yes nor no: to run the task could do what it was to prevent, to skip it
 * would lose the task without a word. So its error is thrown here, and the caller lets the task fail with it.
 *
 * @throws what the predicate throws; OffloadError AR_INVALID_ARGUMENT for a predicate that returns a promise
 */
export function runIfAllows(runIf: RunIf, outcome: ResponseOutcome): boolean {
  if (runIf === "always") return true;
  const completed = outcome.kind === "completed";
  if (runIf === "sent") return completed;
  if (runIf === "ok") return completed && outcome.statusCode < 400;
  const answer: unknown = runIf(outcome);
  // An async predicate would be true whatever it comes to.
  if (answer instanceof Promise) {
    answer.catch(() => {});
    throw new OffloadError("AR_INVALID_ARGUMENT", "runIf must return a boolean at once; it returned a promise");
  }
  return Boolean(answer);
}
