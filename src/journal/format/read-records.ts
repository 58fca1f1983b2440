// Reads the records of a file. Reading stops at the first record that is not whole; everything before it is exact.
import { hasId, RecordFinder } from "./find-records.js";
import { formatVersion, frameLength, headerLength, identityLength, recordType, versionOf } from "./format.js";
import { mostIdBytes } from "./id.js";
import { decode, endOfRecord, type JournalRecord } from "./record.js";

/**
 * How the reading of a file ended. `complete`: at its end. `torn`: at a write that was cut short, as by a kill or a full disk.
 * `damaged`: at a record that was right once and is wrong now. `newer`: at a header of a format that this code does not know.
 * `unknown`: at once, because it is no file of a journal.
 */
export type ReadOutcome = "complete" | "torn" | "damaged" | "newer" | "unknown";

export interface ReadResult {
  readonly outcome: ReadOutcome;
  /** Up to where the records are whole. */
  readonly end: number;
  /** Of a `newer` file. */
  readonly version?: number;
}

/** Reads a file from its beginning, in one go or in several. */
export class RecordReader {
  #at = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly visit: (record: JournalRecord) => void,
  ) {}

  /**
   * Hands every whole record to `visit`, in order.
   *
   * @param pausesNow asked now and then: whether the next call is to go on
   * @returns how the reading ended; undefined if it goes on
   */
  readOn(pausesNow: () => boolean = () => false): ReadResult | undefined {
    const { bytes } = this;
    if (this.#at === 0) {
      const version = versionOf(bytes);
      if (version === undefined) return { outcome: isTornHeader(bytes) ? "torn" : "unknown", end: 0 };
      if (version > formatVersion) return { outcome: "newer", end: 0, version };
      this.#at = headerLength;
    }
    for (let count = 1; this.#at < bytes.length; count++) {
      const end = endOfRecord(bytes, this.#at);
      const record = end === undefined ? undefined : decode(bytes, this.#at, end);
      if (end === undefined || record === undefined) {
        return { outcome: isTorn(bytes, this.#at) ? "torn" : "damaged", end: this.#at };
      }
      // A later version may add types of records that older readers can do without.
      if (record !== "unknown type") this.visit(record);
      this.#at = end;
      if (count % recordsBetweenLooks === 0 && pausesNow()) return undefined;
    }
    return { outcome: "complete", end: this.#at };
  }
}

/** A look at the clock costs as much as a record. */
const recordsBetweenLooks = 64;

/** Hands every whole record of a file to `visit`, in order. */
export function readRecords(bytes: Buffer, visit: (record: JournalRecord) => void): ReadResult {
  const result = new RecordReader(bytes, visit).readOn();
  if (result === undefined) throw new Error("the reading of a file paused");
  return result;
}

/**
 * Hands the records behind a damage to `visit`, as far as they are whole. They tell what was not read, and no more: a payload
 * in the damaged part can hold bytes that look like a record.
 *
 * @param from where the reading stopped
 */
export function readBehind(bytes: Buffer, from: number, visit: (record: JournalRecord) => void): void {
  const damaged = idOfDamaged(bytes, from);
  if (damaged !== undefined) visit(damaged);
  const finder = new RecordFinder(bytes);
  for (let found = finder.find(from + 1); found !== undefined; found = finder.find(found.end)) {
    const record = decode(bytes, found.start, found.end);
    if (typeof record === "object") visit(record);
  }
}

/** The damaged record itself, if it looks like that of a task that was accepted: the damage may be in its payload. */
function idOfDamaged(bytes: Buffer, at: number): JournalRecord | undefined {
  const idEnd = at + frameLength + identityLength + mostIdBytes;
  if (bytes[at + frameLength] !== recordType.accepted || !hasId(bytes, at, Math.min(bytes.length, idEnd)))
    return undefined;
  const record = decode(bytes, at, bytes.length);
  return typeof record === "object" ? record : undefined;
}

/** A file that nothing was written to, or whose header was cut short. */
function isTornHeader(bytes: Buffer): boolean {
  return bytes.length < headerLength && "ARJOURNL".startsWith(bytes.toString("latin1", 0, Math.min(bytes.length, 8)));
}

/**
 * Whether the bad record at `at` is what a write leaves that was cut short: it runs past the end of the file and no whole
 * record follows, or (after a power cut) the rest of the file is zeros.
 */
function isTorn(bytes: Buffer, at: number): boolean {
  const rest = bytes.subarray(at);
  if (rest.every((byte) => byte === 0)) return true;
  const runsPastTheEnd = rest.length < frameLength || frameLength + rest.readUInt32LE(4) > rest.length;
  return runsPastTheEnd && new RecordFinder(rest).find(1) === undefined;
}
