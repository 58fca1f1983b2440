// The main thread's side of the shared cells: taking back what has not begun, telling what runs to end.
import type { Task } from "../../../core/task.js";
import type { Slot, Thread } from "../pool/thread.js";
import { aborted, begun, takenBack, untouched } from "../protocol.js";

/** Where a running task is. */
export interface Place {
  readonly thread: Thread;
  readonly slot: Slot;
  readonly index: number;
}

/** Where a task is that a thread has, or has ended without our having heard of it: at most a few batches a thread. */
export function findPlace(threads: Iterable<Thread>, task: Task): Place | undefined {
  for (const thread of threads) {
    for (const slot of thread.slots) {
      const index = slot.tasks.indexOf(task);
      // A task may have been taken back from a slow batch, or have failed in it, and be in another one by now.
      if (index >= slot.told && cellOf(slot, index) !== takenBack) return { thread, slot, index };
    }
  }
  return undefined;
}

/** Takes a task back from its thread, unless the thread has begun it. */
export function takeBack({ slot, index }: Pick<Place, "slot" | "index">): boolean {
  if (Atomics.compareExchange(slot.memory.cells, index, untouched, takenBack) !== untouched) return false;
  slot.takenBack++;
  return true;
}

/** Marks a running task as one that is to end; false when it has ended already. */
export function markAborted({ slot, index }: Pick<Place, "slot" | "index">): boolean {
  return Atomics.compareExchange(slot.memory.cells, index, begun, aborted) === begun;
}

/** How many tasks of the batch, from its beginning on, the thread is done with. */
export function countEnded(slot: Slot): number {
  let count = slot.told;
  while (count < slot.tasks.length && cellOf(slot, count) > aborted) count++;
  return count;
}

export function cellOf(slot: Slot, index: number): number {
  return Atomics.load(slot.memory.cells, index);
}

/** Whether the thread has touched no task of the batch, if there is one. */
export function isUnbegun(slot: Slot): boolean {
  return slot.tasks.every((_, index) => [untouched, takenBack].includes(cellOf(slot, index)));
}

/** The tasks that a thread runs at this moment: one a slot at the most. */
export function* runningOn(thread: Thread): Generator<Place & { readonly task: Task }> {
  for (const slot of thread.slots) {
    for (const [index, task] of slot.tasks.entries()) {
      const cell = cellOf(slot, index);
      if (cell === begun || cell === aborted) yield { thread, slot, index, task };
    }
  }
}
