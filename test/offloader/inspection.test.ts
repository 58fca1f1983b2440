// What an offloader shows on request: its threads, its tasks, a task by its id, raw counts.
import { createOffloader } from "offload-after-response";
import { describe, expect, it, onTestFinished } from "vitest";
import { Gate } from "../support/gate.js";
import { handedOver, rejection, thrownBy, unwatched, watch } from "../support/offloader.js";
import { makeResponse } from "../support/responses.js";

const options = { pool: { maxThreads: 1 } };

describe("threads()", () => {
  it("tells what has begun on each, since when, with which progress, and how many are ahead", async () => {
    const watched = watch("talks.mjs", options);
    const { offloader } = watched;
    await watched.expectTiny("reports", { values: [] });
    const gate = new Gate();
    const running = offloader.offload("reportsAndWaits", { value: { at: 3 }, gate: gate.memory });
    const behind = [1, 2].map(() => offloader.offload("reports", { values: [] }));
    await watched.event("progress");
    await gate.arrival();
    const [thread, ...others] = offloader.threads();
    expect(others).toEqual([]);
    expect(thread).toMatchObject({
      threadId: (await watched.event("threadStarted")).threadId,
      state: "busy",
      running: [
        { id: running.id, task: "reportsAndWaits", attempt: 1, stopping: false, progress: { value: { at: 3 } } },
      ],
    });
    expect(thread?.running[0]?.runMs).toBeGreaterThanOrEqual(thread?.running[0]?.progress?.ageMs ?? Number.NaN);
    const queued = behind.filter(({ state }) => state === "queued").length;
    expect(thread?.ahead).toBe(behind.length - queued);
    expect(thread?.utilization).toBeGreaterThanOrEqual(0);
    expect(thread?.utilization).toBeLessThanOrEqual(1);
    expect(thread?.memoryMiB).toBeGreaterThan(1);
    gate.open();
    await offloader.idle();
    expect(offloader.threads()[0]).toMatchObject({ state: "idle", running: [], ahead: 0 });
    expect(offloader.threads()[0]?.tasksRun).toBe(offloader.stats().succeeded);
  });

  it("measures the memory of a thread again after somebody has looked", async () => {
    const { offloader } = watch("tasks.mjs", options);
    await offloader.run("nothing");
    const [before] = offloader.threads();
    const held = await offloader.run("holds", { bytes: 64 * 2 ** 20 });
    expect(held).toBe(64 * 2 ** 20);
    expect((offloader.threads()[0]?.memoryMiB ?? 0) - (before?.memoryMiB ?? 0)).toBeGreaterThan(50);
  });

  it("forgets the progress of an attempt that has ended", async () => {
    const watched = watch("talks.mjs", options);
    await watched.offloader.run("reports", { values: [1, 2] });
    const gate = new Gate();
    watched.offloader.offload("waits", { gate: gate.memory });
    await gate.arrival();
    expect(watched.offloader.threads()[0]?.running).toMatchObject([{ task: "waits", progress: undefined }]);
    gate.open();
  });
});

describe("tasks()", () => {
  async function arrange() {
    const watched = watch("tasks.mjs", { ...options, context: () => ({ request: "r-1" }) });
    const { offloader } = watched;
    const gate = new Gate();
    const running = offloader.offload("waiting", { gate: gate.memory }, { priority: "high" });
    await gate.arrival();
    offloader.offload("fails", {}, { attempts: 2, backoff: 100_000 });
    // Its thread is free for it only while the first waits for the gate.
    gate.open();
    const delayed = await watched.event("retrying");
    const second = new Gate();
    const blocked = offloader.offload("blocked", { gate: second.memory }, { key: "k" });
    await second.arrival();
    const queued = [1, 2, 3].map((value) => offloader.offload("echo", value));
    const { response, over } = makeResponse();
    const held = offloader.runAfterResponse(response, function mail() {});
    return { watched, offloader, running, delayed, blocked, queued, held, over, gate: second };
  }

  it("lists what is unfinished, oldest first, with everything but the payload", async () => {
    const { offloader, delayed, blocked, queued, held, over, gate } = await arrange();
    const all = offloader.tasks();
    const [first, ...others] = queued;
    expect(all.map(({ id }) => id)).toEqual([delayed.id, blocked.id, ...queued.map(({ id }) => id), held.id]);
    expect(all.slice(0, 3)).toMatchObject([
      { task: "fails", kind: "task", state: "delayed", attempt: 1, priority: "normal", context: { request: "r-1" } },
      { task: "blocked", kind: "task", state: "running", key: "k", threadId: offloader.threads()[0]?.threadId },
      { id: first?.id, task: "echo", state: "queued", attempt: 0, threadId: undefined, runningMs: undefined },
    ]);
    expect(all.at(-1)).toMatchObject({ task: "mail", kind: "callback", state: "held", queuedMs: undefined });
    expect(all[1]?.runningMs).toBeGreaterThanOrEqual(0);
    expect(all[2]?.queuedMs).toBeLessThanOrEqual(all[2]?.ageMs ?? Number.NaN);
    expect(all[0]?.ageMs).toBeGreaterThanOrEqual(all[1]?.ageMs ?? Number.NaN);
    expect(others).toHaveLength(2);
    over();
    gate.open();
  });

  it("lists those of one state, of one name, and no more than asked for", async () => {
    const { offloader, blocked, queued, held, over, gate } = await arrange();
    const idsOf = (query: Parameters<typeof offloader.tasks>[0]) => offloader.tasks(query).map(({ id }) => id);
    expect(idsOf({ state: "running" })).toEqual([blocked.id]);
    expect(idsOf({ task: "echo" })).toEqual(queued.map(({ id }) => id));
    expect(idsOf({ task: "echo", limit: 2 })).toEqual(queued.slice(0, 2).map(({ id }) => id));
    expect(idsOf({ task: "echo", state: "delayed" })).toEqual([]);
    expect(idsOf({ task: "mail" })).toEqual([held.id]);
    expect(idsOf({ task: "unknown" })).toEqual([]);
    over();
    gate.open();
  });

  it.each([
    [{ limit: 0 }, "tasks: expected limit to be an integer from 1 to 1000, got 0"],
    [{ limit: 1_001 }, "tasks: expected limit to be an integer from 1 to 1000, got 1001"],
    [{ state: "done" }, 'tasks: expected state to be one of "held", "queued", "running", "delayed", got "done"'],
    [{ task: 1 }, "tasks: expected task to be a non-empty string, got 1"],
    [{ name: "x" }, "tasks: unknown option name (known options: state, task, limit)"],
  ])("refuses %j", (query, message) => {
    const { offloader } = watch("tasks.mjs", { pool: { minThreads: 0 } });
    const error = thrownBy(() => offloader.tasks(query as never));
    expect([error.code, error.message]).toEqual(["AR_INVALID_OPTIONS", message]);
  });

  it("ends its walk once all that it looks for are found", async () => {
    const offloader = unwatched("tasks.mjs", { ...options, queue: { max: 200_000 } });
    const gate = new Gate();
    offloader.offload("blocked", { gate: gate.memory });
    await gate.arrival();
    for (let i = 0; i < 100_000; i++) offloader.offload("nothing");
    const took = (query: Parameters<typeof offloader.tasks>[0]): number => {
      const times = Array.from({ length: 9 }, () => {
        const from = performance.now();
        offloader.tasks(query);
        return performance.now() - from;
      });
      return Math.min(...times);
    };
    expect(offloader.tasks({ task: "blocked" })).toHaveLength(1);
    // The walks over all 100,000 would take as long as this one.
    const whole = took({ task: "nothing", limit: 1_000, state: "queued" });
    for (const query of [{ task: "blocked" }, { state: "held" }, { task: "unknown" }, { state: "running" }] as const) {
      expect(took(query)).toBeLessThan(whole + 0.2);
    }
    gate.open();
  });
});

describe("find()", () => {
  it("gives the handle of what is unfinished, a task or a callback", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const gate = new Gate();
    offloader.offload("blocked", { gate: gate.memory });
    await gate.arrival();
    const task = offloader.offload("echo", 7);
    const found = offloader.find(task.id);
    expect(found).toMatchObject({ id: task.id, task: "echo", state: "queued" });
    expect(found?.result()).toBe(task.result());
    const { response, over } = makeResponse();
    const callback = offloader.runAfterResponse(response, () => {});
    expect(offloader.find(callback.id)?.cancel()).toBe(true);
    expect(callback.state).toBe("cancelled");
    over();
    gate.open();
    expect(await found?.result()).toBe(7);
    expect(offloader.find(task.id)).toBeUndefined();
  });

  it.each(["", "x", "0123456789abcdef-0", "__proto__"])("knows nothing of %j", (id) => {
    expect(watch("tasks.mjs", { pool: { minThreads: 0 } }).offloader.find(id)).toBeUndefined();
  });

  it("takes no other writing of an id", async () => {
    const { offloader } = watch("tasks.mjs", { pool: { minThreads: 0 } });
    offloader.pause();
    const { id } = offloader.offload("nothing");
    for (const other of [`${id} `, `${id}.0`, id.replace(/-0$/, "-00"), id.toUpperCase()]) {
      if (other !== id) expect(offloader.find(other)).toBeUndefined();
    }
    expect(offloader.find(id)?.id).toBe(id);
    expect(thrownBy(() => offloader.find(7 as never)).message).toBe(
      "find(id): expected the id of a task or callback, a string, got 7",
    );
  });
});

describe("cancel()", () => {
  it("takes one walk for all of a name, 100,000 too", async () => {
    // Without a logger and listeners, which would take most of the time.
    const tasks = new URL("../fixtures/tasks.mjs", import.meta.url);
    const offloader = createOffloader({ tasks, ...options, queue: { max: 200_000 }, logger: false });
    onTestFinished(async () => void (await offloader.close({ timeout: 0 })));
    offloader.pause();
    for (let i = 0; i < 100_000; i++) offloader.offload("nothing");
    const from = performance.now();
    expect(offloader.cancel("nothing", "enough")).toBe(100_000);
    expect(performance.now() - from).toBeLessThan(5_000);
  });

  it("cancels all that wait of a name, and nothing that runs or has another", async () => {
    const watched = watch("tasks.mjs", options);
    const { offloader } = watched;
    const gate = new Gate();
    const running = offloader.offload("blocked", { gate: gate.memory });
    await gate.arrival();
    const other = offloader.offload("echo", 1);
    const waiting = [
      offloader.offload("blocked", { gate: gate.memory }, { key: "k" }),
      offloader.offload("blocked", { gate: gate.memory }, { key: "k", onDuplicate: "replace" }),
      offloader.offloadAfterResponse(makeResponse().response, "blocked", { gate: gate.memory }),
    ];
    expect(offloader.cancel("blocked", "the service is down")).toBe(2);
    expect(waiting.map(({ state }) => state)).toEqual(["cancelled", "cancelled", "cancelled"]);
    const error = await rejection(waiting[2]?.result());
    expect(error).toMatchObject({ code: "AR_CANCELLED", message: expect.stringContaining("the service is down") });
    expect([running.state, other.state]).toEqual(["running", "queued"]);
    expect(offloader.cancel("unknown")).toBe(0);
    gate.open();
    await offloader.idle();
    expect([running.state, other.state]).toEqual(["succeeded", "succeeded"]);
  });

  it.each([undefined, "", 7])("refuses %j: nobody cancels everything by mistake", (name) => {
    const { offloader } = watch("tasks.mjs", { pool: { minThreads: 0 } });
    expect(thrownBy(() => offloader.cancel(name as never)).code).toBe("AR_INVALID_ARGUMENT");
  });
});

describe("snapshot()", () => {
  it("has the counts and the raw histograms of each name, and agrees with stats()", async () => {
    const watched = watch("tasks.mjs", { ...options, name: "photos", queue: { max: 50, maxBytes: 1_000_000 } });
    const { offloader } = watched;
    expect(offloader.name).toBe("photos");
    for (let i = 0; i < 5; i++) await offloader.run("echo", i);
    await rejection(offloader.run("fails", {}, { attempts: 3, backoff: 0 }));
    const gate = new Gate();
    offloader.offload("blocked", { gate: gate.memory });
    await gate.arrival();
    offloader.offload("echo", 1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    const snapshot = offloader.snapshot();
    const stats = offloader.stats();
    expect(snapshot).toMatchObject({
      name: "photos",
      unfinished: { count: 2, bytes: stats.bytes },
      limits: { count: 50, bytes: 1_000_000 },
      longRunning: 0,
      maxThreads: 1,
      remarksDropped: 0,
      journal: undefined,
      draining: false,
    });
    expect(snapshot.oldestQueuedMs).toBeGreaterThanOrEqual(19);
    expect(stats.oldestQueuedMs).toBeGreaterThanOrEqual(snapshot.oldestQueuedMs);
    expect(snapshot.oldestMs).toBeGreaterThanOrEqual(snapshot.oldestQueuedMs);
    expect(snapshot.threads).toMatchObject([{ state: "busy", ahead: 0 }]);
    const echo = snapshot.tasks.find(({ task }) => task === "echo");
    expect(echo).toMatchObject({ kind: "task", accepted: 6, retries: 0, states: { succeeded: 5, queued: 1 } });
    expect(echo?.run.count).toBe(5);
    expect(echo?.run.buckets.reduce((sum, count) => sum + count, 0)).toBe(5);
    expect(snapshot.tasks.find(({ task }) => task === "fails")).toMatchObject({ accepted: 1, retries: 2 });
    gate.open();
    await offloader.idle();
    expect(offloader.stats().oldestQueuedMs).toBe(0);
    await offloader.close();
    await handedOver();
    expect(offloader.snapshot()).toMatchObject({ draining: true, threads: [], unfinished: { count: 0, bytes: 0 } });
  });
});
