// What is done with dead letters: they are made, listed, discarded, and run again. One that finds no room waits until there is some.
import type { Logger } from "../../base/logger.js";
import { codeOf, lines, write } from "../../core/log/lines.js";
import type { DeadLetter } from "../../store/store.js";
import { isFull } from "../files/failure.js";
import type { FileSystem } from "../files/file-system.js";
import { patchAccepted } from "../format/encode.js";
import type { WrittenReason } from "../format/format.js";
import { RecordFile } from "../format/record-file.js";
import type { Durability } from "../log/durability.js";
import type { Log } from "../log/log.js";
import type { Reserve } from "../log/reserve.js";
import type { JournalEntry } from "../log/segment.js";
import type { ReplayedTask } from "../replayed-task.js";
import type { DeadLetterFiles, Failure } from "./dead-letter-files.js";
import { type Rerun, Reruns } from "./reruns.js";

/** The most dead letters that are tried again in one go. Each takes about 0.1 ms. */
const mostInOneGo = 100;

export class DeadLetters {
  // Tasks that could not become dead letters. They are unfinished, and are tried again when there may be room.
  readonly #postponed = new Map<JournalEntry, { readonly reason: WrittenReason; readonly error: unknown }>();
  readonly #reruns: Reruns;

  constructor(
    private readonly fs: FileSystem,
    private readonly files: DeadLetterFiles,
    private readonly log: Log,
    private readonly durability: Durability,
    private readonly reserve: Reserve,
    private readonly ownDirectory: () => string,
    private readonly now: () => number,
    private readonly logger: Logger,
  ) {
    this.#reruns = new Reruns(fs, files, log, ownDirectory, now, logger);
  }

  /** The dead letters of all processes that share the directory, oldest first. */
  list(): Promise<DeadLetter[]> {
    this.#reruns.putBackStranded();
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
   * @returns the task, which the caller has to run; undefined if there is no dead letter of this id
   * @throws OffloadError as for any accepted task; the dead letter stays where it is then
   */
  retry(id: string): ReplayedTask | undefined {
    return this.retryWith(id, (stored, record) => ({ ...stored, entry: record() }));
  }

  /** As `retry`, where the caller has something to do before the task is recorded. What it throws leaves the dead letter too. */
  retryWith<Result>(id: string, rerun: Rerun<Result>): Result | undefined {
    return this.#reruns.run(id, rerun);
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
      const fields = { kind: "task", id: entry.id, attempt: entry.attempt, reason };
      write(this.logger, lines.noDeadLetter, { ...fields, code: codeOf(failure), err: failure });
      return false;
    }
  }

  /** Writes the dead letters that could not be written before, as far as that is possible now. */
  addPostponed(): void {
    for (const [entry, failure] of [...this.#postponed].slice(0, mostInOneGo)) {
      this.#postponed.delete(entry);
      try {
        if (entry.segment !== undefined) this.#add(entry, failure.reason, failure.error);
      } catch {
        // It has been reported. The next time others come first.
        this.#postponed.set(entry, failure);
      }
    }
  }

  #add(entry: JournalEntry, reason: WrittenReason, error: unknown): void {
    const reader = new RecordFile(this.fs);
    try {
      const { bytes } = reader.read(entry.place);
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
        if (!isOfDisk(error) || !this.reserve.release(accepted.length, "half")) throw error;
      }
    }
  }
}

/** Whether the disk is full, and not what dead letters may have of it. */
function isOfDisk(error: unknown): boolean {
  return isFull(error) && error instanceof Error && error.cause !== undefined;
}
