// A payload as it is kept: small flat values as they are, everything else as bytes that any thread can read.

/** What the wire, the journal and an engine carry: a primitive, a flat object of primitives, or {@link PayloadBytes}. */
export type Captured = unknown;

/**
 * A value as bytes: one stream of V8's serialization, then the large buffers that the stream refers to by number, one behind
 * the other. Never part of a user's payload, so `instanceof` tells it from a flat value.
 */
export class PayloadBytes {
  constructor(
    /** The stream and the parts. Its buffer may be a SharedArrayBuffer of the arena. */
    readonly bytes: Uint8Array,
    /** Length of the stream, then of each part. */
    readonly lengths: readonly number[],
    /** What only structured clone can carry and the stream refers to by number: moved buffers, ports, shared memory, Blobs. */
    readonly aside: readonly unknown[] | undefined,
    /** For each of `aside`, where it was in the payload. */
    readonly asidePaths: readonly string[] | undefined,
  ) {}
}
