// What Piscina loads in each thread. It loads the tasks module itself, so that a module that cannot be loaded is an answer
// and not, as with Piscina's own loading, a promise that never settles.
import { getPriority, setPriority } from "node:os";
import { getHeapStatistics } from "node:v8";
import { threadId } from "node:worker_threads";
import { toError } from "../src/pool/errors.js";
import {
  type AbortMessage,
  type BatchMessage,
  type BatchReply,
  type HelloMessage,
  type HelloReply,
  headerOf,
  memoryField,
  type SlotMemory,
  slotMemory,
  type ToThread,
} from "../src/pool/protocol.js";
import { Batch, type Surroundings } from "./batch.js";
import { Outbox } from "./outbox.js";
import { loadTasks, type TaskFunction } from "./tasks.js";
import { runTeardown } from "./teardown.js";
import { toWire } from "./wire.js";

const weighEveryMs = 50;

class Runner {
  readonly #batches = new Map<number, Batch>();
  readonly #memories = new Map<number, SlotMemory>();
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #weighedAt = 0;

  constructor(
    private readonly hello: HelloMessage,
    private readonly around: Surroundings,
  ) {
    this.#free = hello.concurrency;
    this.#watchTheThread();
  }

  /** Runs a batch once fewer than `concurrency` others run: the main thread sends the next one ahead. */
  run(message: BatchMessage): BatchReply | undefined | Promise<BatchReply | undefined> {
    if (this.#free > 0) {
      this.#free--;
      return this.#runNow(message);
    }
    return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => this.#runNow(message));
  }

  #runNow(message: BatchMessage): BatchReply | undefined | Promise<BatchReply | undefined> {
    const [slot] = message;
    const batch = new Batch(message, this.#memory(slot), this.around);
    this.#batches.set(slot, batch);
    const reply = batch.run();
    if (!(reply instanceof Promise)) return this.#done(slot, reply);
    return reply.then((late) => this.#done(slot, late));
  }

  /** Says how much memory the thread holds, at most so often that it costs nothing. */
  #weigh(): void {
    const now = performance.now();
    if (!this.hello.weigh || now - this.#weighedAt < weighEveryMs) return;
    this.#weighedAt = now;
    const { used_heap_size, external_memory } = getHeapStatistics();
    Atomics.store(headerOf(this.hello.control), memoryField, Math.ceil((used_heap_size + external_memory) / 2 ** 20));
  }

  #done(slot: number, reply: BatchReply | undefined): BatchReply | undefined {
    this.#batches.delete(slot);
    this.#weigh();
    this.around.outbox.tellDropped();
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
    return reply;
  }

  abort({ slot, index, reason }: AbortMessage): void {
    this.#batches.get(slot)?.abort(index, toError(reason));
  }

  collect(slot: number): BatchReply | undefined {
    return this.#batches.get(slot)?.reply();
  }

  async end(): Promise<undefined> {
    await runTeardown((error) => this.around.outbox.stray(error));
    await Promise.all([written(process.stdout), written(process.stderr)]);
    // After the reply has left.
    setImmediate(() => process.exit(0));
  }

  #memory(slot: number): SlotMemory {
    const known = this.#memories.get(slot) ?? slotMemory(this.hello.control, slot);
    this.#memories.set(slot, known);
    return known;
  }

  #watchTheThread(): void {
    // Left alone, these kill the thread, every task on it with it, and blame whichever runs.
    process.on("unhandledRejection", (error) => this.around.outbox.stray(error));
    process.on("uncaughtException", (error) => this.around.outbox.stray(error));
    // A task has called process.exit(): what its siblings returned or threw is still to be told. What is posted here
    // arrives before the thread's `exit` event.
    process.on("exit", () => {
      for (const [slot, batch] of this.#batches) {
        const reply = batch.reply();
        if (reply) this.around.outbox.post({ afterResponse: "thread", threadId, kind: "reply", slot, reply });
      }
    });
  }
}

type Reply = HelloReply | BatchReply | undefined;

let runner: Runner | undefined;

/** Called by Piscina for each message. */
export function receive(message: ToThread): Reply | Promise<Reply> {
  if (isBatch(message)) return theRunner().run(message);
  if (message.kind === "hello") return greet(message);
  const runner = theRunner();
  switch (message.kind) {
    case "abort":
      runner.abort(message);
      return undefined;
    case "collect":
      return runner.collect(message.slot);
    case "end":
      return runner.end();
  }
}

function isBatch(message: ToThread): message is BatchMessage {
  return Array.isArray(message);
}

function theRunner(): Runner {
  if (runner === undefined) throw new Error("after-response: the thread was sent something before it was greeted");
  return runner;
}

async function greet(message: HelloMessage): Promise<HelloReply> {
  let tasks: ReadonlyMap<string, TaskFunction>;
  try {
    tasks = await loadTasks(message.tasks);
  } catch (error) {
    return { threadId, error: toWire(error) };
  }
  // On Linux the niceness is each thread's own.
  if (message.niceness > 0 && process.platform === "linux") setPriority(getPriority() + message.niceness);
  const outbox = new Outbox(headerOf(message.control));
  runner = new Runner(message, { tasks, idPrefix: message.idPrefix, outbox });
  return { threadId, names: [...tasks.keys()] };
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
