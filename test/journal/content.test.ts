import { createSecretKey } from "node:crypto";
import net from "node:net";
import { MessageChannel } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeContent, encodeContent, type TaskContent } from "../../src/journal/format/content.js";
import { encodings } from "../../src/journal/format/format.js";

/** The bytes of a content as they are in a record. */
function bytesOf(content: TaskContent): Buffer {
  const { chunks, length } = encodeContent(content);
  const bytes = Buffer.concat(chunks);
  expect(bytes.length).toBe(length);
  return bytes;
}

function encoded(payload: unknown): { encoding: "json" | "v8"; back: unknown } {
  const content = { payload, dispatch: undefined, context: undefined };
  const { encoding } = encodeContent(content);
  const back = decodeContent(encoding, bytesOf(content)).payload;
  return { encoding: encoding === encodings.json ? "json" : "v8", back };
}

/** A content that is encoded and decoded again. */
function roundTrip(content: TaskContent): TaskContent {
  return decodeContent(encodeContent(content).encoding, bytesOf(content));
}

describe("the content of a task", () => {
  it("is JSON where JSON loses nothing", () => {
    for (const value of [
      { key: "a", widths: [1, 2.5], deep: { flag: true, none: null } },
      "text",
      0,
      false,
      null,
      [],
      {},
      [[], {}],
    ]) {
      expect(encoded(value)).toEqual({ encoding: "json", back: value });
    }
  });

  it("is left to V8 where JSON would lose something", () => {
    const shared = { a: 1 };
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const values = [
      undefined,
      { a: undefined },
      [undefined],
      // A hole.
      // biome-ignore lint/suspicious/noSparseArray: the hole is the subject
      [1, , 2],
      /(.)/.exec("a"),
      Number.NaN,
      -0,
      1n,
      new Date(5),
      /x/g,
      new Map([[1, new Set(["a"])]]),
      new Uint8Array([1, 2]),
      new RangeError("r"),
      [shared, shared],
      cycle,
      { large: Array.from({ length: 300 }, (_, index) => index) },
    ];
    for (const value of values) {
      const { encoding, back } = encoded(value);
      expect(encoding).toBe("v8");
      expect(back).toEqual(structuredClone(value));
    }
  });

  it("comes back as structured clone would bring it back, whatever it is", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withBoxedValues: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        expect(encoded(value).back).toEqual(structuredClone(value));
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps one object one object", () => {
    const shared = { a: 1 };
    const [first, second] = encoded([shared, shared]).back as object[];
    expect(first).toBe(second);
  });

  it("brings the dispatch options and the context back, and undefined for what was not there", () => {
    const full = { payload: 1, dispatch: { attempts: 2 }, context: { id: "r" } };
    for (const content of [
      full,
      { ...full, dispatch: undefined },
      { ...full, context: undefined },
      { ...full, context: 1n },
    ]) {
      expect(roundTrip(content)).toEqual(content);
    }
  });

  it("takes options that are undefined for left out", () => {
    const bytes = bytesOf({ payload: 1, dispatch: { attempts: 2, key: undefined }, context: undefined });
    expect(bytes.toString()).toBe('[1,{"attempts":2}]');
  });

  it("makes views that show no bytes of other tasks", () => {
    const bytes = Buffer.concat([
      Buffer.from("secret of another task"),
      bytesOf({ payload: new Uint8Array(3), dispatch: undefined, context: undefined }),
    ]);
    const { payload } = decodeContent(encodings.v8, bytes.subarray(22));
    expect(Buffer.from((payload as Uint8Array).buffer).includes("secret")).toBe(false);
  });

  it("refuses what lives in one process only, with its path and without its value", () => {
    const { port1 } = new MessageChannel();
    port1.close();
    const cases: [unknown, string][] = [
      [{ memory: new SharedArrayBuffer(8) }, "payload.memory is a SharedArrayBuffer"],
      [[new Int32Array(new SharedArrayBuffer(8))], "payload[0] is a view of a SharedArrayBuffer"],
      [{ a: [{ "odd key": port1 }] }, 'payload.a[0]["odd key"] is an instance of MessagePort'],
      [{ key: createSecretKey(Buffer.from("hush")) }, "payload.key is an instance of SecretKeyObject"],
      [new Map([["hush", new Blob(["x"])]]), "a value of payload is an instance of Blob"],
      [new Set([new net.BlockList()]), "an item of payload is an instance of BlockList"],
      [{ done: () => "hush" }, "payload.done is a function"],
      [{ tag: Symbol("hush") }, "payload.tag is a symbol"],
    ];
    for (const [payload, message] of cases) {
      const error = refusalOf(payload);
      expect(error).toMatchObject({
        code: "AR_PAYLOAD_NOT_CLONEABLE",
        message: `${message}, which a journal cannot hold`,
      });
      expect(String(error)).not.toContain("hush");
      expect(error).not.toHaveProperty("cause");
    }
  });

  it("refuses in the context and in the options as well", () => {
    const memory = new SharedArrayBuffer(1);
    expect(() => encodeContent({ payload: 1, dispatch: undefined, context: { memory } })).toThrow(
      "the context.memory is a SharedArrayBuffer",
    );
    expect(() => encodeContent({ payload: 1, dispatch: { memory }, context: undefined })).toThrow(
      "the dispatch options.memory is",
    );
  });

  it("keeps an instance of a class as the plain object that structured clone makes of it", () => {
    class Point {
      constructor(readonly x: number) {}
    }
    expect(encoded({ at: new Point(3) }).back).toEqual({ at: { x: 3 } });
  });

  it("keeps a key named __proto__", () => {
    const value: unknown = JSON.parse('{"__proto__":{"admin":true},"a":1}');
    const { back } = encoded(value);
    expect(Object.keys(back as object)).toEqual(["__proto__", "a"]);
    expect(Reflect.get({}, "admin")).toBeUndefined();
  });
});

function refusalOf(payload: unknown): unknown {
  try {
    encodeContent({ payload, dispatch: undefined, context: undefined });
  } catch (error) {
    return error;
  }
  return undefined;
}
