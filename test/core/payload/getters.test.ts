// A getter is the user's code: it is called once, in order, and what it answered is what arrives.
import { expect, it } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import { capture, captureForMoving, copy } from "../../../src/core/payload/capture.js";
import { restore } from "../../../src/core/payload/restore.js";
import { toWire } from "../../../src/core/payload/to-wire.js";

/** An object with two getters beside other fields. Each answers with its name and how often it was called. */
function counted(calls: string[], name = "field"): object {
  const answer = (field: string): unknown => {
    calls.push(`${name}.${field}`);
    return [calls.filter((call) => call === `${name}.${field}`).length];
  };
  return {
    before: 1,
    get a() {
      return answer("a");
    },
    between: { deep: "text" },
    get b() {
      return answer("b");
    },
  };
}

const arrived = { before: 1, a: [1], between: { deep: "text" }, b: [1] };

class Own {
  constructor(parts: object) {
    Object.defineProperties(this, Object.getOwnPropertyDescriptors(parts));
  }
}

class OwnToo extends Own {}

const places: [string, (part: object) => unknown, (arrived: unknown) => unknown][] = [
  ["at the top", (part) => part, (value) => value],
  ["in an object", (part) => ({ part }), (value) => (value as { part: unknown }).part],
  ["in an object of many fields", (part) => ({ ...many(), part }), (value) => (value as { part: unknown }).part],
  ["in an array", (part) => [0, part], (value) => (value as unknown[])[1]],
  ["in a sparse array", (part) => Object.assign([], { 70000: part }), (value) => (value as unknown[])[70_000]],
  ["in a field of an array", (part) => Object.assign([1], { part }), (value) => Reflect.get(Object(value), "part")],
  ["in a value of a Map", (part) => new Map([["k", part]]), (value) => (value as Map<string, unknown>).get("k")],
  ["in a key of a Map", (part) => new Map([[part, 1]]), (value) => [...(value as Map<unknown, 1>).keys()][0]],
  ["in a Set", (part) => new Set([part]), (value) => [...(value as Set<unknown>)][0]],
  ["of an instance of a class", (part) => new Own(part), (value) => value],
  ["in an instance of a class", (part) => [new OwnToo({ part })], (value) => (value as [{ part: unknown }])[0].part],
  ["in a field of an error", (part) => Object.assign(new Error("m"), { part }), (value) => Reflect.get(Object(value), "part")],
  ["beside what travels aside", (part) => [new Blob(["x"]), part, new URL("https://example.com/")], (value) => (value as unknown[])[1]],
  ["beside large bytes", (part) => [Buffer.alloc(100_000), part], (value) => (value as unknown[])[1]],
  ["of an object without a prototype", (part) => Object.create(null, Object.getOwnPropertyDescriptors(part)), (value) => value],
]; // biome-ignore format: rows

it.each(places)("getters %s are called once each, in order", (_, place, find) => {
  for (const way of [
    copy,
    (value: unknown) => restore(capture(value)),
    (value: unknown) => restore(captureForMoving(value)),
  ]) {
    const calls: string[] = [];
    const value = way(place(counted(calls)));
    expect(calls).toEqual(["field.a", "field.b"]);
    expect(find(value)).toEqual(arrived);
  }
});

it("getters of a payload with a transfer list are called once each", () => {
  const calls: string[] = [];
  const buffer = new ArrayBuffer(8);
  const value = restore(capture({ buffer, part: counted(calls) }, "payload", { transfer: [buffer] }));
  expect(calls).toEqual(["field.a", "field.b"]);
  expect(value).toMatchObject({ part: arrived });
});

it("getters of several objects are called in the order of the fields", () => {
  const calls: string[] = [];
  copy([
    counted(calls, "one"),
    { two: counted(calls, "two") },
    new Map([[counted(calls, "key"), counted(calls, "value")]]),
  ]);
  const names = ["one", "two", "key", "value"];
  expect(calls).toEqual(names.flatMap((name) => [`${name}.a`, `${name}.b`]));
});

it("a getter by which an index of an array is read is called once", () => {
  let calls = 0;
  const list = Object.defineProperty([1, 2, 3], 1, { get: () => ++calls * 10, enumerable: true });
  expect(copy({ list })).toEqual({ list: [1, 10, 3] });
  expect(calls).toBe(1);
});

it("traps of a proxy are called as for one reading", () => {
  const reads: unknown[] = [];
  const proxy = new Proxy({ a: 1, b: [2] }, {
    get: (target, key, receiver) => {
      reads.push(key);
      return Reflect.get(target, key, receiver);
    },
  }); // biome-ignore format: one proxy
  expect(copy({ proxy })).toEqual({ proxy: { a: 1, b: [2] } });
  expect(reads).toEqual(["a", "b"]);
});

it("a getter that throws is called once, and what it throws is thrown", () => {
  for (const place of [(part: object) => part, (part: object) => ({ deep: [part] }), (part: object) => new Own(part)]) {
    let calls = 0;
    const broken = { list: [], get field(): never { calls++; throw new RangeError("of the getter"); } }; // biome-ignore format: one row
    expect(() => capture(place(broken))).toThrow(new RangeError("of the getter"));
    expect(calls).toBe(1);
  }
});

it("a getter of a payload that is refused is called once", () => {
  const calls: string[] = [];
  expect(() => capture({ part: counted(calls), deep: [{ fn() {} }] })).toThrow(OffloadError);
  expect(calls).toEqual(["field.a", "field.b"]);
});

it("a getter that captures another payload disturbs neither", () => {
  const inner: unknown[] = [];
  const rows = Array.from({ length: 100 }, (_, id) => ({
    id,
    get name() {
      inner.push(copy({ id, list: [`inner ${id}`, { id: "text" }] }));
      return `row ${id}`;
    },
    last: "é€",
  }));
  expect(copy(rows)).toEqual(Array.from({ length: 100 }, (_, id) => ({ id, name: `row ${id}`, last: "é€" })));
  expect(inner[99]).toEqual({ id: 99, list: ["inner 99", { id: "text" }] });
});

it("an object whose getter leads back to it arrives as a circle", () => {
  const value = { list: [1], get self(): unknown { return this; } }; // biome-ignore format: one row
  const circle = copy(value) as { self: unknown };
  expect(circle.self).toBe(circle);
});

it("getters of an error that a task throws are called once each", () => {
  const calls: string[] = [];
  const error = new Error("m");
  // Made when it is first read, by what may read the name and the message.
  expect(error.stack).toContain("m");
  for (const key of ["name", "message", "code", "cause", "errors", "extra"]) {
    Object.defineProperty(error, key, { enumerable: true, get: () => { calls.push(key); return key; } }); // biome-ignore format: one row
  }
  for (const way of [toWire, copy]) {
    calls.length = 0;
    way(error);
    expect([...calls].sort()).toEqual(["cause", "code", "errors", "extra", "message", "name"]);
  }
});

function many(): object {
  return Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`field ${index}`, index]));
}
