// A captured value as `postMessage` carries it. Structured clone would make a plain object of PayloadBytes, so they cross as
// an array. A flat value is never an array, so the other side tells the two apart without a list.
import { type Captured, isBytes, PayloadBytes } from "./payload.js";

/** A captured value between threads: flat values as they are, bytes as an array. */
export type WireForm = unknown;

/** Below this, moving a buffer costs more than copying it (measured between 16 and 128 KiB on Node 20 to 26). */
const movingPays = 65_536;

type Packed = readonly [
  bytes: Uint8Array,
  lengths: readonly number[],
  aside?: readonly unknown[],
  loose?: ArrayBuffer[],
];

/** @returns what to post; the objects of `aside` are in it */
export function toWireForm(captured: Captured): WireForm {
  return isBytes(captured) ? pack(captured) : captured;
}

/** @param wire what {@link toWireForm} made, on either side of `postMessage` */
export function fromWireForm(wire: WireForm): Captured {
  return Array.isArray(wire) ? unpack(wire as readonly unknown[]) : wire;
}

function pack({ bytes, lengths, aside, loose }: PayloadBytes): readonly unknown[] {
  if (loose !== undefined) return [bytes, lengths, aside ?? null, loose];
  return aside === undefined ? [bytes, lengths] : [bytes, lengths, aside];
}

function unpack(packed: readonly unknown[]): PayloadBytes {
  const [bytes, lengths, aside, loose] = packed as Packed;
  return new PayloadBytes(bytes, lengths, { aside: aside ?? undefined, loose });
}

/**
 * What to move when the captured value is posted once and for all. Afterwards it is empty on this side.
 *
 * @returns the buffers of a value captured for moving, and what was in `transfer` at its capture
 */
export function transferList(captured: Captured): readonly object[] {
  if (!isBytes(captured)) return [];
  const { bytes, moved, loose } = captured;
  const list: object[] = [...(loose ?? []), ...(moved ?? [])];
  if (bytes.byteLength >= movingPays && bytes.buffer instanceof ArrayBuffer) list.push(bytes.buffer);
  return list;
}

/**
 * Bytes that were kept in a file: `bytes` and `lengths` of a {@link PayloadBytes} without `aside`, one behind the other. The
 * stream begins with V8's format version, so restoring on an older Node.js than the one that wrote it throws.
 */
export function fromStored(bytes: Uint8Array, lengths: readonly number[]): PayloadBytes {
  return new PayloadBytes(bytes, lengths);
}
