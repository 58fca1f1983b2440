// The bytes of a payload while it is captured: numbers and strings as our stream holds them, in memory that is used again.
import { tags } from "./stream-format.js";

/** Longer strings are written where they are: a call of Node.js for each is little beside their characters. */
const mostGathered = 255;
/** Strings that are gathered into one. If one of them has a character beyond Latin-1, all of these are written in UTF-16. */
const perChunk = 256;
/** So many strings are added one to the other: to join all places takes 2 kB and 1 us. */
const mostAdded = 64;
/** Beyond Latin-1. */
const wide = /[\u0100-\uffff]/;
const firstBytes = 16_384;
/** Characters. The search of a longer string takes several times as long as to copy it, until V8 has compiled it. */
const mostSearched = 8_192;
/** Memory up to this size is kept for the next payload. */
const mostKept = 1_048_576;

export class ByteWriter {
  /** Where the next byte goes. */
  at = 0;
  /** Whether strings have to stay where they are, because what is written may be taken back. */
  inPlace = false;
  /** Empty from `#count` on. */
  readonly #gathered: string[] = new Array(perChunk).fill("");
  #count = 0;
  #chunks: string[] = [];
  #buffer: ArrayBuffer = new ArrayBuffer(firstBytes);
  #bytes: Uint8Array = new Uint8Array(this.#buffer);
  #view: DataView = new DataView(this.#buffer);
  #memory: Buffer = Buffer.from(this.#buffer);

  /** What is written so far, in the writer's own memory. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.at);
  }

  /** What is written from there on, in memory of its own. */
  copy(from = 0): Uint8Array {
    return this.#bytes.slice(from, this.at);
  }

  /** Begins anew, in the same memory. Nobody may use what it has written any more. */
  clear(): void {
    this.at = 0;
    this.inPlace = false;
    this.#forgetGathered();
    if (this.#chunks.length > 0) this.#chunks = [];
    if (this.#bytes.length > mostKept) this.#use(new ArrayBuffer(firstBytes));
  }

  byte(value: number): void {
    if (this.at === this.#bytes.length) this.#grow(1);
    this.#bytes[this.at++] = value;
  }

  uint32(value: number): void {
    if (this.at + 4 > this.#bytes.length) this.#grow(4);
    this.#view.setUint32(this.at, value, true);
    this.at += 4;
  }

  double(value: number): void {
    if (this.at + 8 > this.#bytes.length) this.#grow(8);
    this.#view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  /** @returns where it is, to be written by `fillUint32()` when it is known */
  laterUint32(): number {
    const { at } = this;
    this.uint32(0);
    return at;
  }

  fillUint32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  raw(bytes: Uint8Array): void {
    if (this.at + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  number(value: number): void {
    if (this.at + 9 > this.#bytes.length) this.#grow(9);
    const bytes = this.#bytes;
    const { at } = this;
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0 && value < 256) {
        bytes[at] = tags.byte;
        bytes[at + 1] = value;
        this.at = at + 2;
        return;
      }
      bytes[at] = tags.int32;
      this.#view.setInt32(at + 1, value, true);
      this.at = at + 5;
      return;
    }
    bytes[at] = tags.double;
    this.#view.setFloat64(at + 1, value, true);
    this.at = at + 9;
  }

  /** Its length here, its characters with those of others behind the value: one by one they take twice as long. */
  string(text: string): void {
    const { length } = text;
    if (length > mostGathered || this.inPlace) {
      this.stringInPlace(text);
      return;
    }
    if (this.at + 2 > this.#bytes.length) this.#grow(2);
    this.#bytes[this.at] = tags.shortString;
    this.#bytes[this.at + 1] = length;
    this.at += 2;
    if (length === 0) return;
    this.#gathered[this.#count++] = text;
    if (this.#count === perChunk) this.#chunks.push(this.#takeGathered());
  }

  stringInPlace(text: string): void {
    const { length } = text;
    if (this.at + 5 + length > this.#bytes.length) this.#grow(5 + length);
    const start = this.at + 5;
    const memory = this.#memory;
    // To write a long one and to compare it is quicker than to search it.
    const isSearched = length <= mostSearched;
    if (!isSearched) memory.write(text, start, "latin1");
    if (isSearched ? wide.test(text) : memory.toString("latin1", start, start + length) !== text) {
      this.#wideString(text);
      return;
    }
    if (isSearched) memory.write(text, start, "latin1");
    this.byte(tags.longString);
    this.uint32(length);
    this.at += length;
  }

  /** Writes the characters of all strings that were not written in place. */
  texts(): void {
    const gathered = this.#count > 0 ? this.#takeGathered() : undefined;
    this.uint32(this.#chunks.length + (gathered === undefined ? 0 : 1));
    for (const text of this.#chunks) this.stringInPlace(text);
    if (gathered !== undefined) this.stringInPlace(gathered);
  }

  /** What was gathered, in one. */
  #takeGathered(): string {
    let text = "";
    if (this.#count > mostAdded) text = this.#gathered.join("");
    else for (let index = 0; index < this.#count; index++) text += this.#gathered[index];
    this.#forgetGathered();
    return text;
  }

  #forgetGathered(): void {
    while (this.#count > 0) this.#gathered[--this.#count] = "";
  }

  /** In UTF-16 and not UTF-8, which has no half of a surrogate pair. */
  #wideString(text: string): void {
    const bytes = 2 * text.length;
    this.byte(tags.wideString);
    this.uint32(bytes);
    if (this.at + bytes > this.#bytes.length) this.#grow(bytes);
    this.#memory.write(text, this.at, "utf16le");
    this.at += bytes;
  }

  #grow(more: number): void {
    const buffer = new ArrayBuffer(Math.max(2 * this.#bytes.length, this.at + more));
    new Uint8Array(buffer).set(this.written);
    this.#use(buffer);
  }

  #use(buffer: ArrayBuffer): void {
    this.#buffer = buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#memory = Buffer.from(buffer);
  }
}
