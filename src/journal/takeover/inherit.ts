// What dead processes have left becomes ours: their segments join our log, and their unfinished tasks are handed out.
import type { Logger } from "../../base/logger.js";
import type { DeadLetterBox, ReplayedTask } from "../dead-letters/dead-letter-box.js";
import type { LetterFiles } from "../dead-letters/letter-files.js";
import type { FileSystem } from "../files/file-system.js";
import { decodeContent, type TaskContent } from "../format/content.js";
import type { SegmentChain } from "../log/chain.js";
import { EntryReader, type ReadEntry } from "../log/entry-reader.js";
import { asidePath } from "../log/remove-segment.js";
import type { JournalEntry } from "../log/segment.js";
import type { Adopter, Estate } from "./adopt.js";
import { removeDirectory } from "./owner.js";
import { byAcceptance, keyOf, type PendingTask, type Recovered, recover } from "./recover.js";

/** What an adoption found. */
export interface Adoption {
  /** Processes whose directories were taken over. */
  readonly owners: number;
  /** Tasks to be run, which `replay()` hands out. */
  readonly pending: number;
  /** Tasks that went to the dead letters, since too many processes died while they ran. */
  readonly crashed: number;
}

export class Inheritance {
  // In reverse, so that the next one is at the end.
  #pending: PendingTask[] = [];
  // Adopted, and not read for want of descriptors, say.
  #unread: Estate[] = [];
  #adopting: Promise<unknown> = Promise.resolve();
  // One for all that is handed out, for nobody has to take it to the end.
  readonly #reader: EntryReader;

  constructor(
    private readonly fs: FileSystem,
    private readonly root: string,
    private readonly adopter: Adopter,
    private readonly chain: SegmentChain,
    private readonly letters: LetterFiles,
    private readonly box: DeadLetterBox,
    private readonly maxStarts: number,
    private readonly logger: Logger,
  ) {
    this.#reader = new EntryReader(fs);
  }

  /** Takes over the directories of dead owners; calls wait for each other. */
  adopt(): Promise<Adoption> {
    const adoption = this.#adopting.then(() => this.#adopt());
    this.#adopting = adoption.catch(() => {});
    return adoption;
  }

  /** Resolves when no adoption is under way. What has not been handed out is for the next process. */
  async close(): Promise<void> {
    await this.#adopting;
    this.#reader.close();
  }

  /** Hands the unfinished tasks out, in the order of acceptance, each read when it is asked for. */
  *replay(): Generator<ReplayedTask, void, void> {
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      const task = this.#read(next);
      if (task !== undefined) yield task;
    }
    this.#reader.close();
  }

  async #adopt(): Promise<Adoption> {
    const found: PendingTask[] = [];
    let owners = 0;
    const left = this.#unread;
    this.#unread = [];
    const open = async (estate: Estate): Promise<void> => {
      for (const task of await this.#open(estate)) found.push(task);
    };
    for (const estate of left) await open(estate);
    for await (const estate of this.adopter.adopt()) {
      owners++;
      await open(estate);
    }
    const pending = found.filter(({ entry }) => entry.interrupted < this.maxStarts);
    this.#buryCrashed(found);
    this.#pending = [...this.#pending, ...pending].sort((a, b) => byAcceptance(b, a));
    return { owners, pending: pending.length, crashed: found.length - pending.length };
  }

  async #open(estate: Estate): Promise<readonly PendingTask[]> {
    let recovered: Recovered;
    try {
      recovered = await recover(this.fs, estate);
    } catch (error) {
      this.#unread.push(estate);
      this.logger.error(
        { err: error, directory: estate.at(-1) },
        "journal: an adopted directory cannot be read; its tasks wait",
      );
      return [];
    }
    for (const { entry } of recovered.pending) if (entry.running) cutOff(entry);
    this.chain.adopt(recovered.segments);
    this.#reportDamage(recovered);
    for (const directory of estate) {
      this.#settleLetters(directory, recovered);
      if (!recovered.segments.some((segment) => segment.directory === directory)) removeDirectory(this.fs, directory);
    }
    return recovered.pending;
  }

  #reportDamage({ verdicts }: Recovered): void {
    for (const { segment, verdict } of verdicts) {
      if (!segment.damaged) continue;
      this.logger.error(
        {
          segment: segment.path,
          verdict: verdict.kind,
          readUntil: verdict.end,
          of: segment.size,
          movesTo: asidePath(this.root, segment),
        },
        "journal: a segment is damaged; what precedes the damage is recovered, and the file is kept",
      );
    }
  }

  /** A process died between taking a letter and running its task: the task is in its log, or the letter goes back. */
  #settleLetters(directory: string, { retried }: Recovered): void {
    try {
      for (const { path, letter } of this.letters.claimedIn(directory)) {
        if (retried.has(keyOf(letter.id, letter.retries + 1))) this.fs.unlink(path);
        else this.letters.restore(path);
      }
    } catch (error) {
      this.logger.error(
        { err: error, directory },
        "journal: a letter that a dead process had taken stays in its directory",
      );
    }
  }

  #buryCrashed(found: readonly PendingTask[]): void {
    for (const { entry, task } of found) {
      if (entry.interrupted < this.maxStarts) continue;
      const message = `the task ${task} was running each time when ${entry.interrupted} processes died`;
      this.logger.error(
        { id: entry.id, task, interrupted: entry.interrupted },
        `journal: ${message}; it goes to the dead letters`,
      );
      this.box.bury(entry, "crashed", new Error(message));
    }
  }

  #read({ entry, task, acceptedAt }: PendingTask): ReplayedTask | undefined {
    const { id, attempt, interrupted } = entry;
    let read: ReadEntry;
    try {
      read = this.#reader.read(entry);
    } catch (error) {
      this.logger.error({ id, task, err: error }, "journal: a task cannot be read; it stays in the journal");
      return undefined;
    }
    let content: TaskContent;
    try {
      content = decodeContent(read.record.encoding, read.bytes.subarray(read.record.contentStart, read.record.end));
    } catch {
      const error = new Error(`Node ${process.version} cannot read the payload, which a newer one wrote`);
      this.logger.error(
        { id, task },
        "journal: a payload cannot be read by this version of Node.js; its task goes to the dead letters",
      );
      this.box.bury(entry, "unreadable", error);
      return undefined;
    }
    const { payload, dispatch, context } = content;
    return { payload, dispatch, context, entry, id, task, attempt, interrupted, acceptedAt };
  }
}

/** The process died while the task ran: that was no attempt of its own. */
function cutOff(entry: JournalEntry): void {
  entry.running = false;
  entry.attempt = Math.max(0, entry.attempt - 1);
  entry.interrupted++;
}
