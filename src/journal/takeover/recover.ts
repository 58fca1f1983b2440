// What the segments of an owner say: which tasks were accepted and have not ended, and how far they had come.

import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { errorCode, type FileSystem, readFile } from "../files/file-system.js";
import { type JournalRecord, readRecords, type Verdict } from "../format/read-records.js";
import { isSegmentName, JournalEntry, Segment } from "../log/segment.js";

/** A task that was accepted and has not ended. */
export interface PendingTask {
  readonly entry: JournalEntry;
  readonly task: string;
  readonly acceptedAt: number;
}

export interface Recovered {
  /** In the order of writing. */
  readonly segments: readonly Segment[];
  /** In no order. */
  readonly pending: readonly PendingTask[];
  /** What the reading of each segment came to. */
  readonly verdicts: readonly { readonly segment: Segment; readonly verdict: Verdict }[];
  /** The keys of the tasks that had come back from the dead letters, also of those that have ended. */
  readonly retried: ReadonlySet<string>;
}

/**
 * Reads all segments of `directories`, one a turn of the event loop.
 *
 * @param directories in the order of writing: those that others had adopted before the others
 * @throws Node's error when a directory or a file cannot be opened; a file that cannot be read is damaged
 */
export async function recover(fs: FileSystem, directories: readonly string[]): Promise<Recovered> {
  const state = new RecoveredState();
  for (const directory of directories) {
    for (const name of fs.readdir(directory).filter(isSegmentName).sort()) {
      const segment = new Segment(directory, name);
      state.read(segment, fs);
      await setImmediate();
    }
  }
  return state.result();
}

/** What names one life of a task. */
export function keyOf(id: string, retries: number): string {
  return retries === 0 ? id : `${id} ${retries}`;
}

class RecoveredState {
  readonly #segments: Segment[] = [];
  readonly #verdicts: { segment: Segment; verdict: Verdict }[] = [];
  readonly #known = new Map<string, PendingTask>();
  readonly #retried = new Set<string>();

  read(segment: Segment, fs: FileSystem): void {
    const bytes = readSegment(fs, segment.path);
    segment.size = bytes?.length ?? 0;
    const verdict: Verdict =
      bytes === undefined ? { kind: "damaged", end: 0 } : readRecords(bytes, (record) => this.#apply(record, segment));
    segment.damaged = verdict.kind !== "complete" && verdict.kind !== "torn";
    this.#verdicts.push({ segment, verdict });
    this.#segments.push(segment);
  }

  result(): Recovered {
    const pending = [...this.#known.values()];
    return { segments: this.#segments, pending, verdicts: this.#verdicts, retried: this.#retried };
  }

  #apply(record: JournalRecord, segment: Segment): void {
    const key = keyOf(record.id, record.retries);
    const known = this.#known.get(key);
    switch (record.type) {
      case "accepted": {
        // It was written anew and the process died before the older copy was deleted: the later one counts.
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
      case "buried":
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

/** The order of acceptance: by time; in the same millisecond by the number that the id ends with, of which a longer one is larger. */
export function byAcceptance(a: PendingTask, b: PendingTask): number {
  if (a.acceptedAt !== b.acceptedAt) return a.acceptedAt - b.acceptedAt;
  if (a.entry.id.length !== b.entry.id.length) return a.entry.id.length - b.entry.id.length;
  return a.entry.id < b.entry.id ? -1 : 1;
}

/** The directories within the directory of an owner, each before what contains it, for it was adopted before that ended. */
export function directoriesWithin(fs: FileSystem, directory: string): string[] {
  const adopted = fs
    .readdir(directory)
    .filter(isAdoptedName)
    .sort()
    .flatMap((name) => directoriesWithin(fs, path.join(directory, name)));
  return [...adopted, directory];
}

/** `000007-<id>` for a directory that was adopted as the seventh; `adopting-<id>` while it is being moved. */
function isAdoptedName(name: string): boolean {
  return /^(\d{6}|adopting)-/.test(name);
}
