// Reads the numbers and strings of a stream.

export class ByteReader {
  at = 0;
  readonly #bytes: Buffer;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, length: number) {
    this.#bytes = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  byte(): number {
    const value = this.#bytes[this.at++];
    if (value === undefined) throw new RangeError("a payload that is cut short");
    return value;
  }

  uint32(): number {
    const value = this.#view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  int32(): number {
    const value = this.#view.getInt32(this.at, true);
    this.at += 4;
    return value;
  }

  double(): number {
    const value = this.#view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  latin1(start: number, end: number): string {
    return this.#bytes.toString("latin1", start, end);
  }

  utf16(start: number, end: number): string {
    return this.#bytes.toString("utf16le", start, end);
  }

  /** Of so many bytes, here. */
  string(length: number, isWide: boolean): string {
    const { at } = this;
    this.at += length;
    return isWide ? this.utf16(at, this.at) : this.latin1(at, this.at);
  }

  /** A copy, with a buffer of its own. */
  bytes(length: number): ArrayBuffer {
    const { at } = this;
    this.at += length;
    if (this.at > this.#bytes.length) throw new RangeError("a payload that is cut short");
    const made = new ArrayBuffer(length);
    new Uint8Array(made).set(this.#bytes.subarray(at, this.at));
    return made;
  }
}
