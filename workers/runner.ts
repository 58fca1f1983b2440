// What Piscina loads in each thread. It loads the tasks module itself, so that a module that cannot be loaded is an answer.
// Where Piscina loads it, the failure is a promise that never settles.
import { getPriority, setPriority } from "node:os";
import { getHeapStatistics } from "node:v8";
import { type MessagePort, threadId } from "node:worker_threads";
import { Deque } from "../src/base/deque.js";
import { now } from "../src/base/time.js";
import { toError } from "../src/core/payload/thrown.js";
import { toWire } from "../src/core/payload/to-wire.js";
import { aroundAll } from "../src/core/trace/around.js";
import { isRunTraced } from "../src/core/trace/trace-run.js";
import { loadTasks, type Namespace, type TaskFunction } from "../src/engine/tasks/load-tasks.js";
import type {
  BatchMessage,
  FromThread,
  HelloMessage,
  HelloReply,
  Preload,
  StopMessage,
  ToThread,
} from "../src/engine/threads/protocol.js";
import {
  headerOf,
  isMemoryWanted,
  reportMemory,
  type SlotMemory,
  slotMemory,
} from "../src/engine/threads/slots/slot-memory.js";
import { Batch, type BatchObserver, type Surroundings } from "./batch.js";
import { FollowUps } from "./follow-ups.js";
import { exit, post } from "./primordials.js";
import { RemarkSender } from "./remark-sender.js";
import { runTeardown } from "./teardown.js";

const reportEveryMs = 50;
const { isArray } = Array;

class Runner implements BatchObserver {
  readonly #hello: HelloMessage;
  readonly #around: Surroundings;
  readonly #port: MessagePort;
  /** By slot. */
  readonly #batches: (Batch | undefined)[] = [];
  readonly #memories: SlotMemory[] = [];
  /** Batches that were sent ahead, in their order. */
  readonly #waiting = new Deque<BatchMessage>();
  readonly #header: Int32Array;
  #free: number;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(hello: HelloMessage, around: Surroundings) {
    this.#hello = hello;
    this.#around = around;
    this.#free = hello.concurrency;
    this.#port = hello.port;
    this.#header = headerOf(hello.control);
    // Before the first task runs, and in arrays: from a Map, a task that has replaced its methods would get them.
    for (let slot = 0; slot <= hello.concurrency; slot++) {
      this.#batches[slot] = undefined;
      this.#memories[slot] = slotMemory(hello.control, slot);
    }
    this.#port.on("message", (message: ToThread) => this.#receive(message));
    this.#port.on("messageerror", (error) => this.#around.remarks.stray(error));
    this.#watchTheThread();
    // What the module itself takes is there to be seen before the first task. Not where it counts: a thread whose module alone is
    // above the limit gets a batch, as every thread does.
    if (!hello.reportsMemory) this.#measureMemory();
  }

  #receive(message: ToThread): void {
    try {
      this.#take(message);
    } catch (error) {
      this.broken(error);
    }
  }

  #take(message: ToThread): void {
    if (isBatch(message)) {
      if (this.#free > 0) this.#run(message);
      else this.#waiting.pushBack(message);
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
        this.#around.followUps.answered(message);
        break;
      case "end":
        void this.#end();
    }
  }

  #run(message: BatchMessage): void {
    this.#free--;
    const memory = this.#memories[message[0]];
    if (memory === undefined) throw new RangeError(`a batch for slot ${message[0]}, which there is not`);
    const batch = new Batch(message, memory, this.#around, this);
    this.#batches[message[0]] = batch;
    batch.run();
  }

  /** Reports how much memory the thread holds, where it matters to anybody and at most so often that it costs next to nothing. */
  #reportMemory(): void {
    if (!this.#hello.reportsMemory && !isMemoryWanted(this.#header)) return;
    const at = now();
    if (at - this.#reportedAt < reportEveryMs) return;
    this.#reportedAt = at;
    this.#measureMemory();
  }

  #measureMemory(): void {
    const { used_heap_size, external_memory } = getHeapStatistics();
    reportMemory(this.#header, used_heap_size + external_memory);
  }

  over(batch: Batch): void {
    this.#batches[batch.slot] = undefined;
    this.#reportMemory();
    this.#around.remarks.reportDropped();
    this.#send(batch.reply(), batch);
    this.#free++;
    const next = this.#waiting.popFront();
    if (next !== undefined) this.#run(next);
  }

  /** The runner itself failed, because a task has broken something that all code of the thread uses. The thread is replaced. */
  broken(error: unknown): void {
    try {
      this.#around.remarks.stray(error);
    } finally {
      exit(1);
    }
  }

  #send(message: FromThread, batch: Batch): void {
    post(this.#port, message, batch.takeTransfers());
  }

  #stop({ slot, index, reason }: StopMessage): void {
    this.#batches[slot]?.stop(index, toError(reason));
  }

  /** Sends the outcomes so far of a batch that goes on. Those of a batch that has ended have been sent. */
  #sendPartial(slot: number): void {
    const batch = this.#batches[slot];
    if (batch !== undefined) this.#send({ kind: "partial", ended: batch.ended, reply: batch.reply() }, batch);
  }

  async #end(): Promise<void> {
    await runTeardown((error) => this.#around.remarks.stray(error));
    await Promise.all([written(process.stdout), written(process.stderr)]);
    exit(0);
  }

  #watchTheThread(): void {
    // Without these listeners the thread would die with every task on it, and the task that runs would be blamed.
    process.on("unhandledRejection", (error) => this.#around.remarks.stray(error));
    process.on("uncaughtException", (error) => this.#around.remarks.stray(error));
    // A task has called process.exit(): the outcomes of the tasks before it are still to be sent. What is posted here arrives
    // before the thread's `exit` event.
    process.on("exit", () => {
      for (let slot = 0; slot < this.#batches.length; slot++) this.#sendPartial(slot);
    });
  }
}

function isBatch(message: ToThread): message is BatchMessage {
  return isArray(message);
}

/** Called by Piscina, once in each thread. */
export async function receive(message: HelloMessage): Promise<HelloReply> {
  let tasks: ReadonlyMap<string, TaskFunction>;
  try {
    tasks = await loadWith(message.preload, message.tasks);
  } catch (error) {
    return { threadId, error: toWire(error) };
  }
  if (message.niceness > 0 && process.platform === "linux") yieldToOthers(message.niceness);
  const remarks = new RemarkSender(headerOf(message.control), message.port);
  const followUps = new FollowUps(message.port, message.offloader);
  const byName = Object.assign(Object.create(null), Object.fromEntries(tasks));
  new Runner(message, {
    tasks: byName,
    idPrefix: message.idPrefix,
    offloader: message.offloader,
    remarks,
    followUps,
    around: aroundAll(),
  });
  return { threadId, names: [...tasks.keys()], traced: isRunTraced() };
}

/** On Linux each thread has a niceness of its own, of at most 19. A thread that the system refuses it works without. */
function yieldToOthers(niceness: number): void {
  try {
    setPriority(Math.min(getPriority() + niceness, 19));
  } catch {}
}

/** Loads the tasks through what runs TypeScript. What the process was started with comes first. */
async function loadWith(preload: Preload | undefined, url: string): Promise<ReadonlyMap<string, TaskFunction>> {
  if (preload === undefined) return await loadTasks(url, importWhole);
  if (preload.ifUnknown) {
    try {
      return await loadTasks(url, importWhole);
    } catch (error) {
      if (Reflect.get(Object(error), "code") !== "ERR_UNKNOWN_FILE_EXTENSION") throw error;
    }
  }
  await import(preload.url);
  // Node remembers the URL that failed.
  return await loadTasks(preload.ifUnknown ? `${url}?tsx` : url, importWhole);
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
