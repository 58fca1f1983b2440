// Writes a value into a stream of V8's serialization, with views and markers as host objects of ours.
import { types } from "node:util";
import { Serializer } from "node:v8";
import { classNumber } from "./make-error.js";
import { type ErrorMarker, Marker } from "./markers.js";
import { codes, largeBytes, viewNumber } from "./stream-format.js";

/** A stream, and the large buffers behind it. */
export interface Written {
  /** Memory of the serializer: to be copied out and freed. */
  readonly stream: Buffer;
  readonly parts: readonly Uint8Array[];
}

/**
 * @param value holds nothing special but markers
 * @param buffers the large ArrayBuffers in it
 * @throws what V8 throws for what it cannot write, and what a getter throws
 */
export function write(value: unknown, buffers: ReadonlySet<ArrayBuffer>): Written {
  const writer = new PayloadWriter();
  writer.begin(buffers);
  writer.writeValue(value);
  writer.writeErrors();
  return { stream: writer.releaseBuffer(), parts: writer.parts };
}

/** The documented hooks of a serializer, which its types leave out. */
interface Hooks {
  _setTreatArrayBufferViewsAsHostObjects(on: boolean): void;
}

class PayloadWriter extends Serializer {
  readonly parts: Uint8Array[] = [];
  readonly #errors: ErrorMarker[] = [];

  begin(buffers: ReadonlySet<ArrayBuffer>): void {
    (this as unknown as Hooks)._setTreatArrayBufferViewsAsHostObjects(true);
    this.writeHeader();
    this.writeUint32(buffers.size);
    for (const buffer of buffers) {
      this.transferArrayBuffer(this.parts.length, buffer);
      this.parts.push(new Uint8Array(buffer));
    }
  }

  /** Called by V8 for each view, and for objects of Node's that have no contents in JavaScript. */
  _writeHostObject(value: object): void {
    if (value instanceof Marker) value.write(this);
    else if (ArrayBuffer.isView(value)) this.#view(value);
    else throw new TypeError("an object without contents in JavaScript");
  }

  writeError(hasMembers: boolean, marker: ErrorMarker): void {
    this.writeUint32(hasMembers ? codes.aggregateError : codes.error);
    this.writeUint32(classNumber(marker.contents.name));
    this.#errors.push(marker);
  }

  /** The contents of the errors met. Errors met in those are written behind them. */
  writeErrors(): void {
    for (const { contents } of this.#errors) this.writeValue(contents);
  }

  #view(view: ArrayBufferView): void {
    const { buffer, byteLength } = view;
    if (types.isSharedArrayBuffer(buffer)) throw new TypeError("shared memory");
    if (byteLength >= largeBytes) {
      this.writeUint32(codes.largeView + viewNumber(view));
      this.writeUint32(this.parts.length);
      this.parts.push(new Uint8Array(buffer, view.byteOffset, byteLength));
      return;
    }
    // A view of a detached buffer says that it is empty. Another view cannot be made on one.
    if (byteLength === 0) new Uint8Array(buffer);
    this.writeUint32(codes.view + viewNumber(view));
    this.writeUint32(byteLength);
    this.writeRawBytes(view as Uint8Array);
  }
}
