// The decision at the call: accept or refuse.
import { OffloadError } from "../base/errors.js";
import type { Ledger } from "../core/ledger.js";
import type { Task } from "../core/task.js";

export interface Limits {
  /** The most unfinished tasks and callbacks. */
  readonly max: number;
  /** The most bytes of their payloads together. */
  readonly maxBytes: number;
}

export class Admission {
  #closed = false;

  constructor(
    private readonly ledger: Ledger,
    private readonly limits: Limits,
  ) {}

  /** Refuses everything from now on. */
  close(): void {
    this.#closed = true;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Returns when one more task may be accepted now.
   *
   * @param leaving unfinished tasks that the new one replaces
   * @param bytes of the new one's payload; left out where they are not known yet
   * @throws OffloadError AR_SHUTTING_DOWN, AR_QUEUE_FULL, AR_PAYLOAD_TOO_LARGE where the bytes would not fit into an empty queue
   */
  check(leaving: readonly Task[], bytes?: number): void {
    if (this.#closed) {
      throw new OffloadError("AR_SHUTTING_DOWN", "the offloader has shut down and accepts no more tasks");
    }
    // What has its payload on record alone is bounded by what the record may take.
    const unfinished = this.ledger.unfinished - this.ledger.shed;
    const { max } = this.limits;
    if (unfinished - leaving.length >= max) {
      throw new OffloadError("AR_QUEUE_FULL", `queue.max (${max}) tasks are unfinished: ${this.#states()}`);
    }
    if (bytes !== undefined) this.#checkBytes(bytes, leaving);
  }

  #checkBytes(bytes: number, leaving: readonly Task[]): void {
    const { maxBytes } = this.limits;
    let held = this.ledger.bytes;
    for (const task of leaving) held -= task.bytes;
    if (held + bytes <= maxBytes) return;
    // No client should try again: what does not fit into an empty queue never fits.
    if (bytes > maxBytes) {
      throw new OffloadError(
        "AR_PAYLOAD_TOO_LARGE",
        `the payload and its context hold ${bytes} bytes, more than queue.maxBytes (${maxBytes}) allows all unfinished tasks ` +
          "together; send a key or a path instead of the content, or raise queue.maxBytes",
      );
    }
    throw new OffloadError(
      "AR_QUEUE_FULL",
      `queue.maxBytes (${maxBytes}) has no room for a payload of ${bytes} bytes: the unfinished tasks hold ${held} ` +
        `(${this.#states()})`,
    );
  }

  #states(): string {
    const { held, queued, delayed, running } = this.ledger.counts.all();
    return `${held} held, ${queued} queued, ${delayed} delayed, ${running} running`;
  }
}
