// What the end of a batch, or of its thread, means for each task in it.

import { OffloadError } from "../../../base/errors.js";
import type { Attempts } from "../../../core/attempts.js";
import { toError, type WireError } from "../../../core/payload/thrown.js";
import { LostResult } from "../../../core/result.js";
import { isFinal } from "../../../core/states.js";
import { name, type Task } from "../../../core/task.js";
import type { Death, Slot } from "../pool/thread.js";
import {
  aborted,
  type BatchReply,
  begun,
  failed,
  type LongReply,
  returned,
  succeeded,
  takenBack,
} from "../protocol.js";
import type { TaskQueue } from "../queue/task-queue.js";
import { leavesForGood } from "./batch-message.js";
import { cellOf, takeBack } from "./cells.js";

// A payload may be more than the heap of a thread can take in. It may also be the tasks module that kills a thread soon
// after its start, at the third time on another thread or not.
const mostUnread = 3;

export class Settler {
  /** How many threads have died before they began the task, the first thing that they had to do. */
  readonly #unread = new WeakMap<Task, number>();

  constructor(
    private readonly attempts: Attempts,
    private readonly queue: TaskQueue,
  ) {}

  /** The thread has replied: every task of the batch that was not taken back has ended. */
  replied(slot: Slot, tasks: readonly Task[], reply: BatchReply): void {
    const said = untold(slot, reply);
    // Some 500,000 tasks a second pass here: no iterator with an array for each.
    for (let index = slot.told; index < tasks.length; index++) {
      const task = tasks[index];
      if (task !== undefined) this.#ended(slot, index, task, said);
    }
  }

  /**
   * The batch goes on, held up by a slow task: those before it that have ended are told to have, as far as it is known
   * what they returned or threw.
   *
   * @param ended of so many, from the beginning of the batch on
   * @param reply what the thread said when it was asked; undefined before that
   */
  soFar(slot: Slot, ended: number, reply: BatchReply | undefined): void {
    const said = untold(slot, reply);
    for (; slot.told < ended; slot.told++) {
      const task = slot.tasks[slot.told];
      if (task === undefined || !said.tells(cellOf(slot, slot.told))) return;
      this.#ended(slot, slot.told, task, said);
    }
  }

  /** The thread is dead: the finished tasks stay finished, those not begun run elsewhere, and of the rest `death` tells. */
  died(slot: Slot, tasks: readonly Task[], death: Death): void {
    const said = untold(slot, undefined);
    // First of all, for a listener of another's end may cancel one of these. From the last to the first, for each goes to
    // the head of its lane.
    for (let index = tasks.length - 1; index >= slot.told; index--) {
      const task = tasks[index];
      if (task === undefined || !takeBack({ slot, index })) continue;
      if (death.unread === slot) this.#neverRead(task, death);
      else this.again(task, death);
    }
    let running: Task | undefined;
    for (let index = slot.told; index < tasks.length; index++) {
      const task = tasks[index];
      if (task === undefined) continue;
      const cell = cellOf(slot, index);
      if (cell === begun) running = task;
      else if (cell === aborted) this.attempts.failed(task, deathError(task, death), true);
      else this.#ended(slot, index, task, said);
    }
    if (running !== undefined) this.#judged(running, death);
  }

  /** The payload cannot be posted to any thread. */
  unsendable(tasks: readonly Task[], cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    for (const task of tasks) {
      const message = `${name(task)} cannot be sent to a thread: ${why}`;
      this.attempts.failed(task, new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", message, { cause }), false);
    }
  }

  /** Has a task that its thread never began, or that is not to blame for its death, run again. */
  again(task: Task, death: Death | undefined): void {
    if (isFinal(task.state)) return;
    if (death !== undefined && leavesForGood(task))
      this.attempts.failed(task, deathError(task, death, "with the buffers that had moved to it"), false);
    else this.queue.takeBack(task);
  }

  /** Sent for ever, it would kill one thread after another. */
  #neverRead(task: Task, death: Death): void {
    const threads = (this.#unread.get(task) ?? 0) + 1;
    if (threads === mostUnread) {
      this.attempts.failed(task, deathError(task, death, `before it began, as ${threads - 1} before it did`), false);
      return;
    }
    this.#unread.set(task, threads);
    // It may be another one of its batch.
    task.solo = true;
    this.again(task, death);
  }

  #judged(task: Task, death: Death): void {
    if (task.abortedBy !== undefined) {
      // By a listener of the end of another that the thread had.
      this.attempts.failed(task, deathError(task, death), true);
    } else if (death.verdict === "guilty") {
      task.solo = true;
      this.attempts.failed(task, deathError(task, death), true);
    } else {
      task.solo ||= death.verdict === "suspect";
      this.again(task, death);
    }
  }

  #ended(slot: Slot, index: number, task: Task, said: Said): void {
    const cell = cellOf(slot, index);
    if (cell !== succeeded && cell !== returned && cell !== failed) return;
    const runMs = slot.memory.runMs[index] ?? 0;
    task.definition.measured(runMs);
    if (cell === succeeded) this.attempts.succeeded(task, undefined, runMs);
    else if (cell === returned) this.attempts.succeeded(task, said.value(), runMs);
    else this.#failed(task, said.failure(), runMs);
  }

  #failed(task: Task, error: WireError | undefined, runMs: number): void {
    if (error === undefined) this.attempts.failed(task, lostError(task), true, runMs);
    else this.attempts.failed(task, toError(error), error.nonRetryable !== true, runMs);
  }
}

/** A reply, read from its beginning on, as the cells say that there is something to be read. */
class Said {
  #failures = 0;
  #values = 0;
  #kept = 0;

  readonly #reply: LongReply | undefined;

  constructor(reply: BatchReply | undefined) {
    this.#reply = typeof reply === "number" ? undefined : reply;
  }

  /** Whether it has what a task with this cell came to. */
  tells(cell: number): boolean {
    if (cell === returned) return this.#values < (this.#reply?.[1]?.length ?? 0);
    if (cell === failed) return this.#failures < (this.#reply?.[2]?.length ?? 0);
    return cell === succeeded || cell === takenBack;
  }

  /** Passes over what it has of a task that has been told already. */
  skip(cell: number): void {
    if (cell === returned) this.value();
    else if (cell === failed) this.failure();
  }

  failure(): WireError | undefined {
    return this.#reply?.[2]?.[this.#failures++];
  }

  value(): unknown {
    const place = this.#values++;
    const [, values, , kept] = this.#reply ?? [];
    const left = kept?.[this.#kept];
    if (left?.[0] === place) {
      this.#kept++;
      return left[1] === null ? notAskedFor : new LostResult("AR_RESULT_NOT_CLONEABLE", left[1]);
    }
    return values === undefined || place >= values.length ? lostWithThread : values[place];
  }
}

/** A reply, to be read from the first task on that has not been told. */
function untold(slot: Slot, reply: BatchReply | undefined): Said {
  const said = new Said(reply);
  for (let index = 0; index < slot.told; index++) said.skip(cellOf(slot, index));
  return said;
}

const notAskedFor = new LostResult(
  "AR_RESULT_NOT_KEPT",
  "its result was large and nobody had asked for it: call result() at once, or use run()",
);
const lostWithThread = new LostResult("AR_RESULT_NOT_KEPT", "its result was lost with its thread");

/** Its thread died so suddenly that the error did not come over. */
function lostError(task: Task): OffloadError {
  return new OffloadError("AR_THREAD_EXITED", `${name(task)} failed, and its error was lost with its thread`);
}

function deathError(task: Task, { error, exitCode }: Death, when = "while it ran"): OffloadError {
  const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    const message = `the thread of ${name(task)} ran out of memory ${when}`;
    return new OffloadError("AR_OUT_OF_MEMORY", message, { cause: error });
  }
  const how = exitCode === undefined ? "" : ` with exit code ${exitCode}`;
  const message = `the thread of ${name(task)} exited${how} ${when}`;
  return new OffloadError("AR_THREAD_EXITED", message, error === undefined ? {} : { cause: error });
}
