// The store of an offloader without a journal: it keeps nothing, and says so where the user asks for what it would keep.
import { OffloadError } from "../base/errors.js";
import type { Captured } from "../core/payload/payload.js";
import type { TaskState } from "../core/states.js";
import type { Task } from "../core/task.js";
import type { KeptContent, KeptRecord, Store, StoredDeadLetters } from "./store.js";

export class NoStore implements Store {
  readonly keeps = false;
  readonly holdsPayloads = false;
  readonly pending = 0;
  readonly deadLetters: StoredDeadLetters = {
    list: async () => refuse(),
    retry: () => refuse(),
    discard: () => refuse(),
  };

  accept(_task: Task, _whole: Captured, _lasting: object | undefined, _mostBytes?: number): void {}
  has(_task: Task): boolean {
    return false;
  }

  contentOf(_task: Task): KeptContent {
    throw new Error("offload-after-response: nothing is kept of a task");
  }

  recordOf(_task: Task): KeptRecord | undefined {
    return undefined;
  }

  undo(_task: Task): void {}
  moved(_task: Task, _from: TaskState): void {}
  flush(): void {}

  /** @throws OffloadError AR_INVALID_OPTIONS, because nothing ever becomes durable */
  async durable(): Promise<void> {
    refuse();
  }

  async takeOver(): Promise<void> {}
  stopReplay(): void {}

  snapshot(): undefined {}

  async close(): Promise<void> {}
}

function refuse(): never {
  throw new OffloadError("AR_INVALID_OPTIONS", "there is no journal: give createOffloader the option journal: { dir }");
}
