// What the end of a batch, or of its thread, means for each task in it.
import type { Attempts } from "../queue/attempts.js";
import type { TaskQueue } from "../queue/task-queue.js";
import { OffloadError } from "../task/errors.js";
import { LostResult, name } from "../task/ledger.js";
import { isFinal } from "../task/states.js";
import type { Task } from "../task/task.js";
import { leavesForGood } from "./batch-message.js";
import { cellOf, takeBack } from "./cells.js";
import { toError } from "./errors.js";
import { aborted, type BatchReply, begun, failed, returned, succeeded, type WireError } from "./protocol.js";
import type { Death, Slot } from "./thread.js";

export class Settler {
  constructor(
    private readonly attempts: Attempts,
    private readonly queue: TaskQueue,
  ) {}

  /** The thread has replied: every task of the batch that was not taken back has ended. */
  replied(slot: Slot, tasks: readonly Task[], reply: BatchReply | undefined): void {
    const said = new Said(reply);
    for (const [index, task] of tasks.entries()) this.#ended(slot, index, task, said);
  }

  /** The thread is dead: the finished tasks stay finished, those not begun run elsewhere, and of the rest `death` tells. */
  died(slot: Slot, tasks: readonly Task[], death: Death): void {
    const said = new Said(slot.lastWords);
    for (const [index, task] of tasks.entries()) {
      const cell = cellOf(slot, index);
      if (cell === begun) this.#judged(task, death);
      else if (cell === aborted) this.attempts.failed(task, deathError(task, death), true);
      else if (takeBack({ slot, index })) this.again(task, death);
      else this.#ended(slot, index, task, said);
    }
  }

  /** Has a task that its thread never began, or that is not to blame for its death, run again. */
  again(task: Task, death: Death | undefined): void {
    if (isFinal(task.state)) return;
    if (death !== undefined && leavesForGood(task)) this.attempts.failed(task, deathError(task, death), false);
    else this.queue.takeBack(task);
  }

  #judged(task: Task, death: Death): void {
    if (death.verdict === "guilty") {
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
    else if (cell === returned) this.attempts.succeeded(task, said.value(index), runMs);
    else this.#failed(task, said.failure(index), runMs);
  }

  #failed(task: Task, error: WireError | undefined, runMs: number): void {
    // Its thread died so suddenly that the error did not come over.
    if (error === undefined)
      this.attempts.failed(task, new Error("the task's error was lost with its thread"), true, runMs);
    else this.attempts.failed(task, toError(error), error.nonRetryable !== true, runMs);
  }
}

/** A reply, asked by ascending index. */
class Said {
  #failures = 0;
  #values = 0;
  #kept = 0;

  constructor(private readonly reply: BatchReply | undefined) {}

  failure(index: number): WireError | undefined {
    const next = this.reply?.failures?.[this.#failures];
    if (next?.[0] !== index) return undefined;
    this.#failures++;
    return next[1];
  }

  value(index: number): unknown {
    const value = this.reply?.values?.[this.#values];
    if (value?.[0] === index) {
      this.#values++;
      return value[1];
    }
    const kept = this.reply?.kept?.[this.#kept];
    if (kept?.[0] !== index) return new LostResult("AR_RESULT_NOT_KEPT", "its result was lost with its thread");
    this.#kept++;
    return kept[1] === null
      ? new LostResult(
          "AR_RESULT_NOT_KEPT",
          "its result was large and nobody had asked for it: call result() at once, or use run()",
        )
      : new LostResult("AR_RESULT_NOT_CLONEABLE", kept[1]);
  }
}

function deathError(task: Task, { error, exitCode }: Death): OffloadError {
  const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    return new OffloadError("AR_OUT_OF_MEMORY", `${name(task)} ran its thread out of memory`, { cause: error });
  }
  const how = exitCode === undefined ? "" : ` with exit code ${exitCode}`;
  return new OffloadError("AR_THREAD_EXITED", `the thread of ${name(task)} exited${how} while it ran`, {
    cause: error,
  });
}
