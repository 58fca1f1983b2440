// What the assertions and the matchers accept, and what they say when they fail.
import { AssertionError } from "node:assert";
import { matchers, type Testing } from "offload-after-response/testing";
import "offload-after-response/testing/vitest";
import { beforeEach, describe, expect, it } from "vitest";
import { differences, matches } from "../../src/testing/assert/match.js";
import { type App, startApp } from "./app.js";

expect.extend(matchers);

describe("what matches a payload", () => {
  const payload = {
    key: "cat",
    widths: [320, 640],
    at: new Date(0),
    size: { bytes: 10, unit: "KB" },
    raw: Buffer.from("abc"),
    tags: new Set(["a"]),
    byName: new Map([["a", { deep: true }]]),
    error: new RangeError("too large"),
    url: new URL("http://localhost/a"),
  };

  it.each<[string, unknown]>([
    ["nothing that is asked for", undefined],
    ["some of its fields", { key: "cat" }],
    ["some of a field's fields", { size: { bytes: 10 } }],
    ["a field that is absent", { missing: undefined }],
    ["a whole array", { widths: [320, 640] }],
    ["a date, a buffer, a set, a map, an error, a URL", { ...payload }],
    ["a function that says yes", ({ key }: { key: string }) => key === "cat"],
    ["a matcher of the runner", expect.objectContaining({ key: "cat" })],
    ["matchers within", { key: expect.any(String), widths: [expect.any(Number), 640] }],
    ["a regular expression", { key: /^c/ }],
    ["a matcher of sinon", { test: (actual: { key: string }) => actual.key === "cat" }],
  ])("%s", (_what, match) => {
    expect(matches(payload, match)).toBe(true);
  });

  it.each<[string, unknown, string[]]>([
    ["another field", { key: "dog" }, ["payload.key"]],
    ["two others", { key: "dog", size: { unit: "MB" } }, ["payload.key", "payload.size.unit"]],
    ["a shorter array", { widths: [320] }, ["payload.widths"]],
    ["another kind of value", { widths: { 0: 320 } }, ["payload.widths"]],
    ["another date", { at: new Date(1) }, ["payload.at"]],
    ["another buffer", { raw: Buffer.from("abd") }, ["payload.raw"]],
    ["a set with more in it", { tags: new Set(["a", "b"]) }, ["payload.tags"]],
    ["a map with another value", { byName: new Map([["a", { deep: false }]]) }, ["payload.byName"]],
    ["another error", { error: new TypeError("too large") }, ["payload.error.name"]],
    ["null in the place of an object", { size: null }, ["payload.size"]],
    ["a matcher that says no", { key: expect.any(Number) }, ["payload.key"]],
    ["a regular expression for no text", { at: /0/ }, ["payload.at"]],
  ])("but not %s", (_what, match, paths) => {
    expect(differences(payload, match).map(({ path }) => path)).toEqual(paths);
  });

  it("but not a value where the payload is another", () => {
    expect([matches("cat", "cat"), matches("cat", "dog"), matches(undefined, {}), matches(0, -0)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });
});

describe("a failed assertion", () => {
  let tasks: App["tasks"];
  let offloader: App["offloader"];

  beforeEach(async () => {
    ({ tasks, offloader } = await startApp());
    offloader.offload("sendMail", { to: "ann@example.org" });
    offloader.offload("optimizeImage", { key: "dog", widths: [100] });
    offloader.offload("optimizeImage", { key: "cat", widths: [320] }, { priority: "low" });
  });

  it("is an AssertionError with the payload that comes nearest, and the place of the difference", () => {
    const error = failureOf(() => tasks.assertOffloaded("optimizeImage", { key: "cat", widths: [640] }));
    expect(error).toBeInstanceOf(AssertionError);
    expect(error).toMatchObject({
      code: "ERR_ASSERTION",
      operator: "assertOffloaded",
      expected: { key: "cat", widths: [640] },
      actual: { key: "cat", widths: [320] },
    });
    expect(error.message).toBe(
      [
        "expected optimizeImage({ key: 'cat', widths: [ 640 ] }) to be offloaded; nearest:",
        "  optimizeImage({ key: 'cat', widths: [ 320 ] }), by offload, queued",
        "    payload.widths[0]: expected 640, got 320",
        "  optimizeImage({ key: 'dog', widths: [ 100 ] }), by offload, queued",
        "    payload.key: expected 'cat', got 'dog'",
        "    payload.widths[0]: expected 640, got 100",
      ].join("\n"),
    );
    // The first line of the stack is the test's.
    expect(error.stack?.split("\n").find((line) => /^ +at /.test(line))).toMatch(/assertions\.test/);
  });

  it("lists what else was offloaded where there is nothing of the name", () => {
    expect(failureOf(() => tasks.assertOffloaded("waits")).message).toMatch(
      /^expected waits to be offloaded; no waits was, but\n {2}sendMail\(\{ to: 'ann@example\.org' \}\), by offload, queued\n/,
    );
  });

  it("says so where nothing was offloaded", async () => {
    await tasks.clear();
    expect(failureOf(() => tasks.assertOffloaded("sendMail")).message).toBe(
      "expected sendMail to be offloaded; nothing was offloaded",
    );
  });

  it("counts", () => {
    tasks.assertOffloaded("optimizeImage", undefined, { times: 2 });
    const error = failureOf(() => tasks.assertOffloaded("optimizeImage", undefined, { times: 3 }));
    expect(error).toMatchObject({ expected: 3, actual: 2 });
    expect(error.message).toMatch(/^expected optimizeImage to be offloaded 3 times, but it was 2 times:\n/);
  });

  it("shows a matcher by its name", () => {
    const match = { key: expect.stringMatching(/^z/), widths: [expect.any(String)] };
    expect(failureOf(() => tasks.assertOffloaded("optimizeImage", match as never)).message).toMatch(
      /optimizeImage\(\{ key: StringMatching<\/\^z\/>, widths: \[ Any<String> \] \}\)[\s\S]*payload\.key: expected StringMatching/,
    );
  });

  it("is about a name that was given: none, or no text, is an error of its own", () => {
    for (const name of [undefined, null, 5]) {
      for (const call of ["assertOffloaded", "assertNotOffloaded"] as const) {
        expect(() => tasks[call](name as never)).toThrow(/expected a name, a string, got/);
      }
    }
    expect(() => tasks.callbacks(5 as never)).toThrow(/callbacks: expected a name, a string, got 5/);
  });

  it("names the operation and the options", () => {
    tasks.assertOffloaded("optimizeImage", undefined, { options: { priority: "low" }, times: 1 });
    const call = { operation: "run", options: { priority: "high" } } as const;
    expect(failureOf(() => tasks.assertOffloaded("optimizeImage", undefined, call)).message).toMatch(
      /^expected optimizeImage by run with the options \{ priority: 'high' \} to be offloaded; nearest:/,
    );
  });

  it("lists what was offloaded where nothing should have been", () => {
    expect(failureOf(() => tasks.assertNotOffloaded("sendMail", { to: /example/ })).message).toBe(
      "expected no sendMail({ to: /example/ }) to be offloaded, but this was:\n" +
        "  sendMail({ to: 'ann@example.org' }), by offload, queued",
    );
    expect(failureOf(() => tasks.assertNothingOffloaded()).message).toMatch(/^expected nothing to be offloaded, but/);
    tasks.assertNotOffloaded("sendMail", { to: "bob@example.org" });
  });
});

describe("the matchers", () => {
  it("take the kit or the offloader", async () => {
    const { tasks, offloader } = await startApp();
    offloader.offload("optimizeImage", { key: "cat" });
    expect(tasks).toHaveOffloaded("optimizeImage", { key: "cat" });
    expect(offloader).toHaveOffloaded("optimizeImage");
    expect(tasks).not.toHaveOffloaded("sendMail");
    expect(tasks).toHaveOffloadedTimes("optimizeImage", 1);
    expect(tasks).not.toHaveOffloadedTimes("optimizeImage", 2);
  });

  it("say what the assertions say", async () => {
    const { tasks, offloader } = await startApp();
    offloader.offload("optimizeImage", { key: "cat" });
    expect(failureOf(() => expect(tasks).toHaveOffloaded("optimizeImage", { key: "dog" })).message).toMatch(
      /payload\.key: expected 'dog', got 'cat'/,
    );
    expect(failureOf(() => expect(tasks).not.toHaveOffloaded("optimizeImage")).message).toMatch(
      /expected no optimizeImage to be offloaded/,
    );
    expect(failureOf(() => expect(tasks).not.toHaveOffloadedTimes("optimizeImage", 1)).message).toMatch(
      /not to be offloaded once/,
    );
    expect(failureOf(() => expect({}).toHaveOffloaded("optimizeImage")).message).toMatch(
      /toHaveOffloaded: expected what testing\(\) returned, or an offloader that is under test, got an object/,
    );
  });
});

it("a kit is typed by the tasks module", () => {
  type Kit = Testing<{ resize(payload: { key: string }): number }>;
  const use = (kit: Kit): void => {
    kit.assertOffloaded("resize", { key: "a" });
    kit.assertOffloaded("resize", ({ key }) => key === "a");
    kit.assertOffloaded("resize", { key: expect.any(String) });
    const results: (number | undefined)[] = kit.offloaded("resize").map(({ result }) => result);
    void results;
    // @ts-expect-error no task has this name
    kit.assertOffloaded("resise");
    // @ts-expect-error the field is a string
    kit.assertOffloaded("resize", { key: 1 });
  };
  expect(use).toBeTypeOf("function");
});

function failureOf(assert: () => unknown): Error & Record<string, unknown> {
  try {
    assert();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error("expected the assertion to fail");
}
