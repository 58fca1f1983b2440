// The constants of the format: the header of a file, the types of records, and the numbers that stand for words.
// docs/journal-format.md describes the whole byte by byte.
import type { FinalState } from "../../core/states.js";
import type { DeadLetterReason } from "../../store/store.js";
import { crc32 } from "./crc.js";

/** The version that this code writes, and the newest that it reads. Version 1 had no encoding `bytes`. */
export const formatVersion = 2;

/** Every file begins with: magic (8 bytes), version (u16), zero (u16), CRC-32 of these 12 bytes (u32). */
export const headerLength = 16;
const magic = Buffer.from("ARJOURNL", "latin1");

/** A record begins with its CRC-32 and its length, 4 bytes each; the CRC covers everything after it. */
export const frameLength = 8;

/** Then its type (u8), the length of its id (u8), the retries of its task (u16), and the id. */
export const identityLength = 4;

/** A segment of this size is full. */
export const segmentSize: number = 4 * 1024 * 1024;

export const recordType = { accepted: 1, started: 2, stopped: 3, ended: 4, deadLetter: 5 } as const;

/**
 * How the content of a task is written. `json`: one JSON text. `v8`: one value as V8 serializes it. `bytes`: payloads that
 * were bytes already, as they are, behind a short header.
 */
export const encodings = { json: 1, v8: 2, bytes: 3 } as const;
export type Encoding = (typeof encodings)[keyof typeof encodings];

export function isEncoding(value: number): value is Encoding {
  return value >= encodings.json && value <= encodings.bytes;
}

/** How a task leaves the journal: its final state, or as a dead letter, or because its ACCEPTED record was not written whole. */
export type Ending = FinalState | "dead-lettered" | "refused";

const endings: readonly Ending[] = [
  "succeeded",
  "failed",
  "cancelled",
  "skipped",
  "abandoned",
  "dead-lettered",
  "refused",
  "forwarded",
];

/** Why a task became a dead letter, as it is written. That a file is damaged is only found when it is read. */
export type WrittenReason = Exclude<DeadLetterReason, "damaged">;

const reasons: readonly WrittenReason[] = ["exhausted", "crashed", "timeout", "unknown-task", "unreadable"];

// 0 stands for nothing, because a byte that was never written is 0.
export const endingNumber = (ending: Ending): number => endings.indexOf(ending) + 1;
export const endingOf = (value: number): Ending | undefined => endings[value - 1];
export const reasonNumber = (reason: WrittenReason): number => reasons.indexOf(reason) + 1;
export const reasonOf = (value: number): WrittenReason | undefined => reasons[value - 1];

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
