// Which dispatches can be part of a transaction of the user's own.
import { OffloadError } from "../../base/errors.js";
import type { TaskDefinition } from "../../core/definition.js";
import type { DispatchOptions } from "./dispatch-options.js";

/** @throws OffloadError AR_INVALID_OPTIONS where the task of a call with `transaction` cannot be inserted by it */
export function checkTransaction(
  operation: string,
  { name, policy }: TaskDefinition,
  { transfer }: DispatchOptions,
  elsewhere: { readonly transactional: boolean } | undefined,
): void {
  const why = obstacle();
  if (why === undefined) return;
  throw new OffloadError("AR_INVALID_OPTIONS", `options of ${name}: expected no transaction, because ${why}, got one`);

  function obstacle(): string | undefined {
    if (elsewhere === undefined) return "only the option engine: pgBoss({ connection, queue }) can insert a task";
    if (!elsewhere.transactional) return "this engine is not in your database; pgBoss({ connection, queue }) is";
    if (!policy.engine) return "its policy engine: false keeps it in this process";
    // A task that waits for its response would be inserted after the end of the transaction.
    if (operation !== "offload") return `${operation}() cannot be part of one, and offload() can`;
    if (transfer !== undefined) return "what is in transfer stays in this process";
    return undefined;
  }
}
