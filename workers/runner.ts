// What Piscina loads in each thread. It loads the tasks module itself, so that a module that cannot be loaded is an answer.
// Where Piscina loads it, the failure is a promise that never settles.
import { getPriority, setPriority } from "node:os";
import { getHeapStatistics } from "node:v8";
import { type MessagePort, threadId } from "node:worker_threads";
import { now } from "../src/base/time.js";
import { toError } from "../src/core/payload/thrown.js";
import { toWire } from "../src/core/payload/to-wire.js";
import { loadTasks, type Namespace, type TaskFunction } from "../src/engine/tasks/load-tasks.js";
import type {
  BatchMessage,
  BatchReply,
  FromThread,
  HelloMessage,
  HelloReply,
  StopMessage,
  ToThread,
} from "../src/engine/threads/protocol.js";
import { headerOf, reportMemory, type SlotMemory, slotMemory } from "../src/engine/threads/slots/slot-memory.js";
import { Batch, type Surroundings } from "./batch.js";
import { FollowUps } from "./follow-ups.js";
import { RemarkSender } from "./remark-sender.js";
import { runTeardown } from "./teardown.js";

const reportEveryMs = 50;

class Runner {
  readonly #port: MessagePort;
  readonly #batches = new Map<number, Batch>();
  readonly #memories = new Map<number, SlotMemory>();
  /** Batches that were sent ahead, in their order. */
  readonly #waiting: BatchMessage[] = [];
  #free: number;
  #reportedAt = 0;

  constructor(
    private readonly hello: HelloMessage,
    private readonly around: Surroundings,
  ) {
    this.#free = hello.concurrency;
    this.#port = hello.port;
    this.#port.on("message", (message: ToThread) => this.#receive(message));
    this.#port.on("messageerror", (error) => this.around.remarks.stray(error));
    this.#watchTheThread();
  }

  #receive(message: ToThread): void {
    if (isBatch(message)) {
      if (this.#free > 0) this.#run(message);
      else this.#waiting.push(message);
      return;
    }
    switch (message.kind) {
      case "stop":
        this.#stop(message);
        break;
      case "collect":
        this.#sendPartial(message.slot);
        break;
      case "offloaded":
        this.around.followUps.answered(message);
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
    if (reply instanceof Promise) void reply.then((late) => this.#done(batch, slot, late));
    else this.#done(batch, slot, reply);
  }

  /** Reports how much memory the thread holds, at most so often that it costs nothing. */
  #reportMemory(): void {
    const at = now();
    if (!this.hello.reportsMemory || at - this.#reportedAt < reportEveryMs) return;
    this.#reportedAt = at;
    const { used_heap_size, external_memory } = getHeapStatistics();
    reportMemory(headerOf(this.hello.control), used_heap_size + external_memory);
  }

  #done(batch: Batch, slot: number, reply: BatchReply): void {
    this.#batches.delete(slot);
    this.#reportMemory();
    this.around.remarks.reportDropped();
    this.#send(reply, batch);
    this.#free++;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#run(next);
  }

  #send(message: FromThread, batch: Batch): void {
    const transfers = batch.takeTransfers();
    if (transfers === undefined) this.#port.postMessage(message);
    else this.#port.postMessage(message, transfers as ArrayBuffer[]);
  }

  #stop({ slot, index, reason }: StopMessage): void {
    this.#batches.get(slot)?.stop(index, toError(reason));
  }

  /** Of a batch that goes on. The outcomes of one that has ended have been sent. */
  #sendPartial(slot: number): void {
    const batch = this.#batches.get(slot);
    if (batch !== undefined) this.#send({ kind: "partial", ended: batch.ended, reply: batch.reply() }, batch);
  }

  async #end(): Promise<void> {
    await runTeardown((error) => this.around.remarks.stray(error));
    await Promise.all([written(process.stdout), written(process.stderr)]);
    process.exit(0);
  }

  #memory(slot: number): SlotMemory {
    const known = this.#memories.get(slot) ?? slotMemory(this.hello.control, slot);
    this.#memories.set(slot, known);
    return known;
  }

  #watchTheThread(): void {
    // Without these listeners the thread would die with every task on it, and the task that runs would be blamed.
    process.on("unhandledRejection", (error) => this.around.remarks.stray(error));
    process.on("uncaughtException", (error) => this.around.remarks.stray(error));
    // A task has called process.exit(): the outcomes of the tasks before it are still to be sent. What is posted here arrives
    // before the thread's `exit` event.
    process.on("exit", () => {
      for (const slot of this.#batches.keys()) this.#sendPartial(slot);
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
    tasks = await loadTasks(message.tasks, importWhole);
  } catch (error) {
    return { threadId, error: toWire(error) };
  }
  // On Linux each thread has a niceness of its own.
  if (message.niceness > 0 && process.platform === "linux") setPriority(getPriority() + message.niceness);
  const remarks = new RemarkSender(headerOf(message.control), message.port);
  const followUps = new FollowUps(message.port);
  new Runner(message, { tasks, idPrefix: message.idPrefix, remarks, followUps });
  return { threadId, names: [...tasks.keys()] };
}

/**
 * The namespace of a module. `import(url)` would call a function named `then` that the module exports, as if the module were a
 * promise, and might never settle. Within another namespace it is a value like any other.
 */
async function importWhole(url: string): Promise<{ readonly tasks: Namespace }> {
  const wrapper = `export * as tasks from ${JSON.stringify(url)};`;
  return import(`data:text/javascript,${encodeURIComponent(wrapper)}`);
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
