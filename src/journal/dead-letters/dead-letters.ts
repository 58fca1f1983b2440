// Moves tasks from the log to the dead letters and back. After each step a task is in one of the two, or in both, never in none.
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import type { DeadLetter, StoredTask } from "../../store/store.js";
import { isFull, unavailable } from "../files/failure.js";
import type { FileSystem } from "../files/file-system.js";
import { contentOf, decodeContent, type TaskContent } from "../format/content.js";
import { patchAccepted } from "../format/encode.js";
import type { WrittenReason } from "../format/format.js";
import type { AcceptedRecord } from "../format/record.js";
import type { Durability } from "../log/durability.js";
import { EntryReader } from "../log/entry-reader.js";
import type { Log } from "../log/log.js";
import type { Reserve } from "../log/reserve.js";
import type { JournalEntry } from "../log/segment.js";
import type { ReplayedTask } from "../replayed-task.js";
import type { DeadLetterFiles, Failure } from "./dead-letter-files.js";

/**
 * Runs the task of a dead letter again.
 *
 * @param record puts it into the log; called once, when nothing can prevent any more that it runs
 */
export type Rerun<Result> = (stored: StoredTask, record: () => JournalEntry) => Result;

export class DeadLetters {
  // Tasks that could not become dead letters. They are unfinished, and are tried again when there may be room.
  readonly #postponed = new Map<JournalEntry, { readonly reason: WrittenReason; readonly error: unknown }>();
  // Claimed for a retry that failed, and not put back yet, because the disk refused that too.
  readonly #stranded = new Set<string>();

  constructor(
    private readonly fs: FileSystem,
    private readonly files: DeadLetterFiles,
    private readonly log: Log,
    private readonly durability: Durability,
    private readonly reserve: Reserve,
    private readonly ownDirectory: () => string,
    private readonly now: () => number,
    private readonly logger: Logger,
  ) {}

  /** The dead letters of all processes that share the directory, oldest first. */
  list(): Promise<DeadLetter[]> {
    this.#putBackStranded();
    return this.files.list();
  }

  /** Deletes a dead letter; false if there is none of this id. */
  discard(id: string): boolean {
    const isDiscarded = this.files.discard(id);
    if (isDiscarded) this.addPostponed();
    return isDiscarded;
  }

  /**
   * Accepts the task of a dead letter again, with no attempt used.
   *
   * @returns the task, for the caller to run; undefined if there is no dead letter of this id
   * @throws OffloadError as for any accepted task; the dead letter stays where it is then
   */
  retry(id: string): ReplayedTask | undefined {
    return this.retryWith(id, (stored, record) => ({ ...stored, entry: record() }));
  }

  /** As `retry`, where the caller has something to do before the task is recorded. What it throws leaves the dead letter too. */
  retryWith<Result>(id: string, rerun: Rerun<Result>): Result | undefined {
    this.#putBackStranded();
    const claimed = this.files.claim(id, this.ownDirectory());
    if (claimed === undefined) return undefined;
    let entry: JournalEntry | undefined;
    let result: Result;
    try {
      const { stored, record } = this.#prepare(claimed);
      result = rerun(stored, () => {
        entry = record();
        return entry;
      });
    } catch (error) {
      // It may be in the log and a dead letter after a crash now, which is better than in neither.
      if (entry !== undefined) this.log.chain.remove(entry);
      this.#putBack(claimed);
      throw error;
    }
    this.#remove(claimed);
    return result;
  }

  /**
   * Makes a dead letter of an unfinished task.
   *
   * @returns false if it could not be written: the task stays unfinished, and `addPostponed()` tries again
   */
  add(entry: JournalEntry, reason: WrittenReason, error: unknown): boolean {
    if (entry.segment === undefined) return false;
    try {
      this.#add(entry, reason, error);
      return true;
    } catch (failure) {
      this.#postponed.set(entry, { reason, error });
      this.logger.error(
        { id: entry.id, reason, err: failure },
        "journal: a dead letter cannot be written; its task stays in the journal, and this is tried again",
      );
      return false;
    }
  }

  /** Writes the dead letters that could not be written before, as far as that is possible now. */
  addPostponed(): void {
    for (const [entry, { reason, error }] of this.#postponed) {
      try {
        if (entry.segment !== undefined) this.#add(entry, reason, error);
        this.#postponed.delete(entry);
      } catch {
        // It has been reported. The others will hardly fare better.
        return;
      }
    }
  }

  #add(entry: JournalEntry, reason: WrittenReason, error: unknown): void {
    const reader = new EntryReader(this.fs);
    try {
      const { bytes } = reader.read(entry);
      const progress = { attempt: entry.attempt, interrupted: entry.interrupted, running: false };
      patchAccepted(bytes, 0, bytes.length, entry.retries, progress);
      const fd = this.#write(entry, bytes, { reason, error, failedAt: this.now() });
      this.durability.wrote(fd);
      this.durability.retire(fd);
    } finally {
      reader.close();
    }
    this.#postponed.delete(entry);
    this.durability.named(this.files.directory);
    this.durability.afterwards(() => this.log.ended(entry, "dead-lettered"));
  }

  /** @returns the descriptor of the file */
  #write(entry: JournalEntry, accepted: Buffer, failure: Failure): number {
    for (;;) {
      try {
        return this.files.write(this.ownDirectory(), entry, accepted, failure);
      } catch (error) {
        if (!isOfDisk(error) || !this.reserve.release(accepted.length)) throw error;
      }
    }
  }

  #putBack(claimed: string): void {
    try {
      this.files.restore(claimed);
      this.#stranded.delete(claimed);
    } catch (error) {
      this.#stranded.add(claimed);
      this.logger.error(
        { err: error, file: claimed },
        "journal: a dead letter that was not retried cannot be put back yet; the next look at the dead letters tries again",
      );
    }
  }

  #putBackStranded(): void {
    for (const claimed of this.#stranded) this.#putBack(claimed);
  }

  #remove(claimed: string): void {
    try {
      this.fs.unlink(claimed);
    } catch (error) {
      // The process that takes over this directory finds the task in the log and deletes the file.
      this.logger.warn(
        { err: error, file: claimed },
        "journal: the file of a dead letter whose task runs again cannot be deleted",
      );
    }
  }

  #prepare(claimed: string): { stored: StoredTask; record: () => JournalEntry } {
    const opened = this.files.open(claimed);
    if (opened === undefined) throw unavailable(`the dead letter ${claimed} has vanished`);
    const { accepted, bytes } = opened;
    const content = bytes.subarray(accepted.contentStart, accepted.end);
    const { payload, dispatch, context } = this.#decode(accepted, content);
    const head = {
      id: accepted.id,
      // Another task to the log: the ENDED record of the last one, in the log of any process, does not end it.
      retries: accepted.retries + 1,
      task: accepted.task,
      acceptedAt: this.now(),
      attempt: 0,
      interrupted: 0,
      running: false,
    };
    const { id, task: name, acceptedAt, attempt, interrupted, retries } = head;
    const stored = { id, name, payload, dispatch, context, attempt, interrupted, acceptedAt, retries };
    return { stored, record: () => this.log.accept(head, contentOf(accepted.encoding, content)) };
  }

  #decode(record: AcceptedRecord, bytes: Buffer): TaskContent {
    try {
      return decodeContent(record.encoding, bytes);
    } catch {
      const message = `journal: Node ${process.version} cannot read the payload of ${record.id}, which a newer version wrote`;
      throw new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", message);
    }
  }
}

/** Whether the disk is full, and not what dead letters may have of it. */
function isOfDisk(error: unknown): boolean {
  return isFull(error) && error instanceof Error && error.cause !== undefined;
}
