// Hands out the short strings of a stream, whose characters lie together in chunks.
import type { ByteReader } from "./byte-reader.js";
import { tags } from "./stream-format.js";

interface Chunk {
  readonly isWide: boolean;
  readonly start: number;
  readonly end: number;
}

const none: Chunk = { isWide: false, start: 0, end: 0 };

export class TextReader {
  readonly #chunks: Chunk[] = [];
  #next = 0;
  #chunk: Chunk = none;
  #at = 0;

  /** @param reader stands where the chunks are, and behind them afterwards */
  constructor(private readonly reader: ByteReader) {
    for (let left = reader.uint32(); left > 0; left--) {
      const isWide = reader.byte() === tags.wideString;
      const length = reader.uint32();
      this.#chunks.push({ isWide, start: reader.at, end: reader.at + length });
      reader.at += length;
    }
  }

  next(length: number): string {
    if (length === 0) return "";
    if (this.#at === this.#chunk.end) {
      this.#chunk = this.#chunks[this.#next++] ?? none;
      this.#at = this.#chunk.start;
    }
    const start = this.#at;
    this.#at += this.#chunk.isWide ? 2 * length : length;
    return this.#chunk.isWide ? this.reader.utf16(start, this.#at) : this.reader.latin1(start, this.#at);
  }
}
