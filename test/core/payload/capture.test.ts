// What is captured of a payload is what structured clone makes of it: compared with structured clone itself.
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { capture, captureBriefly, copy } from "../../../src/core/payload/capture.js";
import type { PayloadBytes } from "../../../src/core/payload/payload.js";
import { restore } from "../../../src/core/payload/restore.js";
import { arena } from "../../../src/core/payload/stream/arena.js";
import { payload } from "./payloads.js";
import { difference } from "./same-graph.js";

describe("a captured payload", () => {
  it("is the graph that structured clone makes, whatever is shared or circular in it", () => {
    fc.assert(
      fc.property(payload, (value) => {
        expect(difference(copy(value), structuredClone(value))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it("shares no object with the payload, at any depth", () => {
    fc.assert(
      fc.property(payload, (value) => {
        const originals = reachable(value);
        expect([...reachable(copy(value))].filter((object) => originals.has(object))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("is the same when something else is moved", () => {
    fc.assert(
      fc.property(payload, (value) => {
        const captured = restore(capture({ value }, "payload", { transfer: [new ArrayBuffer(1)] }));
        expect(difference(captured, structuredClone({ value }))).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });

  it.each<[string, () => unknown]>([
    ["primitives", () => [undefined, null, true, 0, -0, Number.NaN, "", 10n ** 30n]],
    ["strings of any length", () => [8, 255, 256, 8_193, 70_000].map((length) => "x".repeat(length))],
    [
      "strings beyond Latin-1 of any length",
      () => [8, 255, 256, 8_193, 70_000].map((length) => `${"é".repeat(length)}€`),
    ],
    [
      "names of any length",
      () => ({ ["n".repeat(9_000)]: 1, ["é".repeat(70_000)]: [2], ["€".repeat(70_000)]: 3, "": 4 }),
    ],
    ["halves of surrogate pairs", () => ["\ud800", "a\udc00b", "\udfff".repeat(70_000), { "\ud800": 1 }]],
    [
      "more strings than are gathered at once",
      () => Array.from({ length: 1_000 }, (_, n) => (n % 300 === 0 ? "€" : `s${n}`)),
    ],
    [
      "numbers at the edges of their sizes",
      () => [255, 256, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 0.1],
    ],
    ["fields that are undefined", () => ({ a: undefined })],
    ["fields in their order", () => ({ b: 1, a: 2, 1: 3, 0: 4 })],
    ["holes of arrays", () => Object.assign(new Array(5), { 0: 1, 3: undefined })],
    ["a long array with one item", () => Object.assign([], { 70000: "last" })],
    ["what a regular expression matched, with index, input and groups", () => "a-b".match(/(?<first>\w)-/)],
    ["Map keys that are objects", () => new Map([[{ id: 1 }, new Map([["a", 1]])]])],
    ["invalid dates", () => new Date(Number.NaN)],
    ["regular expressions, whose lastIndex is lost", () => Object.assign(/a/g, { lastIndex: 3 })],
    ["boxed primitives", () => [Object(1), Object("s"), Object(false), Object(1n)]],
    ["errors with a cause", () => new RangeError("too far", { cause: new Error("deeper") })],
    ["class instances, as plain objects", () => new Point(1, 2)],
    ["instances within instances", () => new Holder(new Holder(new Point(3, 4)))],
    [
      "instances of subclasses of Map, Array and Date",
      () => [new SubMap([["a", 1]]), SubArray.of(1, 2), new SubDate(0)],
    ],
    ["objects without a prototype, as plain objects", () => Object.assign(Object.create(null), { a: { b: 1 } })],
    ["a field named __proto__", () => JSON.parse('{ "__proto__": { "polluted": true }, "a": { "__proto__": 1 } }')],
    ["getters, as their values", () => ({ get answer() { return [42]; } })], // biome-ignore format: one row
    ["fields that cannot be enumerated, left out", () => Object.defineProperty({ a: [1] }, "hidden", { value: 1 })],
    ["what is inherited, left out", () => Object.create({ inherited: [1] }, { own: { value: [2], enumerable: true } })],
    ["fields under symbols, left out", () => ({ a: [1], [Symbol("s")]: 2 })],
  ])("keeps %s", (_, make) => {
    const value = make();
    expect(difference(copy(value), structuredClone(value))).toBeUndefined();
  });

  it("keeps a Blob, which cannot be read field by field", async () => {
    const captured = copy({ blob: new Blob(["text"]) }) as { blob: Blob };
    expect(captured.blob).toBeInstanceOf(Blob);
    expect(await captured.blob.text()).toBe("text");
  });

  it("is not changed by what happens to the payload afterwards", () => {
    const original = { user: { tags: ["a"] }, map: new Map([["k", { n: 1 }]]) };
    const captured = copy(original);
    original.user.tags.push("b");
    original.map.clear();
    expect(captured).toEqual({ user: { tags: ["a"] }, map: new Map([["k", { n: 1 }]]) });
  });

  it("keeps what class instances share with the rest of the payload", () => {
    const order = new Holder(undefined);
    const user = { orders: [order, new Holder(1)] };
    order.held = user;
    const captured = copy(user) as { orders: [{ held: unknown }, unknown] };
    expect(captured.orders[0].held).toBe(captured);
  });

  it("does not copy the whole payload again for each instance that refers to it", () => {
    const user: { orders: Holder[] } = { orders: [] };
    user.orders = Array.from({ length: 1_000 }, () => new Holder(user));
    const cloned = vi.spyOn(globalThis, "structuredClone");
    try {
      expect(reachable(copy(user)).size).toBe(1_002);
      // Once for the class, to learn what becomes of its instances.
      expect(cloned.mock.calls.length).toBeLessThanOrEqual(1);
    } finally {
      cloned.mockRestore();
    }
  });

  it("reads each getter of a flat payload once", () => {
    let reads = 0;
    const captured = copy({ get count() { return ++reads; } }); // biome-ignore format: one row
    expect(captured).toEqual({ count: 1 });
    expect(reads).toBe(1);
  });

  it("does not pollute any prototype by a field named __proto__", () => {
    const captured = copy(JSON.parse('{ "__proto__": { "polluted": true }, "list": [] }')) as object;
    expect(Reflect.get(captured, "polluted")).toBeUndefined();
    expect(Object.getPrototypeOf(captured)).toBe(Object.prototype);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  it("throws what a getter throws", () => {
    const broken = { list: [], get field(): never { throw new RangeError("of the getter"); } }; // biome-ignore format: one row
    expect(() => copy(broken)).toThrow(new RangeError("of the getter"));
  });

  it("takes as many levels as it says, and what it takes can be posted", () => {
    const { port1, port2 } = new MessageChannel();
    try {
      port1.postMessage([copy(nested(999))]);
    } finally {
      port1.close();
      port2.close();
    }
  });
});

class Point {
  #secret = 7;
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
  get length(): number {
    return this.x + this.y + this.#secret;
  }
}

class Holder {
  constructor(public held: unknown) {}
}

class SubMap<K, V> extends Map<K, V> {}
class SubArray<T> extends Array<T> {}
class SubDate extends Date {}

function nested(levels: number): unknown {
  let value: unknown = {};
  for (let level = 0; level < levels; level++) value = { value };
  return value;
}

/** Every object that is found from a value on. */
function reachable(value: unknown, found: Set<object> = new Set()): Set<object> {
  if (typeof value !== "object" || value === null || found.has(value)) return found;
  found.add(value);
  if (ArrayBuffer.isView(value)) return reachable(value.buffer, found);
  if (value instanceof Map) for (const part of [...value].flat()) reachable(part, found);
  if (value instanceof Set) for (const part of value) reachable(part, found);
  for (const field of Object.values(value)) reachable(field, found);
  return found;
}

describe("a payload that is captured briefly", () => {
  const options = {};

  it("is the same as one that is kept", () => {
    fc.assert(
      fc.property(payload, (value) => {
        const brief = captureBriefly(value, "payload", options, (captured) => restore(captured));
        expect(difference(brief, structuredClone(value))).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it("leaves nothing for a second use, and gives large memory back", () => {
    const before = arena.freeBytes;
    const [small, large] = [{ list: [1, 2] }, { bytes: new Uint8Array(100_000) }].map((value) =>
      captureBriefly(value, "payload", options, (captured) => {
        expect((captured as PayloadBytes).bytes.length).toBeGreaterThan(0);
        return captured as PayloadBytes;
      }),
    );
    expect([small?.bytes.length, large?.bytes.length]).toEqual([0, 0]);
    expect(arena.freeBytes).toBeGreaterThan(before);
  });

  it("is let go when its use throws", () => {
    const before = arena.freeBytes;
    const use = (): never => {
      throw new Error("no room");
    };
    expect(() => captureBriefly({ bytes: new Uint8Array(200_000) }, "payload", options, use)).toThrow("no room");
    expect(arena.freeBytes).toBeGreaterThan(before);
    expect(copy({ list: [1] })).toEqual({ list: [1] });
  });

  it("is not disturbed by what is captured while it is used", () => {
    const outer = captureBriefly({ list: ["outer"] }, "payload", options, (captured) => {
      expect(copy({ list: ["inner"], more: [1] })).toEqual({ list: ["inner"], more: [1] });
      return restore(captured);
    });
    expect(outer).toEqual({ list: ["outer"] });
  });
});

describe("names that were written before", () => {
  it.each([
    ["of one letter", "n"],
    ["beyond Latin-1", "n\u20ac"],
    ["that are large, beside other large texts", "n".repeat(70_000)],
  ])("come back in the next payload: %s", (_which, name) => {
    for (const value of [
      { [name]: [1], b: [2] },
      { [name]: [3], b: ["x".repeat(70_000)] },
      { b: [4], [name]: [5] },
    ]) {
      expect(copy(value)).toEqual(value);
      expect(Object.keys(copy(value) as object)).toEqual(Object.keys(value));
    }
  });
});

describe("objects that are met again", () => {
  it.each([1, 7, 8, 9, 20])("are the same ones, after %i others", (others) => {
    const list: object[] = Array.from({ length: others }, (_, n) => ({ n }));
    const first = list[0];
    const copied = copy({ list, again: [first, list.at(-1)] }) as { list: object[]; again: object[] };
    expect(copied.again[0]).toBe(copied.list[0]);
    expect(copied.again[1]).toBe(copied.list.at(-1));
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 20])(
    "are the same ones after a field of an error was taken back, with %i others",
    (others) => {
      const list: object[] = Array.from({ length: others }, (_, n) => ({ n }));
      const [both, later] = [{ both: true }, { later: true }];
      const refused = { both, no: () => {} };
      const error = Object.assign(new Error("no"), { list, refused, pair: [both, later, later], first: list[0] });
      type Copied = Error & { list: object[]; pair: object[]; first: object; refused: unknown };
      const copied = (copy({ error }) as { error: Copied }).error;
      expect(copied.refused).toBeUndefined();
      expect(copied.list).toEqual(list);
      expect(copied.pair).toEqual([both, later, later]);
      expect(copied.pair[1]).toBe(copied.pair[2]);
      expect(copied.first).toBe(copied.list[0]);
    },
  );
});
