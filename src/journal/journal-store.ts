// The store that keeps tasks in a journal: what it records of each transition.
import { OffloadError } from "../base/errors.js";
import { afterwards, type Logger } from "../base/logger.js";
import { errorOf } from "../core/lazy-error.js";
import type { Captured } from "../core/payload/payload.js";
import { type FinalState, isFinal, type TaskState } from "../core/states.js";
import type { Task } from "../core/task.js";
import type { JournalSnapshot, KeptContent, KeptRecord, Readmit, Store, StoredDeadLetters } from "../store/store.js";
import type { WrittenReason } from "./format/format.js";
import { type Journal, openJournal } from "./journal.js";
import type { JournalEntry } from "./log/segment.js";
import type { JournalOptions } from "./options.js";
import type { JournalWorld } from "./parts.js";
import { Readmission } from "./readmission.js";
import { LookAgain } from "./takeover/look-again.js";

/** How often a living process looks for what dead ones have left, in ms, if it does not hear of their death before. */
const lookEvery = 30_000;

export interface JournalStoreContext {
  readonly logger: Logger;
  /** Whether one more task may come back. Must be true when nothing is unfinished. */
  hasRoom(): boolean;
}

export class JournalStore implements Store {
  readonly keeps = true;
  readonly holdsPayloads = true;
  readonly deadLetters: StoredDeadLetters;
  readonly #journal: Journal;
  readonly #readmission: Readmission;
  readonly #lookAgain: LookAgain;

  /** @throws OffloadError AR_INVALID_OPTIONS, and AR_JOURNAL_UNAVAILABLE with the name of a directory that cannot be used */
  constructor(options: JournalOptions, context: JournalStoreContext, world?: JournalWorld) {
    const { hasRoom } = context;
    // A line is written in the midst of a record.
    const logger = afterwards(context.logger);
    const onAskedToTakeOver = (): void => void this.#readmission.repeat();
    const onSiblingsChanged = (): void => this.#lookAgain.hint();
    const journal = openJournal(options, { logger, onAskedToTakeOver, onSiblingsChanged }, world);
    const readmission = new Readmission({ journal, logger, hasRoom, onMade: keep });
    this.#journal = journal;
    this.#readmission = readmission;
    void journal.meetSiblings();
    this.#lookAgain = new LookAgain(() => readmission.repeat(), world?.lookEvery ?? lookEvery);
    this.deadLetters = {
      list: () => journal.deadLetters.list(),
      retry: (id) => readmission.retry(id),
      discard: (id) => journal.deadLetters.discard(id),
    };
  }

  accept(task: Task, whole: Captured, lasting: object | undefined, mostBytes?: number): void {
    const { id, context, parent, carrier } = task;
    const entry = this.#journal.accept({
      id,
      task: task.definition.name,
      payload: whole,
      dispatch: lasting,
      context,
      parent,
      carrier,
      mostBytes,
    });
    keep(task, entry);
  }

  has(task: Task): boolean {
    return task.record !== undefined;
  }

  contentOf(task: Task): KeptContent {
    const entry = entryOf(task);
    if (entry === undefined) throw new Error(`the task ${task.id} is not in the journal`);
    return this.#journal.contentOf(entry);
  }

  recordOf(task: Task): KeptRecord | undefined {
    const entry = entryOf(task);
    return entry?.segment && entry.place;
  }

  undo(task: Task): void {
    const entry = entryOf(task);
    if (entry === undefined) return;
    task.record = undefined;
    this.#journal.ended(entry, "cancelled");
  }

  moved(task: Task, from: TaskState): void {
    const { state } = task;
    const entry = entryOf(task);
    if (isFinal(state)) {
      if (entry !== undefined) this.#ended(task, state, entry);
      this.#readmission.continue();
    } else if (entry !== undefined) {
      if (state === "running") this.#journal.started(entry, task.attempt);
      else if (from === "running") this.#journal.stopped(entry, task.attempt);
    }
  }

  flush(): void {
    this.#journal.flush();
  }

  durable(): Promise<void> {
    return this.#journal.durable();
  }

  takeOver(readmit: Readmit): Promise<void> {
    this.#lookAgain.start();
    return this.#readmission.begin(readmit);
  }

  stopReplay(): void {
    this.#lookAgain.stop();
    this.#readmission.stop();
  }

  get pending(): number {
    return this.#journal.stats.pending;
  }

  snapshot(): JournalSnapshot {
    const { bytes, liveBytes, limitBytes, deadLetters } = this.#journal.stats;
    return { bytes, liveBytes, limitBytes, deadLetters };
  }

  close(): Promise<void> {
    this.#lookAgain.stop();
    return this.#journal.close();
  }

  #ended(task: Task, state: FinalState, entry: JournalEntry): void {
    task.record = undefined;
    const error = state === "failed" ? errorOf(task.outcome) : undefined;
    const code = error instanceof OffloadError ? error.code : undefined;
    if (state === "abandoned" || code === "AR_TASKS_NOT_LOADABLE") {
      // The task is not to blame, and the next process runs it. An attempt that was cut short does not count.
      task.isLeft = true;
      if (entry.running) this.#journal.stopped(entry, task.attempt - 1);
    } else if (state === "failed") {
      this.#journal.moveToDeadLetters(entry, reasonOf(code), error);
    } else {
      this.#journal.ended(entry, state);
    }
  }
}

function keep(task: Task, entry: JournalEntry): void {
  task.record = entry;
}

function entryOf({ record }: Task): JournalEntry | undefined {
  return record as JournalEntry | undefined;
}

function reasonOf(code: string | undefined): WrittenReason {
  if (code === "AR_UNKNOWN_TASK") return "unknown-task";
  return code === "AR_TIMEOUT" ? "timeout" : "exhausted";
}
