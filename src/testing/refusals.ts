// Refuses dispatches by the wish of a test, so that it can see how the application answers.
import { describe, OffloadError } from "../base/errors.js";
import type { Refusal } from "./contract.js";

const codes: readonly Refusal[] = [
  "AR_QUEUE_FULL",
  "AR_SHUTTING_DOWN",
  "AR_TASKS_NOT_LOADABLE",
  "AR_JOURNAL_FULL",
  "AR_JOURNAL_UNAVAILABLE",
];
/** Those that callbacks meet too. */
const ofCallbacks: ReadonlySet<Refusal> = new Set(["AR_QUEUE_FULL", "AR_SHUTTING_DOWN"]);

export class Refusals {
  #code: Refusal | undefined;

  /** Refuses every dispatch from now on. */
  begin(code: Refusal): void {
    if (!codes.includes(code)) {
      throw new OffloadError(
        "AR_INVALID_ARGUMENT",
        `refuse: expected one of ${codes.join(", ")}, got ${describe(code)}`,
      );
    }
    this.#code = code;
  }

  end(): void {
    this.#code = undefined;
  }

  /** @throws OffloadError with the code of the refusal, where there is one */
  asked(kind: "task" | "callback"): void {
    const code = this.#code;
    if (code === undefined || (kind === "callback" && !ofCallbacks.has(code))) return;
    throw new OffloadError(code, "refused by the test: refuse() of the testing kit");
  }
}
