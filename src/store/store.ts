// The seam between the core and what keeps accepted tasks until they have ended: the journal, or nothing.
import type { Captured } from "../core/payload/payload.js";
import type { TaskState } from "../core/states.js";
import type { Task } from "../core/task.js";

export interface Store {
  /** Whether it keeps anything. */
  readonly keeps: boolean;

  /**
   * Records a task before it is accepted.
   *
   * @param whole the payload with everything in it, also what moves to the thread
   * @throws OffloadError AR_JOURNAL_FULL, AR_JOURNAL_UNAVAILABLE, AR_PAYLOAD_NOT_CLONEABLE: nothing is recorded then
   */
  accept(task: Task, whole: Captured): void;
  /** Takes back the record of a task that was not accepted after all. */
  undo(task: Task): void;
  /** The task has gone from a state to the one it is in now. */
  moved(task: Task, from: TaskState): void;
  /** Writes what waits for the end of the turn. */
  flush(): void;
  /** Resolves when all that was recorded until now is as durable as was asked for. */
  durable(): Promise<void>;
  /** Takes over what earlier processes have left, and hands it to `readmit` while there is room. Resolves when the first look is done. */
  takeOver(readmit: Readmit): Promise<void>;
  /** Hands out no more: what has not been is for the next process. */
  stopReplay(): void;
  /** Whether an unfinished task is left to the next process. */
  isLeft(task: Task): boolean;
  /** How many unfinished tasks the next process will find. */
  readonly pending: number;
  readonly deadLetters: StoredDeadLetters;
  close(): Promise<void>;
}

/** A task that another process accepted. */
export interface StoredTask {
  readonly id: string;
  readonly name: string;
  readonly payload: Captured;
  readonly dispatch: unknown;
  readonly context: Captured;
  /** Attempts that ended on their own account. */
  readonly attempt: number;
  /** How often a process died while it ran. */
  readonly interrupted: number;
  /** ms since 1970. */
  readonly acceptedAt: number;
  /** How often it has come back from the dead letters. */
  readonly retries: number;
}

/**
 * Accepts a task that another process had accepted.
 *
 * @param onMade is given the task before anybody else hears of it
 * @throws OffloadError AR_UNKNOWN_TASK, AR_INVALID_OPTIONS: nothing was accepted
 */
export type Readmit = (stored: StoredTask, onMade: (task: Task) => void) => Task;

export interface StoredDeadLetters {
  list(): Promise<DeadLetter[]>;
  /** Runs one again; undefined if there is none of this id. */
  retry(id: string): Task | undefined;
  discard(id: string): boolean;
}

/**
 * Why a task is a dead letter. `exhausted`: its attempts are used up. `crashed`: the process died too often while it ran.
 * `timeout`: it ran out of time. `unknown-task`: no task has its name. `unreadable`: this Node.js cannot read its payload.
 */
export type DeadLetterReason = "exhausted" | "crashed" | "timeout" | "unknown-task" | "unreadable";

/** A task that is not run again by itself. */
export interface DeadLetter {
  readonly id: string;
  readonly task: string;
  readonly reason: DeadLetterReason;
  /** The error it failed with last, as plain fields. */
  readonly error: DeadLetterError | undefined;
  /** Attempts that ended on their own account. */
  readonly attempts: number;
  /** How often a process died while it ran. */
  readonly interrupted: number;
  /** How often it has come back from the dead letters before. */
  readonly retries: number;
  /** ms since 1970. */
  readonly acceptedAt: number;
  /** When it became a dead letter, in ms since 1970. */
  readonly buriedAt: number;
}

export interface DeadLetterError {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly stack?: string | undefined;
}
