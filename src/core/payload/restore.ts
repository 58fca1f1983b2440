// Makes the value of captured bytes again, in any thread, as often as is asked.
import { Deserializer } from "node:v8";
import { type Captured, isBytes, type PayloadBytes } from "./payload.js";
import { type ErrorContents, emptyError, fillError } from "./stream/make-error.js";
import { codes, makeView } from "./stream/stream-format.js";

/**
 * The value that was captured: a flat one as it is, any other made anew at each call. Of a value captured for moving the large
 * buffers are handed out as they are, so it can be restored once. What is aside is the same in every one.
 *
 * @throws what V8 throws for bytes that it cannot read, such as those of a newer Node.js
 */
export function restore(captured: Captured): unknown {
  return isBytes(captured) ? new PayloadReader(captured).read() : captured;
}

/**
 * As {@link restore}, and a flat value is copied too: for what was captured once and is handed out several times, each time to
 * code that may change it.
 */
export function restoreAnew(captured: Captured): unknown {
  const value = restore(captured);
  return value === captured && typeof value === "object" && value !== null ? { ...value } : value;
}

class PayloadReader extends Deserializer {
  readonly #payload: PayloadBytes;
  readonly #errors: Error[] = [];

  constructor(payload: PayloadBytes) {
    super(payload.bytes.subarray(0, payload.lengths[0]));
    this.#payload = payload;
  }

  read(): unknown {
    this.readHeader();
    const buffers = this.readUint32();
    for (let index = 0; index < buffers; index++) this.transferArrayBuffer(index, this.#part(index));
    const value: unknown = this.readValue();
    // Errors met in the contents of another have theirs behind them.
    for (const error of this.#errors) fillError(error, this.readValue() as ErrorContents);
    return value;
  }

  /** Called by V8 where a host object was written. */
  _readHostObject(): object {
    const code = this.readUint32();
    if (code < codes.largeView) return this.#view(code - codes.view);
    if (code < codes.viewOnAside) {
      const part = this.#part(this.readUint32());
      return makeView(code - codes.largeView, part, 0, part.byteLength);
    }
    if (code < codes.aside) {
      const buffer = this.#aside() as ArrayBufferLike;
      const offset = this.readDouble();
      return makeView(code - codes.viewOnAside, buffer, offset, this.readDouble());
    }
    switch (code) {
      case codes.aside:
        return this.#aside();
      case codes.error:
      case codes.aggregateError:
        return this.#error(code === codes.aggregateError, this.readUint32());
      case codes.url:
        return new URL(this.readValue());
      case codes.urlSearchParams:
        return new URLSearchParams(this.readValue());
      case codes.file:
        return this.#file(this.#aside() as Blob);
      default:
        throw new Error(`a payload with an object of kind ${code}, which this version does not know`);
    }
  }

  #view(number: number): ArrayBufferView {
    const length = this.readUint32();
    // A buffer of its own: what readRawBytes() gives shows the whole record.
    const buffer = new ArrayBuffer(length);
    new Uint8Array(buffer).set(this.readRawBytes(length));
    return makeView(number, buffer, 0, length);
  }

  #part(index: number): ArrayBuffer {
    const { bytes, lengths, loose } = this.#payload;
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

  #file(blob: Blob): File {
    const [name, lastModified] = this.readValue() as [string, number];
    return new File([blob], name, { type: blob.type, lastModified });
  }

  #aside(): object {
    const item: unknown = this.#payload.aside?.[this.readUint32()];
    if (typeof item !== "object" || item === null) throw new Error("a payload without what travels beside it");
    return item;
  }

  #error(hasMembers: boolean, classNumber: number): Error {
    const error = emptyError(hasMembers, classNumber);
    this.#errors.push(error);
    return error;
  }
}
