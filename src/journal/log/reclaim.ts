// Frees disk space: deletes the oldest segments once everything in them is finished. If few unfinished tasks keep a segment,
// they are written again at the end of the log, so that it can be deleted.
import type { Logger } from "../../base/logger.js";
import { errorCode, type FileSystem, readFully } from "../files/file-system.js";
import { patchAccepted } from "../format/encode.js";
import { readAccepted } from "../format/record.js";
import type { SegmentChain } from "./chain.js";
import type { Durability } from "./durability.js";
import type { JournalEntry, Segment } from "./segment.js";
import type { SegmentWriter } from "./segment-writer.js";

// Each write also rewrites old records: this many bytes for each byte of its own, and at least this many. Rewriting begins when
// at most half of the log is unfinished, so twice the growth keeps up with it, and no call rewrites a whole segment.
const share = 2;
const least = 16 * 1024;

interface Move {
  readonly entry: JournalEntry;
  readonly at: number;
}

export class Reclaimer {
  // Segments without an unfinished task, oldest first. They are deleted in this order.
  readonly #finished: Segment[] = [];
  // How many of them may be deleted: what was rewritten of them is safe in its new place.
  #removable = 0;
  #scratch = Buffer.alloc(0);
  // A segment that could not be rewritten. It stays until its tasks have ended.
  #stuck: Segment | undefined;

  /** @param remove deletes the file of a segment, or moves it to the damaged ones */
  constructor(
    private readonly fs: FileSystem,
    private readonly chain: SegmentChain,
    private readonly writer: SegmentWriter,
    private readonly durability: Durability,
    private readonly remove: (segment: Segment) => void,
    private readonly logger: Logger,
  ) {}

  /** After a write of so many bytes. */
  run(bytes: number): void {
    this.drop();
    if (!this.chain.isSparse) return;
    this.#rewrite(Math.max(share * bytes, least));
    this.drop();
  }

  /** Deletes the finished segments at the beginning of the log. */
  drop(): void {
    for (let head = this.chain.head; head !== undefined; head = this.chain.head) {
      if (head.live > 0 || head === this.writer.active) return;
      this.chain.shift();
      this.#finished.push(head);
      this.durability.afterwards(() => {
        this.#removable++;
        this.#removeFinished();
      });
    }
  }

  #removeFinished(): void {
    for (let oldest = this.#finished[0]; oldest !== undefined && this.#removable > 0; oldest = this.#finished[0]) {
      try {
        this.remove(oldest);
      } catch (error) {
        if (errorCode(error) !== "ENOENT") {
          this.logger.warn({ err: error, segment: oldest.path }, "journal: a finished segment cannot be deleted yet");
          return;
        }
      }
      this.#finished.shift();
      this.#removable--;
    }
  }

  #rewrite(budget: number): void {
    const head = this.chain.head;
    if (head === undefined || head === this.writer.active || head === this.#stuck) return;
    let moves: Move[];
    let length: number;
    try {
      [moves, length] = this.#collect(head, budget);
    } catch (error) {
      this.#stuck = head;
      this.logger.warn(
        { err: error, segment: head.path },
        "journal: a segment cannot be compacted; it stays until its tasks have ended",
      );
      return;
    }
    this.#move(moves, length);
  }

  #move(moves: readonly Move[], length: number): void {
    let segment: Segment;
    try {
      segment = this.writer.write(this.#scratch, length);
    } catch {
      // The disk may be full. Nothing has moved, and the next successful write tries again.
      return;
    }
    const base = segment.size - length;
    for (const { entry, at } of moves) {
      const bytes = entry.length;
      this.chain.remove(entry);
      this.chain.add(segment, entry, base + at, bytes);
    }
  }

  /** Copies the oldest ACCEPTED records of a segment into the scratch buffer, brought up to date. */
  #collect(segment: Segment, budget: number): [Move[], number] {
    const moves: Move[] = [];
    let length = 0;
    const fd = this.fs.open(segment.path, "r");
    try {
      for (let entry = segment.first; entry !== undefined && length < budget; entry = entry.next) {
        this.#reserve(length, entry.length);
        const record = this.#scratch.subarray(length, length + entry.length);
        readFully(this.fs, fd, record, entry.length, entry.offset);
        // A new CRC would make damaged bytes look right.
        if (readAccepted(record, 0)?.id !== entry.id) throw new Error(`the record at byte ${entry.offset} is damaged`);
        patchAccepted(record, 0, entry.length, entry.retries, entry);
        moves.push({ entry, at: length });
        length += entry.length;
      }
    } finally {
      this.fs.close(fd);
    }
    return [moves, length];
  }

  #reserve(used: number, more: number): void {
    if (used + more <= this.#scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#scratch.length, used + more, least));
    this.#scratch.copy(larger, 0, 0, used);
    this.#scratch = larger;
  }
}
