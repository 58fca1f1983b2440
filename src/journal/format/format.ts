// The words of the format: the header of a file, the types of records, and the numbers that stand for words.
// docs/journal-format.md describes the whole byte by byte.
import type { FinalState } from "../../core/states.js";
import { crc32 } from "./crc.js";

/** The version that this code writes, and the newest that it reads. */
export const formatVersion = 1;

/** Every file begins with: magic (8 bytes), version (u16), zero (u16), CRC-32 of these 12 bytes (u32). */
export const headerLength = 16;
const magic = Buffer.from("ARJOURNL", "latin1");

/** A record begins with its CRC-32 and its length, 4 bytes each; the CRC covers all that follows it. */
export const frameLength = 8;

/** Then its type (u8), the length of its id (u8), the retries of its task (u16), and the id. */
export const identityLength = 4;

/** A segment that has reached this size is not written to any more. */
export const segmentSize: number = 4 * 1024 * 1024;

export const recordType = { accepted: 1, started: 2, stopped: 3, ended: 4, buried: 5 } as const;

/** How the content of a task is written: as JSON, or as V8 serializes it where JSON would lose something. */
export const encodings = { json: 1, v8: 2 } as const;
export type Encoding = (typeof encodings)[keyof typeof encodings];

/** How a task leaves the journal: its final state, or as a dead letter, or because its ACCEPTED record failed half-way. */
export type Ending = FinalState | "dead-lettered" | "refused";

const endings: readonly Ending[] = [
  "succeeded",
  "failed",
  "cancelled",
  "skipped",
  "abandoned",
  "dead-lettered",
  "refused",
];

/**
 * Why a task is a dead letter. `exhausted`: its attempts are used up. `crashed`: the process died too often while it ran.
 * `timeout`: it ran out of time. `unknown-task`: no task has its name. `unreadable`: this Node.js cannot read its payload.
 */
export type DeadLetterReason = "exhausted" | "crashed" | "timeout" | "unknown-task" | "unreadable";

const reasons: readonly DeadLetterReason[] = ["exhausted", "crashed", "timeout", "unknown-task", "unreadable"];

// 0 stands for nothing, so that a byte that was never written is no word.
export const endingNumber = (ending: Ending): number => endings.indexOf(ending) + 1;
export const endingOf = (value: number): Ending | undefined => endings[value - 1];
export const reasonNumber = (reason: DeadLetterReason): number => reasons.indexOf(reason) + 1;
export const reasonOf = (value: number): DeadLetterReason | undefined => reasons[value - 1];

/** The header of a file. */
export function header(version: number = formatVersion): Buffer {
  const bytes = Buffer.alloc(headerLength);
  magic.copy(bytes);
  bytes.writeUInt16LE(version, 8);
  bytes.writeUInt32LE(crc32(bytes, 0, 12), 12);
  return bytes;
}

/** The version that a header states; undefined if these bytes are no header. */
export function versionOf(bytes: Buffer): number | undefined {
  if (bytes.length < headerLength || bytes.compare(magic, 0, 8, 0, 8) !== 0) return undefined;
  return bytes.readUInt32LE(12) === crc32(bytes, 0, 12) ? bytes.readUInt16LE(8) : undefined;
}
