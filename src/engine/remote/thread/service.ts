// What the thread of an engine does with the messages of the main thread.
import { deferred } from "../../../base/deferred.js";
import { inTime, now } from "../../../base/time.js";
import { nodeFileSystem } from "../../../journal/files/file-system.js";
import { type ReadRecord, RecordFile } from "../../../journal/format/record-file.js";
import type { KeptRecord } from "../../../store/store.js";
import type { FromEngine, Question, RecordedTasks, TaskHead, ToEngine } from "../protocol.js";
import type { EngineTask, RemoteEngine } from "../remote-engine.js";
import { type ContentHead, toEngineTask } from "./body.js";
import { brokerError } from "./broker-error.js";
import { Deliverer } from "./deliverer.js";
import { Forwarder, type OnForwarded } from "./forwarder.js";

export class EngineService {
  readonly #forwarder: Forwarder;
  readonly #deliverer: Deliverer;
  readonly #records = new RecordFile(nodeFileSystem);
  /** The numbers of the tasks that the forwarder has. */
  readonly #seqs = new Map<EngineTask, number>();
  /** Numbers that the main thread has not been told of yet. */
  #forwarded: number[] = [];
  /** Resolves when it is known whether the broker can be reached. */
  readonly #known = deferred();
  #up: boolean | undefined;

  constructor(
    private readonly client: RemoteEngine,
    private readonly post: (message: FromEngine) => void,
  ) {
    const onForwarded: OnForwarded = (task, error) => {
      const seq = this.#seqs.get(task);
      if (seq === undefined) return;
      this.#seqs.delete(task);
      if (error === undefined) this.#taken(seq);
      else this.#refused(seq, error);
    };
    const onRefusing = (error: Error | undefined): void => {
      post({ kind: "refusing", error: error && brokerError(error) });
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
        this.post({ kind: "state", up, error: error && brokerError(error) });
        this.#forwarder.setUp(up);
      },
    });
  }

  /** @returns resolves when the message needs nothing more; only `close` takes long */
  async receive(message: ToEngine): Promise<void> {
    switch (message.kind) {
      case "forward":
        return this.#forward(message.heads, Buffer.from(message.bytes.buffer));
      case "forward-records":
        return this.#forwardRecords(message.records);
      case "deliveries":
        return this.#deliverer.receive(message.ends, message.credits);
      case "stop":
        return this.#deliverer.stop();
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
      this.#make(tasks, head.seq, head, bytes.subarray(at, end));
      at = end;
    }
    this.#forwarder.add(tasks);
  }

  #forwardRecords({ seqs, ids, priorities, attempts, keys, paths, places }: RecordedTasks): void {
    const tasks: EngineTask[] = [];
    const unread: number[] = [];
    for (const [index, seq] of seqs.entries()) {
      const id = ids[index] ?? "";
      const [path = 0, offset = 0, length = 0] = places.slice(3 * index, 3 * index + 3);
      const read = this.#read({ id, path: paths[path] ?? "", offset, length });
      if (read === undefined) {
        unread.push(seq);
        continue;
      }
      const { task: name, acceptedAt, encoding, contentStart, end } = read.record;
      const [priority = 2, most = 1, key] = [priorities[index], attempts[index], keys[index]];
      const head = { id, name, priority, attempts: most, key, acceptedAt, encoding };
      this.#make(tasks, seq, head, read.bytes.subarray(contentStart, end));
    }
    if (unread.length > 0) this.post({ kind: "unread", seqs: unread });
    this.#forwarder.add(tasks);
  }

  /** undefined: it is not there any more, or not readable; the main thread knows more. */
  #read(record: KeptRecord): ReadRecord | undefined {
    try {
      return this.#records.read(record);
    } catch {
      return undefined;
    }
  }

  #make(tasks: EngineTask[], seq: number, head: ContentHead, content: Buffer): void {
    try {
      const task = toEngineTask(head, content);
      this.#seqs.set(task, seq);
      tasks.push(task);
    } catch (error) {
      this.#refused(seq, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #refused(seq: number, error: Error): void {
    this.post({ kind: "refused", seq, error: brokerError(error) });
  }

  /** The tasks of one batch are told of in one message. */
  #taken(seq: number): void {
    if (this.#forwarded.push(seq) > 1) return;
    void Promise.resolve().then(() => this.post({ kind: "forwarded", seqs: this.#forwarded.splice(0) }));
  }

  async #answer(number: number, question: Question): Promise<void> {
    await this.#known.promise;
    try {
      this.post({ kind: "answer", number, value: await this.#ask(question) });
    } catch (error) {
      this.post({ kind: "answer", number, error: brokerError(error) });
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
    this.#records.close();
    // A part of the time is for the connections.
    await inTime(this.#deliverer.settled(), deadlineMs * 0.7);
    this.#deliverer.close();
    // A broker that is known not to answer is not waited for.
    const left = this.#up === true ? Math.max(0, end - now()) : 0;
    await inTime(this.client.close(left), left);
    this.post({ kind: "closed" });
  }
}
