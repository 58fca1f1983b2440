// What a dispatch call takes, captures, and refuses.
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { type errorCodes, OffloadError } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { rejection, thrownBy, watch } from "../support/offloader.js";

const options = { pool: { maxThreads: 1 } };
const buffer = new ArrayBuffer(8);

describe("a payload", () => {
  it("is captured at the call: what the caller does to it afterwards is not seen", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const payload = { list: [1, 2], nested: { deep: "as called" }, bytes: new Uint8Array([1, 2]) };
    const result = offloader.run("echo", payload);
    payload.list.push(3);
    payload.nested.deep = "changed";
    payload.bytes[0] = 9;
    expect(await result).toEqual({ list: [1, 2], nested: { deep: "as called" }, bytes: new Uint8Array([1, 2]) });
  });

  it("arrives as structured clone makes it", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const circular: Record<string, unknown> = { name: "circular" };
    circular.self = circular;
    const payload = { map: new Map([[1, new Set(["x"])]]), date: new Date(1), big: 10n, regexp: /x/g, circular };
    const arrived = (await offloader.run("echo", payload)) as typeof payload;
    expect(arrived).toEqual(payload);
    expect(arrived.circular.self).toBe(arrived.circular);
  });

  it("takes no more of a small Buffer than its own bytes", async () => {
    const { offloader } = watch("tasks.mjs", options);
    // Small buffers share one pool of 8 KiB with others: here a secret lies beside it.
    Buffer.from("a secret of another request");
    expect(await offloader.run("bufferBytes", Buffer.from("mine"))).toEqual({ length: 4, behind: 4 });
  });

  it("may be left out, and may be any value that can be copied", async () => {
    const { offloader } = watch("tasks.mjs", options);
    for (const payload of [undefined, null, 0, "", Number.NaN, false, [], 5n, new Date(0)]) {
      expect(await offloader.run("echo", payload)).toEqual(payload);
    }
    expect(await offloader.run("echo")).toBeUndefined();
  });

  it("shares a SharedArrayBuffer with the task", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const gate = new Gate();
    gate.open();
    await offloader.run("blocked", { gate: gate.memory });
    expect(gate.arrived).toBe(1);
  });
});

describe("a call with what it does not take", () => {
  const bad: readonly [what: string, args: readonly unknown[], code: keyof typeof errorCodes, says: RegExp][] = [
    ["a name that is no string", [42, {}], "AR_INVALID_ARGUMENT", /name of a task.*got 42/],
    ["an empty name", ["", {}], "AR_INVALID_ARGUMENT", /non-empty string, got ""/],
    ["an unknown name", ["eco", {}], "AR_UNKNOWN_TASK", /did you mean echo\?/],
    ["a function in the payload", ["echo", { user: { save() {} } }], "AR_PAYLOAD_NOT_CLONEABLE", /payload\.user\.save/],
    ["a function as the payload", ["echo", () => {}], "AR_PAYLOAD_NOT_CLONEABLE", /payload is a function/],
    ["a symbol in a list", ["echo", [1, Symbol("x")]], "AR_PAYLOAD_NOT_CLONEABLE", /payload\[1\] is a symbol/],
    ["a promise", ["echo", Promise.resolve()], "AR_PAYLOAD_NOT_CLONEABLE", /payload/],
    [
      "an unknown option",
      ["echo", 1, { prioritty: "high" }],
      "AR_INVALID_OPTIONS",
      /prioritty .*did you mean priority/,
    ],
    [
      "a wrong priority",
      ["echo", 1, { priority: "urgent" }],
      "AR_INVALID_OPTIONS",
      /priority .*"high", "normal", "low"/,
    ],
    ["no attempts", ["echo", 1, { attempts: 0 }], "AR_INVALID_OPTIONS", /attempts to be a positive integer, got 0/],
    ["a negative timeout", ["echo", 1, { timeout: -1 }], "AR_INVALID_OPTIONS", /timeout .*milliseconds/],
    ["a wrong backoff", ["echo", 1, { backoff: { type: "linear" } }], "AR_INVALID_OPTIONS", /backoff\.type/],
    [
      "a key that is no string",
      ["echo", 1, { key: 7 }],
      "AR_INVALID_OPTIONS",
      /key to be a non-empty string of at most 1000 characters, got 7/,
    ],
    ["a signal that is none", ["echo", 1, { signal: {} }], "AR_INVALID_OPTIONS", /signal to be an AbortSignal/],
    ["options that are none", ["echo", 1, "high"], "AR_INVALID_OPTIONS", /an object/],
    ["concurrency", ["echo", 1, { concurrency: 2 }], "AR_INVALID_OPTIONS", /unknown option concurrency/],
    [
      "something twice in transfer",
      ["echo", 1, { transfer: [buffer, buffer] }],
      "AR_PAYLOAD_NOT_CLONEABLE",
      /transfer/,
    ],
    [
      "something in transfer that cannot move",
      ["echo", 1, { transfer: ["x"] }],
      "AR_PAYLOAD_NOT_CLONEABLE",
      /transfer/,
    ],
  ];

  for (const [what, args, code, says] of bad) {
    it(`throws at the call and accepts nothing: ${what}`, async () => {
      const watched = watch("tasks.mjs", options);
      await watched.offloader.ready();
      const { offload, run } = watched.offloader as unknown as Record<
        "offload" | "run",
        (...args: unknown[]) => unknown
      >;
      const thrown = thrownBy(() => offload(...args));
      // run() has one way to fail, the promise that it returns.
      const rejected = await rejection(run(...args) as Promise<unknown>);
      for (const error of [thrown, rejected]) {
        expect(error).toMatchObject({ code });
        expect(error.message).toMatch(says);
        expect(error).not.toHaveProperty("statusCode");
      }
      expect(watched.recorded.filter(({ event }) => event === "accepted")).toEqual([]);
      expect(watched.offloader.stats().unfinished).toBe(0);
    });
  }

  it("throws outside a request, for a call that waits for the response being handled", () => {
    const { offloader } = watch("tasks.mjs", options);
    for (const call of [() => offloader.offloadAfterResponse("echo", 1), () => offloader.runAfterResponse(() => {})]) {
      expect(thrownBy(call)).toMatchObject({ code: "AR_NO_RESPONSE" });
    }
  });
});

describe("runAfterResponse()", () => {
  it.each<[string, unknown]>([
    ["key", "k"],
    ["onDuplicate", "replace"],
    ["transfer", [new ArrayBuffer(1)]],
    ["priority", "high"],
    ["concurrency", 1],
  ])("refuses %s, which means nothing to a callback, by its name", (option, value) => {
    const watched = watch("tasks.mjs", options);
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    // As a program in JavaScript may.
    const given: object = { timeout: 100, [option]: value };
    expect(thrownBy(() => watched.offloader.runAfterResponse(response, () => {}, given))).toMatchObject({
      code: "AR_INVALID_OPTIONS",
      message: `options of runAfterResponse: unknown option ${option} (known options: timeout, attempts, backoff, runIf, signal)`,
    });
    expect(watched.recorded.filter(({ event }) => event === "accepted")).toEqual([]);
  });

  it("takes the options that do", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const { signal } = new AbortController();
    const given = { timeout: 100, attempts: 2, backoff: 0, runIf: "always", signal } as const;
    let runs = 0;
    const handle = offloader.runAfterResponse(response, () => void runs++, given);
    response.emit("close");
    await handle.result();
    expect(runs).toBe(1);
  });
});

describe("a full queue", () => {
  it("refuses at the call, with what Express and Fastify make a 503 of, and loses nothing accepted", async () => {
    const watched = watch("tasks.mjs", { ...options, queue: { max: 3 } });
    const gate = new Gate();
    const accepted = [1, 2, 3].map((value) => watched.offloader.offload("waiting", { gate: gate.memory, value }));
    const refusal = thrownBy(() => watched.offloader.offload("echo", 4));
    expect(refusal).toMatchObject({
      code: "AR_QUEUE_FULL",
      status: 503,
      statusCode: 503,
      headers: { "Retry-After": "1" },
    });
    expect(refusal).toBeInstanceOf(OffloadError);
    expect(refusal.message).toMatch(
      /^queue\.max \(3\) tasks are unfinished: 0 held, \d queued, 0 delayed, \d running$/,
    );
    gate.open();
    expect(await Promise.all(accepted.map((handle) => handle.result()))).toEqual([1, 2, 3]);
    expect(await watched.offloader.run("echo", 5)).toBe(5);
  });

  it("has room again for each task that ends, also by being cancelled", async () => {
    const watched = watch("tasks.mjs", { ...options, queue: { max: 2 } });
    const gate = new Gate();
    watched.offloader.offload("blocked", { gate: gate.memory });
    const second = watched.offloader.offload("echo", 1);
    expect(thrownBy(() => watched.offloader.offload("echo", 2))).toMatchObject({ code: "AR_QUEUE_FULL" });
    second.cancel();
    const third = watched.offloader.offload("echo", 3);
    gate.open();
    expect(await third.result()).toBe(3);
  });
});

describe("the context of a call", () => {
  it("is captured at the call, and reaches the task and its events", async () => {
    let request = { id: "r1" };
    const watched = watch("tasks.mjs", { ...options, context: () => request });
    const first = watched.offloader.offload("about");
    request.id = "changed";
    request = { id: "r2" };
    const second = watched.offloader.offload("about");
    expect(await first.result()).toMatchObject({ context: { id: "r1" }, attempt: 1, id: first.id, task: "about" });
    expect(await second.result()).toMatchObject({ context: { id: "r2" }, id: second.id });
    for (const event of ["accepted", "queued", "started", "succeeded"] as const) {
      expect(await watched.event(event, ({ id }) => id === first.id)).toMatchObject({ context: { id: "r1" } });
    }
  });

  it("that throws or cannot be copied throws at the call", () => {
    const { offloader } = watch("tasks.mjs", { ...options, context: () => () => {} });
    expect(thrownBy(() => offloader.offload("echo"))).toMatchObject({
      code: "AR_PAYLOAD_NOT_CLONEABLE",
      message: expect.stringContaining("context is a function"),
    });
    const other = watch("tasks.mjs", {
      ...options,
      context: () => {
        throw new RangeError("no context");
      },
    });
    expect(() => other.offloader.offload("echo")).toThrow(RangeError);
    expect(other.offloader.stats().unfinished).toBe(0);
  });
});

describe("the calls", () => {
  it("are bound, so that they can be destructured", async () => {
    const { offload, run, task, stats, ready, idle, on } = watch("tasks.mjs", options).offloader;
    await ready();
    const seen: string[] = [];
    on("succeeded", ({ id }) => seen.push(id));
    const handle = offload("echo", 1);
    expect(await run("echo", 2)).toBe(2);
    expect(await task("echo").run(3)).toBe(3);
    expect(await task("echo").dispatch(4).result()).toBe(4);
    await idle();
    expect(seen).toHaveLength(4);
    expect(seen).toContain(handle.id);
    expect(stats().succeeded).toBe(4);
  });

  it("give each task an id that is unique, in this offloader and in others", async () => {
    const ids = [watch("tasks.mjs", options), watch("tasks.mjs", options)].flatMap(({ offloader }) => {
      return Array.from({ length: 100 }, () => offloader.offload("nothing").id);
    });
    expect(new Set(ids).size).toBe(200);
  });
});
