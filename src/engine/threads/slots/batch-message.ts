// A batch as it is posted: parallel arrays, and nothing written that all tasks have in common.
import { since } from "../../../base/ticks.js";
import { type Captured, isBytes } from "../../../core/payload/payload.js";
import { toWireForm } from "../../../core/payload/wire-form.js";
import type { Task } from "../../../core/task.js";
import type { BatchMessage, TracedTask } from "../protocol.js";
import type { Slot } from "./slot.js";
import { place } from "./slot-memory.js";

/** Has the tasks wait in the slot, and makes the message and the list of what moves with it. */
export function packBatch(
  slot: Slot,
  tasks: readonly Task[],
): { message: BatchMessage; transfer: readonly unknown[] | undefined } {
  const seqs: number[] = [];
  const payloads: unknown[] = [];
  let sameName = true;
  let firstAttempts = true;
  let noContext = true;
  let ownIds = true;
  let traced: TracedTask[] | undefined;
  // One pass: this is a good part of what a tiny task costs the main thread.
  for (const task of tasks) {
    place(slot.memory, seqs.length, task.result !== undefined);
    seqs.push(task.seq);
    payloads.push(toWireForm(task.payload));
    sameName &&= task.definition === tasks[0]?.definition;
    firstAttempts &&= task.attempt === 1;
    noContext &&= task.context === undefined;
    ownIds &&= task.replayedId === undefined;
    if (task.carrier !== undefined) {
      traced ??= [];
      const waitMs = since(task.queuedAt, task.startedAt);
      traced.push([seqs.length - 1, task.carrier, task.dispatch.priority, waitMs]);
    }
  }
  const [first] = tasks;
  const names = sameName ? (first?.definition.name ?? "") : tasks.map((task) => task.definition.name);
  const rest =
    firstAttempts && noContext && ownIds && traced === undefined
      ? undefined
      : {
          attempts: firstAttempts ? undefined : tasks.map((task) => task.attempt),
          contexts: noContext ? undefined : tasks.map((task) => toWireForm(task.context)),
          ids: ownIds ? undefined : tasks.map((task) => task.id),
          traced,
        };
  const message: BatchMessage = rest ? [slot.index, names, seqs, payloads, rest] : [slot.index, names, seqs, payloads];
  return { message, transfer: first !== undefined && leavesForGood(first) ? movedWith(first.payload) : undefined };
}

/** Stands for a payload that has moved to its thread for good. */
export const movedAway: unique symbol = Symbol("moved away");

/** What moves to the thread with a payload. */
export function movedWith(payload: Captured): readonly unknown[] | undefined {
  return isBytes(payload) ? payload.moved : undefined;
}

/** Whether the payload leaves for good with the buffers that move. With attempts to come, they are copied instead. */
function leavesForGood(task: Task): boolean {
  return task.dispatch.attempts === 1 && movedWith(task.payload) !== undefined;
}
