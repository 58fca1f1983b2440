// One thread as the main thread sees it: its worker, its slots, what is in flight on it.
import { type MessagePort, receiveMessageOnPort, type Worker } from "node:worker_threads";
import { type Deferred, deferred } from "../../../base/deferred.js";
import { now } from "../../../base/time.js";
import type { ThreadEndCause } from "../../../core/events.js";
import type { Task } from "../../../core/task.js";
import { type BatchReply, type FromThread, remarkCredit, type ToThread } from "../protocol.js";
import { Slot } from "../slots/slot.js";
import { acknowledgeRemark, askForMemory, headerOf, reportedMemory } from "../slots/slot-memory.js";
import { Utilization } from "./utilization.js";

const unread = Symbol("unread");

/** Why a thread is ended: for counts, and in words. */
export interface ThreadEnd {
  readonly cause: ThreadEndCause;
  readonly reason: string;
}

/** Where a running task is. */
export interface Place {
  readonly thread: Thread;
  readonly slot: Slot;
  readonly index: number;
  readonly task: Task;
}

export class Thread {
  readonly slots: readonly Slot[];
  readonly #header: Int32Array;
  #read: (message: FromThread) => void = () => {};
  #unreadable: (error: unknown) => void = () => {};
  /** Batches in flight. */
  busy = 0;
  /** What the batches in flight are expected to take, in ms; Infinity with one whose time is unknown. */
  expectedMs = 0;
  /** Runs a task that must be alone. */
  exclusive = false;
  /** It has been sent a batch and runs nothing; the watchdog saw it first at `since`. */
  standstill: { readonly since: number; overdue: boolean } | undefined;
  /** Gets no more batches: it is being ended, or has died. */
  retired = false;
  tasksRun = 0;
  /** It runs old code and ends after its work. */
  outdated = false;
  /** `now()` since when it has had nothing to do. */
  idleSince: number = now();
  /** Why it was ended on purpose; undefined where it was not. */
  end: ThreadEnd | undefined;
  exitCode: number | undefined;
  /** What killed it, as far as it is known. */
  error: unknown;
  /** It is being terminated. */
  killed = false;
  readonly #utilization: Utilization;
  readonly #gone: Deferred<void> = deferred();

  constructor(
    readonly id: number,
    readonly worker: Worker,
    private readonly port: MessagePort,
    control: SharedArrayBuffer,
    slots: number,
  ) {
    worker.once("exit", () => this.#gone.resolve());
    this.#header = headerOf(control);
    this.#utilization = new Utilization(() => worker.performance.eventLoopUtilization());
    this.slots = Array.from({ length: slots }, (_, index) => new Slot(index, control));
  }

  /** Bytes of V8's heap and beside it that the thread held when it reported last. */
  get memoryBytes(): number {
    return reportedMemory(this.#header);
  }

  /** Has it report its memory after its next batch. */
  askForMemory(): void {
    askForMemory(this.#header);
  }

  /** The share of its time in which it was busy lately, from 0 to 1. */
  utilization(): number {
    return this.#utilization.read();
  }

  /** @throws what cannot be posted: then nothing was */
  post(message: ToThread, transfer?: readonly unknown[]): void {
    // Node looks through a list even if it is empty.
    if (transfer === undefined) this.port.postMessage(message);
    else this.port.postMessage(message, transfer as ArrayBuffer[]);
  }

  /** A batch has been sent. The process stays alive for its end, or for the thread's. */
  occupy(expectedMs: number): void {
    if (this.busy++ === 0) this.worker.ref();
    this.expectedMs += expectedMs;
  }

  /** A batch is no longer in flight. Those that are take `expectedMs`. */
  vacate(expectedMs: number): void {
    if (--this.busy === 0) this.worker.unref();
    this.expectedMs = expectedMs;
    this.exclusive = false;
    this.standstill = undefined;
  }

  /**
   * Reads all messages already queued on the port. The slot states and the exit of the thread may show that a task has
   * ended before its remarks arrive. While the thread lives, no more is read than can have been under way, because a task that logs in a loop
   * posts more as fast as it is read.
   */
  readQueued(): void {
    const most = this.exitCode === undefined ? 2 * remarkCredit + 4 * this.slots.length : Number.POSITIVE_INFINITY;
    for (let count = 0; count < most; count++) {
      const next = this.#next();
      if (next === undefined) return;
      if (next !== unread) this.#read(next.message);
    }
  }

  #next(): { message: FromThread } | typeof unread | undefined {
    try {
      return receiveMessageOnPort(this.port);
    } catch (error) {
      // The message is lost. What its thread has begun must end all the same: the thread is terminated, or is dead.
      if (this.exitCode === undefined) this.#unreadable(error);
      return unread;
    }
  }

  /**
   * Calls `read` with each message from now on, those included that have arrived already.
   *
   * @param unreadable called for one that cannot be deserialised: its contents are lost
   */
  listen(read: (message: FromThread) => void, unreadable: (error: unknown) => void): void {
    this.#read = read;
    this.#unreadable = unreadable;
    this.port.on("message", read);
    this.port.on("messageerror", unreadable);
    // It is the worker that keeps the process alive.
    this.port.unref();
  }

  /** Resolves when it has exited, or has been given up. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** It is being terminated and does not end. It is not listened to any more, and does not keep the process alive. */
  giveUp(): void {
    this.port.close();
    this.worker.unref();
    this.#gone.resolve();
  }

  /** It is dying: it gets no more batches. */
  failed(error: unknown): void {
    this.retired = true;
    this.error = error;
  }

  /** A remark has been read. The thread sends no more than it has credit for. */
  acknowledgeRemark(): void {
    acknowledgeRemark(this.#header);
  }

  /** The slot that a reply is of. */
  slotOf(reply: BatchReply): Slot {
    const index = typeof reply === "number" ? reply : reply[0];
    const slot = this.slots[index];
    if (slot === undefined) throw new RangeError(`offload-after-response: thread ${this.id} has no slot ${index}`);
    return slot;
  }

  /** The slots with a batch, the latest first. Tasks are taken back in this order, because each goes to the head of its lane. */
  get busySlots(): Slot[] {
    return this.slots.filter(({ tasks }) => tasks.length > 0).sort((one, other) => other.sentAt - one.sentAt);
  }

  /** The tasks whose code runs at this moment: one a slot at the most. */
  *running(): Generator<Place> {
    for (const slot of this.slots) {
      const index = slot.running;
      const task = slot.tasks[index];
      if (task !== undefined) yield { thread: this, slot, index, task };
    }
  }

  /** The place of a task that was sent to this thread and whose outcome has not been reported. */
  find(task: Task): Place | undefined {
    for (const slot of this.slots) {
      const index = slot.find(task);
      if (index >= 0) return { thread: this, slot, index, task };
    }
    return undefined;
  }

  freeSlot(): Slot | undefined {
    return this.slots.find((slot) => slot.tasks.length === 0);
  }
}
