// The stream of a payload: this version, where the table of names begins (u32), the value, the contents of each error in it in
// the order in which they were met, the table, then the characters of short strings, in chunks (count as u32) that are long strings. A value is one of these tags, then what belongs to it. Numbers are little endian.
// An object that is met again is written as its number: objects are counted as they are met.
import { reflect } from "../reflect.js";

/** The first byte of a stream. A stream of V8's, which older versions wrote into journals, begins with 0xff. */
export const streamVersion = 1;
export const v8Mark = 0xff;

/** Stored in journals: append, never change. */
export const tags = {
  /** Behind the last pair of a Map, item of a Set, field of an error. */
  end: 0,
  undefined: 1,
  /** In an array, and as the cause of an error where it is undefined. */
  hole: 2,
  null: 3,
  true: 4,
  false: 5,
  byte: 6,
  int32: 7,
  double: 8,
  /** Its length (u8). Its characters are the next of the chunks. */
  shortString: 9,
  /** Bytes (u32), then Latin-1. */
  longString: 10,
  /** Bytes (u32), then UTF-16. */
  wideString: 11,
  /** A string of its digits follows. */
  bigint: 12,
  /** The number of an object that was met before (u32). */
  again: 13,
  /** The number of its names (u32), then the value of each. */
  object: 14,
  /** Length (u32), items, then 1 and the named fields as those of an object, or 0. */
  array: 15,
  /** Length (u32), count of items (u32), then index (u32) and value of each, then as of an array. */
  sparseArray: 16,
  map: 17,
  set: 18,
  /** Its time (f64). */
  date: 19,
  /** Two strings: source and flags. */
  regExp: 20,
  /** The primitive follows. */
  boxed: 21,
  /** Length (f64), greatest length (f64, -1 where it is not resizable), bytes. */
  arrayBuffer: 22,
  /** The number of a part (u32). */
  largeArrayBuffer: 23,
  /** The number of its class (u8), length (u32), bytes. */
  view: 24,
  /** The number of its class (u8), of a part (u32) that holds exactly what the view shows. */
  largeView: 25,
  /** The number of its class (u8), of an object aside (u32), offset and length in bytes (f64 each). */
  viewOnAside: 26,
  /** The number of an object aside (u32). */
  aside: 27,
  /** The number of its class (u8). Its contents come behind the value. */
  error: 28,
  aggregateError: 29,
  /** A string follows. */
  url: 30,
  urlSearchParams: 31,
  /** The number of a Blob aside (u32), its name (string), its time (f64). */
  file: 32,
  /** The number of a part (u32), which is Latin-1. */
  largeString: 33,
  /** The number of a part (u32), which is UTF-16. */
  largeWideString: 34,
} as const;

/** Buffers from this size on are not written into the stream: it would be copied with them each time it grows. */
export const largeBytes = 65_536;

// The place in this list is stored in journals: append, never reorder.
const viewNames = [
  "Buffer",
  "DataView",
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "Float16Array",
] as const;

const typedArrayPrototype: object = Object.getPrototypeOf(Uint8Array.prototype);
const numbers = new Map<unknown, number>(viewNames.map((name, index) => [name, index]));
const bufferNumber = 0;
const dataViewNumber = 1;

/** The number of a view's built-in class: a Buffer is one, a subclass of the user's counts as what it extends. */
export function viewNumber(view: ArrayBufferView): number {
  if (Buffer.isBuffer(view)) return bufferNumber;
  // What the getter on their common prototype answers cannot be overridden, as `constructor` can.
  return numbers.get(reflect.get(typedArrayPrototype, Symbol.toStringTag, view)) ?? dataViewNumber;
}

/** A view of the class with this number on a part of a buffer. */
export function makeView(number: number, buffer: ArrayBufferLike, offset: number, byteLength: number): ArrayBufferView {
  if (number === bufferNumber) return Buffer.from(buffer as ArrayBuffer, offset, byteLength);
  const View = reflect.get(globalThis, viewNames[number] ?? "Uint8Array");
  const size: number = number === dataViewNumber ? 1 : View.BYTES_PER_ELEMENT;
  return reflect.construct(View, [buffer, offset, byteLength / size]);
}

/** Whether an ArrayBuffer goes behind the stream. A resizable one stays in the stream, with its greatest length. */
export function isLargeBuffer(value: ArrayBuffer): boolean {
  return value.byteLength >= largeBytes && reflect.get(value, "resizable") !== true;
}
