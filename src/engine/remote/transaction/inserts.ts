// The tasks that a transaction of the user's own inserts into the queue. They are on no record here, because what is on record would
// be forwarded although the transaction is rolled back.
import { OffloadError } from "../../../base/errors.js";
import type { Logger } from "../../../base/logger.js";
import { name, type Task } from "../../../core/task.js";
import type { Store } from "../../../store/store.js";
import type { EngineHost } from "../../engine.js";
import { headOf } from "../forward-message.js";
import type { EngineChoice, TransactionClient } from "../remote-engine.js";

export interface InsertsParts {
  readonly choice: EngineChoice;
  /** Has the options of the calls. */
  readonly passing: Pick<Store, "contentOf"> | undefined;
  readonly logger: Logger;
}

export class Inserts {
  readonly #parts: InsertsParts;
  /** Those whose statement has no answer yet. */
  readonly #open = new Set<Task>();

  constructor(parts: InsertsParts) {
    this.#parts = parts;
  }

  /** Gives the statement to the client before it returns, so that a COMMIT of the next line comes after it. */
  add(task: Task, host: EngineHost | undefined): void {
    this.#open.add(task);
    this.#insert(task).then(
      () => {
        if (this.#open.delete(task)) host?.together(() => host.handedOver(task));
      },
      (cause: unknown) => {
        if (this.#open.delete(task)) host?.together(() => host.failed(task, this.#refusal(task, cause), false));
      },
    );
  }

  /** A task ends here before its statement has an answer. It cannot be taken out of the transaction any more. */
  remove(task: Task): void {
    if (!this.#open.delete(task)) return;
    const words = "a task has ended after its statement was given to the transaction: it runs if that is committed";
    this.#parts.logger.warn({ id: task.id }, words);
  }

  async #insert(task: Task): Promise<void> {
    const { choice, passing } = this.#parts;
    const { insertion } = task;
    if (insertion === undefined || passing === undefined || choice.insert === undefined)
      throw new Error(`the engine ${choice.name} has no transactions`);
    const content = passing.contentOf(task);
    const head = { ...headOf(task, content), key: insertion.key };
    await choice.insert(insertion.client as TransactionClient, head, Buffer.from(content.bytes));
  }

  #refusal(task: Task, cause: unknown): OffloadError {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `${name(task)} was not inserted by its transaction: ${why}`;
    return new OffloadError("AR_NOT_FORWARDED", message, { cause });
  }
}
