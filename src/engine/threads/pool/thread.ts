// One thread as the main thread sees it: its worker, its slots, what is in flight on it.
import { type MessagePort, receiveMessageOnPort, type Worker } from "node:worker_threads";
import type { Task } from "../../../core/task.js";
import {
  type BatchReply,
  type FromThread,
  headerOf,
  heardField,
  memoryField,
  remarkCredit,
  type SlotMemory,
  sharedNow,
  slotMemory,
  type ToThread,
} from "../protocol.js";

/** A place for one batch. */
export class Slot {
  readonly memory: SlotMemory;
  /** The tasks of the batch in flight, by index; empty when the slot is free. */
  tasks: readonly Task[] = none;
  /** `sharedNow()` when the batch was sent. */
  sentAt = 0;
  /** How many tasks of the batch, from its beginning on, have been told to have ended while it goes on. */
  told = 0;
  /** How many tasks of the batch have been taken back. */
  takenBack = 0;
  /** It takes longer than a batch should, and what could be done about it has been done. */
  late = false;

  constructor(
    readonly index: number,
    control: SharedArrayBuffer,
  ) {
    this.memory = slotMemory(control, index);
  }

  hold(batch: readonly Task[]): void {
    this.tasks = batch;
    this.sentAt = sharedNow();
    this.told = 0;
    this.takenBack = 0;
    this.late = false;
  }

  /** @returns what it held */
  release(): readonly Task[] {
    const batch = this.tasks;
    this.tasks = none;
    return batch;
  }
}

const none: readonly Task[] = [];
const unread = Symbol("unread");

/** How a thread died, and what is thought of the tasks that it ran. */
export interface Death {
  /** What killed it. */
  readonly error: unknown;
  readonly exitCode: number | undefined;
  /**
   * `guilty`: the one task that ran. `suspect`: several ran, so each is run again, alone, and the guilty one then fails.
   * `innocent`: the thread was terminated for another task's sake.
   */
  readonly verdict: "guilty" | "suspect" | "innocent";
  /** The batch that it had first and did not begin: to read it may be what killed it. */
  readonly unread: Slot | undefined;
}

export class Thread {
  readonly slots: readonly Slot[];
  readonly #header: Int32Array;
  #hear: (message: FromThread) => void = () => {};
  #unreadable: (error: unknown) => void = () => {};
  /** Batches in flight. */
  busy = 0;
  /** What the batches in flight are expected to take, in ms; Infinity with one whose time is unknown. */
  expectedMs = 0;
  /** Runs a task that must be alone. */
  exclusive = false;
  /** It has been sent a batch and runs nothing, as the watchdog saw it first at `since`. */
  standstill: { readonly since: number; overdue: boolean } | undefined;
  /** Gets no more batches: it is being ended, or has died. */
  retired = false;
  tasksRun = 0;
  /** Runs old code: to be ended after its work. */
  outdated = false;
  /** `performance.now()` since when it has had nothing to do. */
  idleSince: number = performance.now();
  /** Why it was ended on purpose. */
  endReason: string | undefined;
  exitCode: number | undefined;
  /** What killed it, as far as that was said. */
  error: unknown;
  readonly exited: Promise<unknown>;

  constructor(
    readonly id: number,
    readonly worker: Worker,
    private readonly port: MessagePort,
    control: SharedArrayBuffer,
    slots: number,
  ) {
    // Not events.once(), which rejects on `error`.
    this.exited = new Promise((resolve) => worker.once("exit", resolve));
    this.#header = headerOf(control);
    this.slots = Array.from({ length: slots }, (_, index) => new Slot(index, control));
  }

  /** What the thread held after its last batch; 0 where it was not asked to say. */
  get memoryBytes(): number {
    return Atomics.load(this.#header, memoryField) * 2 ** 20;
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
   * Has everything heard now that the thread has said until now. The cells, and its exit, may tell that a task has ended
   * before what it said arrives. While it lives no more is heard than can have been under way: a task that logs in a loop
   * says more as fast as it is heard.
   */
  hearOut(): void {
    const most = this.exitCode === undefined ? 2 * remarkCredit + 4 * this.slots.length : Number.POSITIVE_INFINITY;
    for (let heard = 0; heard < most; heard++) {
      const said = this.#next();
      if (said === undefined) return;
      if (said !== unread) this.#hear(said.message);
    }
  }

  #next(): { message: FromThread } | typeof unread | undefined {
    try {
      return receiveMessageOnPort(this.port);
    } catch (error) {
      // It is gone. What its thread has begun must end all the same: the thread is given up, or is dead.
      if (this.exitCode === undefined) this.#unreadable(error);
      return unread;
    }
  }

  /**
   * Calls `hear` with each message from now on, those included that have come already.
   *
   * @param unreadable called for one that cannot be read: what it told is lost
   */
  listen(hear: (message: FromThread) => void, unreadable: (error: unknown) => void): void {
    this.#hear = hear;
    this.#unreadable = unreadable;
    this.port.on("message", hear);
    this.port.on("messageerror", unreadable);
    // It is the worker that keeps the process alive.
    this.port.unref();
  }

  /** It is dying: it gets no more batches. */
  failed(error: unknown): void {
    this.retired = true;
    this.error = error;
  }

  /** A remark has been heard. The thread sends no more than it has credit for. */
  giveCredit(): void {
    Atomics.add(this.#header, heardField, 1);
  }

  /** The slot that a reply is of. */
  slotOf(reply: BatchReply): Slot {
    const index = typeof reply === "number" ? reply : reply[0];
    const slot = this.slots[index];
    if (slot === undefined) throw new RangeError(`offload-after-response: thread ${this.id} has no slot ${index}`);
    return slot;
  }

  freeSlot(): Slot | undefined {
    return this.slots.find((slot) => slot.tasks.length === 0);
  }
}
