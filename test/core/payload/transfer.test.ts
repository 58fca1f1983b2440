// Buffers that move: gone from the caller when the call returns, untouched when the call throws.
import { MessageChannel, MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import { capture } from "../../../src/core/payload/capture.js";
import { isBytes } from "../../../src/core/payload/payload.js";
import { restore } from "../../../src/core/payload/restore.js";

describe("transfer", () => {
  it("moves a buffer: the same bytes in the copy, the original detached when the call returns", () => {
    const buffer = bytes(1, 2, 3);
    const { value, transfer } = move({ buffer, other: [1] }, [buffer]);
    const moved = (value as { buffer: ArrayBuffer }).buffer;
    expect(buffer.byteLength).toBe(0);
    expect(new Uint8Array(moved)).toEqual(new Uint8Array([1, 2, 3]));
    expect(transfer).toEqual([moved]);
    expect(transfer?.[0]).toBe(moved);
    expect(value).toEqual({ buffer: moved, other: [1] });
  });

  it("moves a buffer under its views, which keep their places on it", () => {
    const buffer = bytes(0, 1, 2, 3, 4, 5, 6, 7);
    const payload = { all: new Uint8Array(buffer), part: new Uint8Array(buffer, 2, 3), view: new DataView(buffer, 4) };
    const { value, transfer } = move(payload, [buffer]);
    const { all, part, view } = value as typeof payload;
    expect(transfer).toHaveLength(1);
    for (const { buffer: behind } of [all, part, view]) expect(behind).toBe(transfer?.[0]);
    expect([...part]).toEqual([2, 3, 4]);
    expect([view.byteOffset, view.getUint8(0)]).toEqual([4, 4]);
    expect(payload.all.byteLength).toBe(0);
  });

  it("moves a buffer in a class instance, a Map and an array, once", () => {
    class Upload {
      constructor(readonly body: ArrayBuffer) {}
    }
    const buffer = bytes(1);
    const payload = { upload: new Upload(buffer), map: new Map([[buffer, buffer]]), list: [buffer] };
    const { value, transfer } = move(payload, [buffer]);
    const { upload, map, list } = value as typeof payload;
    expect(upload.body).toBe(transfer?.[0]);
    expect([...map].flat()).toEqual([transfer?.[0], transfer?.[0]]);
    expect(list[0]).toBe(upload.body);
    expect(buffer.byteLength).toBe(0);
  });

  it("moves what is listed and not in the payload, too", () => {
    const buffer = bytes(1, 2);
    const { value, transfer } = move({ id: 1 }, [buffer]);
    expect(value).toEqual({ id: 1 });
    expect(transfer).toHaveLength(1);
    expect(buffer.byteLength).toBe(0);
  });

  it("copies what is not listed, and tightly", () => {
    const moving = bytes(1);
    const staying = Buffer.from("abc");
    const { value } = move({ moving, staying }, [moving]);
    expect((value as { staying: Uint8Array }).staying.buffer.byteLength).toBe(3);
    expect(staying.toString()).toBe("abc");
  });

  it("moves a MessagePort", () => {
    const { port1, port2 } = new MessageChannel();
    const { value, transfer } = move({ port: port2 }, [port2]);
    const moved = (value as { port: MessagePort }).port;
    expect(moved).toBeInstanceOf(MessagePort);
    expect(transfer?.[0]).toBe(moved);
    port1.postMessage("through");
    expect(receiveMessageOnPort(moved)).toEqual({ message: "through" });
    port1.close();
  });

  it("with an empty list or none, nothing moves", () => {
    const buffer = bytes(1);
    expect(move({ buffer }, []).transfer).toBeUndefined();
    expect(move({ buffer }).transfer).toBeUndefined();
    expect(buffer.byteLength).toBe(1);
  });

  describe("refused, with nothing detached", () => {
    it.each<[string, (buffer: ArrayBuffer) => { payload: unknown; transfer: unknown[] }, RegExp]>([
      [
        "a function elsewhere in the payload",
        (b) => ({ payload: { b, fn() {} }, transfer: [b] }),
        /^payload\.fn is a function/,
      ],
      [
        "a function after the buffer in a list",
        (b) => ({ payload: [b, [() => 1]], transfer: [b] }),
        /^payload\[1]\[0] is a function/,
      ],
      [
        "a Promise elsewhere",
        (b) => ({ payload: { b, p: Promise.resolve() }, transfer: [b] }),
        /^payload\.p is an instance of Promise/,
      ],
      ["the same buffer listed twice", (b) => ({ payload: { b }, transfer: [b, b] }), /^transfer: .*duplicate/],
      ["a view in the list", (b) => ({ payload: { b }, transfer: [b, new Uint8Array(1)] }), /^transfer: /],
      ["a plain object in the list", (b) => ({ payload: { b }, transfer: [b, {}] }), /^transfer: /],
      ["a number in the list", (b) => ({ payload: { b }, transfer: [b, 1] }), /^transfer: /],
      [
        "a SharedArrayBuffer in the list",
        (b) => ({ payload: { b }, transfer: [b, new SharedArrayBuffer(1)] }),
        /^transfer: /,
      ],
      [
        "a buffer that has been moved already",
        (b) => ({ payload: { b }, transfer: [b, detached()] }),
        /^transfer\[1] is a detached ArrayBuffer: it has been moved already$/,
      ],
      [
        "a port listed twice",
        (b) => ({ payload: { b }, transfer: [b, ...twice(new MessageChannel().port1)] }),
        /^transfer: /,
      ],
    ])("%s", (_, make, message) => {
      const buffer = bytes(1, 2, 3);
      const { payload, transfer } = make(buffer);
      let thrown: unknown;
      try {
        capture(payload, "payload", { transfer });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(OffloadError);
      expect(thrown).toMatchObject({ code: "AR_PAYLOAD_NOT_CLONEABLE", message: expect.stringMatching(message) });
      expect(new Uint8Array(buffer)).toEqual(new Uint8Array([1, 2, 3]));
    });
  });
});

/** What arrives on this side, and the objects that have moved. */
function move(payload: unknown, transfer?: unknown[]): { value: unknown; transfer: readonly unknown[] | undefined } {
  const captured = capture(payload, "payload", { transfer });
  return { value: restore(captured), transfer: isBytes(captured) ? captured.moved : undefined };
}

function bytes(...values: number[]): ArrayBuffer {
  return new Uint8Array(values).buffer;
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(1);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function twice<Item>(item: Item): Item[] {
  return [item, item];
}

it.each<[string, () => ArrayBufferView<ArrayBuffer>]>([
  ["Node's pool of small Buffers", () => Buffer.from("abc")],
  ["the memory of WebAssembly", () => new Uint8Array(wasmMemory())],
])("a buffer that cannot be moved is refused, and not copied whole: %s", (_, make) => {
  const view = make();
  expect(() => capture({ view }, "payload", { transfer: [view.buffer] })).toThrow(
    expect.objectContaining({ code: "AR_PAYLOAD_NOT_CLONEABLE", message: expect.stringMatching(/^transfer\[0\]/) }),
  );
  expect(view.byteLength).toBeGreaterThan(0);
});

function wasmMemory(): ArrayBuffer {
  const Memory = Reflect.get(Reflect.get(globalThis, "WebAssembly"), "Memory");
  const { buffer } = Reflect.construct(Memory, [{ initial: 1 }]) as { readonly buffer: ArrayBuffer };
  return buffer;
}
