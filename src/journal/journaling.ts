// The journal beside the ledger: what is written of each transition, and how what an earlier process left comes back.

import { OffloadError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { Ledger } from "../core/ledger.js";
import { isFinal, type TaskState } from "../core/states.js";
import type { Task } from "../core/task.js";
import type { DispatchOptions } from "../intake/dispatch-options.js";
import type { ReplayedTask } from "./dead-letters/dead-letter-box.js";
import { type Journal, openJournal } from "./journal.js";
import type { JournalEntry } from "./log/segment.js";
import type { JournalOptions } from "./options.js";

/** Brings a task of an earlier process back into the queue; `onMade` comes before anything can happen to it. */
export type Readmit = (replayed: ReplayedTask, onMade: (task: Task) => void) => Task;

// Tasks that are read in one turn of the event loop; each takes some 5 us.
const perTurn = 200;

export class Journaling {
  readonly journal: Journal;
  /** Unfinished tasks that are left to the next process, by id. */
  readonly kept: Set<string> = new Set();
  readonly #entries = new Map<Task, JournalEntry>();
  #replay: Iterator<ReplayedTask> | undefined;
  #pumping = false;
  #stopped = false;
  #readmit: Readmit | undefined;
  #begun: Promise<void> | undefined;

  constructor(
    options: JournalOptions,
    private readonly ledger: Ledger,
    private readonly logger: Logger,
    /** Replayed tasks wait while so many tasks are unfinished: new work must find room. */
    private readonly room: number,
  ) {
    this.journal = openJournal(options, { logger, onAdoptable: () => void this.#adoptAgain() });
    ledger.onTransition((task, from) => this.#moved(task, from));
    ledger.onEnd(() => this.#pump());
  }

  /**
   * Records a task before it is accepted.
   *
   * @throws OffloadError AR_JOURNAL_FULL, AR_JOURNAL_UNAVAILABLE, AR_PAYLOAD_NOT_CLONEABLE: nothing is recorded then
   */
  record(task: Task, options: DispatchOptions | undefined): void {
    const { id, payload, context } = task;
    const entry = this.journal.accepted({
      id,
      task: task.definition.name,
      payload,
      dispatch: lasting(options),
      context,
    });
    this.#entries.set(task, entry);
  }

  /** Takes back the record of a task that was not accepted after all. */
  forget(task: Task): void {
    const entry = this.#entries.get(task);
    if (entry === undefined) return;
    this.#entries.delete(task);
    this.journal.ended(entry, "cancelled");
  }

  /** Takes over what dead processes have left, and begins to run it: once, or again where the directory could not be read. */
  begin(readmit: Readmit): Promise<void> {
    this.#readmit = readmit;
    this.#begun ??= this.#adopt().catch((error: unknown) => {
      this.#begun = undefined;
      throw error;
    });
    return this.#begun;
  }

  async #adopt(): Promise<void> {
    await this.journal.adopt();
    if (this.#stopped) return;
    this.#replay = this.journal.replay();
    this.#pump();
  }

  /** Brings no more tasks back: what has not been is for the next process. */
  stop(): void {
    this.#stopped = true;
    this.#replay = undefined;
  }

  /**
   * Runs a task of the dead letters again; undefined if there is none of this id.
   *
   * @throws OffloadError AR_JOURNAL_UNAVAILABLE before `begin()`, AR_UNKNOWN_TASK (it is a dead letter again then), and what
   *   keeps the journal from recording it
   */
  retry(id: string): Task | undefined {
    const readmit = this.#readmit;
    if (readmit === undefined) {
      throw new OffloadError(
        "AR_JOURNAL_UNAVAILABLE",
        `the dead letter ${id} cannot be run yet: await offloader.ready() first`,
      );
    }
    const replayed = this.journal.deadLetters.retry(id);
    return replayed && this.#bringBack(replayed, readmit);
  }

  async #adoptAgain(): Promise<void> {
    if (this.#readmit === undefined || this.#stopped) return;
    try {
      await this.#adopt();
    } catch (err) {
      this.logger.error({ err }, "the journal could not be looked through for tasks to take over");
    }
  }

  /** Brings tasks back while there is room, some in each turn of the event loop. */
  #pump(): void {
    if (this.#pumping || this.#replay === undefined || this.ledger.unfinished >= this.room) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      for (let count = 0; count < perTurn && this.ledger.unfinished < this.room; count++) {
        const next = this.#replay?.next();
        if (next === undefined || next.done) {
          this.#replay = undefined;
          return;
        }
        this.#tryToBringBack(next.value);
      }
      this.#pump();
    });
  }

  #tryToBringBack(replayed: ReplayedTask): void {
    if (this.#readmit === undefined) return;
    try {
      this.#bringBack(replayed, this.#readmit);
    } catch {
      // It is logged, and it is where it is said to be.
    }
  }

  #bringBack(replayed: ReplayedTask, readmit: Readmit): Task {
    try {
      return readmit(replayed, (made) => this.#entries.set(made, replayed.entry));
    } catch (err) {
      const { id, task, entry } = replayed;
      if (err instanceof OffloadError && err.code === "AR_UNKNOWN_TASK") {
        this.logger.error({ id, task, err }, "a task of the journal has no function; it goes to the dead letters");
        this.journal.deadLetter(entry, "unknown-task", err);
      } else {
        this.logger.error(
          { id, task, err },
          "a task of the journal cannot be run; it stays there for the next process",
        );
      }
      throw err;
    }
  }

  #moved(task: Task, from: TaskState): void {
    const entry = this.#entries.get(task);
    if (entry === undefined) return;
    if (task.state === "running") this.journal.started(entry, task.attempt);
    else if (isFinal(task.state)) this.#ended(task, entry);
    else if (from === "running") this.journal.stopped(entry, task.attempt);
  }

  #ended(task: Task, entry: JournalEntry): void {
    this.#entries.delete(task);
    const code = task.outcome instanceof OffloadError ? task.outcome.code : undefined;
    if (task.state === "abandoned" || code === "AR_TASKS_NOT_LOADABLE") {
      // For the next process: it was not the task's fault, and no attempt of its own.
      this.kept.add(task.id);
      if (entry.running) this.journal.stopped(entry, task.attempt - 1);
    } else if (task.state === "failed") {
      const reason = code === "AR_UNKNOWN_TASK" ? "unknown-task" : code === "AR_TIMEOUT" ? "timeout" : "exhausted";
      this.journal.deadLetter(entry, reason, task.outcome);
    } else if (isFinal(task.state)) {
      this.journal.ended(entry, task.state);
    }
  }
}

/** The options of a call that mean something to another process: functions and signals do not. */
function lasting(options: DispatchOptions | undefined): object | undefined {
  if (options === undefined) return undefined;
  const { priority, timeout, attempts, backoff, key, onDuplicate } = options;
  return {
    priority,
    timeout,
    attempts,
    // A copy, for it is the caller's own, and a getter in it must not be met in the middle of writing.
    backoff: typeof backoff === "object" ? { ...backoff } : typeof backoff === "number" ? backoff : undefined,
    key,
    onDuplicate,
  };
}
