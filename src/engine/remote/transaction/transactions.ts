// Tasks that are a part of the user's own transaction: the queue elsewhere has them when that is committed, and nothing is left of them
// when it is rolled back. So there is no record of them, and no process forwards them.
import { OffloadError } from "../../../base/errors.js";
import { name, type Task } from "../../../core/task.js";
import type { TransactionClient } from "../../../core/transaction-client.js";
import type { EngineHost } from "../../engine.js";
import { headOf } from "../forward-message.js";
import type { EngineChoice, EngineTask } from "../remote-engine.js";

interface Insertion {
  readonly client: TransactionClient;
  readonly task: EngineTask;
}

export class Transactions {
  readonly #prepared = new WeakMap<Task, Insertion>();

  constructor(private readonly choice: EngineChoice) {}

  /**
   * Makes what is inserted for a task that is about to be accepted.
   *
   * @param lasting the options of its call that mean something to another process
   * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE, AR_PAYLOAD_TOO_LARGE
   */
  prepare(task: Task, client: TransactionClient, lasting: object | undefined, mostBytes: number): void {
    const { payload, context, parent, carrier } = task;
    const content = { payload, dispatch: lasting, context, parent, carrier };
    const made = this.choice.transactions?.make(headOf(task), content, mostBytes);
    if (made !== undefined) this.#prepared.set(task, { client, task: made });
  }

  /** Gives the statement of a queued task to its client, in the same turn as its dispatch. The task is final with the answer. */
  insert(task: Task, host: EngineHost): void {
    const insertion = this.#prepared.get(task);
    if (insertion === undefined) return;
    this.#prepared.delete(task);
    void this.#insert(insertion).then(
      () => host.together(() => host.handedOver(task)),
      (cause: unknown) => host.together(() => host.failed(task, notInserted(task, cause), false)),
    );
  }

  /** Rejects where a client throws, too. */
  async #insert({ client, task }: Insertion): Promise<void> {
    await this.choice.transactions?.insert(client, task);
  }
}

function notInserted(task: Task, cause: unknown): OffloadError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new OffloadError("AR_NOT_FORWARDED", `${name(task)} did not become a part of the transaction: ${why}`, {
    cause,
  });
}
