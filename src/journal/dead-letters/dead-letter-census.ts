// How many dead letters there are, by reason, as far as this process knows: others write and discard them too. A scrape must
// not read files, so the reason of each is remembered.
import type { DeadLetterReason } from "../../store/store.js";
import type { FileSystem } from "../files/file-system.js";
import { readFully } from "../files/file-system.js";
import { formatVersion, frameLength, headerLength, versionOf } from "../format/format.js";
import { decode, endOfRecord } from "../format/record.js";

type Counts = Record<DeadLetterReason, number>;

export class DeadLetterCensus {
  readonly #reasons = new Map<string, DeadLetterReason>();
  readonly #counts: Counts = {
    exhausted: 0,
    crashed: 0,
    timeout: 0,
    "unknown-task": 0,
    unreadable: 0,
    damaged: 0,
  };

  constructor(private readonly fs: FileSystem) {}

  get counts(): Readonly<Counts> {
    return { ...this.#counts };
  }

  add(id: string, reason: DeadLetterReason): void {
    this.remove(id);
    this.#reasons.set(id, reason);
    this.#counts[reason]++;
  }

  remove(id: string): void {
    const reason = this.#reasons.get(id);
    if (reason === undefined) return;
    this.#reasons.delete(id);
    this.#counts[reason]--;
  }

  /** Reads the reason in a file that is not known yet. */
  find(id: string, file: string): void {
    if (this.#reasons.has(id)) return;
    const reason = reasonIn(this.fs, file);
    if (reason !== undefined) this.add(id, reason);
  }

  /** Forgets those that are gone. */
  keep(ids: readonly string[]): void {
    const there = new Set(ids);
    for (const id of [...this.#reasons.keys()]) if (!there.has(id)) this.remove(id);
  }
}

/** Reads only the end of the file, because the payload before it may be large; undefined if the file cannot be opened. */
function reasonIn(fs: FileSystem, file: string): DeadLetterReason | undefined {
  let fd: number;
  try {
    fd = fs.open(file, "r");
  } catch {
    return undefined;
  }
  try {
    const head = Buffer.alloc(headerLength + frameLength);
    readFully(fs, fd, head, head.length, 0);
    if ((versionOf(head) ?? 0) > formatVersion) return "unreadable";
    const at = head.length + head.readUInt32LE(headerLength + 4);
    const last = Buffer.alloc(Math.max(0, fs.fstat(fd).size - at));
    const end = endOfRecord(last.subarray(0, readFully(fs, fd, last, last.length, at)), 0);
    const record = end === undefined ? undefined : decode(last, 0, end);
    return typeof record === "object" && record.type === "dead-letter" ? record.reason : "damaged";
  } catch {
    return "damaged";
  } finally {
    fs.close(fd);
  }
}
