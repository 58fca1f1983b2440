// Takes tasks from the broker for the main thread, and tells the broker how they ended.
import { sleep } from "../../../base/time.js";
import { toError } from "../../../core/payload/thrown.js";
import { toWire } from "../../../core/payload/to-wire.js";
import type { FromEngine, WireVerdict } from "../protocol.js";
import type { Consumer, Delivery, RemoteEngine, Verdict } from "../remote-engine.js";
import { fromDelivery } from "./body.js";

/** The first pause before an end is told again, in ms; each doubles up to `longestPause`. */
const firstPause = 200;
const longestPause = 2_000;

export class Deliverer {
  readonly #open = new Map<number, Delivery>();
  readonly #settling = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #consumer: Consumer | undefined;
  #stopped = false;
  #last = 0;

  constructor(
    private readonly client: RemoteEngine,
    private readonly post: (message: FromEngine) => void,
  ) {}

  /** So many places are free. The first call begins to consume. */
  grant(more: number): void {
    if (this.#stopped) return;
    this.#consumer ??= this.client.consume((delivery) => this.#deliver(delivery));
    this.#consumer.grant(more);
  }

  stop(): void {
    this.#stopped = true;
    this.#consumer?.stop();
  }

  settle(number: number, verdict: WireVerdict): void {
    const delivery = this.#open.get(number);
    if (delivery === undefined) return;
    this.#open.delete(number);
    const settling = this.#settle(delivery, fromWire(verdict)).finally(() => void this.#settling.delete(settling));
    this.#settling.add(settling);
  }

  /** Resolves when the broker knows of every end it was told. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#settling);
  }

  /** Tells nothing again. */
  close(): void {
    this.stop();
    this.#closing.abort();
  }

  #deliver(delivery: Delivery): void {
    const number = ++this.#last;
    const { task, lost } = delivery;
    this.#open.set(number, delivery);
    const onLost = (): void => {
      if (this.#open.delete(number)) this.post({ kind: "lost", delivery: number });
    };
    try {
      this.post({ kind: "delivered", delivery: number, task: fromDelivery(delivery) });
    } catch (error) {
      const { id, name } = task;
      this.post({ kind: "unreadable", delivery: number, task: { id, name }, error: toWire(error) });
    }
    if (lost.aborted) onLost();
    else lost.addEventListener("abort", onLost, { once: true });
  }

  /** An end that the broker does not hear of makes the task run again, so it is told as long as the task is ours. */
  async #settle(delivery: Delivery, verdict: Verdict): Promise<void> {
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        await delivery.settle(verdict);
        return;
      } catch (error) {
        if (!delivery.lost.aborted && !this.#closing.signal.aborted) {
          await sleep(pause, { signal: AbortSignal.any([delivery.lost, this.#closing.signal]) });
          if (!delivery.lost.aborted && !this.#closing.signal.aborted) continue;
        }
        this.post({ kind: "unsettled", id: delivery.task.id, error: toWire(error) });
        return;
      }
    }
  }
}

function fromWire(verdict: WireVerdict): Verdict {
  return "error" in verdict ? { ...verdict, error: toError(verdict.error) } : verdict;
}
