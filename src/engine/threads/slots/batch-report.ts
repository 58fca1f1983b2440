// What the end of a batch, or of its thread, means for each task in it, reported to the core.
import { OffloadError } from "../../../base/errors.js";
import { LazyError } from "../../../core/lazy-error.js";
import { isFinal } from "../../../core/states.js";
import { name, type Task } from "../../../core/task.js";
import type { EngineHost } from "../../engine.js";
import type { TaskQueue } from "../../queue/task-queue.js";
import type { BatchReply } from "../protocol.js";
import { movedAway } from "./batch-message.js";
import { type Death, deathError } from "./death.js";
import { failureOf, isRetryable } from "./failure-form.js";
import { ReplyReader } from "./reply-reader.js";
import type { Slot } from "./slot.js";
import { hasBegun, slotState } from "./slot-memory.js";

// A payload may be too large for the heap of a thread. But the tasks module may also kill a thread soon after its start, so the
// task fails only with the third thread in a row.
const mostUnread = 3;

export class BatchReport {
  /** How many threads have died before they began the task, although it was the first thing they were sent. */
  readonly #unread = new WeakMap<Task, number>();

  constructor(
    private readonly host: EngineHost,
    private readonly queue: TaskQueue,
  ) {}

  /**
   * The thread has replied: every task of the batch that was not withdrawn has ended.
   *
   * @returns false where a task had no outcome, because a task has tampered with the thread, which has to be replaced. The task
   *   has been failed or queued again. If its code runs, the reply was forged: it and those behind it are left to the report
   *   of the thread's death, because until then they could run twice at the same time
   */
  replied(slot: Slot, reply: BatchReply): boolean {
    const reader = new ReplyReader(reply);
    const { tasks } = slot;
    let complete = true;
    // Some 500,000 tasks a second pass here, so there is no iterator, which makes an array for each.
    for (let index = slot.reported; index < tasks.length; index++) {
      const task = tasks[index];
      slot.reported = index + 1;
      if (task === undefined || this.#ended(slot, index, task, reader)) continue;
      complete = false;
      if (this.#tookBack(slot, index, task)) continue;
      // It may have begun a moment ago, and even have ended.
      if (hasBegun(slot.stateOf(index))) {
        slot.reported = index;
        return false;
      }
      this.#failed(task, withoutOutcome(task), true);
    }
    return complete;
  }

  /**
   * The batch goes on, held up by a slow task: reports those before it that have ended, as far as their outcome is known.
   *
   * @param ended how many tasks have ended, from the beginning of the batch on
   * @param reply the outcomes that the thread has sent; undefined where it was not asked yet
   */
  partly(slot: Slot, ended: number, reply: BatchReply | undefined): void {
    const reader = new ReplyReader(reply);
    while (slot.reported < ended) {
      const index = slot.reported;
      const task = slot.tasks[index];
      if (task === undefined || !reader.has(slot.stateOf(index))) return;
      slot.reported++;
      if (this.#ended(slot, index, task, reader) || this.#tookBack(slot, index, task)) continue;
      this.#failed(task, withoutOutcome(task), true);
    }
  }

  /** The thread is dead: what has ended is reported, what has not begun is queued again, and `death` decides about what ran. */
  died(slot: Slot, death: Death): void {
    const reader = new ReplyReader(undefined);
    const { tasks } = slot;
    // From the last to the first, because each goes to the head of its lane.
    for (let index = tasks.length - 1; index >= slot.reported; index--) {
      const task = tasks[index];
      if (task === undefined || !slot.withdraw(index)) continue;
      if (death.unreadSlot === slot) this.#neverRead(task, death);
      else this.again(task, death);
    }
    for (let index = slot.reported; index < tasks.length; index++) {
      const task = tasks[index];
      slot.reported = index + 1;
      if (task === undefined) continue;
      const value = slot.stateOf(index);
      if (value === slotState.begun) this.#wasRunning(task, death);
      else if (value === slotState.stopping) this.#failed(task, deathError(task, death), true);
      else if (!this.#ended(slot, index, task, reader)) this.#failed(task, deathError(task, death), true);
    }
  }

  /** Nothing was posted, because a payload cannot be, such as one that holds what was moved meanwhile. */
  unsendable(tasks: readonly Task[], cause: unknown): void {
    const [task] = tasks;
    if (task === undefined) return;
    if (tasks.length === 1) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `${name(task)} cannot be sent to a thread: ${why}`;
      this.#failed(task, new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", message, { cause }), false);
      return;
    }
    // Nobody knows whose payload it is, so each is sent by itself.
    for (const each of [...tasks].reverse()) {
      each.runsAlone = true;
      this.again(each, undefined);
    }
  }

  /** Queues a task again whose code has not begun, or that is not to blame for the death of its thread. */
  again(task: Task, death: Death | undefined): void {
    if (isFinal(task.state)) return;
    if (death !== undefined && task.payload === movedAway) {
      this.#failed(task, deathError(task, death, "with the buffers that had moved to it"), false);
      return;
    }
    this.host.returned(task);
    this.queue.freed(task.definition);
    // Last, so that it is ahead of the tasks of its name that `freed` puts at the head of their lanes.
    this.queue.putBack(task);
  }

  /**
   * The thread says that it is done with the batch, and this task has no outcome. If its code has not begun, it runs on another
   * thread.
   */
  #tookBack(slot: Slot, index: number, task: Task): boolean {
    const passes = (this.#unread.get(task) ?? 0) + 1;
    if (passes === mostUnread || task.payload === movedAway || !slot.withdraw(index)) return false;
    this.#unread.set(task, passes);
    this.again(task, undefined);
    return true;
  }

  /** A thread died before it began this task. A task that is sent again each time could kill one thread after another. */
  #neverRead(task: Task, death: Death): void {
    const threads = (this.#unread.get(task) ?? 0) + 1;
    if (threads === mostUnread) {
      this.#failed(task, deathError(task, death, `before it began, as ${threads - 1} before it did`), false);
      return;
    }
    this.#unread.set(task, threads);
    // Another task of its batch may be the cause.
    task.runsAlone = true;
    this.again(task, death);
  }

  #wasRunning(task: Task, death: Death): void {
    if (task.abortedBy !== undefined || death.blame === "guilty") {
      task.runsAlone ||= task.abortedBy === undefined;
      this.#failed(task, deathError(task, death), true);
    } else {
      task.runsAlone ||= death.blame === "suspect";
      this.again(task, death);
    }
  }

  /** @returns false if the slot state is not that of a task that has ended */
  #ended(slot: Slot, index: number, task: Task, reader: ReplyReader): boolean {
    if (slot.hasWithdrawn(index)) return true;
    const value = slot.stateOf(index);
    if (value !== slotState.succeeded && value !== slotState.returned && value !== slotState.failed) return false;
    const runMs = slot.memory.runMs[index] ?? 0;
    task.definition.measured(runMs);
    if (value === slotState.failed) {
      const failure = reader.failure();
      if (failure === undefined) this.#failed(task, lostError(task), true, runMs);
      else this.#failed(task, new LazyError(() => failureOf(failure)), isRetryable(failure), runMs);
      return true;
    }
    this.host.succeeded(task, value === slotState.returned ? reader.value() : undefined, runMs);
    this.queue.freed(task.definition);
    return true;
  }

  #failed(task: Task, error: unknown, retryable: boolean, runMs?: number): void {
    this.host.failed(task, error, retryable, runMs);
    this.queue.freed(task.definition);
  }
}

/** The thread ended the batch and sent no outcome of this task. */
function withoutOutcome(task: Task): OffloadError {
  const message = `the thread of ${name(task)} ended its work without an outcome of this task; the thread is replaced`;
  return new OffloadError("AR_THREAD_EXITED", message);
}

/** Its thread died before it sent the error. */
function lostError(task: Task): OffloadError {
  return new OffloadError("AR_THREAD_EXITED", `${name(task)} failed, and its error was lost with its thread`);
}
