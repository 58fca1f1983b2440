// What the thread of an engine does with the messages of the main thread.
import { deferred } from "../../../base/deferred.js";
import { inTime, now } from "../../../base/time.js";
import { toWire } from "../../../core/payload/to-wire.js";
import type { Forwarded, FromEngine, Question, TaskHead, ToEngine } from "../protocol.js";
import type { EngineTask, RemoteEngine } from "../remote-engine.js";
import { toEngineTask } from "./body.js";
import { Deliverer } from "./deliverer.js";
import { Forwarder, type OnForwarded } from "./forwarder.js";

export class EngineService {
  readonly #forwarder: Forwarder;
  readonly #deliverer: Deliverer;
  #forwarded: Forwarded[] = [];
  /** Resolves when it is known whether the broker can be reached. */
  readonly #known = deferred();
  #up: boolean | undefined;

  constructor(
    private readonly client: RemoteEngine,
    private readonly post: (message: FromEngine) => void,
  ) {
    const onForwarded: OnForwarded = (task, duplicateOf, error) => {
      this.#tell({ id: task.id, duplicateOf, ...(error && { error: toWire(error) }) });
    };
    const onRefusing = (error: Error | undefined): void => {
      post({ kind: "refusing", error: error && toWire(error) });
    };
    this.#forwarder = new Forwarder(client, onForwarded, { onRefusing });
    this.#deliverer = new Deliverer(client, post);
  }

  open(): void {
    this.client.open({
      state: (up, error) => {
        if (up === this.#up) return;
        this.#up = up;
        this.#known.resolve();
        this.post({ kind: "state", up, error: error && toWire(error) });
        this.#forwarder.setUp(up);
      },
    });
  }

  /** @returns resolves when the message needs nothing more; only `close` takes long */
  async receive(message: ToEngine): Promise<void> {
    switch (message.kind) {
      case "forward":
        return this.#forward(message.heads, Buffer.from(message.bytes.buffer));
      case "grant":
        return this.#deliverer.grant(message.more);
      case "stop":
        return this.#deliverer.stop();
      case "settle":
        return this.#deliverer.settle(message.delivery, message.verdict);
      case "ask":
        return this.#answer(message.number, message.question);
      case "close":
        return this.#close(message.deadlineMs);
    }
  }

  #forward(heads: readonly TaskHead[], bytes: Buffer): void {
    const tasks: EngineTask[] = [];
    let at = 0;
    for (const head of heads) {
      const end = at + head.length;
      try {
        tasks.push(toEngineTask(head, bytes.subarray(at, end)));
      } catch (error) {
        this.#tell({ id: head.id, error: toWire(error) });
      }
      at = end;
    }
    this.#forwarder.add(tasks);
  }

  /** The receipts of one batch travel in one message. */
  #tell(forwarded: Forwarded): void {
    if (this.#forwarded.push(forwarded) > 1) return;
    void Promise.resolve().then(() => this.post({ kind: "forwarded", tasks: this.#forwarded.splice(0) }));
  }

  async #answer(number: number, question: Question): Promise<void> {
    await this.#known.promise;
    try {
      this.post({ kind: "answer", number, value: await this.#ask(question) });
    } catch (error) {
      this.post({ kind: "answer", number, error: toWire(error) });
    }
  }

  #ask(question: Question): Promise<unknown> {
    const { client } = this;
    switch (question.what) {
      case "remove":
        return client.remove(question.id);
      case "counts":
        return client.counts();
      case "list":
        return client.failures.list(question.limit);
      case "retry":
        return client.failures.retry(question.id);
      case "discard":
        return client.failures.discard(question.id);
    }
  }

  async #close(deadlineMs: number): Promise<void> {
    const end = now() + deadlineMs;
    this.#deliverer.stop();
    this.#forwarder.close();
    // A part of the time is for the connections.
    await inTime(this.#deliverer.settled(), deadlineMs * 0.7);
    this.#deliverer.close();
    await inTime(this.client.close(Math.max(0, end - now())), Math.max(0, end - now()));
    this.post({ kind: "closed" });
  }
}
