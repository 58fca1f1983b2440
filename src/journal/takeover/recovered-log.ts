// What the records of a process say, taken together: which tasks were accepted and have not ended, and how far they have come.
import type { ReadResult } from "../format/read-records.js";
import type { JournalRecord } from "../format/record.js";
import { JournalEntry, type Segment } from "../log/segment.js";

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
  /** Of a damaged segment: the ids of the tasks that do not run because of the damage, as far as they can be read. */
  readonly notRun: readonly string[];
}

export interface Recovered {
  /** In the order of writing. */
  readonly segments: readonly ReadSegment[];
  /** In parts, each of at most some ten thousand, and most of them in the order of acceptance. */
  readonly pending: Iterable<Iterable<PendingTask>>;
  /** The keys of the tasks that have come back from the dead letters, also of those that have ended. */
  readonly retried: ReadonlySet<string>;
}

/** Names a task: one that comes back from the dead letters keeps its id and is another task to the log. */
export function keyOf(id: string, retries: number): string {
  return retries === 0 ? id : `${id} ${retries}`;
}

export class RecoveredLog {
  readonly #segments: Omit<ReadSegment, "notRun">[] = [];
  readonly #known = new KnownTasks();
  readonly #retried = new Set<string>();
  // Accepted behind a damage, and not ended as far as is known.
  readonly #notRun = new Map<string, { readonly id: string; readonly segment: Segment }>();

  /** The reading of a segment has ended. */
  readSegment(segment: Segment, result: ReadResult): void {
    this.#segments.push({ segment, result });
  }

  result(): Recovered {
    const ids = new Map<Segment, string[]>(this.#segments.map(({ segment }) => [segment, []]));
    for (const { id, segment } of this.#notRun.values()) ids.get(segment)?.push(id);
    const segments = this.#segments.map((read) => ({ ...read, notRun: ids.get(read.segment) ?? [] }));
    return { segments, pending: this.#known.parts(), retried: this.#retried };
  }

  /** A record behind the damage of a segment: it counts for nothing but the ids of the tasks that do not run. */
  notRead(record: JournalRecord, segment: Segment): void {
    const key = keyOf(record.id, record.retries);
    if (record.type === "ended") this.#notRun.delete(key);
    else if (record.type === "accepted" && this.#known.get(key) === undefined)
      this.#notRun.set(key, { id: record.id, segment });
  }

  /** The next whole record of a segment. */
  apply(record: JournalRecord, segment: Segment): void {
    const key = keyOf(record.id, record.retries);
    const known = this.#known.get(key);
    switch (record.type) {
      case "accepted": {
        this.#notRun.delete(key);
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
        this.#notRun.delete(key);
        known?.entry.segment?.remove(known.entry);
        this.#known.delete(key);
        return;
      case "dead-letter":
        return;
    }
  }
}

/** The most digits of the number at the end of an id in which the ids of one part differ: 36 to the power of 3 ids. */
const digits = 3;

/**
 * Tasks by key, in many small maps. One map of 1,000,000 tasks stands still for 60 ms each time it grows. Ids end with a number,
 * so those of a part were accepted one after the other.
 */
class KnownTasks {
  readonly #parts = new Map<string, Map<string, PendingTask>>();

  get(key: string): PendingTask | undefined {
    return this.#parts.get(key.slice(0, -digits))?.get(key);
  }

  set(key: string, task: PendingTask): void {
    const name = key.slice(0, -digits);
    const part = this.#parts.get(name);
    if (part === undefined) this.#parts.set(name, new Map([[key, task]]));
    else part.set(key, task);
  }

  delete(key: string): void {
    const name = key.slice(0, -digits);
    const part = this.#parts.get(name);
    part?.delete(key);
    if (part?.size === 0) this.#parts.delete(name);
  }

  *parts(): Generator<Iterable<PendingTask>> {
    for (const part of this.#parts.values()) yield part.values();
  }
}

/** The order of acceptance: by time; in the same millisecond by the number at the end of the id, where a longer id has a larger one. */
export function byAcceptance(a: PendingTask, b: PendingTask): number {
  if (a.acceptedAt !== b.acceptedAt) return a.acceptedAt - b.acceptedAt;
  if (a.entry.id.length !== b.entry.id.length) return a.entry.id.length - b.entry.id.length;
  return a.entry.id < b.entry.id ? -1 : 1;
}
