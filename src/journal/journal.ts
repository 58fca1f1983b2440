// The durable record of accepted, unfinished tasks. What a dispatch call has accepted is in it before the call returns, and
// comes back at the next start unless its end is in it too.
import { OffloadError } from "../base/errors.js";
import type { FinalState } from "../core/states.js";
import { DeadLetterBox, type ReplayedTask } from "./dead-letters/dead-letter-box.js";
import { LetterFiles } from "./dead-letters/letter-files.js";
import { prepareDirectory } from "./files/directory.js";
import { unavailable } from "./files/failure.js";
import { type FileSystem, nodeFileSystem } from "./files/file-system.js";
import { encodeContent, type TaskContent } from "./format/content.js";
import type { DeadLetterReason } from "./format/format.js";
import { isId } from "./format/id.js";
import { SegmentChain } from "./log/chain.js";
import { DiskDurability, type Durability, ProcessDurability } from "./log/durability.js";
import { Log } from "./log/log.js";
import { Reclaimer } from "./log/reclaim.js";
import { removeSegment } from "./log/remove-segment.js";
import type { JournalEntry } from "./log/segment.js";
import { SegmentWriter } from "./log/segment-writer.js";
import {
  type JournalContext,
  type JournalOptions,
  type ResolvedJournalOptions,
  resolveJournalOptions,
} from "./options.js";
import { Adopter } from "./takeover/adopt.js";
import { type Adoption, Inheritance } from "./takeover/inherit.js";
import { askOwnersToAdopt, Ownership, removeDirectory } from "./takeover/owner.js";

/** A task that is to be accepted. */
export interface TaskToAccept extends TaskContent {
  /** Unique everywhere; 1 to 128 letters, digits, `-` and `_`. */
  readonly id: string;
  readonly task: string;
}

/** The journal at a glance. */
export interface JournalStats {
  /** Accepted, unfinished tasks. */
  readonly pending: number;
  /** Bytes of all segments. */
  readonly bytes: number;
  /** Bytes of them that unfinished tasks need. */
  readonly liveBytes: number;
  readonly segments: number;
}

/** What a test replaces. */
export interface JournalWorld {
  readonly fs: FileSystem;
  readonly now: () => number;
}

/**
 * Opens a journal: checks the directory and makes this process's own place in it. Reads nothing yet; `adopt()` does.
 *
 * @throws OffloadError AR_INVALID_OPTIONS, and AR_JOURNAL_UNAVAILABLE for a directory that cannot be used, by name
 */
export function openJournal(
  options: JournalOptions,
  context: JournalContext,
  world: JournalWorld = { fs: nodeFileSystem, now: Date.now },
): Journal {
  const resolved = resolveJournalOptions(options);
  prepareDirectory(world.fs, resolved.dir, context.logger);
  return new Journal(resolved, context, world);
}

export class Journal {
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #now: () => number;
  readonly #owner: Ownership;
  readonly #chain = new SegmentChain();
  readonly #durability: Durability;
  readonly #writer: SegmentWriter;
  readonly #reclaimer: Reclaimer;
  readonly #log: Log;
  readonly #box: DeadLetterBox;
  readonly #inheritance: Inheritance;
  #acceptedAt = 0;
  #closed: Promise<void> | undefined;

  constructor(
    { dir, durability, maxBytes, maxStarts }: ResolvedJournalOptions,
    { logger, onAdoptable }: JournalContext,
    { fs, now }: JournalWorld,
  ) {
    this.#fs = fs;
    this.#root = dir;
    this.#now = now;
    this.#owner = new Ownership(fs, dir, logger, () => onAdoptable?.());
    const own = (): string => this.#owner.directory;
    this.#durability =
      durability === "disk" ? new DiskDurability(fs, logger, () => this.#writer.retire()) : new ProcessDurability(fs);
    this.#writer = new SegmentWriter(fs, this.#owner, this.#chain, this.#durability, now);
    const remove = removeSegment.bind(undefined, fs, dir, own);
    this.#reclaimer = new Reclaimer(fs, this.#chain, this.#writer, this.#durability, remove, logger);
    this.#log = new Log(this.#chain, this.#writer, this.#reclaimer, maxBytes / 2, logger);
    const letters = new LetterFiles(fs, dir, logger);
    this.#box = new DeadLetterBox(fs, letters, this.#log, this.#durability, own, now, logger);
    const adopter = new Adopter(fs, dir, own, logger);
    this.#inheritance = new Inheritance(fs, dir, adopter, this.#chain, letters, this.#box, maxStarts, logger);
  }

  /**
   * Records a task. It survives the death of this process when this returns.
   *
   * @param task captured values; what was moved by `transfer` is recorded too
   * @returns what the task is called in the other calls
   * @throws OffloadError AR_JOURNAL_FULL, AR_JOURNAL_UNAVAILABLE, AR_PAYLOAD_NOT_CLONEABLE: the task is not recorded
   */
  accepted(task: TaskToAccept): JournalEntry {
    if (this.#closed !== undefined) throw unavailable("it has been closed");
    if (!isId(task.id)) throw new OffloadError("AR_INVALID_ARGUMENT", "journal: an id has 1 to 128 of A-Z a-z 0-9 _ -");
    if (task.task.length > 10_000)
      throw new OffloadError("AR_INVALID_ARGUMENT", "journal: the name of the task is too long");
    // Never back, when the clock is set: the order of acceptance is that of these times.
    this.#acceptedAt = Math.max(this.#acceptedAt, this.#now());
    const head = {
      id: task.id,
      retries: 0,
      task: task.task,
      acceptedAt: this.#acceptedAt,
      attempt: 0,
      interrupted: 0,
      running: false,
    };
    return this.#log.accept(head, encodeContent(task));
  }

  /**
   * The task begins to run. What is said of steps is written at the end of the turn, together.
   *
   * @param attempt 1 for the first
   */
  started(entry: JournalEntry, attempt: number): void {
    if (this.#takes(entry)) this.#log.started(entry, attempt);
  }

  /**
   * The task does not run any more and has not ended: it waits for its next attempt, or was taken back from a thread.
   *
   * @param attempt those that ended on their own account; the last one, too, unless something else is said
   */
  stopped(entry: JournalEntry, attempt: number = entry.attempt): void {
    if (this.#takes(entry)) this.#log.stopped(entry, attempt);
  }

  /** The task has ended, and leaves the journal. */
  ended(entry: JournalEntry, state: FinalState): void {
    if (this.#takes(entry)) this.#log.ended(entry, state);
  }

  /**
   * The task goes to the dead letters, and leaves the journal.
   *
   * @param error why, for whoever reads the letter
   * @returns false if the letter could not be written (it is logged): the task stays in the journal and runs at the next start
   */
  deadLetter(entry: JournalEntry, reason: DeadLetterReason, error: unknown): boolean {
    return this.#takes(entry) && this.#box.bury(entry, reason, error);
  }

  /** Writes the steps that wait for the end of the turn. */
  flush(): void {
    this.#log.flush();
  }

  /** Resolves when all that was recorded until now is as durable as was asked for; rejects if the disk refuses. */
  durable(): Promise<void> {
    this.#log.flush();
    return this.#durability.durable();
  }

  /**
   * Takes over the directories of processes that are gone. Their unfinished tasks come out of `replay()`.
   *
   * @throws OffloadError AR_JOURNAL_UNAVAILABLE when the directory of the journal cannot be read
   */
  async adopt(): Promise<Adoption> {
    const adoption = await this.#inheritance.adopt();
    this.#reclaimer.drop();
    return adoption;
  }

  /** Hands out the adopted tasks in the order of their acceptance. Each is read when it is asked for, once. */
  replay(): Generator<ReplayedTask, void, void> {
    return this.#inheritance.replay();
  }

  get deadLetters(): Pick<DeadLetterBox, "list" | "retry" | "discard"> {
    return this.#box;
  }

  get stats(): JournalStats {
    const { live, bytes, liveBytes, segments } = this.#chain;
    return { pending: live, bytes, liveBytes, segments: segments.length };
  }

  /**
   * Writes what is to be written and gives the directory up. What is unfinished is for whoever starts next; a running task
   * counts as stopped, not as one whose process died, and has its attempt yet.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const segment of this.#chain.segments) {
      for (let entry = segment.first; entry !== undefined; entry = entry.next)
        if (entry.running) this.#log.stopped(entry, entry.attempt - 1);
    }
    this.#log.flush();
    this.#writer.retire();
    await this.#inheritance.close();
    await this.#durability.durable().catch(() => {});
    this.#reclaimer.drop();
    if (this.#chain.live === 0) {
      await this.#durability.durable().catch(() => {});
      removeDirectory(this.#fs, this.#owner.directory);
    }
    this.#owner.release();
    // Whoever started while this process was on its way out has looked already, and found this directory taken.
    if (this.#chain.live > 0) await askOwnersToAdopt(this.#fs, this.#root).catch(() => {});
  }

  #takes(entry: JournalEntry): boolean {
    return this.#closed === undefined && entry.segment !== undefined;
  }
}
