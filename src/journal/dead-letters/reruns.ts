// Runs the task of a dead letter again: the dead letter is claimed, its task is recorded in the log, its file is deleted.
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import type { StoredTask } from "../../store/store.js";
import { unavailable } from "../files/failure.js";
import type { FileSystem } from "../files/file-system.js";
import { contentOf, decodeContent, type TaskContent } from "../format/content.js";
import type { AcceptedRecord } from "../format/record.js";
import type { Log } from "../log/log.js";
import type { JournalEntry } from "../log/segment.js";
import type { DeadLetterFiles } from "./dead-letter-files.js";

/**
 * Runs the task of a dead letter again.
 *
 * @param record puts it into the log; called once, when nothing can prevent any more that it runs
 */
export type Rerun<Result> = (stored: StoredTask, record: () => JournalEntry) => Result;

export class Reruns {
  // Claimed for a retry that failed, and not put back yet, because the disk refused that too.
  readonly #stranded = new Set<string>();

  constructor(
    private readonly fs: FileSystem,
    private readonly files: DeadLetterFiles,
    private readonly log: Log,
    private readonly ownDirectory: () => string,
    private readonly now: () => number,
    private readonly logger: Logger,
  ) {}

  /**
   * @returns what `rerun` returns; undefined if there is no dead letter of this id
   * @throws what `rerun` throws, and OffloadError for a dead letter that cannot be read; it stays where it is then
   */
  run<Result>(id: string, rerun: Rerun<Result>): Result | undefined {
    this.putBackStranded();
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

  /** Puts back what could not be put back before. */
  putBackStranded(): void {
    for (const claimed of this.#stranded) this.#putBack(claimed);
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
    const { payload, dispatch, context, parent, carrier } = this.#decode(accepted, content);
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
    const stored = { id, name, payload, dispatch, context, parent, carrier, attempt, interrupted, acceptedAt, retries };
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
