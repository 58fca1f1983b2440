// How a thread died, and who is to blame.
import { OffloadError } from "../../../base/errors.js";
import { name, type Task } from "../../../core/task.js";
import type { Thread, ThreadEnd } from "../pool/thread.js";
import type { Slot } from "./slot.js";

export interface Death {
  /** What killed it. */
  readonly error: unknown;
  readonly exitCode: number | undefined;
  /**
   * What the death means for a task that was running. `guilty`: it was the only one, and fails. `suspect`: several were
   * running, so each runs again, alone, until the guilty one fails. What ran on a thread that was terminated because a task
   * tampered with it is suspect too, and guilty if it ran alone. `innocent`: the thread was terminated on purpose, because
   * of another task, and this one runs again.
   */
  readonly blame: "guilty" | "suspect" | "innocent";
  /** The batch a fresh thread died on before it began it; on an older thread, leftovers of earlier work may be to blame. */
  readonly unreadSlot: Slot | undefined;
}

/** What the death of a thread means for its tasks: to be found before the first of them is reported. */
export function deathOf(thread: Thread): Death {
  const running = [...thread.running()].map(({ task }) => task);
  const blame = blameOf(thread.end, running);
  const first = thread.busySlots.at(-1);
  const unreadSlot = thread.tasksRun === 0 && first?.isUnbegun ? first : undefined;
  return { error: thread.error, exitCode: thread.exitCode, blame, unreadSlot };
}

function blameOf(end: ThreadEnd | undefined, running: readonly Task[]): Death["blame"] {
  const isTampered = end?.cause === "unreadable";
  if (end !== undefined && !isTampered) return "innocent";
  return running.length === 1 && (!isTampered || running[0]?.runsAlone === true) ? "guilty" : "suspect";
}

/** Why a thread has ended that may have ended by itself. */
export function endOf(thread: Thread): ThreadEnd {
  if (thread.end !== undefined) return thread.end;
  const cause = isOutOfMemory(thread.error) ? "out_of_memory" : "crashed";
  return { cause, reason: `exited with code ${thread.exitCode}` };
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, "code") === "ERR_WORKER_OUT_OF_MEMORY";
}

/** The error of a task whose thread died. */
export function deathError(task: Task, { error, exitCode }: Death, when = "while it ran"): OffloadError {
  if (isOutOfMemory(error)) {
    const message = `the thread of ${name(task)} ran out of memory ${when}`;
    return new OffloadError("AR_OUT_OF_MEMORY", message, { cause: error });
  }
  const how = exitCode === undefined ? "" : ` with exit code ${exitCode}`;
  const message = `the thread of ${name(task)} exited${how} ${when}`;
  return new OffloadError("AR_THREAD_EXITED", message, error === undefined ? {} : { cause: error });
}
