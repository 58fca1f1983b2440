// What Piscina loads in each thread. It loads the tasks module itself, so that a module that cannot be loaded is an answer
// and not, as with Piscina's own loading, a promise that never settles.
import { getPriority, setPriority } from "node:os";
import { getHeapStatistics } from "node:v8";
import { type MessagePort, threadId } from "node:worker_threads";
import { toError } from "../src/core/payload/thrown.js";
import { toWire } from "../src/core/payload/to-wire.js";
import {
  type AbortMessage,
  type BatchMessage,
  type BatchReply,
  type FromThread,
  type HelloMessage,
  type HelloReply,
  headerOf,
  memoryField,
  type SlotMemory,
  slotMemory,
  type ToThread,
} from "../src/engine/threads/protocol.js";
import { Batch, type Surroundings } from "./batch.js";
import { Outbox } from "./outbox.js";
import { loadTasks, type TaskFunction } from "./tasks.js";
import { runTeardown } from "./teardown.js";

const weighEveryMs = 50;

class Runner {
  readonly #port: MessagePort;
  readonly #batches = new Map<number, Batch>();
  readonly #memories = new Map<number, SlotMemory>();
  /** Batches that were sent ahead. */
  readonly #waiting: BatchMessage[] = [];
  #free: number;
  #weighedAt = 0;

  constructor(
    private readonly hello: HelloMessage,
    private readonly around: Surroundings,
  ) {
    this.#free = hello.concurrency;
    this.#port = hello.port;
    this.#port.on("message", (message: ToThread) => this.#receive(message));
    this.#port.on("messageerror", (error) => this.around.outbox.stray(error));
    this.#watchTheThread();
  }

  #receive(message: ToThread): void {
    if (isBatch(message)) {
      if (this.#free > 0) this.#run(message);
      else this.#waiting.push(message);
      return;
    }
    switch (message.kind) {
      case "abort":
        this.#abort(message);
        break;
      case "collect":
        this.#sayHowFar(message.slot);
        break;
      case "end":
        void this.#end();
    }
  }

  #run(message: BatchMessage): void {
    this.#free--;
    const [slot] = message;
    const batch = new Batch(message, this.#memory(slot), this.around);
    this.#batches.set(slot, batch);
    const reply = batch.run();
    if (reply instanceof Promise) void reply.then((late) => this.#done(slot, late));
    else this.#done(slot, reply);
  }

  /** Says how much memory the thread holds, at most so often that it costs nothing. */
  #weigh(): void {
    const now = performance.now();
    if (!this.hello.weigh || now - this.#weighedAt < weighEveryMs) return;
    this.#weighedAt = now;
    const { used_heap_size, external_memory } = getHeapStatistics();
    Atomics.store(headerOf(this.hello.control), memoryField, Math.ceil((used_heap_size + external_memory) / 2 ** 20));
  }

  #done(slot: number, reply: BatchReply): void {
    this.#batches.delete(slot);
    this.#weigh();
    this.around.outbox.tellDropped();
    this.#say(reply);
    this.#free++;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#run(next);
  }

  #say(message: FromThread): void {
    this.#port.postMessage(message);
  }

  #abort({ slot, index, reason }: AbortMessage): void {
    this.#batches.get(slot)?.abort(index, toError(reason));
  }

  /** Of a batch that goes on. One that has ended has been told of. */
  #sayHowFar(slot: number): void {
    const batch = this.#batches.get(slot);
    if (batch !== undefined) this.#say({ kind: "soFar", ended: batch.ended, reply: batch.reply() });
  }

  async #end(): Promise<void> {
    await runTeardown((error) => this.around.outbox.stray(error));
    await Promise.all([written(process.stdout), written(process.stderr)]);
    process.exit(0);
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
      for (const slot of this.#batches.keys()) this.#sayHowFar(slot);
    });
  }
}

function isBatch(message: ToThread): message is BatchMessage {
  return Array.isArray(message);
}

/** Called by Piscina, once in each thread. */
export async function receive(message: HelloMessage): Promise<HelloReply> {
  let tasks: ReadonlyMap<string, TaskFunction>;
  try {
    tasks = await loadTasks(message.tasks);
  } catch (error) {
    return { threadId, error: toWire(error) };
  }
  // On Linux the niceness is each thread's own.
  if (message.niceness > 0 && process.platform === "linux") setPriority(getPriority() + message.niceness);
  const outbox = new Outbox(headerOf(message.control), message.port);
  new Runner(message, { tasks, idPrefix: message.idPrefix, outbox });
  return { threadId, names: [...tasks.keys()] };
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
