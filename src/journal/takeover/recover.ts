// Reads the segments of a process: which tasks were accepted and have not ended, and how far they have come.
import path from "node:path";
import { turn } from "../../base/time.js";
import { errorCode, type FileSystem, readFile } from "../files/file-system.js";
import { type JournalRecord, type ReadResult, readRecords } from "../format/read-records.js";
import { isSegmentName, JournalEntry, Segment } from "../log/segment.js";

/** `adopting-<id>`: a directory that is being taken over, between its two renames. The name is part of the format. */
export const movingPrefix = "adopting-";

/** A task that was accepted and has not ended. */
export interface PendingTask {
  readonly entry: JournalEntry;
  /** Its name. */
  readonly task: string;
  readonly acceptedAt: number;
}

/** A segment, and how its reading ended. */
export interface ReadSegment {
  readonly segment: Segment;
  readonly result: ReadResult;
}

export interface Recovered {
  /** In the order of writing. */
  readonly segments: readonly ReadSegment[];
  /** In no order. */
  readonly pending: readonly PendingTask[];
  /** The keys of the tasks that have come back from the dead letters, also of those that have ended. */
  readonly retried: ReadonlySet<string>;
}

/**
 * Reads all segments of `directories`, one a turn of the event loop.
 *
 * @param directories in the order of writing: those that the process had taken over, then its own
 * @throws Node's error when a directory or a file cannot be opened; a file that cannot be read is damaged
 */
export async function recover(fs: FileSystem, directories: readonly string[]): Promise<Recovered> {
  const state = new RecoveredState();
  for (const directory of directories) {
    for (const name of fs.readdir(directory).filter(isSegmentName).sort()) {
      const segment = new Segment(directory, name);
      state.read(segment, fs);
      await turn();
    }
  }
  return state.result();
}

/** Names a task: one that comes back from the dead letters keeps its id and is another task to the log. */
export function keyOf(id: string, retries: number): string {
  return retries === 0 ? id : `${id} ${retries}`;
}

class RecoveredState {
  readonly #segments: ReadSegment[] = [];
  readonly #known = new Map<string, PendingTask>();
  readonly #retried = new Set<string>();

  read(segment: Segment, fs: FileSystem): void {
    const bytes = readSegment(fs, segment.path);
    segment.size = bytes?.length ?? 0;
    const result: ReadResult =
      bytes === undefined
        ? { outcome: "damaged", end: 0 }
        : readRecords(bytes, (record) => this.#apply(record, segment));
    segment.damaged = result.outcome !== "complete" && result.outcome !== "torn";
    this.#segments.push({ segment, result });
  }

  result(): Recovered {
    const pending = [...this.#known.values()];
    return { segments: this.#segments, pending, retried: this.#retried };
  }

  #apply(record: JournalRecord, segment: Segment): void {
    const key = keyOf(record.id, record.retries);
    const known = this.#known.get(key);
    switch (record.type) {
      case "accepted": {
        // It was written again, and the older copy was not deleted yet: the later one counts.
        known?.entry.segment?.remove(known.entry);
        const entry = known?.entry ?? new JournalEntry(record.id, record.retries);
        Object.assign(entry, { attempt: record.attempt, interrupted: record.interrupted, running: record.running });
        segment.add(entry, record.start, record.end - record.start);
        this.#known.set(key, { entry, task: record.task, acceptedAt: record.acceptedAt });
        if (record.retries > 0) this.#retried.add(key);
        return;
      }
      case "started":
      case "stopped":
        if (known === undefined) return;
        known.entry.attempt = record.attempt;
        known.entry.interrupted = record.interrupted;
        known.entry.running = record.type === "started";
        return;
      case "ended":
        known?.entry.segment?.remove(known.entry);
        this.#known.delete(key);
        return;
      case "dead-letter":
        return;
    }
  }
}

/** undefined where the disk returns errors. */
function readSegment(fs: FileSystem, file: string): Buffer | undefined {
  try {
    return readFile(fs, file);
  } catch (error) {
    if (errorCode(error) !== "EIO") throw error;
    return undefined;
  }
}

/** The order of acceptance: by time; in the same millisecond by the number at the end of the id, where a longer id has a larger one. */
export function byAcceptance(a: PendingTask, b: PendingTask): number {
  if (a.acceptedAt !== b.acceptedAt) return a.acceptedAt - b.acceptedAt;
  if (a.entry.id.length !== b.entry.id.length) return a.entry.id.length - b.entry.id.length;
  return a.entry.id < b.entry.id ? -1 : 1;
}

/** The directory of a process and those within it, each before the one that contains it, because it was written before that. */
export function directoriesWithin(fs: FileSystem, directory: string): string[] {
  const within = fs
    .readdir(directory)
    .filter(isTakenName)
    .sort()
    .flatMap((name) => directoriesWithin(fs, path.join(directory, name)));
  return [...within, directory];
}

/** `000007-<id>`: the seventh directory that was taken over. */
function isTakenName(name: string): boolean {
  return /^\d{6}-/.test(name) || name.startsWith(movingPrefix);
}
