// What cannot be copied is refused at the call, in words that lead to the line of code that is to be changed.
import { EventEmitter } from "node:events";
import { createServer } from "node:http";
import { PassThrough } from "node:stream";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import { copy } from "../../../src/core/payload/capture.js";
import { refusal } from "./refusal.js";

class User {
  constructor(readonly fields: object) {
    Object.assign(this, fields);
  }
}

class Account {
  save = (): void => {};
}

const noop = (): void => {};

describe("a payload that cannot be copied", () => {
  it.each<[string, unknown, string]>([
    ["a method of a nested object", { user: { save: noop } }, "payload.user.save is a function"],
    ["the payload itself", noop, "payload is a function"],
    ["a symbol", Symbol("s"), "payload is a symbol"],
    ["a field of a flat object", { id: 1, done: noop }, "payload.done is a function"],
    ["a symbol in an array", [1, [Symbol("s")]], "payload[1][0] is a symbol"],
    ["an item of an array of objects", { rows: [{}, { at: noop }] }, "payload.rows[1].at is a function"],
    ["a field of an array", Object.assign([1], { extra: noop }), "payload.extra is a function"],
    ["a name that is no identifier", { "content-type": { 0: noop } }, 'payload["content-type"]["0"] is a function'],
    ["a value of a Map", new Map([["k", { fn: noop }]]), 'payload.get("k").fn is a function'],
    ["a value of a Map under an object", new Map([[{}, noop]]), "payload.get(an object) is a function"],
    ["a key of a Map", { map: new Map([[noop, 1]]) }, "a key of payload.map is a function"],
    ["an item of a Set", { set: new Set([Symbol("s")]) }, "an item of payload.set is a symbol"],
    ["a method made for each instance", { account: new Account() }, "payload.account.save is a function"],
    ["a field deep in an instance", new User({ tags: [1, { fn: noop }] }), "payload.fields.tags[1].fn is a function"],
    ["a circular payload", circular(), "payload.self.other is a function"],
    ["a Promise", { user: Promise.resolve() }, "payload.user is an instance of Promise"],
    ["a WeakMap", { cache: new WeakMap() }, "payload.cache is an instance of WeakMap"],
    ["a WeakRef", [new WeakRef({})], "payload[0] is an instance of WeakRef"],
    ["a generator", { rows: rows() }, "payload.rows is an iterator"],
    ["a boxed symbol", { boxed: Object(Symbol("s")) }, "payload.boxed is an instance of Symbol"],
    [
      "a port that is not in transfer",
      { port: new MessageChannel().port1 },
      "payload.port is an instance of MessagePort",
    ],
    ["a function of another realm", { fn: runInNewContext("() => 1") }, "payload.fn is a function"],
    ["an object of another realm", runInNewContext("({ a: { fn() {} } })"), "payload.a.fn is a function"],
  ])("%s: %#", (_, payload, words) => {
    expect(refusal(payload)).toBe(`${words}, which cannot be copied to a thread`);
  });

  it("a request, a stream, an emitter with listeners are refused by their first function", () => {
    const emitter = new EventEmitter().on("event", noop);
    expect(refusal({ emitter })).toBe(
      "payload.emitter._events.event is a function, which cannot be copied to a thread",
    );
    expect(refusal({ stream: new PassThrough() })).toMatch(/^payload\.stream\.\S+ is a function, /);
    expect(refusal({ server: createServer() })).toMatch(/^payload\.server\.\S+ is a function, /);
  });

  it("carries the error of structured clone as its cause, where there was one", () => {
    try {
      copy({ user: Promise.resolve() });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(OffloadError);
      expect((error as OffloadError).cause).toMatchObject({ name: "DataCloneError" });
    }
  });

  it("is named as the caller calls it", () => {
    expect(() => copy({ trace: noop }, "context")).toThrow("context.trace is a function");
  });

  it.each([
    ["objects", (value: unknown) => ({ value })],
    ["arrays", (value: unknown) => [value]],
    ["Maps", (value: unknown) => new Map([["value", value]])],
    ["Sets", (value: unknown) => new Set([value])],
    ["instances", (value: unknown) => new User({ value })],
  ])("%s nested deeper than 1,000 levels are refused, before the stack ends", (_, wrap) => {
    let value: unknown = {};
    for (let level = 0; level < 20_000; level++) value = wrap(value);
    expect(refusal(value)).toMatch(/^.{1,60} is nested more than 1000 levels deep$/);
  });

  it("a chain of JSON brackets that a client sent is refused, not passed on", () => {
    const levels = 8_000;
    expect(refusal(JSON.parse("[".repeat(levels) + "]".repeat(levels)))).toMatch(/nested more than 1000 levels deep$/);
  });

  it("has its path shortened in the middle where it is long", () => {
    let value: unknown = { last: noop };
    for (let level = 0; level < 900; level++) value = { ["k".repeat(1_000)]: value };
    expect(refusal(value)).toMatch(/^payload\.kkk.{150,200}\.\.\..{150,200}kkk\.\.\.\.last is a function, which/);
  });

  it("names nothing of the payload's contents but field names and keys", () => {
    expect(refusal({ secret: "hunter2", fn: noop })).not.toContain("hunter2");
  });
});

function circular(): object {
  const value: Record<string, unknown> = { list: [] };
  value.self = { value, other: noop };
  return value;
}

function* rows(): Generator<number> {
  yield 1;
}

describe("what a copy would lose without a word", () => {
  class Cache extends Map<string, number> {
    limit = 5;
  }

  it.each<[string, object, string]>([
    ["a Map", Object.assign(new Map(), { limit: 5 }), "limit"],
    ["a subclass of Map", new Cache(), "limit"],
    ["a Set", Object.assign(new Set(), { limit: 5 }), "limit"],
    ["a Date", Object.assign(new Date(0), { zone: "UTC" }), "zone"],
    ["a RegExp", Object.assign(/a/, { keys: [] }), "keys"],
    ["a URL", Object.assign(new URL("http://a.example"), { label: "a" }), "label"],
    ["an ArrayBuffer", Object.assign(new ArrayBuffer(4), { label: "a" }), "label"],
    ["a boxed string", Object.assign(Object("abc"), { label: "a" }), "label"],
  ])("is refused: a field of %s", (_, given, name) => {
    expect(refusal({ at: given })).toMatch(
      new RegExp(
        `^payload\\.at\\.${name} is a field of an instance of \\w+, which arrives without it; pass it beside it$`,
      ),
    );
  });

  it("is refused: an instance that has all its fields under symbols", () => {
    const bytes: unique symbol = Symbol("bytes");
    class Id {
      readonly [bytes] = 1;
    }
    class PlainId extends Id {
      static readonly plainPayload = true;
    }
    expect(refusal([new Id()])).toMatch(/^payload\[0\] is an instance of Id, which has all its fields under symbols/);
    expect(refusal([new Id()])).toMatch(/^payload\[0\] is an instance of Id/);
    expect(copy([new PlainId(), { [Symbol("s")]: 1 }, new (class Empty {})()])).toEqual([{}, {}, {}]);
  });

  it.each<[string, object]>([
    ["of URLSearchParams", new URLSearchParams("a=1").entries()],
    ["of Headers", new Headers().keys()],
    ["of an array", [1].values()],
  ])("is refused: an iterator %s", (_, iterator) => {
    expect(refusal({ iterator })).toBe("payload.iterator is an iterator, which cannot be copied to a thread");
  });

  it("is not a named field of an array with an item that is not enumerable", () => {
    const list = Object.assign([1, 2, 3], { name: "n" });
    Object.defineProperty(list, 1, { enumerable: false });
    expect(copy([list])).toMatchObject([{ name: "n", length: 3 }]);
  });
});
