// Brings back the tasks of dead processes: some in each turn of the event loop, while there is room beside new work.
import { AsyncLocalStorage } from "node:async_hooks";
import { OffloadError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { nextTurn } from "../base/time.js";
import { codeOf, lines, write } from "../core/log/lines.js";
import type { Task } from "../core/task.js";
import type { Readmit } from "../store/store.js";
import type { Journal } from "./journal.js";
import type { JournalEntry } from "./log/segment.js";
import type { ReplayedTask } from "./replayed-task.js";

// The most tasks that are read in one turn. Each takes about 5 us.
const mostPerTurn = 200;

// An end in the handler of a request makes room. The tasks that come back must not see what that request keeps in an
// AsyncLocalStorage.
const outsideOfRequests = AsyncLocalStorage.snapshot();

export interface ReadmissionParts {
  readonly journal: Journal;
  readonly logger: Logger;
  /** Must be true when nothing is unfinished. */
  hasRoom(): boolean;
  /** Is given each task before anybody else sees it. */
  onMade(task: Task, entry: JournalEntry): void;
}

export class Readmission {
  #readmit: Readmit | undefined;
  #begun: Promise<void> | undefined;
  #replay: Iterator<ReplayedTask> | undefined;
  #isScheduled = false;
  #isStopped = false;

  constructor(private readonly parts: ReadmissionParts) {}

  /** Takes over what dead processes have left, and begins to bring it back: once, or again after a failure. */
  begin(readmit: Readmit): Promise<void> {
    this.#readmit = readmit;
    this.#begun ??= this.#takeOver().catch((err: unknown) => {
      this.#begun = undefined;
      this.#logFailure(err);
      throw err;
    });
    return this.#begun;
  }

  /** Looks for more. */
  async repeat(): Promise<void> {
    if (this.#readmit === undefined || this.#isStopped) return;
    try {
      await this.#takeOver();
    } catch (err) {
      this.#logFailure(err);
    }
  }

  /** Goes on in the next turn if there is room then. */
  continue(): void {
    if (this.#isScheduled || this.#replay === undefined) return;
    this.#isScheduled = true;
    outsideOfRequests(() => nextTurn(() => this.#bringSomeBack()));
  }

  /** Brings back no more tasks: the next process runs the others. */
  stop(): void {
    this.#isStopped = true;
    this.#replay = undefined;
  }

  /** Runs a dead letter again; undefined if there is none of this id. */
  retry(id: string): Task | undefined {
    const readmit = this.#readmit;
    if (readmit === undefined) {
      throw new OffloadError(
        "AR_JOURNAL_UNAVAILABLE",
        `the dead letter ${id} cannot be run yet: await offloader.ready() first`,
      );
    }
    const { journal, onMade } = this.parts;
    // Recorded once the core has made the task: whatever refuses it before that leaves the dead letter as it was.
    return journal.deadLetters.retryWith(id, (stored, record) => readmit(stored, (made) => onMade(made, record())));
  }

  #logFailure(err: unknown): void {
    this.parts.logger.error({ err }, "the journal cannot be searched for tasks to take over");
  }

  async #takeOver(): Promise<void> {
    const { journal, logger } = this.parts;
    const { owners, pending, crashed } = await journal.takeOver();
    if (owners > 0) write(logger, lines.adopted, { owners, pending, crashed });
    if (this.#isStopped) return;
    this.#replay = journal.replay();
    this.continue();
  }

  #bringSomeBack(): void {
    this.#isScheduled = false;
    for (let count = 0; count < mostPerTurn; count++) {
      // The next end of a task continues.
      if (!this.parts.hasRoom()) return;
      const next = this.#replay?.next();
      if (next === undefined || next.done) {
        this.#replay = undefined;
        return;
      }
      this.#tryToBringBack(next.value);
    }
    this.continue();
  }

  #tryToBringBack(replayed: ReplayedTask): void {
    if (this.#readmit === undefined) return;
    try {
      this.#bringBack(replayed, this.#readmit);
    } catch {
      // It is logged, and the task is a dead letter or still in the journal.
    }
  }

  #bringBack(replayed: ReplayedTask, readmit: Readmit): Task {
    const { journal, logger, onMade } = this.parts;
    const { id, name: task, entry } = replayed;
    try {
      return readmit(replayed, (made) => onMade(made, entry));
    } catch (err) {
      const fields = { task, kind: "task", id, attempt: entry.attempt };
      if (err instanceof OffloadError && err.code === "AR_UNKNOWN_TASK") {
        write(logger, lines.noFunction, { ...fields, code: err.code, err });
        journal.moveToDeadLetters(entry, "unknown-task", err);
      } else {
        write(logger, lines.notReadmitted, { ...fields, code: codeOf(err), err });
      }
      throw err;
    }
  }
}
