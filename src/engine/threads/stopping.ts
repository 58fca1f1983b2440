// Ends and takes back tasks that were sent to threads: the one rule for stopping a task, and for what a thread has not begun.
import type { OffloadError } from "../../base/errors.js";
import { afterFairTime, backgroundClock } from "../../base/time.js";
import { hasAttemptsLeft, stopsToBeRetried } from "../../core/early-end.js";
import type { ThreadEndCause } from "../../core/events.js";
import type { Task } from "../../core/task.js";
import type { TaskQueue } from "../queue/task-queue.js";
import type { Place, Thread } from "./pool/thread.js";
import type { ThreadPool } from "./pool/thread-pool.js";
import { movedAway } from "./slots/batch-message.js";
import type { Slot } from "./slots/slot.js";
import { slotState, want } from "./slots/slot-memory.js";

export interface StoppingParts {
  readonly pool: ThreadPool;
  readonly queue: TaskQueue;
  /** ms that a task may go on after its abort, before its thread is terminated. */
  readonly abortGrace: number;
  /** Queues a task again that was withdrawn from its slot. */
  readonly again: (task: Task) => void;
  /** Makes reports that belong together. */
  readonly together: (report: () => void) => void;
}

export class Stopping {
  constructor(private readonly parts: StoppingParts) {}

  /**
   * The rule for stopping a task that was started: one that no code has begun is taken back; one whose code runs has its
   * signal aborted, and its thread is terminated if it goes on past the grace; of one that has ended, only another attempt
   * can be prevented.
   */
  stop(task: Task, reason: OffloadError): "unbegun" | "stopping" | "ended" {
    const place = this.#find(task);
    if (place === undefined) return "ended";
    const { slot, index } = place;
    if (slot.withdraw(index)) {
      this.parts.queue.freedSoon(task.definition);
      return "unbegun";
    }
    if (slot.requestStop(index)) {
      task.abortedBy = reason;
      this.#postStop(place, reason);
      return "stopping";
    }
    const failedUnreported = task.abortedBy === undefined && slot.stateOf(index) === slotState.failed;
    if (!stopsToBeRetried(task) && !(failedUnreported && hasAttemptsLeft(task))) return "ended";
    task.abortedBy = reason;
    return "stopping";
  }

  /** Somebody asks for the result of a running task. */
  want(task: Task): void {
    const place = this.#find(task);
    if (place !== undefined) want(place.slot.memory, place.index);
  }

  /** What a thread has not begun is queued again; with a name, only the tasks of that name. */
  takeBackAll(thread: Thread, name?: string): void {
    for (const slot of thread.busySlots) this.takeBack(slot, name);
  }

  takeBack(slot: Slot, name?: string): void {
    // From the last to the first, because each goes to the head of its lane.
    for (let index = slot.tasks.length - 1; index >= 0; index--) {
      const task = slot.tasks[index];
      // Its buffers have moved to the thread and cannot be taken back, so the task waits there.
      if (task === undefined || task.payload === movedAway) continue;
      if (name !== undefined && task.definition.name !== name) continue;
      if (slot.withdraw(index)) this.parts.again(task);
    }
  }

  /** The last resort, for a task that does not stop. The tasks that have not begun are taken back first. */
  terminate(thread: Thread, reason: string, cause: ThreadEndCause = "killed"): void {
    this.takeBackAll(thread);
    this.parts.pool.terminate(thread, { cause, reason });
  }

  #postStop({ thread, slot, index, task }: Place, reason: OffloadError): void {
    const { name, message, code } = reason;
    thread.post({ kind: "stop", slot: slot.index, index, reason: { isError: true, name, message, fields: { code } } });
    const batch = slot.tasks;
    const judge = (): void => {
      if (slot.tasks !== batch || thread.retired || slot.tasks[slot.running] !== task) return;
      this.parts.together(() => this.terminate(thread, "a task did not stop within pool.abortGrace"));
    };
    afterFairTime(this.parts.abortGrace, judge, backgroundClock);
  }

  #find(task: Task): Place | undefined {
    for (const thread of this.parts.pool.threads) {
      const place = thread.find(task);
      if (place !== undefined) return place;
    }
    return undefined;
  }
}
