// The log as the journal writes to it: ACCEPTED at once, the steps of tasks in groups, all in the order of the calls.
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
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
import { type Ending, endingNumber, recordType } from "../format/format.js";
import type { SegmentChain } from "./chain.js";
import type { Reclaimer } from "./reclaim.js";
import { JournalEntry, type Segment } from "./segment.js";
import type { SegmentWriter } from "./segment-writer.js";

// About 2,000 steps. A task that does not fit is written from a buffer of its own.
const groupSize = 64 * 1024;

const microtask = Promise.resolve();

export class Log {
  readonly #buffer = Buffer.allocUnsafeSlow(groupSize);
  // Bytes of steps that wait in the buffer for the next write.
  #waiting = 0;
  #scheduled = false;
  #dropped = false;
  readonly #flushScheduled = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** @param capacity bytes of unfinished tasks at the most */
  constructor(
    readonly chain: SegmentChain,
    private readonly writer: SegmentWriter,
    private readonly reclaimer: Reclaimer,
    private readonly capacity: number,
    private readonly logger: Logger,
  ) {}

  /**
   * Writes ACCEPTED, and what waited before it. It is in the kernel's hands when this returns.
   *
   * @throws OffloadError AR_JOURNAL_FULL or AR_JOURNAL_UNAVAILABLE: the task is not in the journal
   */
  accept(head: AcceptedHead, content: Content): JournalEntry {
    if (this.chain.liveBytes + content.bytes.length > this.capacity) {
      throw new OffloadError(
        "AR_JOURNAL_FULL",
        `journal: ${this.chain.live} unfinished tasks hold ${this.chain.liveBytes} of the ${this.capacity} bytes that maxBytes leaves them`,
      );
    }
    const most = mostBytesOfAccepted(head, content);
    if (this.#waiting + most > groupSize) return this.#acceptLarge(head, content, most);
    return this.#write(this.#buffer, encodeAccepted(this.#buffer, this.#waiting, head, content), head);
  }

  /** The task begins to run: progress is what it was before. */
  started(entry: JournalEntry, attempt: number): void {
    entry.attempt = attempt;
    entry.running = true;
    this.#step(entry, recordType.started);
  }

  /** The task does not run any more, and has not ended; `attempt` is what it has had. */
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

  /** Writes what waits. What cannot be written goes on waiting, for the next call. */
  flush(): boolean {
    const length = this.#waiting;
    if (length === 0) return true;
    try {
      this.writer.write(this.#buffer, length);
    } catch {
      // Finished segments at the head may give the room that lacks.
      this.reclaimer.drop();
      return false;
    }
    this.#waiting = 0;
    this.#dropped = false;
    this.reclaimer.run(length);
    return true;
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

  /** Writes the first `end` bytes: the steps that waited, and the ACCEPTED record behind them. */
  #write(buffer: Buffer, end: number, head: AcceptedHead): JournalEntry {
    const length = end - this.#waiting;
    let segment: Segment;
    try {
      segment = this.writer.write(buffer, end);
    } catch (error) {
      // The record may be whole in a segment that could not be cut back: a later ENDED makes sure that it is not run.
      if (this.writer.uncertain) this.#end(head, "refused");
      this.reclaimer.drop();
      throw error;
    }
    this.#waiting = 0;
    this.#dropped = false;
    const entry = new JournalEntry(head.id, head.retries);
    entry.attempt = head.attempt;
    entry.interrupted = head.interrupted;
    this.chain.add(segment, entry, segment.size - length, length);
    this.reclaimer.run(end);
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
    this.#waiting = 0;
    if (this.#dropped) return;
    this.#dropped = true;
    this.logger.error(
      { directory: this.chain.segments.at(-1)?.directory },
      "journal: the ends of tasks cannot be written; after a crash, tasks that have ended would run again",
    );
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // queueMicrotask() makes an AsyncResource for each call (Node 20 to 26), for a context that writing does not need.
    void microtask.then(this.#flushScheduled);
  }
}
