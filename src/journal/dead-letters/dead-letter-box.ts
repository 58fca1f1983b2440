// Tasks go to the dead letters and come back: each step leaves them in one of the two places, or in both, never in none.
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import type { FileSystem } from "../files/file-system.js";
import { decodeContent, type TaskContent } from "../format/content.js";
import { patchAccepted } from "../format/encode.js";
import type { DeadLetterReason } from "../format/format.js";
import type { AcceptedRecord } from "../format/read-records.js";
import type { Durability } from "../log/durability.js";
import { EntryReader } from "../log/entry-reader.js";
import type { Log } from "../log/log.js";
import type { JournalEntry } from "../log/segment.js";
import type { DeadLetter, OpenedLetter } from "./dead-letter.js";
import type { LetterFiles } from "./letter-files.js";

/** A task that is to be run by this process, though another one had accepted it, or it was a dead letter. */
export interface ReplayedTask extends TaskContent {
  readonly entry: JournalEntry;
  readonly id: string;
  readonly task: string;
  /** Attempts that ended on their own account. */
  readonly attempt: number;
  /** How often a process died while it ran; such a task had better run alone on its thread. */
  readonly interrupted: number;
  /** ms since 1970. */
  readonly acceptedAt: number;
}

export class DeadLetterBox {
  constructor(
    private readonly fs: FileSystem,
    private readonly files: LetterFiles,
    private readonly log: Log,
    private readonly durability: Durability,
    private readonly own: () => string,
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
   * Accepts a dead letter anew, with all its attempts before it.
   *
   * @returns the task, for the caller to run; undefined if there is no dead letter of this id
   * @throws OffloadError as for any accepted task; the dead letter is where it was then
   */
  retry(id: string): ReplayedTask | undefined {
    const claimed = this.files.claim(id, this.own());
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

  /** Makes a dead letter of an unfinished task; false if it could not be written, and the task stays unfinished. */
  bury(entry: JournalEntry, reason: DeadLetterReason, error: unknown): boolean {
    if (entry.segment === undefined) return false;
    const reader = new EntryReader(this.fs);
    try {
      const { bytes } = reader.read(entry);
      const progress = { attempt: entry.attempt, interrupted: entry.interrupted, running: false };
      patchAccepted(bytes, 0, bytes.length, entry.retries, progress);
      const fd = this.files.write(this.own(), entry, bytes, reason, error);
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

  #openClaimed(claimed: string): OpenedLetter {
    const opened = this.files.open(claimed);
    if (opened === undefined)
      throw new OffloadError("AR_JOURNAL_UNAVAILABLE", `journal: the dead letter ${claimed} is damaged`);
    return opened;
  }

  #remove(claimed: string): void {
    try {
      this.fs.unlink(claimed);
    } catch (error) {
      // Whoever adopts this directory finds the task in the log, and deletes the letter.
      this.logger.warn({ err: error, letter: claimed }, "journal: a letter whose task runs again cannot be deleted");
    }
  }

  #accept({ accepted, bytes }: OpenedLetter): ReplayedTask {
    const content = bytes.subarray(accepted.contentStart, accepted.end);
    const values = this.#decode(accepted, content);
    const head = {
      id: accepted.id,
      // Another life of the same id: the ENDED record of the last one, in the log of whichever process, is not its end.
      retries: accepted.retries + 1,
      task: accepted.task,
      acceptedAt: this.now(),
      attempt: 0,
      interrupted: 0,
      running: false,
    };
    const entry = this.log.accept(head, { encoding: accepted.encoding, bytes: content });
    return { ...values, entry, id: head.id, task: head.task, attempt: 0, interrupted: 0, acceptedAt: head.acceptedAt };
  }

  #decode(record: AcceptedRecord, bytes: Buffer): TaskContent {
    try {
      return decodeContent(record.encoding, bytes);
    } catch {
      const message = `journal: Node ${process.version} cannot read the payload of ${record.id}, which a newer one wrote`;
      throw new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", message);
    }
  }
}
