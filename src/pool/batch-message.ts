// A batch as it goes over: parallel arrays, and nothing said that goes without saying.
import type { Task } from "../task/task.js";
import { type BatchMessage, untouched } from "./protocol.js";
import type { Slot } from "./thread.js";

/** Writes the tasks into the slot and makes the message and the list of what moves with it. */
export function packBatch(slot: Slot, tasks: readonly Task[]): { message: BatchMessage; transfer: readonly unknown[] } {
  const { cells, wanted } = slot.memory;
  for (const [index, task] of tasks.entries()) {
    cells[index] = untouched;
    wanted[index] = task.settlement === undefined ? 0 : 1;
  }
  const message = {
    kind: "batch",
    slot: slot.index,
    names: namesOf(tasks),
    seqs: tasks.map((task) => task.seq),
    payloads: tasks.map((task) => task.payload),
    ...(tasks.some((task) => task.attempt !== 1) && { attempts: tasks.map((task) => task.attempt) }),
    ...(tasks.some((task) => task.context !== undefined) && { contexts: tasks.map((task) => task.context) }),
  } as const;
  return { message, transfer: tasks.length === 1 && tasks[0] ? moving(tasks[0]) : [] };
}

/** Whether the payload leaves for good with the buffers that move. With attempts to come, it is copied instead. */
export function leavesForGood(task: Task): boolean {
  return task.transfer !== undefined && task.dispatch.attempts === 1;
}

function moving(task: Task): readonly unknown[] {
  return leavesForGood(task) ? (task.transfer ?? []) : [];
}

function namesOf(tasks: readonly Task[]): string | readonly string[] {
  const name = tasks[0]?.definition.name ?? "";
  return tasks.every((task) => task.definition.name === name) ? name : tasks.map((task) => task.definition.name);
}
