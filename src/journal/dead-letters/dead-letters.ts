// Moves tasks from the log to the dead letters and back. After each step a task is in one of the two, or in both, never in none.
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import type { DeadLetter, DeadLetterReason } from "../../store/store.js";
import type { FileSystem } from "../files/file-system.js";
import { contentOf, decodeContent, type TaskContent } from "../format/content.js";
import { patchAccepted } from "../format/encode.js";
import type { AcceptedRecord } from "../format/record.js";
import type { Durability } from "../log/durability.js";
import { EntryReader } from "../log/entry-reader.js";
import type { Log } from "../log/log.js";
import type { JournalEntry } from "../log/segment.js";
import type { ReplayedTask } from "../replayed-task.js";
import type { OpenedDeadLetter } from "./dead-letter.js";
import type { DeadLetterFiles } from "./dead-letter-files.js";

export class DeadLetters {
  constructor(
    private readonly fs: FileSystem,
    private readonly files: DeadLetterFiles,
    private readonly log: Log,
    private readonly durability: Durability,
    private readonly ownDirectory: () => string,
    private readonly now: () => number,
    private readonly logger: Logger,
  ) {}

  /** The dead letters of all processes that share the directory, oldest first. */
  list(): Promise<DeadLetter[]> {
    return this.files.list();
  }

  /** Deletes a dead letter; false if there is none of this id. */
  discard(id: string): boolean {
    return this.files.discard(id);
  }

  /**
   * Accepts the task of a dead letter again, with no attempt used.
   *
   * @returns the task, for the caller to run; undefined if there is no dead letter of this id
   * @throws OffloadError as for any accepted task; the dead letter stays one then
   */
  retry(id: string): ReplayedTask | undefined {
    const claimed = this.files.claim(id, this.ownDirectory());
    if (claimed === undefined) return undefined;
    let task: ReplayedTask;
    try {
      task = this.#accept(this.#openClaimed(claimed));
    } catch (error) {
      this.files.restore(claimed);
      throw error;
    }
    this.#remove(claimed);
    return task;
  }

  /** Makes a dead letter of an unfinished task; false if it could not be written: the task stays unfinished. */
  add(entry: JournalEntry, reason: DeadLetterReason, error: unknown): boolean {
    if (entry.segment === undefined) return false;
    const reader = new EntryReader(this.fs);
    try {
      const { bytes } = reader.read(entry);
      const progress = { attempt: entry.attempt, interrupted: entry.interrupted, running: false };
      patchAccepted(bytes, 0, bytes.length, entry.retries, progress);
      const fd = this.files.write(this.ownDirectory(), entry, bytes, { reason, error, failedAt: this.now() });
      this.durability.wrote(fd);
      this.durability.retire(fd);
    } catch (failure) {
      this.logger.error(
        { id: entry.id, reason, err: failure },
        "journal: a dead letter cannot be written; its task stays in the journal",
      );
      return false;
    } finally {
      reader.close();
    }
    this.durability.named(this.files.directory);
    this.durability.afterwards(() => this.log.ended(entry, "dead-lettered"));
    return true;
  }

  #openClaimed(claimed: string): OpenedDeadLetter {
    const opened = this.files.open(claimed);
    if (opened === undefined)
      throw new OffloadError("AR_JOURNAL_UNAVAILABLE", `journal: the dead letter ${claimed} is damaged`);
    return opened;
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

  #accept({ accepted, bytes }: OpenedDeadLetter): ReplayedTask {
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
    const entry = this.log.accept(head, contentOf(accepted.encoding, content));
    const { id, task: name, acceptedAt, attempt, interrupted, retries } = head;
    return { entry, id, name, payload, dispatch, context, attempt, interrupted, acceptedAt, retries };
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
