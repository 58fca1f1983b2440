// One slot of a thread as the main thread sees it: the batch in it and how far its outcomes have been reported.
import { sharedNow } from "../../../base/time.js";
import type { Task } from "../../../core/task.js";
import {
  isDone,
  isRunning,
  requestStop,
  type SlotMemory,
  slotMemory,
  slotState,
  stateAt,
  withdraw,
} from "./slot-memory.js";

const none: readonly Task[] = [];

export class Slot {
  readonly memory: SlotMemory;
  /** The tasks of the batch in flight, by index; empty when the slot is free. */
  tasks: readonly Task[] = none;
  /** `sharedNow()` when the batch was sent. */
  sentAt = 0;
  /** How many tasks, from the beginning of the batch on, have been reported to the core. */
  reported = 0;
  /** The batch has been found late once. It is not looked at again. */
  late = false;
  /** `sharedNow()` when all its tasks had ended and the reply had not come; undefined before that. */
  endedSince: number | undefined;
  /** The running task that was given more time, because the process was stopped while it ran. It has until `until`. */
  excuse: { readonly task: Task; readonly until: number } | undefined;
  /** Indices of the withdrawn tasks. Kept here, because the states are in the reach of a task's code. */
  #withdrawn: Set<number> | undefined;

  constructor(
    readonly index: number,
    control: SharedArrayBuffer,
  ) {
    this.memory = slotMemory(control, index);
  }

  hold(batch: readonly Task[]): void {
    this.tasks = batch;
    this.sentAt = sharedNow();
    this.reported = 0;
    this.#withdrawn = undefined;
    this.late = false;
    this.endedSince = undefined;
    this.excuse = undefined;
  }

  /** @returns what it held */
  release(): readonly Task[] {
    const batch = this.tasks;
    this.tasks = none;
    return batch;
  }

  stateOf(index: number): number {
    return stateAt(this.memory, index);
  }

  /** Takes a task back from its thread, unless its code has begun. */
  withdraw(index: number): boolean {
    const done = withdraw(this.memory, index);
    if (done) {
      this.#withdrawn ??= new Set();
      this.#withdrawn.add(index);
    }
    return done;
  }

  /** How many tasks of the batch have been withdrawn. */
  get withdrawn(): number {
    return this.#withdrawn?.size ?? 0;
  }

  hasWithdrawn(index: number): boolean {
    return this.#withdrawn?.has(index) === true;
  }

  /** Marks a running task as one that is to stop; false when its code has ended already. */
  requestStop(index: number): boolean {
    return requestStop(this.memory, index);
  }

  /** The index of a task that has not been reported; -1 where it is not here. A withdrawn one may be in another slot by now. */
  find(task: Task): number {
    const index = this.tasks.indexOf(task);
    return index >= this.reported && !this.hasWithdrawn(index) ? index : -1;
  }

  /** The task that runs now, -1 for none. */
  get running(): number {
    for (let index = this.reported; index < this.tasks.length; index++) {
      const value = this.stateOf(index);
      if (isRunning(value)) return index;
      // A batch is run in its order.
      if (value === slotState.waiting) return -1;
    }
    return -1;
  }

  /** How many tasks of the batch, from its beginning on, the thread is done with. */
  get done(): number {
    let count = this.reported;
    while (count < this.tasks.length && isDone(this.stateOf(count))) count++;
    return count;
  }

  /** Whether the thread has begun no task of the batch. */
  get isUnbegun(): boolean {
    return this.tasks.every((_, index) => {
      const value = this.stateOf(index);
      return value === slotState.waiting || value === slotState.withdrawn;
    });
  }
}
