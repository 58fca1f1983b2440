// Bytes in a payload: a view brings what it shows and nothing of the buffer behind it.
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import { copy } from "../../../src/core/payload/capture.js";

const views = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];

describe("bytes in a payload", () => {
  it("a small Buffer brings its own bytes, not the pool it was cut from", () => {
    const small = Buffer.from("of this request");
    expect(small.buffer.byteLength).toBeGreaterThan(small.byteLength);
    const { body } = copy({ body: small }) as { body: Uint8Array };
    expect(body.buffer.byteLength).toBe(small.byteLength);
    expect(Buffer.from(body).toString()).toBe("of this request");
  });

  it.each([3, 100_000])("a Buffer of %d bytes arrives as a Buffer, with a buffer of its own", (length) => {
    const sent = Buffer.alloc(length, "abc");
    const captured = copy(sent) as Buffer;
    expect(Object.getPrototypeOf(captured)).toBe(Buffer.prototype);
    expect(captured.toString("base64")).toBe(sent.toString("base64"));
    expect([captured.byteOffset, captured.buffer.byteLength]).toEqual([0, length]);
  });

  it("a Buffer in a class instance, a Map, a Set or an array brings its own bytes alone", () => {
    class Upload {
      constructor(readonly body: Buffer) {}
    }
    const body = Buffer.from("abc");
    const captured = copy({
      instance: new Upload(body),
      map: new Map([[body, body]]),
      set: new Set([body]),
      array: [body],
    });
    const buffers = [...buffersIn(captured)];
    expect(buffers.map((buffer) => buffer.byteLength)).toEqual([3]);
  });

  it.each(views.map((View) => [View.name, View] as const))("a part of a %s is copied tightly", (_, View) => {
    const bytes = Uint8Array.from({ length: 64 }, (_, index) => index);
    const size = "BYTES_PER_ELEMENT" in View ? 2 : 16;
    const part: ArrayBufferView = Reflect.construct(View, [bytes.buffer, 16, size]);
    const captured = copy({ part }) as { part: typeof part };
    expect(Object.getPrototypeOf(captured.part)).toBe(View.prototype);
    expect(captured.part.byteOffset).toBe(0);
    expect(captured.part.buffer.byteLength).toBe(part.byteLength);
    expect(new Uint8Array(captured.part.buffer)).toEqual(bytes.slice(16, 16 + part.byteLength));
  });

  it("a subclass of a view arrives as the built-in class, copied tightly", () => {
    class Samples extends Float32Array {}
    const captured = copy({ samples: new Samples(new ArrayBuffer(4_000), 0, 2) }) as { samples: Float32Array };
    expect(Object.getPrototypeOf(captured.samples)).toBe(Float32Array.prototype);
    expect(captured.samples.buffer.byteLength).toBe(8);
  });

  it("a view is what it is, whatever its `constructor` says", () => {
    const odd = Object.assign(new Float64Array([0.5]), { constructor: Date });
    expect(copy([odd])).toEqual([new Float64Array([0.5])]);
  });

  it("one view met twice arrives as one; two views of one buffer arrive as two, each with its own bytes", () => {
    const buffer = new ArrayBuffer(8);
    const first = new Uint8Array(buffer, 0, 4);
    const second = new Uint8Array(buffer, 2, 4);
    const captured = copy([first, second, first, buffer]) as [Uint8Array, Uint8Array, Uint8Array, ArrayBuffer];
    expect(captured[2]).toBe(captured[0]);
    expect(captured[1].buffer).not.toBe(captured[0].buffer);
    expect(captured.map((part) => part.byteLength)).toEqual([4, 4, 4, 8]);
  });

  it("later changes of the buffer do not reach the copy", () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const captured = copy({ bytes, whole: bytes.buffer }) as { bytes: Uint8Array; whole: ArrayBuffer };
    bytes.fill(9);
    expect(captured.bytes).toEqual(new Uint8Array([1, 2, 3]));
    expect(new Uint8Array(captured.whole)).toEqual(new Uint8Array([1, 2, 3]));
  });

  it("empty views and buffers are kept", () => {
    expect(copy([new Uint8Array(0), new ArrayBuffer(0), new DataView(new ArrayBuffer(0))])).toEqual([
      new Uint8Array(0),
      new ArrayBuffer(0),
      new DataView(new ArrayBuffer(0)),
    ]);
  });

  it("a resizable buffer stays resizable, and a view of one brings the bytes that it shows now", () => {
    const buffer = resizable(4, 16);
    const tracking = new Uint8Array(buffer);
    tracking.set([1, 2, 3, 4]);
    const captured = copy({ buffer, tracking }) as { buffer: ArrayBuffer; tracking: Uint8Array };
    expect(Reflect.get(captured.buffer, "resizable")).toBe(true);
    expect(Reflect.get(captured.buffer, "maxByteLength")).toBe(16);
    expect(captured.tracking).toEqual(new Uint8Array([1, 2, 3, 4]));
    expect(captured.tracking.buffer.byteLength).toBe(4);
  });

  it("a view that its shrunken buffer no longer reaches shows nothing", () => {
    const buffer = resizable(8, 16);
    const beyond = new Uint8Array(buffer, 4, 4);
    Reflect.apply(Reflect.get(buffer, "resize"), buffer, [2]);
    expect(copy({ beyond })).toEqual({ beyond: new Uint8Array(0) });
  });

  it("a SharedArrayBuffer is shared, by itself and under a view", () => {
    const shared = new SharedArrayBuffer(8);
    const captured = copy({ shared, view: new Int32Array(shared, 4, 1) }) as {
      shared: SharedArrayBuffer;
      view: Int32Array;
    };
    expect(captured.view.byteOffset).toBe(4);
    Atomics.store(captured.view, 0, 42);
    expect(Atomics.load(new Int32Array(shared), 1)).toBe(42);
    expect(new Int32Array(captured.shared)[1]).toBe(42);
  });

  it.each<[string, (buffer: ArrayBuffer) => unknown, string]>([
    ["a buffer", (buffer) => buffer, "payload.it is an instance of ArrayBuffer, which cannot be copied to a thread"],
    ["a view", (buffer) => new Uint8Array(buffer, 1, 2), "payload.it is a view of a detached ArrayBuffer"],
    ["a DataView", (buffer) => new DataView(buffer), "payload.it is a view of a detached ArrayBuffer"],
  ])("%s that is detached is refused by its path", (_, make, message) => {
    const buffer = new ArrayBuffer(8);
    const it = make(buffer);
    structuredClone(buffer, { transfer: [buffer] });
    expect(refusal(() => copy({ it }))).toEqual(["AR_PAYLOAD_NOT_CLONEABLE", message]);
  });
});

function resizable(byteLength: number, maxByteLength: number): ArrayBuffer {
  return Reflect.construct(ArrayBuffer, [byteLength, { maxByteLength }]);
}

function* buffersIn(value: unknown, seen: Set<unknown> = new Set()): Generator<ArrayBufferLike> {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  if (ArrayBuffer.isView(value)) {
    if (!seen.has(value.buffer)) yield value.buffer;
    seen.add(value.buffer);
    return;
  }
  const parts = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value);
  for (const part of parts) yield* buffersIn(part, seen);
}

function refusal(act: () => unknown): [string, string] {
  try {
    act();
  } catch (error) {
    if (error instanceof OffloadError) return [error.code, error.message];
    throw error;
  }
  throw new Error("nothing was thrown");
}
