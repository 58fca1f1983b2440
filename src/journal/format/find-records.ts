// Finds whole records in bytes that do not have to begin with one: behind a record that is not whole.
import { frameLength, identityLength, recordType } from "./format.js";
import { isIdByte, mostIdBytes } from "./id.js";
import { RangeCrc } from "./range-crc.js";

/** A record that was found. */
export interface FoundRecord {
  readonly start: number;
  readonly end: number;
}

export class RecordFinder {
  #crc: RangeCrc | undefined;

  constructor(private readonly bytes: Buffer) {}

  /** The first whole record that begins at `from` or later. The time grows with the bytes that are passed, whatever they are. */
  find(from: number): FoundRecord | undefined {
    const last = this.bytes.length - frameLength - identityLength;
    for (let start = from; start <= last; start++) {
      const end = this.#plausibleEnd(start);
      if (end !== undefined && this.#isWhole(start, end)) return { start, end };
    }
    return undefined;
  }

  /** Where a record that begins at `start` would end; undefined if these bytes cannot be a record. */
  #plausibleEnd(start: number): number | undefined {
    const { bytes } = this;
    const type = Number(bytes[start + frameLength]);
    if (type < recordType.accepted || type > recordType.deadLetter) return undefined;
    const end = start + frameLength + bytes.readUInt32LE(start + 4);
    if (end > bytes.length) return undefined;
    return hasId(bytes, start, end) ? end : undefined;
  }

  #isWhole(start: number, end: number): boolean {
    this.#crc ??= new RangeCrc(this.bytes);
    return this.#crc.holds(start + 4, end, this.bytes.readUInt32LE(start));
  }
}

/** Whether the record from `start` to `end` has the id of a task. */
export function hasId(bytes: Buffer, start: number, end: number): boolean {
  const length = Number(bytes[start + frameLength + 1]);
  const from = start + frameLength + identityLength;
  if (length === 0 || length > mostIdBytes || from + length > end) return false;
  for (let at = from; at < from + length; at++) if (!isIdByte(Number(bytes[at]))) return false;
  return true;
}
