// What arrives equals what was given, or is refused with its path: the same on every Node.js.
import { createSecretKey, type KeyObject } from "node:crypto";
import { BlockList } from "node:net";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { capture, copy } from "../../../src/core/payload/capture.js";
import { toError } from "../../../src/core/payload/thrown.js";
import { toWire } from "../../../src/core/payload/to-wire.js";
import { makeSuppressed } from "./payloads.js";
import { refusal } from "./refusal.js";

class QueryError extends Error {
  override name = "QueryError";
  constructor(
    message: string,
    readonly code: string,
    readonly query: { text: string; values: unknown[] },
  ) {
    super(message);
  }
}

describe("an error in a payload", () => {
  it("arrives with its name, message, stack, code, fields and cause", () => {
    const cause = new TypeError("deeper");
    const error = Object.assign(new QueryError("failed", "42P01", { text: "select", values: [1] }), { cause });
    const { failure } = copy({ failure: error }) as { failure: QueryError };
    expect(failure).toBeInstanceOf(Error);
    expect(failure).toMatchObject({ name: "QueryError", message: "failed", code: "42P01", stack: error.stack });
    expect(failure.query).toEqual({ text: "select", values: [1] });
    expect(failure.cause).toBeInstanceOf(TypeError);
    expect(failure.cause).toMatchObject({ message: "deeper", stack: cause.stack });
  });

  it("keeps a cause and fields that are undefined, and has none where there was none", () => {
    const given = [
      new Error("m", { cause: undefined }),
      Object.assign(new Error("m"), { at: undefined }),
      new Error("m"),
    ];
    const arrived = copy(given) as Error[];
    const thrown = given.map((error) => toError(structuredClone(toWire(error))));
    for (const errors of [arrived, thrown]) {
      expect(errors.map((error) => Object.hasOwn(error, "cause"))).toEqual([true, false, false]);
      expect(errors.map((error) => Object.hasOwn(error, "at"))).toEqual([false, true, false]);
      expect(errors.map((error) => Object.hasOwn(error, "code"))).toEqual([false, false, false]);
    }
  });

  it.each([RangeError, TypeError, SyntaxError, ReferenceError, EvalError, URIError])("keeps its class: %o", (Type) => {
    const [arrived] = copy([new Type("m")]) as [Error];
    expect(Object.getPrototypeOf(arrived)).toBe(Type.prototype);
    expect(Object.keys(arrived)).toEqual([]);
  });

  it("keeps the members of an AggregateError, also those that are no errors", () => {
    const error = new AggregateError([new RangeError("one"), "two", { three: 3 }, () => 4], "all failed");
    const arrived = copy(error) as AggregateError;
    expect(arrived).toBeInstanceOf(AggregateError);
    expect(arrived.errors).toEqual([new RangeError("one"), "two", { three: 3 }, undefined]);
  });

  it("keeps what a SuppressedError holds, hidden as there, where Node.js has the class", () => {
    const given = makeSuppressed(new RangeError("at the end"), new TypeError("at first"));
    for (const arrived of [copy(given), (copy({ deep: [given] }) as { deep: [unknown] }).deep[0]]) {
      expect(arrived).toBeInstanceOf(Object.getPrototypeOf(given).constructor);
      expect(arrived).toMatchObject({ name: "SuppressedError", message: "both", stack: given.stack });
      expect(Reflect.get(Object(arrived), "error")).toEqual(new RangeError("at the end"));
      expect(Reflect.get(Object(arrived), "suppressed")).toEqual(new TypeError("at first"));
      expect(Object.keys(Object(arrived))).toEqual(Object.keys(given));
    }
  });

  it("ends a chain of causes after eight, as of an error that a task throws", () => {
    let error: Error = new Error("cause 10");
    for (let cause = 9; cause >= 0; cause--) error = new Error(`cause ${cause}`, { cause: error });
    const inPayload = copy({ error }) as { error: Error };
    for (const arrived of [inPayload.error, toError(structuredClone(toWire(error)))]) {
      let last = arrived;
      while (last.cause instanceof Error) last = last.cause;
      expect(last.message).toBe("cause 8");
    }
  });

  it("leaves out the fields and the methods that cannot arrive", () => {
    class Detailed extends Error {
      readonly retry = (): void => {};
      readonly headers = new Headers();
      readonly id = 1;
      toJSON(): object {
        return {};
      }
    }
    const arrived = copy({ error: new Detailed("m") }) as { error: object };
    expect(Object.keys(arrived.error)).toEqual(["id"]);
  });

  it("is one, however often it is met, and shares what it holds with the rest of the payload", () => {
    const request = { id: 1 };
    const error = Object.assign(new Error("m"), { request });
    const arrived = copy({ errors: [error, error], request, wrapped: new Error("w", { cause: error }) }) as {
      errors: [Error & { request: object }, Error];
      request: object;
      wrapped: Error;
    };
    expect(arrived.errors[1]).toBe(arrived.errors[0]);
    expect(arrived.wrapped.cause).toBe(arrived.errors[0]);
    expect(arrived.errors[0].request).toBe(arrived.request);
  });

  it("may hold itself, and what holds it", () => {
    const error: Error & { holder?: unknown } = new Error("m");
    const payload = { error };
    error.holder = payload;
    error.cause = error;
    const arrived = copy(payload) as { error: Error & { holder: unknown } };
    expect(arrived.error.cause).toBe(arrived.error);
    expect(arrived.error.holder).toBe(arrived);
  });

  it("leaves out a field that cannot be copied, with all that belongs to it", () => {
    const shared = { list: [1] };
    const error = Object.assign(new Error("m"), { socket: { shared, fn() {}, blob: new Blob(["x"]) }, code: "E" });
    const captured = capture([error, shared]) as { aside: unknown };
    const [arrived, list] = copy([error, shared]) as [object, object];
    expect(arrived).toMatchObject({ message: "m", code: "E" });
    expect(arrived).not.toHaveProperty("socket");
    expect(list).toEqual({ list: [1] });
    expect(captured.aside).toBeUndefined();
    // In the payload itself the same object is refused.
    expect(refusal([error, error.socket])).toBe("payload[1].fn is a function, which cannot be copied to a thread");
  });

  it("ends an endless chain of causes that a getter makes", () => {
    class Endless extends Error {
      override get cause(): unknown {
        return new Endless("deeper");
      }
    }
    expect(copy([new Endless("top")])).toMatchObject([{ message: "top" }]);
  });

  it("keeps a chain of 8 causes, and what aborted a fetch is an error there", () => {
    const abort = new DOMException("stopped", "AbortError");
    let error: Error = new Error("1", { cause: abort });
    for (let level = 2; level < 8; level++) error = new Error(String(level), { cause: error });
    let at = copy([error]) as unknown as Error;
    at = (at as unknown as [Error])[0];
    while (at.cause instanceof Error) at = at.cause;
    expect(at).toMatchObject({ name: "AbortError", message: "stopped", code: 20 });
  });

  it("of another realm arrives too", () => {
    const error: unknown = runInNewContext("Object.assign(new RangeError('far'), { code: 'E' })");
    const [arrived] = copy([error]) as [Error];
    expect(arrived).toBeInstanceOf(RangeError);
    expect(arrived).toMatchObject({ message: "far", code: "E" });
  });

  it("is not as deep as it was given where it is nested deeper than 1,000 levels", () => {
    let deep: unknown = {};
    for (let level = 0; level < 2_000; level++) deep = [deep];
    expect(copy([Object.assign(new Error("m"), { deep, code: "E" })])).toMatchObject([{ code: "E" }]);
  });
});

describe("an object of the platform in a payload", () => {
  it("arrives as itself: URL and URLSearchParams", () => {
    const url = new URL("https://user@example.com/a?b=1#c");
    class Link extends URL {}
    const arrived = copy({ url, again: url, query: url.searchParams, link: new Link("https://example.com") }) as {
      [field: string]: URL;
    };
    expect(arrived.url).toBeInstanceOf(URL);
    expect(arrived.url?.href).toBe(url.href);
    expect(arrived.again).toBe(arrived.url);
    expect(Object.getPrototypeOf(arrived.link)).toBe(URL.prototype);
    expect(arrived.query).toBeInstanceOf(URLSearchParams);
    expect(String(arrived.query)).toBe("b=1");
  });

  it("arrives as itself: a File, a KeyObject, a BlockList", async () => {
    const file = new File(["text"], "a.txt", { type: "text/plain", lastModified: 7 });
    const list = new BlockList();
    list.addAddress("1.2.3.4");
    const key = createSecretKey(Buffer.from("secret"));
    const arrived = copy({ file, key, list }) as { file: File; key: KeyObject; list: BlockList };
    expect(arrived.file).toBeInstanceOf(File);
    expect(arrived.file).toMatchObject({ name: "a.txt", type: "text/plain", lastModified: 7 });
    expect(await arrived.file.text()).toBe("text");
    expect(arrived.key.export().toString()).toBe("secret");
    expect(arrived.list.check("1.2.3.4")).toBe(true);
  });

  it("travels beside the bytes, and the path of each is kept", () => {
    const shared = new SharedArrayBuffer(8);
    const captured = capture({ shared, list: [new Blob(["x"]), new Uint8Array(shared)], file: new File([], "f") });
    expect(captured).toMatchObject({
      aside: [shared, expect.any(Blob), expect.any(Blob)],
      asidePaths: ["payload.shared", "payload.list[0]", "payload.file"],
      asideKinds: ["an instance of SharedArrayBuffer", "an instance of Blob", "an instance of File"],
    });
  });

  it.each<[string, () => object]>([
    ["Headers", () => new Headers({ a: "b" })],
    ["FormData", () => new FormData()],
    ["Request", () => new Request("https://example.com")],
    ["Response", () => new Response("body")],
    ["AbortSignal", () => new AbortController().signal],
    ["AbortController", () => new AbortController()],
    ["EventTarget", () => new EventTarget()],
    ["Event", () => new Event("click")],
    ["DOMException", () => new DOMException("m", "AbortError")],
    ["TextEncoder", () => new TextEncoder()],
    ["TextDecoder", () => new TextDecoder()],
    ["ReadableStream", () => new ReadableStream()],
    ["WritableStream", () => new WritableStream()],
    ["TransformStream", () => new TransformStream()],
    ["CompressionStream", () => new CompressionStream("gzip")],
    ["MessageChannel", () => new MessageChannel()],
    ["PerformanceMark", () => performance.mark("test")],
  ])("is refused with its path: %s", (name, make) => {
    const words = `payload.list[0].it is an instance of ${name}, which does not arrive as it is; `;
    expect(refusal({ list: [{ it: make() }] })).toContain(words);
    expect(refusal(new Holder(make()))).toContain(`payload.held is an instance of ${name}, which does not arrive`);
  });

  it("is refused also as an instance of a subclass", () => {
    class Bus extends EventTarget {}
    expect(refusal({ bus: new Bus() })).toContain("payload.bus is an instance of Bus, which does not arrive as it is");
  });

  it.each<[string, object]>([
    ["Intl.NumberFormat", new Intl.NumberFormat()],
    ["WeakSet", new WeakSet()],
    ["FinalizationRegistry", new FinalizationRegistry(() => {})],
  ])("is refused where structured clone refuses it: %s", (_, it) => {
    expect(refusal({ it })).toMatch(/^payload\.it is an instance of \w+, which cannot be copied to a thread$/);
  });

  it("is told from a class of the user's with the same name", () => {
    const Headers = class Headers {
      constructor(readonly all: object) {}
    };
    expect(copy({ headers: new Headers({ a: "b" }) })).toEqual({ headers: { all: { a: "b" } } });
  });
});

describe("an instance of a class", () => {
  it("arrives as a plain object, also where it holds what structured clone refuses and we carry", () => {
    const arrived = copy([new Holder(new URL("https://example.com/"))]) as [{ held: URL }];
    expect(Object.getPrototypeOf(arrived[0])).toBe(Object.prototype);
    expect(arrived[0].held.href).toBe("https://example.com/");
  });

  it("is reported with its path, once for each class, unless the class declares its plain form", () => {
    class Order {
      lines = [new Line(), new Line()];
      total = new Money();
    }
    class Line {}
    class Money {
      static plainPayload = true;
      cents = 5;
    }
    const reports: unknown[] = [];
    const onInstance = (type: unknown, path: string): void => void reports.push([type, path]);
    expect(capture({ id: 1 }, "payload", { onInstance })).toEqual({ id: 1 });
    capture({ order: new Order() }, "payload", { onInstance });
    capture([new Order(), new Line()], "payload", { onInstance });
    expect(reports).toEqual([
      [Order, "payload.order"],
      [Line, "payload.order.lines[0]"],
    ]);
  });

  it("is reported also where the class is known from before", () => {
    class Known {}
    copy([new Known()]);
    const paths: string[] = [];
    capture([new Known()], "payload", { onInstance: (_, path) => paths.push(path) });
    expect(paths).toEqual(["payload[0]"]);
  });
});

class Holder {
  constructor(readonly held: unknown) {}
}
