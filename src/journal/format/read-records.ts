// Reads the records of a file. Reading stops at the first record that is not whole; what stands before it is exact.
import { crc32 } from "./crc.js";
import type { Identity, Progress } from "./encode.js";
import {
  type DeadLetterReason,
  type Encoding,
  type Ending,
  encodings,
  endingOf,
  formatVersion,
  frameLength,
  headerLength,
  identityLength,
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
  /** undefined: a word of a later version. It has ended all the same. */
  readonly ending: Ending | undefined;
}

export interface BuriedRecord extends Identity {
  readonly type: "buried";
  readonly reason: DeadLetterReason;
  readonly buriedAt: number;
  /** JSON. */
  readonly error: string;
}

export type JournalRecord = AcceptedRecord | StepRecord | EndedRecord | BuriedRecord;

/**
 * What a file turned out to be, and up to where it was read.
 *
 * `complete`: to its end. `torn`: its last write was cut off, as by a kill or a full disk. `damaged`: a record is wrong that
 * was once right. `newer`: a format that this code does not know. `foreign`: no file of a journal.
 */
export interface Verdict {
  readonly kind: "complete" | "torn" | "damaged" | "newer" | "foreign";
  readonly end: number;
  /** Of a `newer` file. */
  readonly version?: number;
}

/** Hands every whole record of a file to `visit`, in order. */
export function readRecords(bytes: Buffer, visit: (record: JournalRecord) => void): Verdict {
  const version = versionOf(bytes);
  if (version === undefined) return { kind: isTornHeader(bytes) ? "torn" : "foreign", end: 0 };
  if (version > formatVersion) return { kind: "newer", end: 0, version };
  let at = headerLength;
  while (at < bytes.length) {
    const end = endOfRecord(bytes, at);
    const record = end === undefined ? undefined : decode(bytes, at, end);
    if (end === undefined || record === undefined) return { kind: isTorn(bytes, at) ? "torn" : "damaged", end: at };
    // A type that this version does not know is passed over: a later one may add types that older readers can do without.
    if (record !== "unknown") visit(record);
    at = end;
  }
  return { kind: "complete", end: at };
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

function decode(bytes: Buffer, start: number, end: number): JournalRecord | "unknown" | undefined {
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
    case recordType.buried: {
      const reason = end - body >= 9 ? reasonOf(bytes.readUInt8(body)) : undefined;
      if (reason === undefined) return undefined;
      const error = bytes.toString("utf8", body + 9, end);
      return { type: "buried", id, retries, reason, buriedAt: bytes.readDoubleLE(body + 1), error };
    }
    default:
      return "unknown";
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
  if (contentStart > end || (encoding !== encodings.json && encoding !== encodings.v8)) return undefined;
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

/** A file that was made and not yet written to, or cut off within its header. */
function isTornHeader(bytes: Buffer): boolean {
  return bytes.length < headerLength && "ARJOURNL".startsWith(bytes.toString("latin1", 0, Math.min(bytes.length, 8)));
}

/**
 * Whether the bad record at `at` is what a cut-off write leaves: it runs past the end of the file, or (after a power cut)
 * nothing but zeros has arrived; and no whole record follows.
 */
function isTorn(bytes: Buffer, at: number): boolean {
  const rest = bytes.subarray(at);
  if (rest.every((byte) => byte === 0)) return true;
  const runsPastTheEnd = rest.length < frameLength || frameLength + rest.readUInt32LE(4) > rest.length;
  if (!runsPastTheEnd) return false;
  for (let next = at + 1; next < bytes.length - frameLength; next++) {
    const type = bytes.readUInt8(next + frameLength);
    if (type >= recordType.accepted && type <= recordType.buried && endOfRecord(bytes, next) !== undefined)
      return false;
  }
  return true;
}
