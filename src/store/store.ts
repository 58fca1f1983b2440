// The seam between the core and what keeps accepted tasks until they have ended: the journal, or nothing.
import type { Captured } from "../core/payload/payload.js";
import type { TaskState } from "../core/states.js";
import type { Task } from "../core/task.js";
import type { Carrier } from "../core/trace/carrier.js";

export interface Store {
  /** Whether it keeps every task. If not, only those that leave for a queue have to be given to `accept()`. */
  readonly keeps: boolean;

  /**
   * Records a task before it is accepted. The task is safe, as far as the store promises it, when this returns.
   *
   * @param whole the payload with everything in it, also what moves to the thread
   * @param lasting the options of the call that outlive the process, for `StoredTask.dispatch`
   * @param mostBytes of what is kept, where the task goes to a queue that takes no more
   * @throws OffloadError AR_JOURNAL_FULL, AR_JOURNAL_UNAVAILABLE, AR_PAYLOAD_TOO_LARGE, AR_PAYLOAD_NOT_CLONEABLE: nothing is
   *   recorded then
   */
  accept(task: Task, whole: Captured, lasting: object | undefined, mostBytes?: number): void;
  /** Whether it has a record of the task. */
  has(task: Task): boolean;
  /** Whether the record has everything of a task, so that its payload need not stay in memory. */
  readonly holdsPayloads: boolean;
  /**
   * What is kept of an unfinished task, as it is written.
   *
   * @throws an error of any kind where it cannot be read
   */
  contentOf(task: Task): KeptContent;
  /** Where another thread finds the record of an unfinished task; undefined where there is none in a file. */
  recordOf(task: Task): KeptRecord | undefined;
  /** Removes the record of a task that was not accepted after all. */
  undo(task: Task): void;
  /**
   * The task has gone from a state to the one it is in now, and its outcome is set. Where the next process runs it, it is marked so.
   * Called for every transition of every task and callback, also of those that were not recorded: an end makes room for the replay.
   */
  moved(task: Task, from: TaskState): void;
  /** Writes the transitions that wait for the end of the turn. */
  flush(): void;
  /** Resolves when everything recorded until now is as durable as the user asked for; rejects if the disk refuses. */
  durable(): Promise<void>;

  /**
   * Takes over what dead processes have left, and hands it to `readmit`, some tasks in each turn, while there is room. Further
   * calls return the same promise, or try again after a failure.
   *
   * @returns resolves when the first search is done, whether or not its tasks have been handed out
   */
  takeOver(readmit: Readmit): Promise<void>;
  /** Hands out no more tasks: the next process runs the others. */
  stopReplay(): void;
  /** How many unfinished tasks the next process will find. */
  readonly pending: number;
  readonly deadLetters: StoredDeadLetters;
  /** Its sizes now; undefined where it keeps nothing. Reads no file. */
  snapshot(): JournalSnapshot | undefined;
  close(): Promise<void>;
}

/** Payload, options, context, parent and carrier of a task in one, as the journal writes them. */
export interface KeptContent {
  readonly encoding: number;
  /** Valid until the next call. */
  readonly bytes: Uint8Array;
}

/** A record in a file. It may be written again elsewhere, and the file deleted. */
export interface KeptRecord {
  readonly id: string;
  readonly path: string;
  /** In bytes, as `length`. */
  readonly offset: number;
  readonly length: number;
}

/** A task that another process accepted. */
export interface StoredTask {
  readonly id: string;
  readonly name: string;
  /** As it was captured; a value that has to be captured again if an older version wrote it. */
  readonly payload: Captured;
  /** The options of its call; another version may have written them. */
  readonly dispatch: unknown;
  /** As `payload`. */
  readonly context: Captured;
  /** The id of the task that dispatched it by `task.offload()`. */
  readonly parent: string | undefined;
  /** What its tracers want to have at each attempt. */
  readonly carrier?: Carrier | undefined;
  /** Attempts that count: those that no death of a process has cut short. */
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
 * @param onMade is given the task before anybody else sees it
 * @throws OffloadError AR_UNKNOWN_TASK, AR_INVALID_OPTIONS: nothing was accepted
 */
export type Readmit = (stored: StoredTask, onMade: (task: Task) => void) => Task;

/** The dead letters of all processes that share the store. */
export interface StoredDeadLetters {
  /** Oldest first, also those that are damaged. */
  list(): Promise<DeadLetter[]>;
  /**
   * Runs one again; undefined if there is none of this id.
   *
   * @throws OffloadError AR_JOURNAL_UNAVAILABLE before `takeOver()` and for a damaged one, what `readmit` throws, and what
   *   `accept()` throws; the dead letter stays where it is then
   */
  retry(id: string): Task | undefined;
  /** Deletes one; false if there is none of this id. */
  discard(id: string): boolean;
}

/** The sizes of a journal at one moment. */
export interface JournalSnapshot {
  /** Of the files in which this process records its tasks. */
  readonly bytes: number;
  /** What unfinished tasks need of that. */
  readonly liveBytes: number;
  /** `journal.maxBytes`. Half of it, less what the dead letters hold, is for unfinished tasks. */
  readonly limitBytes: number;
  /**
   * The dead letters of all processes that share the directory, by reason. Those of other processes, and of the command line,
   * are looked for when `ready()` resolves, and every 30 s after it.
   */
  readonly deadLetters: Readonly<Record<DeadLetterReason, number>>;
}

/**
 * Why a task is a dead letter. `exhausted`: its attempts are used up. `crashed`: the process died too often while it ran.
 * `timeout`: it ran out of time. `unknown-task`: no task has its name. `unreadable`: a newer Node.js, or a newer version of
 * this library, wrote it. `damaged`: its file is not as it was written; it can only be discarded.
 */
export type DeadLetterReason = "exhausted" | "crashed" | "timeout" | "unknown-task" | "unreadable" | "damaged";

/**
 * A task that is not run again by itself. Of a damaged one, what cannot be read is empty or 0, and the times are those of its
 * file.
 */
export interface DeadLetter {
  /** The id that the dispatch returned. */
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  /** `engine`: the queue of the option `engine` keeps it, and does not tell `interrupted`, `retries` and `acceptedAt`. */
  readonly place?: "engine" | undefined;
  /** Why it is one. */
  readonly reason: DeadLetterReason;
  /** The last error it failed with, as plain fields. */
  readonly error: DeadLetterError | undefined;
  /** Attempts that count: those that no death of a process has cut short. */
  readonly attempts: number;
  /** How often a process died while it ran. */
  readonly interrupted: number;
  /** How often it has come back from the dead letters before. */
  readonly retries: number;
  /** ms since 1970. */
  readonly acceptedAt: number;
  /** When it became a dead letter, in ms since 1970. */
  readonly failedAt: number;
}

/** The last error of a dead letter, as plain fields. */
export interface DeadLetterError {
  /** The error's name. */
  readonly name: string;
  /** Its message. */
  readonly message: string;
  /** Its field `code`, where it had one. */
  readonly code?: string | undefined;
  /** Its stack, where it had one. */
  readonly stack?: string | undefined;
}
