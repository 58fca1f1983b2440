// The stream of a payload: V8's header, the number of large ArrayBuffers, the value, then the contents of each error in it.
// What V8 cannot write as we want it is a host object: one of these codes, then what belongs to it.
import { types } from "node:util";

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

/** Codes of host objects. Up to 48 the number of the view's class is added. */
export const codes = {
  /** Length and bytes follow. */
  view: 0,
  /** The number of a large buffer follows, which holds exactly what the view shows. */
  largeView: 16,
  /** The number of an object aside, an offset and a length in bytes follow. */
  viewOnAside: 32,
  /** The number of an object aside follows. */
  aside: 48,
  /** Nothing follows: its contents come at the end of the stream. */
  error: 49,
  aggregateError: 50,
  /** A string follows. */
  url: 51,
  urlSearchParams: 52,
  /** The number of a Blob aside, then an array of name and time follow. */
  file: 53,
} as const;

const typedArrayPrototype: object = Object.getPrototypeOf(Uint8Array.prototype);
const numbers = new Map<unknown, number>(viewNames.map((name, index) => [name, index]));
const bufferNumber = 0;
const dataViewNumber = 1;

/** The number of a view's built-in class: a Buffer is one, a subclass of the user's counts as what it extends. */
export function viewNumber(view: ArrayBufferView): number {
  if (Buffer.isBuffer(view)) return bufferNumber;
  // What the getter on their common prototype answers cannot be overridden, as `constructor` can.
  return numbers.get(Reflect.get(typedArrayPrototype, Symbol.toStringTag, view)) ?? dataViewNumber;
}

/** A view of the class with this number on a part of a buffer. */
export function makeView(number: number, buffer: ArrayBufferLike, offset: number, byteLength: number): ArrayBufferView {
  if (number === bufferNumber) return Buffer.from(buffer as ArrayBuffer, offset, byteLength);
  const View = Reflect.get(globalThis, viewNames[number] ?? "Uint8Array");
  const size: number = number === dataViewNumber ? 1 : View.BYTES_PER_ELEMENT;
  return Reflect.construct(View, [buffer, offset, byteLength / size]);
}

/** Whether an ArrayBuffer goes behind the stream. V8 itself keeps a resizable one resizable, so that stays in the stream. */
export function isLargeBuffer(value: unknown): value is ArrayBuffer {
  return types.isArrayBuffer(value) && value.byteLength >= largeBytes && Reflect.get(value, "resizable") !== true;
}
