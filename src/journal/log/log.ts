// The log: writes ACCEPTED at once and the steps of tasks in groups, all in the order of the calls.
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { isFull } from "../files/failure.js";
import {
  type AcceptedHead,
  type Content,
  encodeAccepted,
  encodeEnded,
  encodeStep,
  type Identity,
  mostBytesOfAccepted,
  mostBytesOfStep,
} from "../format/encode.js";
import { type Ending, endingNumber, frameLength, recordType } from "../format/format.js";
import type { SegmentChain } from "./chain.js";
import type { Reclaimer } from "./reclaim.js";
import type { Reserve } from "./reserve.js";
import { JournalEntry, type Segment } from "./segment.js";
import type { SegmentWriter } from "./segment-writer.js";

// About 2,000 steps. A task that does not fit is written from a buffer of its own.
const groupSize = 64 * 1024;

const microtask = Promise.resolve();

export class Log {
  readonly #buffer = Buffer.allocUnsafeSlow(groupSize);
  // Bytes of steps that wait in the buffer for the next write.
  #waiting = 0;
  // What did not fit into the buffer while nothing could be written: the ends of tasks. Each task has one.
  readonly #unwritten: Buffer[] = [];
  // Of the last write.
  #failure: unknown;
  #hasFailed = false;
  #scheduled = false;
  readonly #flushScheduled = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /**
   * @param capacity most bytes of unfinished tasks, as things are
   * @param mostCapacity what that is when nothing else takes room
   */
  constructor(
    readonly chain: SegmentChain,
    private readonly writer: SegmentWriter,
    private readonly reclaimer: Reclaimer,
    private readonly reserve: Reserve,
    private readonly capacity: () => number,
    private readonly mostCapacity: number,
    private readonly logger: Logger,
  ) {}

  /**
   * Writes ACCEPTED, after the steps that wait. The kernel has it when this returns.
   *
   * @throws OffloadError AR_JOURNAL_FULL, AR_JOURNAL_UNAVAILABLE or AR_PAYLOAD_TOO_LARGE: the task is not in the journal
   */
  accept(head: AcceptedHead, content: Content): JournalEntry {
    const capacity = this.capacity();
    if (content.length > this.mostCapacity) {
      throw new OffloadError(
        "AR_PAYLOAD_TOO_LARGE",
        `journal: the payload and its context take ${content.length} bytes, and all unfinished tasks together may take ` +
          `${this.mostCapacity}, half of journal.maxBytes; send a key or a path instead of the content, or raise journal.maxBytes`,
      );
    }
    if (this.chain.liveBytes + content.length > capacity) {
      throw new OffloadError(
        "AR_JOURNAL_FULL",
        `journal: ${this.chain.live} unfinished tasks hold ${this.chain.liveBytes} of the ${capacity} bytes that maxBytes leaves them`,
      );
    }
    // What is left of the disk is for the ends of the tasks there are.
    const noReserve = this.reserve.isWhole ? undefined : this.reserve.fill();
    if (noReserve !== undefined) throw noReserve;
    if (this.#unwritten.length > 0 && !this.flush()) throw this.#failure;
    const most = mostBytesOfAccepted(head, content);
    if (this.#waiting + most > groupSize) return this.#acceptLarge(head, content, most);
    return this.#write(this.#buffer, encodeAccepted(this.#buffer, this.#waiting, head, content), head);
  }

  /** The task begins to run. */
  started(entry: JournalEntry, attempt: number): void {
    entry.attempt = attempt;
    entry.running = true;
    this.#step(entry, recordType.started);
  }

  /** The task does not run any more and has not ended. */
  stopped(entry: JournalEntry, attempt: number): void {
    entry.attempt = attempt;
    entry.running = false;
    this.#step(entry, recordType.stopped);
  }

  /** The task has left the journal. */
  ended(entry: JournalEntry, ending: Ending): void {
    this.chain.remove(entry);
    this.#end(entry, ending);
  }

  /** Writes the steps that wait; false if they cannot be written, and wait for the next call. */
  flush(): boolean {
    if (this.#waiting === 0 && this.#unwritten.length === 0) return true;
    if (this.#isWritten()) return true;
    const { bytes } = this.chain;
    // Deleting finished segments may make the room that is missing.
    this.reclaimer.drop();
    if (this.chain.bytes < bytes && this.#isWritten()) return true;
    while (isFull(this.#failure) && this.reserve.release(groupSize)) if (this.#isWritten()) return true;
    return false;
  }

  #isWritten(): boolean {
    try {
      for (let ends = this.#unwritten[0]; ends !== undefined; ends = this.#unwritten[0]) {
        this.writer.write(ends, ends.length);
        this.#unwritten.shift();
      }
      const length = this.#waiting;
      if (length > 0) this.writer.write(this.#buffer, length);
      this.#wrote(length);
      return true;
    } catch (error) {
      this.#failure = error;
      return false;
    }
  }

  #wrote(length: number): void {
    this.#waiting = 0;
    this.#hasFailed = false;
    this.reclaimer.run(length);
  }

  #acceptLarge(head: AcceptedHead, content: Content, most: number): JournalEntry {
    this.flush();
    if (this.#waiting + most <= groupSize) {
      return this.#write(this.#buffer, encodeAccepted(this.#buffer, this.#waiting, head, content), head);
    }
    const buffer = Buffer.allocUnsafeSlow(this.#waiting + most);
    this.#buffer.copy(buffer, 0, 0, this.#waiting);
    return this.#write(buffer, encodeAccepted(buffer, this.#waiting, head, content), head);
  }

  /** Writes the first `end` bytes: the steps that waited, then the ACCEPTED record. */
  #write(buffer: Buffer, end: number, head: AcceptedHead): JournalEntry {
    const length = end - this.#waiting;
    let segment: Segment;
    try {
      segment = this.writer.write(buffer, end);
    } catch (error) {
      // The record may be whole in a segment that could not be cut back. ENDED makes sure that the task is not run.
      if (this.writer.uncertain) this.#end(head, "refused");
      this.reclaimer.drop();
      throw error;
    }
    const entry = new JournalEntry(head.id, head.retries);
    entry.attempt = head.attempt;
    entry.interrupted = head.interrupted;
    this.chain.add(segment, entry, segment.size - length, length);
    this.#wrote(end);
    return entry;
  }

  #step(entry: JournalEntry, type: typeof recordType.started | typeof recordType.stopped): void {
    this.#makeRoom(entry);
    this.#waiting = encodeStep(this.#buffer, this.#waiting, type, entry, entry);
    this.#schedule();
  }

  #end(identity: Identity, ending: Ending): void {
    this.#makeRoom(identity);
    this.#waiting = encodeEnded(this.#buffer, this.#waiting, identity, endingNumber(ending));
    this.#schedule();
  }

  #makeRoom(identity: Identity): void {
    if (this.#waiting + mostBytesOfStep(identity) <= groupSize || this.flush()) return;
    this.#unwritten.push(endsIn(this.#buffer, this.#waiting));
    this.#waiting = 0;
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.logger.error(
      { err: this.#failure, directory: this.chain.segments.at(-1)?.directory },
      "journal: the steps of tasks cannot be written; after a crash, tasks that have ended would run again",
    );
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // queueMicrotask() makes an AsyncResource for each call (Node 20 to 26), and writing needs no context.
    void microtask.then(this.#flushScheduled);
  }
}

/** The ENDED records among the first `length` bytes. Of other steps, the later ones of the same task count. */
function endsIn(buffer: Buffer, length: number): Buffer {
  const ends: Buffer[] = [];
  for (let at = 0; at < length; ) {
    const end = at + frameLength + buffer.readUInt32LE(at + 4);
    if (buffer[at + frameLength] === recordType.ended) ends.push(buffer.subarray(at, end));
    at = end;
  }
  return Buffer.concat(ends);
}
