// What a task throws and returns, as it reaches the main thread.
import * as workerThreads from "node:worker_threads";
import { errorCodes, OffloadError } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { rejection, type Watched, watch } from "../../support/offloader.js";

const started = (): Watched => watch("failures.mjs", { pool: { maxThreads: 1 } });

/** Whether the thread that failed its task still lives. */
async function expectSameThread(watched: Watched): Promise<void> {
  expect(await watched.offloader.run("returns", "date")).toEqual(new Date(0));
  expect(watched.recorded.filter(({ event }) => event === "threadEnded")).toEqual([]);
}

describe("a task that throws something that is not an Error", () => {
  const cases: readonly [kind: string, message: RegExp, cause: unknown][] = [
    ["null", /threw null/, null],
    ["undefined", /threw undefined/, undefined],
    ["text", /threw "out of paper"/, "out of paper"],
    ["number", /threw 42/, 42],
    ["symbol", /threw Symbol\(mark\)/, undefined],
    ["object", /threw an object/, { status: 404 }],
    ["function", /threw a function/, undefined],
    ["uncloneable", /threw an object/, undefined],
  ];

  for (const [kind, message, cause] of cases) {
    it(`fails with what can be said of it: ${kind}`, async () => {
      const watched = started();
      for (const task of ["throwsValue", "rejectsWithValue"]) {
        const error = await rejection(watched.offloader.run(task, kind));
        expect(error).toBeInstanceOf(OffloadError);
        expect(error).toMatchObject({ code: "AR_NOT_AN_ERROR" });
        expect(error.message).toMatch(message);
        expect(error.cause).toEqual(cause);
      }
      await expectSameThread(watched);
    });
  }
});

// From Node 22.10 on.
describe.runIf("markAsUncloneable" in workerThreads)("a task whose outcome somebody has marked as uncloneable", () => {
  it("succeeds with a lost result", async () => {
    const watched = started();
    const handle = watched.offloader.offload("returnsMarked");
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_RESULT_NOT_CLONEABLE" });
    expect(handle.state).toBe("succeeded");
    await expectSameThread(watched);
  });

  it("fails with the words of its error", async () => {
    const watched = started();
    const error = await rejection(watched.offloader.run("throwsMarked"));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe("as told");
    await expectSameThread(watched);
  });
});

describe("a task that throws an Error", () => {
  async function thrown(kind: string): Promise<Error & Readonly<Record<string, unknown>>> {
    const watched = started();
    const error = await rejection(watched.offloader.run("throwsError", kind));
    await expectSameThread(watched);
    return error;
  }

  it("keeps its name, message, stack, code, cause chain and the own fields that can be copied", async () => {
    const error = await thrown("custom");
    expect(error).toMatchObject({ name: "QuotaError", message: "too much", code: "E_QUOTA" });
    expect(error.limit).toEqual({ bytes: 10, at: new Date(0) });
    expect(error).not.toHaveProperty("retry");
    expect(error.stack).toMatch(/^QuotaError: too much\n.*at .*failures\.mjs:\d+/s);
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error.cause).toMatchObject({ message: "11 bytes", cause: "a bet" });
    expect(Object.keys(error)).not.toContain("stack");
  });

  it("keeps a built-in class", async () => {
    expect(await thrown("builtIn")).toBeInstanceOf(RangeError);
  });

  it("is told although its cause is itself", async () => {
    const error = await thrown("circular");
    expect(error.message).toBe("round and round");
  });

  it("is told although its members hold each other many times over", async () => {
    const error = await thrown("crowded");
    expect(error).toBeInstanceOf(AggregateError);
    expect(error.message).toBe("a crowd");
  });

  it("is told with the head of an endless chain of causes", async () => {
    const error = await thrown("endless");
    expect(error.message).toBe("number 9999");
    expect(error.cause).toMatchObject({ message: "number 9998" });
  });

  it("keeps the members of an AggregateError, those that are no errors too", async () => {
    const error = await thrown("aggregate");
    if (!(error instanceof AggregateError)) throw error;
    expect(error.message).toBe("all of them");
    expect(error.errors).toHaveLength(3);
    expect(error.errors[0]).toBeInstanceOf(TypeError);
    expect(error.errors[1]).toBe("two");
    expect(error.errors[2]).toMatchObject({ name: "QuotaError", code: "E_QUOTA" });
  });

  it("keeps a field `errors` that has nothing to do with AggregateError", async () => {
    const error = await thrown("validation");
    expect(error).toMatchObject({ name: "ValidationError", message: "invalid", errors: ["name is required"] });
    expect(error).not.toBeInstanceOf(AggregateError);
  });

  it("keeps the name and code of a DOMException", async () => {
    expect(await thrown("dom")).toMatchObject({ name: "AbortError", message: "given up", code: 20 });
  });

  it("is told as far as it can be read when its getters throw", async () => {
    expect(await thrown("unreadable")).toMatchObject({ message: "readable in parts" });
    expect(await thrown("nameless")).toMatchObject({ name: "Error", message: "has a message" });
  });

  it("may be called like something that every object has", async () => {
    expect(await thrown("constructorName")).toMatchObject({ name: "constructor", message: "called so" });
  });

  it("may come from another realm", async () => {
    const error = await thrown("otherRealm");
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: "from elsewhere", code: "E_REALM" });
  });

  it("pollutes nobody's prototype", async () => {
    const error = await thrown("prototypeField");
    expect(error.message).toBe("polluted");
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toHaveProperty("polluted");
    expect({}).not.toHaveProperty("polluted");
  });

  for (const [kind, message] of [
    ["proxy", "behind a proxy"],
    ["frozen", "frozen"],
    ["stackless", "no stack"],
  ] as const) {
    it(`is recorded when it is ${kind}`, async () => {
      expect(await thrown(kind)).toMatchObject({ message });
    });
  }

  it("is the error of the event, and no OffloadError", async () => {
    const watched = started();
    const { id } = watched.offloader.offload("throwsError", "custom");
    const { error, state } = await watched.event("failed", (recorded) => recorded.id === id);
    expect(error).toMatchObject({ name: "QuotaError", code: "E_QUOTA" });
    expect(error).not.toBeInstanceOf(OffloadError);
    expect(state).toBe("failed");
  });
});

describe("a NonRetryableError", () => {
  it("ends the task at its first attempt", async () => {
    const watched = started();
    const handle = watched.offloader.offload("gaveUp", undefined, { attempts: 5, backoff: 0 });
    const error = await rejection(handle.result());
    expect(error).toMatchObject({ name: "NonRetryableError", message: "not again after 1" });
    expect(error.cause).toMatchObject({ message: "the reason" });
    expect(watched.story(handle.id)).toEqual(["accepted", "queued", "started", "failed"]);
  });
});

describe("a result", () => {
  for (const kind of ["function", "symbol", "method", "getter", "weak"]) {
    it(`that cannot be copied (${kind}) is no failure of the task: only whoever asks for it is recorded`, async () => {
      const watched = started();
      const handle = watched.offloader.offload("returns", kind);
      await watched.offloader.idle();
      expect(handle.state).toBe("succeeded");
      const error = await rejection(handle.result());
      expect(error).toMatchObject({ code: "AR_RESULT_NOT_CLONEABLE" });
      expect(error.message).toContain(`task returns (${handle.id}) succeeded, but`);
      await expectSameThread(watched);
    });
  }

  it("that cannot be copied is named by its path", async () => {
    const error = await rejection(started().offloader.run("returns", "method"));
    expect(error.message).toContain("result.user.save is a function");
  });

  it("whose `then` throws fails the task, as it does under await", async () => {
    expect(await rejection(started().offloader.run("returns", "thenThrows"))).toMatchObject({
      message: "no then for you",
    });
  });

  it("arrives as structured clone makes it", async () => {
    const { offloader } = started();
    const circular = (await offloader.run("returns", "circular")) as { self: unknown };
    expect(circular.self).toBe(circular);
    expect(await offloader.run("returns", "error")).toBeInstanceOf(RangeError);
    expect(await offloader.run("returns", "map")).toEqual(new Map([["key", new Set([1, 2])]]));
    expect(await offloader.run("returns", "bytes")).toEqual(new Uint8Array([1, 2, 3]));
  });
});

describe("the middle one of three that fails", () => {
  it("leaves the others alone, and is reported once", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const handles = [
      watched.offloader.offload("echo", 1),
      watched.offloader.offload("fails", { message: "second", code: "E_SECOND" }),
      watched.offloader.offload("echo", 3),
    ];
    await watched.offloader.idle();
    expect(handles.map(({ state }) => state)).toEqual(["succeeded", "failed", "succeeded"]);
    const failures = watched.recorded.filter(({ event }) => event === "failed");
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ id: handles[1]?.id, error: { message: "second", code: "E_SECOND" } });
    expect(failures[0]?.error).not.toBeInstanceOf(OffloadError);
    expect(Object.keys(errorCodes)).not.toContain("E_SECOND");
  });
});
