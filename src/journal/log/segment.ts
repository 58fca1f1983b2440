// A file of the log, and the unfinished tasks whose ACCEPTED record is in it.
import path from "node:path";
import type { KeptRecord } from "../../store/store.js";
import type { Identity, Progress } from "../format/encode.js";

/** An accepted, unfinished task in the journal: where its ACCEPTED record is, and its progress. */
export class JournalEntry implements Identity, Progress {
  attempt = 0;
  interrupted = 0;
  running = false;
  /** undefined once it has ended. */
  segment: Segment | undefined = undefined;
  offset = 0;
  length = 0;
  // Neighbours in the list of its segment.
  previous: JournalEntry | undefined = undefined;
  next: JournalEntry | undefined = undefined;

  constructor(
    readonly id: string,
    readonly retries: number,
  ) {}

  /**
   * Where its record is. It moves when it is written again.
   *
   * @throws an error for a task that has ended
   */
  get place(): KeptRecord {
    const { id, segment, offset, length } = this;
    if (segment === undefined) throw new Error(`the task ${id} is not in the journal any more`);
    return { id, path: segment.path, offset, length };
  }
}

/** Appended to while it is active, then only read, then deleted. */
export class Segment {
  size = 0;
  /** Unfinished tasks in it. */
  live = 0;
  /** Bytes of their ACCEPTED records. */
  liveBytes = 0;
  /** Oldest first. */
  first: JournalEntry | undefined = undefined;
  last: JournalEntry | undefined = undefined;
  /** It is kept instead of being deleted, because reading stopped at a record that is wrong. */
  damaged = false;

  readonly path: string;

  constructor(
    readonly directory: string,
    readonly name: string,
  ) {
    this.path = path.join(directory, name);
  }

  add(entry: JournalEntry, offset: number, length: number): void {
    entry.segment = this;
    entry.offset = offset;
    entry.length = length;
    entry.previous = this.last;
    if (this.last === undefined) this.first = entry;
    else this.last.next = entry;
    this.last = entry;
    this.live++;
    this.liveBytes += length;
  }

  remove(entry: JournalEntry): void {
    if (entry.previous === undefined) this.first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
    entry.segment = undefined;
    this.live--;
    this.liveBytes -= entry.length;
  }
}

/** The name of the segment of a number; in the order of names, segments are in the order of writing. */
export function segmentName(number: number): string {
  return `${String(number).padStart(10, "0")}.segment`;
}

export function isSegmentName(name: string): boolean {
  return /^\d{10}\.segment$/.test(name);
}
