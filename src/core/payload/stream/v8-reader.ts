// Reads a stream that an earlier version wrote with V8's serializer, which journals may still hold. Beside what V8 writes itself it
// holds host objects: one of these codes, then what belongs to it.
import { Deserializer } from "node:v8";
import type { PayloadBytes } from "../payload.js";
import { type ErrorContents, emptyError, fillError } from "./make-error.js";
import { partOf } from "./parts.js";
import { makeView } from "./stream-format.js";

/** Codes of host objects. Up to 48 the number of the view's class is added. */
const codes = {
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

export class V8Reader extends Deserializer {
  readonly #payload: PayloadBytes;
  readonly #errors: Error[] = [];

  constructor(payload: PayloadBytes) {
    super(payload.bytes.subarray(0, payload.lengths[0]));
    this.#payload = payload;
  }

  read(): unknown {
    this.readHeader();
    const buffers = this.readUint32();
    for (let index = 0; index < buffers; index++) this.transferArrayBuffer(index, partOf(this.#payload, index));
    const value: unknown = this.readValue();
    // Errors met in the contents of another have theirs behind them.
    for (const error of this.#errors) {
      const { cause, ...contents } = this.readValue() as ErrorContents;
      fillError(error, cause === undefined ? contents : { ...contents, cause });
    }
    return value;
  }

  /** Called by V8 where a host object was written. */
  _readHostObject(): object {
    const code = this.readUint32();
    if (code < codes.largeView) return this.#view(code - codes.view);
    if (code < codes.viewOnAside) {
      const part = partOf(this.#payload, this.readUint32());
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
