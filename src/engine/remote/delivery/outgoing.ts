// What the thread of the engine is told of deliveries: what belongs to one turn travels in one message, because each message costs both
// threads more than what is in it.
import { microtask } from "../../../base/time.js";
import type { EngineThread } from "../engine-thread.js";
import type { DeliveryEnd, WireVerdict } from "../protocol.js";

export class Outgoing {
  readonly #thread: Pick<EngineThread, "post">;
  #ends: DeliveryEnd[] = [];
  #credits = 0;
  #isScheduled = false;

  constructor(thread: Pick<EngineThread, "post">) {
    this.#thread = thread;
  }

  end(delivery: number, verdict: WireVerdict): void {
    this.#ends.push({ delivery, verdict });
    this.#postSoon();
  }

  /** So many more tasks may come, or fewer. */
  grant(more: number): void {
    this.#credits += more;
    this.#postSoon();
  }

  /** Does not wait for the end of the turn. */
  post(): void {
    this.#isScheduled = false;
    const [ends, credits] = [this.#ends, this.#credits];
    if (ends.length === 0 && credits === 0) return;
    this.clear();
    this.#thread.post({ kind: "deliveries", ends, credits });
  }

  /** The thread that should have heard it is gone. */
  clear(): void {
    this.#ends = [];
    this.#credits = 0;
  }

  #postSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    microtask(() => this.post());
  }
}
