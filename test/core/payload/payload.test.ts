// Captured values: what they hold, where they lie, how they cross, and that they are gone when they are released.
import { isDeepStrictEqual } from "node:util";
import { Serializer } from "node:v8";
import { describe, expect, it } from "vitest";
import { capture, captureForMoving, captureWhole, copy } from "../../../src/core/payload/capture.js";
import { type Captured, isBytes, type PayloadBytes, sizeOf } from "../../../src/core/payload/payload.js";
import { restore } from "../../../src/core/payload/restore.js";
import { arena } from "../../../src/core/payload/stream/arena.js";
import { streamVersion } from "../../../src/core/payload/stream/stream-format.js";
import { fromStored, fromWireForm, toWireForm, transferList } from "../../../src/core/payload/wire-form.js";

const large = 100_000;
const rows = Array.from({ length: 3_000 }, (_, id) => ({ id, name: `name ${id}`, tags: ["a", `b${id}`] }));

describe("a captured value", () => {
  it.each([1, "x".repeat(large), undefined, null, 10n, { id: 1, name: "n" }])(
    "is a value where it is flat: %#",
    (value) => {
      const captured = capture(value);
      expect(isBytes(captured)).toBe(false);
      expect(captured).toEqual(value);
      if (typeof value === "object" && value !== null) expect(captured).not.toBe(value);
    },
  );

  it.each<[string, unknown]>([
    ["nested objects", { rows }],
    ["a Buffer", Buffer.alloc(large, 1)],
    ["an ArrayBuffer", new Uint8Array(large).fill(1).buffer],
    ["both, and small ones", [new Uint8Array(large).fill(3).buffer, Buffer.alloc(2 * large, 2), Buffer.from("small")]],
    ["the same large view and buffer twice", twice(Buffer.alloc(large), new ArrayBuffer(large))],
    ["a large view of the middle of a buffer", new Float64Array(new ArrayBuffer(4 * large), 8, large / 8)],
    ["an empty array", []],
  ])("gives the value anew at each restore: %s", (_, value) => {
    const captured = bytesOf(capture(value));
    const [one, two] = [restore(captured), restore(captured)];
    expect(isDeepStrictEqual(one, value)).toBe(true);
    expect(isDeepStrictEqual(two, value)).toBe(true);
    expect(two).not.toBe(one);
  });

  it("keeps what is shared among large buffers", () => {
    const [view, buffer] = [Buffer.alloc(large), new ArrayBuffer(large)];
    const arrived = restore(capture([view, buffer, view, buffer])) as unknown[];
    expect(arrived[2]).toBe(arrived[0]);
    expect(arrived[3]).toBe(arrived[1]);
  });

  it("lies in shared memory from 64 KiB on, in exactly its bytes below", () => {
    const small = bytesOf(capture({ body: Buffer.alloc(1_000) }));
    expect(small.bytes.buffer).toBeInstanceOf(ArrayBuffer);
    expect(small.bytes.buffer.byteLength).toBe(small.bytes.byteLength);
    for (const value of [{ rows }, { body: Buffer.alloc(large) }]) {
      expect(bytesOf(capture(value)).bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    }
  });

  it("copies a large buffer at the call", () => {
    const body = Buffer.alloc(large, 1);
    const captured = capture({ body });
    body.fill(2);
    expect(isDeepStrictEqual(restore(captured), { body: Buffer.alloc(large, 1) })).toBe(true);
  });

  it("is empty when it is released, and its memory is used again; a second release is harmless", () => {
    const first = bytesOf(capture({ body: Buffer.alloc(large, 1) }));
    const { buffer } = first.bytes;
    const before = arena.freeBytes;
    first.release();
    first.release();
    expect(first.bytes.byteLength).toBe(0);
    expect(() => restore(first)).toThrow();
    expect(arena.freeBytes - before).toBe(buffer.byteLength);
    const second = bytesOf(capture({ body: Buffer.alloc(large, 2) }));
    expect(second.bytes.buffer).toBe(buffer);
    first.release();
    expect(bytesOf(capture({ body: Buffer.alloc(large, 3) })).bytes.buffer).not.toBe(buffer);
    expect(isDeepStrictEqual(restore(second), { body: Buffer.alloc(large, 2) })).toBe(true);
  });

  it("gives its memory back when what is to move cannot", () => {
    bytesOf(capture({ body: Buffer.alloc(large) })).release();
    const before = arena.freeBytes;
    expect(() => capture({ body: Buffer.alloc(large) }, "payload", { transfer: [{}] })).toThrow(/^transfer\[0\]: /);
    expect(arena.freeBytes).toBe(before);
  });

  it("says how many bytes it holds", () => {
    expect(sizeOf("abc")).toBe(3);
    expect(sizeOf(1)).toBe(8);
    expect(sizeOf({ a: "x".repeat(1_000), b: 1 })).toBe(16 + 1_000 + 32);
    const body = capture({ body: Buffer.alloc(large) });
    expect(sizeOf(body)).toBe(bytesOf(body).bytes.byteLength);
    expect(sizeOf(body)).toBeGreaterThan(large);
    // Without the gap that the part has in shared memory.
    expect(sizeOf(body) - sizeOf(captureForMoving({ body: Buffer.alloc(large) }))).toBeLessThan(64);
    expect(sizeOf(capture({ b: 1 }, "payload", { transfer: [new ArrayBuffer(large)] }))).toBeGreaterThan(large);
  });

  it("has its large buffers at multiples of 64 bytes, and zeros in the gaps, also in memory that was used before", () => {
    for (let round = 0; round < 3; round++) {
      const captured = bytesOf(capture([Buffer.alloc(large + 1, 0xff), Buffer.alloc(large + 7, 0xff), "text"]));
      const [stream = 0, gap = 0, first = 0, secondGap = 0, second = 0] = captured.lengths;
      expect([(stream + gap) % 64, (stream + gap + first + secondGap) % 64]).toEqual([0, 0]);
      expect([first, second]).toEqual([large + 1, large + 7]);
      const gaps = [
        captured.bytes.subarray(stream, stream + gap),
        captured.bytes.subarray(stream + gap + first, -second),
      ];
      expect(gaps.flatMap((bytes) => [...bytes]).every((byte) => byte === 0)).toBe(true);
      captured.release();
    }
  });

  it("as a whole copies what else would move, and keeps the path of what cannot be copied", () => {
    const { port1, port2 } = new MessageChannel();
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const transfer = [buffer, port1];
    const whole = bytesOf(captureWhole({ buffer, nested: { port1 } }, "payload", transfer));
    expect(buffer.byteLength).toBe(3);
    expect(whole.asidePaths).toEqual(["payload.nested.port1"]);
    expect(whole.moved).toBeUndefined();
    expect(restore(captureWhole({ buffer }, "payload", [buffer]))).toEqual({ buffer });
    port2.close();
  });
});

describe("a captured value between threads", () => {
  it.each<[string, unknown]>([
    ["a primitive", 1],
    ["a flat object", { id: 1 }],
    ["an array", [1, 2]],
    ["nested objects", { rows }],
    ["a Buffer", { body: Buffer.alloc(large, 1) }],
    ["what travels beside", { shared: new SharedArrayBuffer(2), date: new Date(0) }],
  ])("is told from a flat one without a list: %s", (_, value) => {
    const wire = toWireForm(capture(value));
    expect(isDeepStrictEqual(restore(fromWireForm(wire)), value)).toBe(true);
    expect(isDeepStrictEqual(restore(fromWireForm(structuredClone(wire))), value)).toBe(true);
  });

  it("moves a large result without a further copy", () => {
    const body = Buffer.alloc(large, 7);
    const captured = captureForMoving({ body, whole: new ArrayBuffer(large), rows });
    const list = transferList(captured);
    expect(list).toHaveLength(3);
    const wire = structuredClone(toWireForm(captured), { transfer: list as ArrayBuffer[] });
    expect(bytesOf(captured).bytes.byteLength).toBe(0);
    expect(body.byteLength).toBe(large);
    const received = bytesOf(fromWireForm(wire));
    const arrived = restore(received) as { body: Buffer; whole: ArrayBuffer };
    expect(isDeepStrictEqual(arrived, { body, whole: new ArrayBuffer(large), rows })).toBe(true);
    expect(received.loose).toContain(arrived.body.buffer);
    expect(received.loose).toContain(arrived.whole);
  });

  it("moves what was in transfer for its only attempt", () => {
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const captured = capture({ buffer, view: new Uint8Array(buffer, 1) }, "payload", { transfer: [buffer] });
    const list = transferList(captured);
    expect(list).toEqual(bytesOf(captured).moved);
    const wire = structuredClone(toWireForm(captured), { transfer: list as ArrayBuffer[] });
    const arrived = restore(fromWireForm(wire)) as { buffer: ArrayBuffer; view: Uint8Array };
    expect(arrived.view.buffer).toBe(arrived.buffer);
    expect([...arrived.view]).toEqual([2, 3]);
    expect(transferList("flat")).toEqual([]);
  });

  it("is restored from a file by its bytes and their lengths", () => {
    const { bytes, lengths } = bytesOf(capture({ rows, body: Buffer.alloc(large, 1) }));
    const stored = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("behind")]).subarray(6, -6);
    expect(isDeepStrictEqual(restore(fromStored(stored, [...lengths])), { rows, body: Buffer.alloc(large, 1) })).toBe(
      true,
    );
  });

  it("is refused by a version that is older than the one that wrote it", () => {
    const { bytes, lengths } = bytesOf(capture([1]));
    expect(bytes[0]).toBe(streamVersion);
    const newer = Uint8Array.from(bytes);
    newer[0] = streamVersion + 1;
    expect(() => restore(fromStored(newer, lengths))).toThrow(/expected a payload of version/);
  });

  it("is read as an earlier version wrote it into a journal, with V8's serializer", () => {
    // The count of large buffers, the value, then the contents of its error.
    const old = new V8Writer();
    old.writeHeader();
    old.writeUint32(0);
    old.writeValue({ rows, at: new Date(5), body: Buffer.from("body"), failure: new Uint8Array(0) });
    old.writeValue({ name: "RangeError", message: "of then", stack: "stack", fields: { code: "E" } });
    const stream = old.releaseBuffer();
    expect(restore(fromStored(stream, [stream.byteLength]))).toEqual({
      rows,
      at: new Date(5),
      body: Buffer.from("body"),
      failure: Object.assign(new RangeError("of then"), { code: "E" }),
    });
  });
});

/** As the writer of version 2 of the journal's format: a Buffer is a host object with its class and bytes, an error one with its class. */
class V8Writer extends Serializer {
  constructor() {
    super();
    const setTreat: unknown = Reflect.get(this, "_setTreatArrayBufferViewsAsHostObjects");
    if (typeof setTreat === "function") Reflect.apply(setTreat, this, [true]);
  }

  _writeHostObject(view: Uint8Array): void {
    this.writeUint32(Buffer.isBuffer(view) ? 0 : 49);
    // RangeError is the third of the classes.
    this.writeUint32(Buffer.isBuffer(view) ? view.byteLength : 2);
    if (Buffer.isBuffer(view)) this.writeRawBytes(view);
  }
}

describe("a payload that is meant to be slow", () => {
  it("an array with one item at a billion is captured at once, with what is special in it or without", () => {
    const sparse = Object.assign([], { 999999999: "last" });
    const arrived = copy({ sparse, also: [sparse] }) as { sparse: string[] };
    expect(arrived.sparse).toHaveLength(1_000_000_000);
    expect(Object.entries(arrived.sparse)).toEqual([["999999999", "last"]]);
    const special = copy({ sparse, url: new URL("https://example.com/") }) as typeof arrived;
    expect(Object.entries(special.sparse)).toEqual([["999999999", "last"]]);
  });

  it("objects that share objects that share objects are looked at once each", () => {
    let value: unknown = { leaf: true };
    for (let level = 0; level < 200; level++) value = { one: value, two: value };
    expect(copy(value)).toBeTypeOf("object");
    expect(copy([value, new Date(0), new URL("https://example.com/")])).toBeTypeOf("object");
  });

  it("rings of any length are captured", () => {
    for (const length of [1, 2, 3, 7, 31, 32, 33, 97, 500]) {
      const ring: { next?: unknown; previous?: unknown }[] = Array.from({ length }, () => ({}));
      for (const [index, item] of ring.entries()) {
        item.next = ring[(index + 1) % length];
        item.previous = ring[(index + length - 1) % length];
      }
      const [arrived] = copy([ring[0]]) as { next: unknown; previous: { next: unknown } }[];
      expect(arrived?.previous.next).toBe(arrived);
    }
  });

  it("a field `constructor` misleads nobody", () => {
    const parsed: unknown = JSON.parse('{"constructor":{"name":"Map"},"list":[{"constructor":null}]}');
    expect(copy(parsed)).toEqual(parsed);
    const odd = Object.assign(Object.create({ constructor: Map }), { a: [1] });
    expect(copy([odd])).toEqual([{ a: [1] }]);
  });

  it("a Proxy of a plain object arrives as its fields", () => {
    expect(copy({ proxy: new Proxy({ a: [1] }, {}) })).toEqual({ proxy: { a: [1] } });
    expect(() => copy({ proxy: new Proxy(new Map(), {}) })).toThrow(
      "payload.proxy is an instance of Map, which cannot",
    );
  });
});

function bytesOf(captured: Captured): PayloadBytes {
  if (!isBytes(captured)) throw new Error("a flat value");
  return captured;
}

function twice(...values: unknown[]): unknown[] {
  return [...values, ...values];
}
