// The segments of the log in the order of writing, adopted ones before our own. Only the oldest is ever removed: an ENDED
// record must outlive the ACCEPTED record that it ends, or the task would rise again at the next start.
import { segmentSize } from "../format/format.js";
import type { JournalEntry, Segment } from "./segment.js";

export class SegmentChain {
  #segments: Segment[] = [];
  // Where the adopted segments end and our own begin.
  #adopted = 0;
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

  /** A new segment of ours, the last. */
  push(segment: Segment): void {
    this.#segments.push(segment);
  }

  /** Segments of dead owners. Our records about their tasks come later, so they stand before all of ours. */
  adopt(segments: readonly Segment[]): void {
    this.#segments.splice(this.#adopted, 0, ...segments);
    this.#adopted += segments.length;
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

  /** Takes the oldest segment out. */
  shift(): void {
    const head = this.#segments.shift();
    if (head === undefined) return;
    this.bytes -= head.size;
    if (this.#adopted > 0) this.#adopted--;
  }

  /** Whether so much is finished that the unfinished rest is worth writing anew. */
  get isSparse(): boolean {
    return this.bytes > Math.max(4 * segmentSize, 2 * this.liveBytes);
  }
}
