// A payload as it is kept: small flat values as they are, everything else as bytes that any thread can read.
import { reflect } from "./reflect.js";

/** What the wire, the journal and an engine carry: a primitive, a flat object of primitives, or {@link PayloadBytes}. */
export type Captured = unknown;

/** What a {@link PayloadBytes} may hold beside its bytes. */
export interface Beside {
  /** What only structured clone can carry and the stream refers to by number: moved buffers, ports, shared memory, Blobs. */
  readonly aside?: readonly unknown[] | undefined;
  /** For each of `aside`, where it was in the payload. Only the capturing thread knows. */
  readonly asidePaths?: readonly string[] | undefined;
  /** For each of `aside`, the words for what it was in the payload. A Blob may travel in the place of a File. */
  readonly asideKinds?: readonly string[] | undefined;
  /** The objects of `aside` that must be moved when the payload is posted for its only attempt. */
  readonly moved?: readonly object[] | undefined;
  /** Large buffers as they are, instead of behind the stream: they move to another thread without a copy. */
  readonly loose?: readonly ArrayBuffer[] | undefined;
  /** Gives the memory behind `bytes` back to its pool. */
  readonly free?: (() => void) | undefined;
}

const nothing = new Uint8Array(0);
const noBeside: Beside = {};

const brand: unique symbol = Symbol("offload-after-response.bytes");

/**
 * A value as bytes: one stream of V8's serialization, then the large buffers that the stream refers to by number, one behind
 * the other. Never part of a user's payload, so {@link isBytes} tells it from a flat value.
 */
export class PayloadBytes {
  #bytes: Uint8Array;
  #free: (() => void) | undefined;
  /** Length of the stream, then for each large buffer the length of the gap before it and its own. */
  readonly lengths: readonly number[];
  readonly aside: readonly unknown[] | undefined;
  readonly asidePaths: readonly string[] | undefined;
  readonly asideKinds: readonly string[] | undefined;
  readonly moved: readonly object[] | undefined;
  readonly loose: readonly ArrayBuffer[] | undefined;

  static {
    // Of the class and not of each.
    Object.defineProperty(PayloadBytes.prototype, brand, { value: true });
  }

  constructor(bytes: Uint8Array, lengths: readonly number[], beside: Beside = noBeside) {
    this.#bytes = bytes;
    this.#free = beside.free;
    this.lengths = lengths;
    this.aside = beside.aside;
    this.asidePaths = beside.asidePaths;
    this.asideKinds = beside.asideKinds;
    this.moved = beside.moved;
    this.loose = beside.loose;
  }

  /** The stream and the large buffers. Its buffer may be a SharedArrayBuffer of the arena. Empty after `release()`. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /**
   * Gives the memory back, to be used by another payload. Nobody may read these bytes any more, in any thread: call it when
   * the task is final, or when its only attempt has begun. A payload that is dropped unreleased costs only the reuse.
   */
  release(): void {
    this.#bytes = nothing;
    const free = this.#free;
    this.#free = undefined;
    free?.();
  }
}

/**
 * Whether it is one. Each task asks several times. Code that is not optimised yet takes ten times as long for `instanceof`, and optimised
 * code, among payloads of several shapes, ten times as long for `#bytes in captured`.
 */
export function isBytes(captured: Captured): captured is PayloadBytes {
  return typeof captured === "object" && captured !== null && (captured as { [brand]?: true })[brand] === true;
}

/**
 * The bytes a captured value holds: exact for {@link PayloadBytes}, what is in `aside` counted where it is a buffer; an
 * estimate for flat values, 16 a field and one a character.
 */
export function sizeOf(captured: Captured): number {
  if (typeof captured === "string") return captured.length;
  if (typeof captured !== "object" || captured === null) return 8;
  if (isBytes(captured)) return sizeOfBytes(captured);
  let size = 16;
  for (const key in captured) {
    const field = (captured as Record<string, unknown>)[key];
    size += typeof field === "string" ? 16 + field.length : 16;
  }
  return size;
}

function sizeOfBytes({ bytes, loose, aside }: PayloadBytes): number {
  let size = bytes.byteLength;
  if (loose !== undefined) for (const buffer of loose) size += buffer.byteLength;
  if (aside !== undefined) {
    for (const item of aside) {
      const length: unknown = typeof item === "object" && item !== null ? reflect.get(item, "byteLength") : 0;
      if (typeof length === "number") size += length;
    }
  }
  return size;
}
