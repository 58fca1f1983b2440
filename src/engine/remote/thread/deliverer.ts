// Takes tasks from the broker for the main thread, and tells the broker how they ended.
import { nextTurn, sleep } from "../../../base/time.js";
import { toError } from "../../../core/payload/thrown.js";
import { toWire } from "../../../core/payload/to-wire.js";
import type { DeliveryEnd, FromEngine, NumberedTask, WireVerdict } from "../protocol.js";
import type { Consumer, Delivery, RemoteEngine, Verdict } from "../remote-engine.js";
import { fromDelivery } from "./body.js";
import { brokerError } from "./broker-error.js";

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
  /** Delivered in this turn. They travel in one message, because each wakes the main thread. */
  #delivered: NumberedTask[] = [];

  constructor(
    private readonly client: RemoteEngine,
    private readonly post: (message: FromEngine) => void,
  ) {}

  /**
   * Deliveries have ended, and so many more may come, or fewer. The credits are granted first, because a broker may answer an end with
   * the next task. The first ones begin to consume.
   */
  receive(ends: readonly DeliveryEnd[], credits: number): void {
    if (credits !== 0 && !this.#stopped) {
      this.#consumer ??= this.client.consume((delivery) => this.#deliver(delivery));
      this.#consumer.grant(credits);
    }
    for (const { delivery, verdict } of ends) this.#settle(delivery, verdict);
  }

  stop(): void {
    this.#stopped = true;
    this.#consumer?.stop();
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

  #settle(number: number, verdict: WireVerdict): void {
    const delivery = this.#open.get(number);
    if (delivery === undefined) return;
    this.#open.delete(number);
    const settling = this.#tell(delivery, fromWire(verdict)).finally(() => void this.#settling.delete(settling));
    this.#settling.add(settling);
  }

  #deliver(delivery: Delivery): void {
    const number = ++this.#last;
    const { task, lost } = delivery;
    this.#open.set(number, delivery);
    const onLost = (): void => {
      if (!this.#open.delete(number)) return;
      this.#postDelivered();
      this.post({ kind: "lost", delivery: number });
    };
    try {
      if (this.#delivered.push({ delivery: number, task: fromDelivery(delivery) }) === 1)
        nextTurn(() => this.#postDelivered());
    } catch (error) {
      const { id, name } = task;
      this.post({ kind: "unreadable", delivery: number, task: { id, name }, error: toWire(error) });
    }
    lost.tell(onLost);
  }

  #postDelivered(): void {
    const tasks = this.#delivered;
    if (tasks.length === 0) return;
    this.#delivered = [];
    this.post({ kind: "delivered", tasks });
  }

  /** An end that the broker does not hear of makes the task run again, so it is told as long as the task is ours. */
  async #tell(delivery: Delivery, verdict: Verdict): Promise<void> {
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        await delivery.settle(verdict);
        return;
      } catch (error) {
        const { lost, task } = delivery;
        if (!lost.has && !this.#closing.signal.aborted) {
          const isLost = new AbortController();
          lost.tell(() => isLost.abort());
          await sleep(pause, { signal: AbortSignal.any([isLost.signal, this.#closing.signal]) });
          if (!lost.has && !this.#closing.signal.aborted) continue;
        }
        this.post({ kind: "unsettled", id: task.id, error: brokerError(error) });
        return;
      }
    }
  }
}

function fromWire(verdict: WireVerdict): Verdict {
  return "error" in verdict ? { ...verdict, error: toError(verdict.error) } : verdict;
}
