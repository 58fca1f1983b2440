// Watches what is in flight with one timer: tasks past their timeout, batches held up by a slow task, threads that begin nothing.
import { clearTimer, heldUpMs, setTimer, sharedNow, type Timer } from "../../base/time.js";
import type { Task } from "../../core/task.js";
import { batchMs } from "./batching.js";
import type { Thread } from "./pool/thread.js";
import type { Slot } from "./slots/slot.js";

/** ms after which a batch is late: what waits in it goes to other threads. */
const lateMs = batchMs * 3;
/** The same where the thread runs nothing. Longer, because on a busy machine a thread may wait that long for a CPU. */
const unbegunMs = 100;

export interface WatchdogActions {
  threads(): Iterable<Thread>;
  timedOut(task: Task): void;
  /** Called once for a batch that is late. */
  late(thread: Thread, slot: Slot): void;
  /** Reads what the thread has sent by now. */
  read(thread: Thread): void;
  terminate(thread: Thread, reason: string): void;
}

/** Whether the batch is one task, and all that its thread has: nothing waits for it, so it is looked at as seldom as can be. */
function isAlone(thread: Thread, slot: Slot): boolean {
  return thread.busy === 1 && slot.tasks.length === 1;
}

export class Watchdog {
  #timer: Timer | undefined;
  #due = Number.POSITIVE_INFINITY;

  constructor(
    /** ms within which a thread that runs nothing must begin what it has been sent, or reply. */
    private readonly startTimeout: number,
    private readonly actions: WatchdogActions,
  ) {}

  /** A batch has been sent. */
  watch(thread: Thread, slot: Slot): void {
    this.#wakeAt(slot.sentAt + (isAlone(thread, slot) ? unbegunMs : lateMs));
    for (const { dispatch } of slot.tasks) {
      if (dispatch.timeout > 0) this.#wakeAt(slot.sentAt + dispatch.timeout);
    }
  }

  stop(): void {
    clearTimer(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
  }

  #wakeAt(due: number): void {
    if (due >= this.#due) return;
    this.#due = due;
    clearTimer(this.#timer);
    // Half a millisecond more, because a timer may fire that much early. At least 1, because Node warns of a negative time.
    // The timer does not keep the process alive: the threads that run tasks do.
    this.#timer = setTimer(() => this.#look(sharedNow() - due), Math.max(1, due - sharedNow() + 0.5));
    this.#timer.unref();
  }

  /** @param late ms that the timer came too late */
  #look(late: number): void {
    this.#due = Number.POSITIVE_INFINITY;
    const now = sharedNow();
    for (const thread of this.actions.threads()) {
      const running = [...thread.running()];
      for (const { slot, task } of running) this.#lookAt(slot, task, now, late);
      for (const slot of thread.slots) {
        if (slot.tasks.length > 0) this.#lookAfter(thread, slot, running.length > 0, now);
      }
      if (running.length > 0 || !thread.slots.some((slot) => slot.tasks.length > 0 && slot.isUnbegun))
        thread.standstill = undefined;
      else this.#expectBeginning(thread, now);
    }
  }

  #lookAt(slot: Slot, task: Task, now: number, late: number): void {
    const { timeout } = task.dispatch;
    if (timeout === 0 || task.abortedBy !== undefined) return;
    // The process was stopped, or this thread was blocked. The task may have stood still as well, so it gets the time back once.
    if (late >= heldUpMs && slot.excuse?.task !== task) {
      slot.excuse = { task, until: now + Math.min(late, timeout) };
    }
    const ownDue = (slot.memory.beganAt[0] ?? now) + timeout;
    const due = slot.excuse?.task === task ? Math.max(slot.excuse.until, ownDue) : ownDue;
    if (due <= now) this.actions.timedOut(task);
    else this.#wakeAt(due);
  }

  #lookAfter(thread: Thread, slot: Slot, runs: boolean, now: number): void {
    const alone = isAlone(thread, slot);
    const lateAt = slot.sentAt + (runs && !alone ? lateMs : unbegunMs);
    // Looked at again soon, because the thread may be between two tasks just now.
    if (lateAt > now) this.#wakeAt(alone ? lateAt : Math.min(lateAt, now + lateMs));
    else if (!slot.late) {
      slot.late = true;
      this.actions.late(thread, slot);
    }
    if (slot.done === slot.tasks.length) this.#expectReply(thread, slot, now);
    // However slow its tasks are, the slot is looked at again, because the reply may never come.
    else this.#wakeAt(now + this.startTimeout);
    // A task that begins from now on has its whole timeout before it.
    const timeouts = slot.tasks.map(({ dispatch }) => dispatch.timeout).filter((timeout) => timeout > 0);
    if (timeouts.length > 0) this.#wakeAt(now + Math.min(...timeouts));
  }

  /** A thread that runs no task and begins none is blocked by what a finished task has left behind, such as a timer that loops. */
  #expectBeginning(thread: Thread, now: number): void {
    if (thread.retired) return;
    thread.standstill ??= { since: now, overdue: false };
    const due = thread.standstill.since + this.startTimeout;
    if (due > now) {
      this.#wakeAt(due);
    } else if (!thread.standstill.overdue) {
      // One more look, because the main thread may have been blocked and may not have read the reply yet.
      thread.standstill.overdue = true;
      this.#wakeAt(now + unbegunMs);
    } else {
      this.actions.read(thread);
      if (thread.standstill !== undefined) {
        this.actions.terminate(thread, "it began no task within pool.startTimeout");
      }
    }
  }

  /**
   * All tasks of the batch have ended, so the reply should come at once, unless a task has broken the code that sends it. Then
   * the thread is terminated. The slot states still show how each task ended.
   */
  #expectReply(thread: Thread, slot: Slot, now: number): void {
    if (thread.retired) return;
    slot.endedSince ??= now;
    const due = slot.endedSince + this.startTimeout;
    if (due > now) {
      this.#wakeAt(due);
      return;
    }
    this.actions.read(thread);
    if (slot.endedSince !== undefined) {
      this.actions.terminate(thread, "it sent no reply within pool.startTimeout");
    }
  }
}
