// How much work goes to a thread at once: many tiny tasks, or a single long one.
import type { Task } from "../../core/task.js";
import type { TaskQueue } from "../queue/task-queue.js";
import { movedWith } from "./slots/batch-message.js";
import { slotSize } from "./slots/slot-memory.js";

/**
 * ms of expected work in one batch. A batch costs the main thread about 20 us whatever is in it, so small batches are waste.
 * In a larger one the last tasks would wait while another thread becomes idle.
 */
export const batchMs = 2;

/**
 * The tasks of the next batch, now started. Where several threads are idle, a batch is at most its fair share.
 *
 * @param mayBeAlone whether the thread is idle, so that a task which must run alone can be the batch
 * @param room how many tasks the thread may be given, at least 1
 */
export function takeBatch(queue: TaskQueue, idleThreads: number, mayBeAlone: boolean, room: number): Task[] {
  const share = Math.ceil(queue.length / Math.max(1, idleThreads));
  const first = queue.peek();
  if (first === undefined || (first.runsAlone && !mayBeAlone)) return [];
  queue.start(first);
  const batch = [first];
  if (queue.length === 0 || travelsAlone(first)) return batch;
  let expected = first.definition.expectedMs ?? batchMs;
  const limit = Math.min(room, slotSize, Math.max(share, worthSharing(expected)));
  while (batch.length < limit) {
    const next = queue.peek();
    if (next === undefined || travelsAlone(next)) break;
    expected += next.definition.expectedMs ?? batchMs;
    if (expected > batchMs) break;
    queue.start(next);
    batch.push(next);
  }
  return batch;
}

/** ms that a batch is expected to take; Infinity with a task whose name has not been measured. */
export function expectedMs(batch: readonly Task[]): number {
  let sum = 0;
  for (const task of batch) sum += task.definition.expectedMs ?? Number.POSITIVE_INFINITY;
  return sum;
}

/** What has moved cannot be taken back, and a task that may kill its thread must harm no other. */
function travelsAlone(task: Task): boolean {
  return task.runsAlone || movedWith(task.payload) !== undefined;
}

/** So many tasks together take a tenth of `batchMs`: less is not worth waking a second thread for. */
function worthSharing(taskMs: number): number {
  return Math.floor(batchMs / 10 / Math.max(taskMs, batchMs / 10 / slotSize));
}
