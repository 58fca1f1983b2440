// Looks after what is in flight: tasks past their timeout, and tasks stuck behind a slow one. One timer for all of it.
import { timeoutError } from "../queue/attempts.js";
import type { OffloadError } from "../task/errors.js";
import { name } from "../task/ledger.js";
import type { Task } from "../task/task.js";
import { batchMs } from "./batching.js";
import { runningOn } from "./cells.js";
import { sharedNow } from "./protocol.js";
import type { Slot, Thread } from "./thread.js";

/** ms after which a batch is late, and what it holds back goes to other threads. */
const lateMs = batchMs * 3;

export interface WatchdogActions {
  threads(): Iterable<Thread>;
  abort(task: Task, reason: OffloadError): void;
  /** Takes back what the thread has not begun. */
  relieve(slot: Slot): void;
}

export class Watchdog {
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  constructor(private readonly actions: WatchdogActions) {}

  /** A batch has been sent. */
  watch(slot: Slot, behindAnother: boolean): void {
    if (slot.tasks.length > 1 || behindAnother) this.#wakeAt(slot.sentAt + lateMs);
    for (const { dispatch } of slot.tasks) {
      if (dispatch.timeout > 0) this.#wakeAt(slot.sentAt + dispatch.timeout);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
  }

  #wakeAt(due: number): void {
    if (due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    // Running tasks keep the process alive themselves. Half a millisecond more, for a timer may fire that much early.
    this.#timer = setTimeout(() => this.#look(), due - sharedNow() + 0.5);
    this.#timer.unref();
  }

  #look(): void {
    this.#due = Number.POSITIVE_INFINITY;
    const now = sharedNow();
    for (const thread of this.actions.threads()) {
      for (const { slot, task } of [...runningOn(thread)]) this.#lookAt(slot, task, now);
      for (const slot of thread.slots) this.#lookAfter(slot, now);
    }
  }

  #lookAt(slot: Slot, task: Task, now: number): void {
    const { timeout } = task.dispatch;
    if (timeout === 0 || task.abortedBy !== undefined) return;
    const due = (slot.memory.beganAt[0] ?? now) + timeout;
    if (due <= now) this.actions.abort(task, timeoutError(name(task), timeout));
    else this.#wakeAt(due);
  }

  #lookAfter(slot: Slot, now: number): void {
    if (slot.tasks.length === 0) return;
    if (slot.sentAt + lateMs <= now) this.actions.relieve(slot);
    else this.#wakeAt(slot.sentAt + lateMs);
    // A task that has not begun has its whole timeout before it.
    const timeouts = slot.tasks.map(({ dispatch }) => dispatch.timeout).filter((timeout) => timeout > 0);
    if (timeouts.length > 0) this.#wakeAt(now + Math.min(...timeouts));
  }
}
