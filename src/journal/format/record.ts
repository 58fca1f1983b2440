// One record: what each type contains, and how it is decoded.
import { crc32 } from "./crc.js";
import type { Identity, Progress } from "./encode.js";
import {
  type Encoding,
  type Ending,
  endingOf,
  frameLength,
  identityLength,
  isEncoding,
  reasonOf,
  recordType,
  type WrittenReason,
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
  readonly reason: WrittenReason;
  readonly failedAt: number;
  /** JSON. */
  readonly error: string;
}

export type JournalRecord = AcceptedRecord | StepRecord | EndedRecord | DeadLetterRecord;

/** The ACCEPTED record at `at`; undefined if there is none. */
export function readAccepted(bytes: Buffer, at: number): AcceptedRecord | undefined {
  const end = endOfRecord(bytes, at);
  const record = end === undefined ? undefined : decode(bytes, at, end);
  return typeof record === "object" && record.type === "accepted" ? record : undefined;
}

/** Where the record at `at` ends, if its CRC holds. */
export function endOfRecord(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < frameLength + identityLength) return undefined;
  const end = at + frameLength + bytes.readUInt32LE(at + 4);
  if (end > bytes.length || end < at + frameLength + identityLength) return undefined;
  return crc32(bytes, at + 4, end) === bytes.readUInt32LE(at) ? end : undefined;
}

/** The record from `start` to `end`, whose CRC holds; undefined if it makes no sense. */
export function decode(bytes: Buffer, start: number, end: number): JournalRecord | "unknown type" | undefined {
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
