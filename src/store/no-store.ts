// The store of an offloader without a journal: it keeps nothing, and says so where the user asks for what it would keep.
import { OffloadError } from "../base/errors.js";
import type { Store, StoredDeadLetters } from "./store.js";

export class NoStore implements Store {
  readonly keeps = false;
  readonly pending = 0;
  readonly deadLetters: StoredDeadLetters = {
    list: async () => refuse(),
    retry: () => refuse(),
    discard: () => refuse(),
  };

  accept(): void {}
  undo(): void {}
  moved(): void {}
  flush(): void {}

  /** @throws OffloadError AR_INVALID_OPTIONS, because nothing ever becomes durable */
  async durable(): Promise<void> {
    refuse();
  }

  async takeOver(): Promise<void> {}
  stopReplay(): void {}

  snapshot(): undefined {}

  isLeft(): boolean {
    return false;
  }

  async close(): Promise<void> {}
}

function refuse(): never {
  throw new OffloadError("AR_INVALID_OPTIONS", "there is no journal: give createOffloader the option journal: { dir }");
}
