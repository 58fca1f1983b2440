// The CRC-32 of many ranges of one buffer, each at the same cost however long it is. Reading a range takes time in proportion
// to its length, and a client's bytes can look like the beginnings of thousands of long records.
import { crc32 } from "./crc.js";

// CRCs are polynomials over two elements, modulo the CRC's own. The highest bit is the coefficient of x^0.
const modulus = 0xedb88320;
const one = 1 << 31;
const oneByte = 1 << 23;

/** Bytes between two prefixes whose CRC is kept. */
const step = 64;

export class RangeCrc {
  /** At `index`, the CRC of the first `step * index` bytes. */
  readonly #prefixes: Int32Array;

  constructor(private readonly bytes: Buffer) {
    this.#prefixes = new Int32Array(Math.floor(bytes.length / step) + 1);
    let value = 0;
    for (let index = 1; index < this.#prefixes.length; index++) {
      value = crc32(bytes, (index - 1) * step, index * step, value);
      this.#prefixes[index] = value;
    }
  }

  /** Whether the CRC-32 of the bytes from `start` to `end` is `expected`. */
  holds(start: number, end: number, expected: number): boolean {
    // The CRC of two parts is that of the first, moved on by the length of the second, plus that of the second.
    return (movedOn(this.#prefix(start), end - start) ^ expected ^ this.#prefix(end)) === 0;
  }

  /** The CRC of the first `end` bytes. */
  #prefix(end: number): number {
    const index = Math.floor(end / step);
    return crc32(this.bytes, index * step, end, this.#prefixes[index]);
  }
}

/** A CRC times x^(8 * length): as if so many zeros followed. One multiplication for each byte of the length. */
function movedOn(crc: number, length: number): number {
  let value = crc;
  for (let place = 0, rest = length; rest > 0; place++, rest = Math.floor(rest / 256)) {
    const digit = rest % 256;
    if (digit > 0) value = times(value, powers()[place * 256 + digit] ?? one);
  }
  return value;
}

let table: Int32Array | undefined;

/** At `256 * place + digit`: x^(8 * digit * 256^place). Made when it is first needed, in about 0.1 ms. */
function powers(): Int32Array {
  if (table !== undefined) return table;
  table = new Int32Array(6 * 256);
  let base = oneByte;
  for (let place = 0; place < 6; place++) {
    let value = one;
    for (let digit = 0; digit < 256; digit++) {
      table[place * 256 + digit] = value;
      value = times(value, base);
    }
    base = value;
  }
  return table;
}

/** The product of two polynomials. */
function times(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let rest = a | 0; rest !== 0; rest <<= 1) {
    if (rest < 0) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ modulus : shifted >>> 1;
  }
  return product;
}
