// Reads the records of a file. Reading stops at the first record that is not whole; everything before it is exact.
import type { DeadLetterReason } from "../../store/store.js";
import { crc32 } from "./crc.js";
import type { Identity, Progress } from "./encode.js";
import {
  type Encoding,
  type Ending,
  endingOf,
  formatVersion,
  frameLength,
  headerLength,
  identityLength,
  isEncoding,
  reasonOf,
  recordType,
  versionOf,
} from "./format.js";

/** ACCEPTED as it is read; the content is in the buffer, from `contentStart` to `end`. */
export interface AcceptedRecord extends Identity, Progress {
  readonly type: "accepted";
  readonly task: string;
  readonly acceptedAt: number;
  readonly encoding: Encoding;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

export interface StepRecord extends Identity {
  readonly type: "started" | "stopped";
  readonly attempt: number;
  readonly interrupted: number;
}

export interface EndedRecord extends Identity {
  readonly type: "ended";
  /** undefined: a later version has added it. The task has ended all the same. */
  readonly ending: Ending | undefined;
}

export interface DeadLetterRecord extends Identity {
  readonly type: "dead-letter";
  readonly reason: DeadLetterReason;
  readonly failedAt: number;
  /** JSON. */
  readonly error: string;
}

export type JournalRecord = AcceptedRecord | StepRecord | EndedRecord | DeadLetterRecord;

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

/** Hands every whole record of a file to `visit`, in order. */
export function readRecords(bytes: Buffer, visit: (record: JournalRecord) => void): ReadResult {
  const version = versionOf(bytes);
  if (version === undefined) return { outcome: isTornHeader(bytes) ? "torn" : "unknown", end: 0 };
  if (version > formatVersion) return { outcome: "newer", end: 0, version };
  let at = headerLength;
  while (at < bytes.length) {
    const end = endOfRecord(bytes, at);
    const record = end === undefined ? undefined : decode(bytes, at, end);
    if (end === undefined || record === undefined) return { outcome: isTorn(bytes, at) ? "torn" : "damaged", end: at };
    // A later version may add types of records that older readers can do without.
    if (record !== "unknown type") visit(record);
    at = end;
  }
  return { outcome: "complete", end: at };
}

/** The ACCEPTED record at `at`; undefined if there is none. */
export function readAccepted(bytes: Buffer, at: number): AcceptedRecord | undefined {
  const end = endOfRecord(bytes, at);
  const record = end === undefined ? undefined : decode(bytes, at, end);
  return typeof record === "object" && record.type === "accepted" ? record : undefined;
}

/** Where the record at `at` ends, if its CRC holds. */
function endOfRecord(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < frameLength + identityLength) return undefined;
  const end = at + frameLength + bytes.readUInt32LE(at + 4);
  if (end > bytes.length || end < at + frameLength + identityLength) return undefined;
  return crc32(bytes, at + 4, end) === bytes.readUInt32LE(at) ? end : undefined;
}

function decode(bytes: Buffer, start: number, end: number): JournalRecord | "unknown type" | undefined {
  const retries = bytes.readUInt16LE(start + frameLength + 2);
  const idStart = start + frameLength + identityLength;
  const body = idStart + bytes.readUInt8(start + frameLength + 1);
  if (body > end) return undefined;
  const id = bytes.toString("latin1", idStart, body);
  switch (bytes.readUInt8(start + frameLength)) {
    case recordType.accepted:
      return decodeAccepted(bytes, { id, retries }, start, body, end);
    case recordType.started:
    case recordType.stopped: {
      if (end - body < 6) return undefined;
      const type = bytes.readUInt8(start + frameLength) === recordType.started ? "started" : "stopped";
      return { type, id, retries, attempt: bytes.readUInt32LE(body), interrupted: bytes.readUInt16LE(body + 4) };
    }
    case recordType.ended:
      return end > body ? { type: "ended", id, retries, ending: endingOf(bytes.readUInt8(body)) } : undefined;
    case recordType.deadLetter: {
      const reason = end - body >= 9 ? reasonOf(bytes.readUInt8(body)) : undefined;
      if (reason === undefined) return undefined;
      const error = bytes.toString("utf8", body + 9, end);
      return { type: "dead-letter", id, retries, reason, failedAt: bytes.readDoubleLE(body + 1), error };
    }
    default:
      return "unknown type";
  }
}

function decodeAccepted(
  bytes: Buffer,
  identity: Identity,
  start: number,
  body: number,
  end: number,
): AcceptedRecord | undefined {
  if (end - body < 18) return undefined;
  const encoding = bytes.readUInt8(body + 7);
  const contentStart = body + 18 + bytes.readUInt16LE(body + 16);
  if (contentStart > end || !isEncoding(encoding)) return undefined;
  return {
    type: "accepted",
    id: identity.id,
    retries: identity.retries,
    attempt: bytes.readUInt32LE(body),
    interrupted: bytes.readUInt16LE(body + 4),
    running: (bytes.readUInt8(body + 6) & 1) === 1,
    encoding,
    acceptedAt: bytes.readDoubleLE(body + 8),
    task: bytes.toString("utf8", body + 18, contentStart),
    start,
    contentStart,
    end,
  };
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
  if (!runsPastTheEnd) return false;
  for (let next = at + 1; next < bytes.length - frameLength; next++) {
    const type = bytes.readUInt8(next + frameLength);
    if (type >= recordType.accepted && type <= recordType.deadLetter && endOfRecord(bytes, next) !== undefined)
      return false;
  }
  return true;
}
