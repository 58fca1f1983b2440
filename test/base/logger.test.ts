// Lines on stderr, and loggers that fail.
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { asReport, consoleLogger, guardLogger, type Logger, silentLogger } from "../../src/base/logger.js";

afterEach(() => vi.restoreAllMocks());

describe("the logger on stderr", () => {
  it("writes one line: level, message, fields", () => {
    const line = written(() => consoleLogger.warn({ task: "sendMail", attempt: 2, context: { trace: "t" } }, "slow"));
    expect(line).toBe('[offload-after-response] warn: slow task=sendMail attempt=2 context={"trace":"t"}');
  });

  it("leaves out what is undefined, and keeps null, false and 0", () => {
    expect(written(() => consoleLogger.info({ a: undefined, b: null, c: false, d: 0 }, "m"))).toBe(
      "[offload-after-response] info: m b=null c=false d=0",
    );
  });

  it("writes an error's stack below the line", () => {
    const err = new RangeError("out of range");
    const text = written(() => consoleLogger.error({ err, task: "work" }, "task failed"));
    const [first, ...frames] = err.stack?.split("\n") ?? [];
    expect(text).toBe(["[offload-after-response] error: task failed task=work", `  ${first}`, ...frames].join("\n"));
    expect(
      written(() => consoleLogger.error({ err: Object.assign(new Error("bare"), { stack: undefined }) }, "m")),
    ).toBe("[offload-after-response] error: m\n  bare");
  });

  it("writes the causes of an error and the members of an AggregateError below its stack", () => {
    const refused = new Error("connect ECONNREFUSED");
    const err = new Error("fetch failed", {
      cause: new AggregateError([refused, "no route\nforged"], "", { cause: 7n }),
    });
    const text = written(() => consoleLogger.error({ err }, "task failed"));
    expect(text).toMatch(/^ {2}Error: fetch failed$/m);
    expect(text).toMatch(/^ {2}\[cause\]: AggregateError/m);
    expect(text).toMatch(/^ {2}\[cause\]: 7n$/m);
    expect(text).toMatch(/^ {2}\[errors 1 of 2\]: Error: connect ECONNREFUSED$/m);
    expect(text).toMatch(/^ {2}\[errors 2 of 2\]: "no route\\nforged"$/m);
  });

  it("writes only a part of a chain of causes that is a circle", () => {
    const err = new Error("first");
    err.cause = new Error("second", { cause: err });
    expect(written(() => consoleLogger.error({ err }, "m")).match(/\[cause\]/g)).toHaveLength(4);
  });

  it("quotes text that would look like something else, and never breaks the line", () => {
    expect(written(() => consoleLogger.info({ reason: 'a "b"\n[offload-after-response] error: forged' }, "m"))).toBe(
      String.raw`[offload-after-response] info: m reason="a \"b\"\n[offload-after-response] error: forged"`,
    );
  });

  it.each<[string, unknown, RegExp]>([
    ["a BigInt", { n: 10n }, /context=.*10n/],
    ["a circular object", circular(), /context=.*Circular/],
    ["a Map", new Map([["k", "v"]]), /context=./],
    ["a symbol", Symbol("s"), /context=.*s/],
    ["a toJSON that throws", { toJSON() { throw new Error("no"); } }, /context=./], // biome-ignore format: one row
  ])("writes the line also when a field holds %s", (_, context, words) => {
    const line = written(() => guardLogger(consoleLogger).error({ context, err: new Error("lost?") }, "task failed"));
    expect(line).toMatch(/^\[offload-after-response\] error: task failed /);
    expect(line).toMatch(words);
    expect(line).toContain("Error: lost?");
  });

  it("escapes what would break the line or steer a terminal, in the message, the fields and their names", () => {
    const evil = "a\n[offload-after-response] error: forged\u001b[2J\r\u009b31m\u2028\u2029\u202e\u061c\u200e";
    for (const act of [
      () => consoleLogger.info({}, evil),
      () => consoleLogger.info({ reason: evil }, "m"),
      () => consoleLogger.info({ [evil]: 1 }, "m"),
      () => consoleLogger.info({ context: { deep: [evil] } }, "m"),
      () => consoleLogger.info({ context: { n: 1n, evil } }, "m"),
      () => consoleLogger.info({ context: { n: 1n, [evil]: new Map([[evil, Symbol(evil)]]) } }, "m"),
    ]) {
      expect(written(act)).toMatch(/^[^\p{Cc}\u2028\u2029\u202e\u061c\u200e]+$/u);
    }
  });

  it("quotes the name of a field that would look like other fields", () => {
    expect(written(() => consoleLogger.info({ "a=1 id": "x" }, "m"))).toBe(
      '[offload-after-response] info: m "a=1 id"=x',
    );
  });

  it("writes the line also when the stack of an error cannot be read", () => {
    const err = new Error("hidden");
    Object.defineProperty(err, "stack", {
      get() {
        throw new Error("no");
      },
    });
    expect(written(() => guardLogger(consoleLogger).error({ err, id: "id" }, "task failed"))).toBe(
      "[offload-after-response] error: task failed id=id\n  an error whose stack cannot be read",
    );
  });

  it("indents every line of an error, so that none looks like an entry", () => {
    const error = new Error('no\n[offload-after-response] error: forged\n{"level":"error"}\r\u001b[2J');
    const [first, ...lines] = written(() => consoleLogger.error({ err: error }, "task failed")).split("\n");
    expect(first).toBe("[offload-after-response] error: task failed");
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(line).toMatch(/^ {2}\P{Cc}*$/u);
  });

  it("writes a report as JSON that no text in it can break", () => {
    const report = { reason: "a\n{}\u009b31m\u2028", abandoned: [] };
    const act = (): void => consoleLogger.info({ report: asReport(report) }, "ended");
    const [json = "", ...more] = written(act).split("\n");
    expect(more).toEqual([]);
    expect(json).toMatch(/^[^\p{Cc}\u2028]+$/u);
    expect(JSON.parse(json)).toMatchObject({ msg: "ended", report });
  });

  it("takes no field of a task for a report, whatever its name", () => {
    const line = written(() => consoleLogger.info({ report: { exitCode: 0 } }, "from a task"));
    expect(line).toBe('[offload-after-response] info: from a task report={"exitCode":0}');
  });

  it("the silent one writes nothing", () => {
    for (const level of ["debug", "info", "warn", "error"] as const) {
      expect(written(() => silentLogger[level]?.({ a: 1 }, "m"))).toBe("");
    }
  });
});

describe("a logger under guard", () => {
  it("is called as it is, fields first, with its own `this`", () => {
    const calls: unknown[] = [];
    class Own implements Logger {
      readonly calls = calls;
      info(...args: unknown[]): void {
        this.calls.push(["info", ...args]);
      }
      warn(...args: unknown[]): void {
        this.calls.push(["warn", ...args]);
      }
      error(...args: unknown[]): void {
        this.calls.push(["error", ...args]);
      }
    }
    const guarded = guardLogger(new Own());
    guarded.info({ a: 1 }, "one");
    guarded.warn({ b: 2 }, "two");
    guarded.error({ c: 3 }, "three");
    // It has no debug: nothing happens.
    guarded.debug?.({ d: 4 }, "four");
    expect(calls).toEqual([
      ["info", { a: 1 }, "one"],
      ["warn", { b: 2 }, "two"],
      ["error", { c: 3 }, "three"],
    ]);
  });

  it("may throw, and nobody notices", () => {
    const fail = (): never => {
      throw new Error("disk full");
    };
    const guarded = guardLogger({ info: fail, warn: fail, error: fail });
    expect(() => guarded.error({}, "m")).not.toThrow();
  });

  it("may reject, and that is no unhandledRejection", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const fail = async (): Promise<void> => {
      throw new Error("connection lost");
    };
    guardLogger({ info: fail, warn: fail, error: fail }).error({}, "m");
    await turn();
    await turn();
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });
});

/** What the act wrote on stderr through the console. */
function written(act: () => void): string {
  const spy = vi.spyOn(console, "error").mockImplementation(() => {});
  act();
  const text = spy.mock.calls.map((args) => args.join(" ")).join("\n");
  spy.mockRestore();
  return text;
}

function circular(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}
