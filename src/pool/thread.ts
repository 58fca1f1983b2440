// One thread as the main thread sees it: its worker, its slots, what is in flight on it.
import type { Worker } from "node:worker_threads";
import type { Task } from "../task/task.js";
import {
  type BatchReply,
  consumedField,
  headerOf,
  memoryField,
  postedField,
  type SlotMemory,
  slotMemory,
} from "./protocol.js";

/** A place for one batch. */
export class Slot {
  readonly memory: SlotMemory;
  /** The tasks of the batch in flight, by index; empty when the slot is free. */
  tasks: readonly Task[] = [];
  /** `sharedNow()` when the batch was sent. */
  sentAt = 0;
  /** How many tasks of the batch, from its beginning on, have been told to have ended while it goes on. */
  told = 0;
  /** How many tasks of the batch have been taken back. */
  takenBack = 0;
  /** It takes longer than a batch should, and what could be done about it has been done. */
  late = false;
  /** What the thread still replied when it was made to exit. */
  lastWords: BatchReply | undefined;

  constructor(
    readonly index: number,
    control: SharedArrayBuffer,
  ) {
    this.memory = slotMemory(control, index);
  }
}

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
}

export class Thread {
  /** Who waits for the first so many messages of the thread to be heard. */
  readonly #listeners: { readonly posted: number; readonly then: () => void }[] = [];
  #isSilent = false;
  readonly slots: readonly Slot[];
  readonly header: Int32Array;
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
  readonly exited: Promise<unknown>;

  constructor(
    readonly id: number,
    readonly worker: Worker,
    control: SharedArrayBuffer,
    slots: number,
  ) {
    // Not events.once(), which rejects on `error`.
    this.exited = new Promise((resolve) => worker.once("exit", resolve));
    this.header = headerOf(control);
    this.slots = Array.from({ length: slots }, (_, index) => new Slot(index, control));
  }

  /** What the thread held after its last batch; 0 where it was not asked to say. */
  get memoryBytes(): number {
    return Atomics.load(this.header, memoryField) * 2 ** 20;
  }

  /**
   * Calls `then` once everything has been heard that the thread has said until now. What it says comes by another port than
   * its replies, and may come later; it is told before the end of the task that it is about.
   */
  whenHeard(then: () => void): void {
    const posted = Atomics.load(this.header, postedField);
    if (this.#isSilent) then();
    else if (this.#listeners.length === 0 && this.#hasHeard(posted)) then();
    else this.#listeners.push({ posted, then });
  }

  /** A message has been received. The thread sends no more than it has credit for. */
  heard(): void {
    Atomics.add(this.header, consumedField, 1);
    this.#listeners.splice(0, this.#listeners.findLastIndex(({ posted }) => this.#hasHeard(posted)) + 1).forEach(call);
  }

  /** The thread is dead: nothing more will be heard. */
  silenced(): void {
    this.#isSilent = true;
    this.#listeners.splice(0).forEach(call);
  }

  #hasHeard(posted: number): boolean {
    // The counters may wrap.
    return ((posted - Atomics.load(this.header, consumedField)) | 0) <= 0;
  }

  freeSlot(): Slot | undefined {
    return this.slots.find((slot) => slot.tasks.length === 0);
  }
}

function call({ then }: { readonly then: () => void }): void {
  then();
}
