// The large buffers behind a stream.
import type { PayloadBytes } from "../payload.js";

/** A copy of the part with this number; the part itself where it lies loose. */
export function partOf({ bytes, lengths, loose }: PayloadBytes, index: number): ArrayBuffer {
  if (loose !== undefined) {
    const buffer = loose[index];
    if (buffer === undefined) throw new Error("a payload without its buffers");
    return buffer;
  }
  // Before each part stands its gap.
  const at = 2 * index + 2;
  let start = 0;
  for (let before = 0; before < at; before++) start += lengths[before] ?? 0;
  const length = lengths[at] ?? 0;
  // Not zeroed first, unlike a new ArrayBuffer.
  const made = Buffer.allocUnsafeSlow(length);
  // A plain memcpy, unlike set() on shared memory.
  if (length > 0) made.fill(bytes.subarray(start, start + length));
  return made.buffer;
}
