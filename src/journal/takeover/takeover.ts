// Takes over what dead processes have left: their segments join this process's log, and their unfinished tasks are handed out.
import type { Logger } from "../../base/logger.js";
import { turn } from "../../base/time.js";
import { lines, write } from "../../core/log/lines.js";
import type { DeadLetterFiles } from "../dead-letters/dead-letter-files.js";
import type { DeadLetters } from "../dead-letters/dead-letters.js";
import type { FileSystem } from "../files/file-system.js";
import { removeDirectory } from "../files/remove-directory.js";
import type { SegmentChain } from "../log/chain.js";
import { damagedPath } from "../log/remove-segment.js";
import { removeReserve } from "../log/reserve.js";
import type { JournalEntry } from "../log/segment.js";
import type { AbandonedDirectories, TakenDirectories } from "./abandoned-directories.js";
import { recover } from "./recover.js";
import { byAcceptance, keyOf, type PendingTask, type Recovered } from "./recovered-log.js";
import type { Replay } from "./replay.js";

/** What a takeover has found. */
export interface TakeoverReport {
  /** Processes whose directories were taken over. */
  readonly owners: number;
  /** Tasks to be run, which `replay()` hands out. */
  readonly pending: number;
  /** Tasks that went to the dead letters, because too many processes died while they ran. */
  readonly crashed: number;
}

export interface TakeoverParts {
  readonly fs: FileSystem;
  readonly root: string;
  readonly logger: Logger;
  readonly chain: SegmentChain;
  readonly files: DeadLetterFiles;
  readonly deadLetters: DeadLetters;
  readonly replay: Replay;
}

/** A loop over 100,000 tasks takes 20 ms before V8 has compiled it. */
const tasksPerTurn = 10_000;

/** Log collectors cut lines that are too long. */
const idsPerLine = 500;

export class Takeover {
  // Taken over and not read, because no descriptor was free, for example.
  #unread: TakenDirectories[] = [];
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly parts: TakeoverParts,
    private readonly abandoned: AbandonedDirectories,
    /** How many processes may die while they run a task. */
    private readonly maxStarts: number,
  ) {}

  /** Takes over the directories of dead processes; calls wait for each other. */
  run(): Promise<TakeoverReport> {
    const report = this.#running.then(() => this.#run());
    this.#running = report.catch(() => {});
    return report;
  }

  /** Resolves when no takeover is under way. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<TakeoverReport> {
    const found: (readonly PendingTask[])[] = [];
    const crashed: PendingTask[] = [];
    let owners = 0;
    const unread = this.#unread;
    this.#unread = [];
    for (const taken of unread) found.push(await this.#open(taken, crashed));
    for await (const taken of this.abandoned.takeAll()) {
      owners++;
      found.push(await this.#open(taken, crashed));
    }
    this.#moveToDeadLetters(crashed);
    // Not before the crashed ones are dead letters, because what is handed out may begin at once.
    for (const tasks of found) this.parts.replay.add(tasks);
    const pending = found.reduce((sum, tasks) => sum + tasks.length, 0);
    return { owners, pending, crashed: crashed.length };
  }

  /**
   * Counts the death of the process for the tasks that ran, and takes out the tasks that too many processes died of.
   *
   * @returns the others, in the order of their acceptance
   */
  async #divide(parts: Recovered["pending"], crashed: PendingTask[]): Promise<PendingTask[]> {
    const pending: PendingTask[] = [];
    let seen = 0;
    let isInOrder = true;
    let before: PendingTask | undefined;
    for (const part of parts) {
      for (const task of part) {
        if (++seen % tasksPerTurn === 0) await turn();
        if (task.entry.running) countInterruption(task.entry);
        if (before !== undefined && byAcceptance(before, task) > 0) isInOrder = false;
        before = task;
        (task.entry.interrupted < this.maxStarts ? pending : crashed).push(task);
      }
    }
    // They usually are; to sort 100,000 of them takes 25 ms.
    return isInOrder ? pending : pending.sort(byAcceptance);
  }

  /** Reads directories; returns their tasks that are to be run. The tasks that too many processes died of are added to `crashed`. */
  async #open(taken: TakenDirectories, crashed: PendingTask[]): Promise<readonly PendingTask[]> {
    // This process needs the room of their reserves now.
    for (const directory of taken) removeReserve(this.parts.fs, directory);
    let recovered: Recovered;
    try {
      recovered = await recover(this.parts.fs, taken);
    } catch (error) {
      this.#unread.push(taken);
      this.parts.logger.error(
        { err: error, directory: taken.at(-1) },
        "journal: the directory of a dead process cannot be read; its tasks wait",
      );
      return [];
    }
    const segments = recovered.segments.map(({ segment }) => segment);
    const pending = await this.#divide(recovered.pending, crashed);
    this.parts.chain.takeOver(segments);
    this.#reportDamage(recovered);
    for (const directory of taken) {
      this.#finishRetries(directory, recovered);
      if (!segments.some((segment) => segment.directory === directory)) removeDirectory(this.parts.fs, directory);
    }
    return pending;
  }

  #reportDamage({ segments }: Recovered): void {
    for (const { segment, result, notRun } of segments) {
      if (!segment.damaged) continue;
      this.parts.logger.error(
        {
          segment: segment.path,
          result: result.outcome,
          readUntil: result.end,
          of: segment.size,
          movesTo: damagedPath(this.parts.root, segment),
        },
        "journal: a segment is damaged; everything before the damage is recovered, and the file is kept",
      );
      for (let from = 0; from < notRun.length; from += idsPerLine) {
        const ids = notRun.slice(from, from + idsPerLine);
        write(this.parts.logger, lines.behindDamage, { segment: segment.path, ids, of: notRun.length });
      }
    }
  }

  /** A process died while it retried a dead letter: either the task is in its log, or the dead letter goes back. */
  #finishRetries(directory: string, { retried }: Recovered): void {
    try {
      for (const file of this.parts.files.claimedIn(directory)) {
        const key = this.#keyOfRetry(file);
        if (key !== undefined && retried.has(key)) this.parts.fs.unlink(file);
        else this.parts.files.restore(file);
      }
    } catch (error) {
      this.parts.logger.error(
        { err: error, directory },
        "journal: a dead letter that a dead process retried stays in the directory of that process",
      );
    }
  }

  /** The key that the task of a claimed dead letter has in the log; undefined for a damaged one. */
  #keyOfRetry(file: string): string | undefined {
    try {
      const deadLetter = this.parts.files.open(file)?.deadLetter;
      return deadLetter && keyOf(deadLetter.id, deadLetter.retries + 1);
    } catch {
      return undefined;
    }
  }

  #moveToDeadLetters(crashed: readonly PendingTask[]): void {
    for (const { entry, task } of crashed) {
      const message = `${entry.interrupted} processes died while the task ${task} was running`;
      const { id, attempt, interrupted } = entry;
      write(this.parts.logger, lines.crashed, { task, kind: "task", id, attempt, interrupted }, { interrupted });
      this.parts.deadLetters.add(entry, "crashed", new Error(message));
    }
  }
}

/** The process died while the task ran: that attempt does not count. */
function countInterruption(entry: JournalEntry): void {
  entry.running = false;
  entry.attempt = Math.max(0, entry.attempt - 1);
  entry.interrupted++;
}
