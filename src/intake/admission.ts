// The decision, at the call, to accept or to refuse.
import { OffloadError } from "../base/errors.js";
import type { Ledger } from "../core/ledger.js";

export class Admission {
  #closed = false;

  constructor(
    private readonly ledger: Ledger,
    /** Unfinished tasks and callbacks at the most. */
    private readonly max: number,
  ) {}

  /** Refuses everything from now on. */
  close(): void {
    this.#closed = true;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * @param leaving unfinished tasks that the new one takes the place of
   * @throws OffloadError AR_SHUTTING_DOWN, AR_QUEUE_FULL
   */
  check(leaving: number): void {
    if (this.#closed) {
      throw new OffloadError("AR_SHUTTING_DOWN", "the offloader has shut down and accepts no more tasks");
    }
    const { counts, unfinished } = this.ledger;
    if (unfinished - leaving >= this.max) {
      const { held, queued, delayed, running } = counts.all();
      throw new OffloadError(
        "AR_QUEUE_FULL",
        `queue.max (${this.max}) tasks are unfinished: ${held} held, ${queued} queued, ${delayed} delayed, ${running} running`,
      );
    }
  }
}
