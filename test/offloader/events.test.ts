// The events of an offloader: which come, in which order, with which fields, and what a listener cannot break.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { TaskHandle } from "offload-after-response";
import { describe, expect, it, onTestFinished } from "vitest";
import { Gate } from "../support/gate.js";
import { handedOver, type RecordedEvent, rejection, thrownBy, watch } from "../support/offloader.js";
import { makeResponse } from "../support/responses.js";

const options = { pool: { maxThreads: 1 } };

describe("the events of a task", () => {
  it("tell its story, each with what is known by then", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("add", { a: 1, b: 2 });
    await handle.result();
    const [accepted, queued, started, succeeded] = watched.recorded.filter(({ id }) => id === handle.id);
    const known = {
      id: handle.id,
      task: "add",
      kind: "task",
      priority: "normal",
      replayed: false,
      ageMs: expect.any(Number),
    };
    const common = { ...known, key: undefined, parent: undefined, context: undefined, threadId: undefined };
    const { threadId } = await watched.event("threadStarted");
    expect(accepted).toEqual({ event: "accepted", ...common, attempt: 0, state: "held" });
    expect(queued).toEqual({ event: "queued", ...common, attempt: 0, state: "queued" });
    expect(started).toEqual({
      event: "started",
      ...common,
      threadId,
      attemptMs: expect.any(Number),
      attempt: 1,
      state: "running",
      waitMs: expect.any(Number),
    });
    expect(succeeded).toEqual({
      event: "succeeded",
      ...common,
      threadId,
      attemptMs: expect.any(Number),
      attempt: 1,
      state: "succeeded",
      waitMs: expect.any(Number),
      runMs: expect.any(Number),
    });
  });

  it("say how long it waited and ran", async () => {
    const watched = watch("tasks.mjs", options);
    const gate = new Gate();
    const first = watched.offloader.offload("blocked", { gate: gate.memory });
    const second = watched.offloader.offload("echo", 1);
    await gate.arrival();
    const from = performance.now();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    const blockedFor = performance.now() - from;
    gate.open();
    await Promise.all([first.result(), second.result()]);
    const ofFirst = await watched.event("succeeded", ({ id }) => id === first.id);
    const ofSecond = await watched.event("succeeded", ({ id }) => id === second.id);
    expect(ofFirst.runMs).toBeGreaterThanOrEqual(blockedFor - 1);
    expect(ofSecond.waitMs).toBeGreaterThanOrEqual(blockedFor - 1);
    expect(ofSecond.runMs).toBeLessThan(ofFirst.runMs ?? 0);
  });

  it("are told before the promise of the result settles", async () => {
    const watched = watch("tasks.mjs", options);
    const result = watched.offloader.run("echo", 1).then(() => watched.recorded.at(-1)?.event);
    expect(await result).toBe("succeeded");
  });

  it("end with exactly one final event, whatever becomes of it", async () => {
    const watched = watch("tasks.mjs", options);
    const handles = ["echo", "fails", "exits", "nothing"].map((task) => watched.offloader.offload(task, {}));
    handles[3]?.cancel();
    await watched.offloader.idle();
    expect(handles.map(({ id }) => watched.ends(id))).toEqual([["succeeded"], ["failed"], ["failed"], ["cancelled"]]);
  });
});

describe("a listener", () => {
  it("that throws or rejects is logged and changes nothing", async () => {
    const watched = watch("tasks.mjs", options);
    const later: RecordedEvent[] = [];
    for (const event of ["accepted", "queued", "started", "succeeded", "threadStarted"] as const) {
      watched.offloader.on(event, () => {
        throw new Error(`broken ${event}`);
      });
      watched.offloader.on(event, async () => {
        throw new Error(`rejected ${event}`);
      });
      watched.offloader.on(event, (recorded) => void later.push({ event, ...recorded }));
    }
    expect(await watched.offloader.run("echo", 1)).toBe(1);
    expect(later.map(({ event }) => event).sort()).toEqual([
      "accepted",
      "queued",
      "started",
      "succeeded",
      "threadStarted",
    ]);
    // What an async listener rejects with is known after the result.
    await handedOver();
    const lines = watched.lines.filter(({ message }) => message === "a listener failed");
    for (const how of ["broken", "rejected"]) {
      expect(lines.map(({ fields }) => (fields.err as Error).message)).toContain(`${how} succeeded`);
    }
  });

  it("can be taken off again", async () => {
    const { offloader } = watch("tasks.mjs", options);
    let heard = 0;
    const off = offloader.on("succeeded", () => void heard++);
    await offloader.run("echo", 1);
    off();
    off();
    await offloader.run("echo", 2);
    expect(heard).toBe(1);
  });

  it("may dispatch and cancel", async () => {
    const watched = watch("tasks.mjs", options);
    const gate = new Gate();
    const other = watched.offloader.offload("waiting", { gate: gate.memory });
    const off = watched.offloader.on("started", ({ id }) => {
      if (id !== other.id) return;
      off();
      watched.offloader.offload("echo", "from a listener");
      other.cancel("from a listener");
    });
    await watched.event("succeeded", ({ task }) => task === "echo");
    expect((await rejection(other.result())).message).toContain("from a listener");
    gate.open();
  });
});

describe("a call", () => {
  it("has told its listeners when it returns", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("nothing");
    expect(watched.story(handle.id)).toEqual(["accepted", "queued"]);
    handle.cancel();
    expect(watched.story(handle.id)).toEqual(["accepted", "queued", "cancelled"]);
  });

  it("that a listener makes is told of after what has happened before, in the state of its moment", async () => {
    const watched = watch("tasks.mjs", options);
    const { offloader } = watched;
    const inner: TaskHandle[] = [];
    const off = offloader.on("accepted", ({ task }) => {
      if (task !== "nothing") return;
      off();
      inner.push(offloader.offload("echo", 1));
      inner[0]?.cancel();
    });
    const outer = offloader.offload("nothing");
    const events = watched.recorded
      .filter(({ id }) => id !== undefined)
      .map(({ id, event, state }) => [id, event, state]);
    expect(events).toEqual([
      [outer.id, "accepted", "held"],
      [outer.id, "queued", "queued"],
      [inner[0]?.id, "accepted", "held"],
      [inner[0]?.id, "queued", "queued"],
      [inner[0]?.id, "cancelled", "cancelled"],
    ]);
    await outer.result();
  });

  it("that is refused for a name of 1 MB has a short one in its event, in the log and in traces", async () => {
    const watched = watch("tasks.mjs", options);
    const spans: unknown[] = [];
    const subscriber = (message: unknown) => void spans.push(Reflect.get(Object(message), "task"));
    subscribe("tracing:after-response.dispatch:start", subscriber);
    onTestFinished(() => void unsubscribe("tracing:after-response.dispatch:start", subscriber));
    await watched.offloader.ready();
    for (let times = 0; times < 3; times++) thrownBy(() => watched.offloader.offload("x".repeat(1_000_000) as "add"));
    await watched.offloader.close();
    const refused = watched.recorded.filter(({ event }) => event === "refused");
    const shown = `${"x".repeat(197)}...`;
    expect(refused.map(({ task }) => task)).toEqual([shown, shown, shown]);
    expect(spans).toEqual([shown, shown, shown]);
    expect(JSON.stringify(watched.lines).length).toBeLessThan(20_000);
  });

  it("that is refused has the event refused before the call throws, and no other", async () => {
    const watched = watch("tasks.mjs", { ...options, queue: { max: 1 } });
    const { offloader } = watched;
    const gate = new Gate();
    offloader.offload("blocked", { gate: gate.memory });
    const before = watched.recorded.length;
    const full = thrownBy(() => offloader.offload("nothing"));
    expect(full.code).toBe("AR_QUEUE_FULL");
    const callback = thrownBy(() => offloader.runAfterResponse(makeResponse().response, function mail() {}));
    const unknown = thrownBy(() => offloader.offload("", 1));
    expect(watched.recorded.slice(before)).toEqual([
      { event: "refused", task: "nothing", kind: "task", code: "AR_QUEUE_FULL", error: full },
      { event: "refused", task: "mail", kind: "callback", code: "AR_QUEUE_FULL", error: callback },
      { event: "refused", task: "", kind: "task", code: "AR_INVALID_ARGUMENT", error: unknown },
    ]);
    expect(offloader.snapshot().refused).toEqual({ AR_QUEUE_FULL: 2, AR_INVALID_ARGUMENT: 1 });
    gate.open();
    await offloader.close();
    expect(thrownBy(() => offloader.offload("nothing")).code).toBe("AR_SHUTTING_DOWN");
    expect(offloader.snapshot().refused).toMatchObject({ AR_SHUTTING_DOWN: 1 });
  });

  it("that throws what is the user's own was not refused", async () => {
    const watched = watch("tasks.mjs", options);
    const payload = {
      get broken() {
        throw new RangeError("mine");
      },
    };
    expect(() => watched.offloader.offload("nothing", payload)).toThrow("mine");
    expect(watched.offloader.snapshot().refused).toEqual({});
  });

  it("that a task makes and that is refused has the event, too", async () => {
    const watched = watch("tasks.mjs", { ...options, queue: { max: 1 } });
    const error = await rejection(watched.offloader.run("leaves", { name: "nothing" }));
    expect(error).toMatchObject({ code: "AR_QUEUE_FULL" });
    expect(await watched.event("refused")).toMatchObject({ task: "nothing", kind: "task", code: "AR_QUEUE_FULL" });
  });

  it("tells of its kind, key, priority and age in every event, and of its thread from its start on", async () => {
    const watched = watch("tasks.mjs", options);
    const { offloader } = watched;
    await offloader.run("echo", 1, { key: "k", priority: "low" });
    const { threadId } = await watched.event("threadStarted");
    const rest = { kind: "task", key: "k", priority: "low", ageMs: expect.any(Number) };
    expect(watched.recorded.filter(({ id }) => id !== undefined)).toMatchObject([
      { event: "accepted", ...rest, threadId: undefined },
      { event: "queued", ...rest, threadId: undefined },
      { event: "started", ...rest, threadId },
      { event: "succeeded", ...rest, threadId },
    ]);
    const { response, over } = makeResponse();
    const { id } = offloader.runAfterResponse(response, () => {});
    over();
    const end = await watched.event("succeeded", (recorded) => recorded.id === id);
    expect(end).toMatchObject({ kind: "callback", threadId: 0 });
  });
});

describe("a failure", () => {
  it("is logged with its task, whether or not somebody listens to failed", async () => {
    const watched = watch("tasks.mjs", options);
    for (const message of ["heard", "unheard"]) {
      if (message === "unheard") watched.deaf("failed");
      const handle = watched.offloader.offload("fails", { message });
      await rejection(handle.result());
      const lines = watched.lines.filter(({ fields }) => fields.id === handle.id);
      expect(lines).toMatchObject([
        { level: "error", message: "task failed", fields: { task: "fails", attempt: 1, err: { message } } },
      ]);
    }
  });

  it("is an error once, after a warning for each attempt before it", async () => {
    const watched = watch("tasks.mjs", { ...options, defaults: { attempts: 3, backoff: 0 } });
    await rejection(watched.offloader.run("fails", {}));
    expect(watched.lines.map(({ level, message, fields }) => [level, message, fields.attempt])).toEqual([
      ["warn", "an attempt of a task failed, another follows", 1],
      ["warn", "an attempt of a task failed, another follows", 2],
      ["error", "task failed", 3],
    ]);
  });

  it('is not logged with log: { ended: "none" }, whether or not somebody listens to failed', async () => {
    const watched = watch("tasks.mjs", { ...options, log: { ended: "none" } });
    await rejection(watched.offloader.run("fails", {}));
    watched.deaf("failed");
    await rejection(watched.offloader.run("fails", {}));
    expect(watched.lines).toEqual([]);
  });

  it("disturbs nobody when the logger throws, too", async () => {
    const watched = watch("tasks.mjs", options);
    watched.breakLogger();
    await rejection(watched.offloader.run("fails", {}));
    expect(await watched.offloader.run("echo", 1)).toBe(1);
  });
});
