// The segments of the log in the order of writing: those taken over, then this process's own. Only the oldest is ever
// removed, because an ENDED record must outlive its ACCEPTED record, or the task would run again at the next start.
import { segmentSize } from "../format/format.js";
import type { JournalEntry, Segment } from "./segment.js";

export class SegmentChain {
  #segments: Segment[] = [];
  // How many segments at the beginning were taken over.
  #takenOver = 0;
  /** Bytes of all segments. */
  bytes = 0;
  /** Bytes of the ACCEPTED records of unfinished tasks. */
  liveBytes = 0;
  /** Unfinished tasks. */
  live = 0;

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get head(): Segment | undefined {
    return this.#segments[0];
  }

  /** Adds a segment of this process, the last. */
  push(segment: Segment): void {
    this.#segments.push(segment);
  }

  /** Adds segments of a dead process. This process's records about their tasks are in its own segments, so these come before them. */
  takeOver(segments: readonly Segment[]): void {
    this.#segments.splice(this.#takenOver, 0, ...segments);
    this.#takenOver += segments.length;
    for (const segment of segments) {
      this.bytes += segment.size;
      this.live += segment.live;
      this.liveBytes += segment.liveBytes;
    }
  }

  grow(segment: Segment, bytes: number): void {
    segment.size += bytes;
    this.bytes += bytes;
  }

  add(segment: Segment, entry: JournalEntry, offset: number, length: number): void {
    segment.add(entry, offset, length);
    this.live++;
    this.liveBytes += length;
  }

  remove(entry: JournalEntry): void {
    if (entry.segment === undefined) return;
    entry.segment.remove(entry);
    this.live--;
    this.liveBytes -= entry.length;
  }

  /** Removes the oldest segment. */
  shift(): void {
    const head = this.#segments.shift();
    if (head === undefined) return;
    this.bytes -= head.size;
    if (this.#takenOver > 0) this.#takenOver--;
  }

  /** Whether so little is unfinished that it is worth being written again. */
  get isSparse(): boolean {
    return this.bytes > Math.max(4 * segmentSize, 2 * this.liveBytes);
  }
}
