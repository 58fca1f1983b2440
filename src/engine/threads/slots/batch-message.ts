// A batch as it goes over: parallel arrays, and nothing said that goes without saying.
import type { Task } from "../../../core/task.js";
import type { Slot } from "../pool/thread.js";
import { type BatchMessage, untouched } from "../protocol.js";

/** Writes the tasks into the slot and makes the message and the list of what moves with it. */
export function packBatch(
  slot: Slot,
  tasks: readonly Task[],
): { message: BatchMessage; transfer: readonly unknown[] | undefined } {
  const { cells, wanted } = slot.memory;
  const seqs: number[] = [];
  const payloads: unknown[] = [];
  let sameName = true;
  let firstAttempts = true;
  let noContext = true;
  let ownIds = true;
  // One pass: this is a good part of what a tiny task costs the main thread.
  for (const task of tasks) {
    const index = seqs.length;
    cells[index] = untouched;
    wanted[index] = task.settlement === undefined ? 0 : 1;
    seqs.push(task.seq);
    payloads.push(task.payload);
    sameName &&= task.definition === tasks[0]?.definition;
    firstAttempts &&= task.attempt === 1;
    noContext &&= task.context === undefined;
    ownIds &&= !task.foreign;
  }
  const [first] = tasks;
  const names = sameName ? (first?.definition.name ?? "") : tasks.map((task) => task.definition.name);
  const rest =
    firstAttempts && noContext && ownIds
      ? undefined
      : {
          attempts: firstAttempts ? undefined : tasks.map((task) => task.attempt),
          contexts: noContext ? undefined : tasks.map((task) => task.context),
          ids: ownIds ? undefined : tasks.map((task) => task.id),
        };
  const message: BatchMessage = rest ? [slot.index, names, seqs, payloads, rest] : [slot.index, names, seqs, payloads];
  return { message, transfer: first !== undefined && leavesForGood(first) ? first.transfer : undefined };
}

/** Whether the payload leaves for good with the buffers that move. With attempts to come, it is copied instead. */
export function leavesForGood(task: Task): boolean {
  return task.transfer !== undefined && task.dispatch.attempts === 1;
}
