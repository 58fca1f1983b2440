// The durable record of accepted, unfinished tasks. A task is in it before the dispatch call returns, and comes back at the
// next start unless its end has been recorded too.
import { OffloadError } from "../base/errors.js";
import { wallClock } from "../base/time.js";
import type { FinalState } from "../core/states.js";
import type { JournalSnapshot, KeptContent } from "../store/store.js";
import type { DeadLetters } from "./dead-letters/dead-letters.js";
import { prepareDirectory } from "./files/directory.js";
import { unavailable } from "./files/failure.js";
import { nodeFileSystem } from "./files/file-system.js";
import { removeDirectory } from "./files/remove-directory.js";
import { checkTravels, encodeContent, type TaskContent } from "./format/content.js";
import type { WrittenReason } from "./format/format.js";
import { isId } from "./format/id.js";
import type { JournalEntry } from "./log/segment.js";
import { type JournalOptions, resolveJournalOptions } from "./options.js";
import { assembleJournal, type JournalContext, type JournalParts, type JournalWorld } from "./parts.js";
import type { ReplayedTask } from "./replayed-task.js";
import { askOwnersToTakeOver } from "./takeover/ask-owner.js";
import type { TakeoverReport } from "./takeover/takeover.js";

/** A task that is to be accepted. */
export interface TaskToAccept extends TaskContent {
  /** Unique everywhere; 1 to 128 letters, digits, `-` and `_`. */
  readonly id: string;
  /** Its name. */
  readonly task: string;
  /** Larger content is refused, because a queue does not take it. Default: no limit but the journal's. */
  readonly mostBytes?: number | undefined;
}

/** The size of the journal. */
export interface JournalStats extends JournalSnapshot {
  /** Accepted, unfinished tasks. */
  readonly pending: number;
  readonly segments: number;
}

/**
 * Opens a journal: checks the directory and makes one for this process in it. Reads nothing yet; `takeOver()` does.
 *
 * @throws OffloadError AR_INVALID_OPTIONS, and AR_JOURNAL_UNAVAILABLE with the name of a directory that cannot be used
 */
export function openJournal(
  options: JournalOptions,
  context: JournalContext,
  world: JournalWorld = { fs: nodeFileSystem, now: wallClock },
): Journal {
  const resolved = resolveJournalOptions(options);
  prepareDirectory(world.fs, resolved.dir, context.logger);
  return new Journal(assembleJournal(resolved, context, world));
}

export class Journal {
  readonly #parts: JournalParts;
  #acceptedAt = 0;
  #closed: Promise<void> | undefined;

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  /**
   * Records a task. It survives the death of this process when this returns.
   *
   * @param task captured values; what `transfer` moves is in them too
   * @returns what names the task in the other calls
   * @throws OffloadError AR_JOURNAL_FULL, AR_JOURNAL_UNAVAILABLE, AR_PAYLOAD_TOO_LARGE, AR_PAYLOAD_NOT_CLONEABLE: the task is not recorded
   */
  accept(task: TaskToAccept): JournalEntry {
    if (this.#closed !== undefined) throw unavailable("it has been closed");
    if (!isId(task.id)) throw new OffloadError("AR_INVALID_ARGUMENT", "journal: an id has 1 to 128 of A-Z a-z 0-9 _ -");
    if (task.task.length > 10_000)
      throw new OffloadError("AR_INVALID_ARGUMENT", "journal: the name of the task is too long");
    // It never goes back when the clock is set back, because these times are the order of acceptance.
    this.#acceptedAt = Math.max(this.#acceptedAt, this.#parts.now());
    const head = {
      id: task.id,
      retries: 0,
      task: task.task,
      acceptedAt: this.#acceptedAt,
      attempt: 0,
      interrupted: 0,
      running: false,
    };
    const content = encodeContent(task);
    if (task.mostBytes !== undefined) checkTravels(content, task.mostBytes);
    return this.#parts.log.accept(head, content);
  }

  /**
   * What is kept of an unfinished task, read back from its segment.
   *
   * @throws Node's error, or one that names the record
   */
  contentOf(entry: JournalEntry): KeptContent {
    const { record, bytes } = this.#parts.contents.read(entry.place);
    return { encoding: record.encoding, bytes: bytes.subarray(record.contentStart, record.end) };
  }

  /**
   * The task begins to run. Steps are written together, at the end of the turn.
   *
   * @param attempt 1 for the first
   */
  started(entry: JournalEntry, attempt: number): void {
    if (this.#isOpen(entry)) this.#parts.log.started(entry, attempt);
  }

  /**
   * The task does not run any more and has not ended: it waits for its next attempt, or was taken back from a thread.
   *
   * @param attempt the last attempt that counts; the one that was started, unless another one is given
   */
  stopped(entry: JournalEntry, attempt: number = entry.attempt): void {
    if (this.#isOpen(entry)) this.#parts.log.stopped(entry, attempt);
  }

  /** The task has ended, and leaves the journal. */
  ended(entry: JournalEntry, state: FinalState): void {
    if (this.#isOpen(entry)) this.#parts.log.ended(entry, state);
  }

  /**
   * Makes a dead letter of the task, which leaves the journal.
   *
   * @param error why, for whoever reads the dead letter
   * @returns false if it could not be written (which is logged): the task stays in the journal and runs at the next start
   */
  moveToDeadLetters(entry: JournalEntry, reason: WrittenReason, error: unknown): boolean {
    return this.#isOpen(entry) && this.#parts.deadLetters.add(entry, reason, error);
  }

  /** Writes the steps that wait for the end of the turn. */
  flush(): void {
    this.#parts.log.flush();
  }

  /** Resolves when everything recorded until now is as durable as the options ask for; rejects if the disk refuses. */
  durable(): Promise<void> {
    this.#parts.log.flush();
    return this.#parts.durability.durable();
  }

  /**
   * Takes over the directories of dead processes. Their unfinished tasks come out of `replay()`.
   *
   * @throws OffloadError AR_JOURNAL_UNAVAILABLE when the directory of the journal cannot be read
   */
  async takeOver(): Promise<TakeoverReport> {
    const report = await this.#parts.takeover.run();
    this.#parts.reclaimer.drop();
    await this.#parts.files.measure().catch(() => {});
    this.keepUp();
    return report;
  }

  /** Lets the processes that share the journal notice when this one dies. */
  async meetSiblings(): Promise<void> {
    await this.#parts.siblings.meet(this.#parts.root, this.#parts.owner.directory);
  }

  /** Makes good what the disk had no room for, if it has now. Called now and then. */
  keepUp(): void {
    if (this.#closed !== undefined) return;
    this.#parts.log.flush();
    this.#parts.deadLetters.addPostponed();
    this.#parts.reserve.fill();
  }

  /** Hands out the tasks that were taken over, in the order of their acceptance. Each is read when it is asked for, once. */
  replay(): Generator<ReplayedTask, void, void> {
    return this.#parts.replay.tasks();
  }

  get deadLetters(): Pick<DeadLetters, "list" | "retry" | "retryWith" | "discard"> {
    return this.#parts.deadLetters;
  }

  get stats(): JournalStats {
    const { chain, maxBytes: limitBytes, files } = this.#parts;
    const { live, bytes, liveBytes, segments } = chain;
    const deadLetters = files.census.counts;
    return { pending: live, bytes, liveBytes, limitBytes, deadLetters, segments: segments.length };
  }

  /**
   * Writes the steps that wait and gives the directory up. The next process to start runs what is unfinished. A running task
   * counts as stopped, not as interrupted, and its attempt does not count.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const segment of this.#parts.chain.segments) {
      for (let entry = segment.first; entry !== undefined; entry = entry.next)
        if (entry.running) this.#parts.log.stopped(entry, entry.attempt - 1);
    }
    this.#parts.deadLetters.addPostponed();
    this.#parts.log.flush();
    this.#parts.writer.retire();
    this.#parts.reserve.remove();
    await this.#parts.takeover.ended();
    this.#parts.replay.close();
    this.#parts.contents.close();
    await this.#parts.durability.durable().catch(() => {});
    this.#parts.reclaimer.drop();
    if (this.#parts.chain.live === 0) {
      await this.#parts.durability.durable().catch(() => {});
      removeDirectory(this.#parts.fs, this.#parts.owner.directory);
    }
    this.#parts.siblings.close();
    this.#parts.owner.release();
    // A process that has started meanwhile has looked already, and found that this directory is owned.
    if (this.#parts.chain.live > 0) await askOwnersToTakeOver(this.#parts.fs, this.#parts.root).catch(() => {});
  }

  #isOpen(entry: JournalEntry): boolean {
    return this.#closed === undefined && entry.segment !== undefined;
  }
}
