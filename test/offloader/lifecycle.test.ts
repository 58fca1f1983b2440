// ready(), idle(), drain() and close(): from the first thread to the last.
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { rejection, thrownBy, watch } from "../support/offloader.js";
import { until } from "../support/until.js";

const options = { pool: { maxThreads: 1, abortGrace: 50 } };
const twoThreads = { pool: { minThreads: 2, maxThreads: 2 } };

describe("ready()", () => {
  it("is not needed: what is dispatched before waits for the first thread", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const handle = offloader.offload("echo", 1);
    expect(handle.state).toBe("queued");
    expect(await handle.result()).toBe(1);
  });

  it("can be awaited any number of times", async () => {
    const { offloader } = watch("tasks.mjs", options);
    await Promise.all([offloader.ready(), offloader.ready()]);
    await offloader.ready();
    expect(offloader.stats().threads.total).toBe(1);
  });
});

describe("an offloader whose threads start with the first task", () => {
  it("knows before it whether the file of the tasks module exists", async () => {
    const watched = watch("nowhere.mjs", { pool: { minThreads: 0, maxThreads: 1 } });
    const line = await watched.line(/no task can run/);
    expect(line.fields).toMatchObject({ err: { code: "AR_TASKS_NOT_LOADABLE" } });
    const refusal = thrownBy(() => watched.offloader.offload("anything"));
    expect(refusal).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE", statusCode: 503 });
  });
});

describe("idle()", () => {
  it("resolves at once, or nearly, when there is nothing to wait for", async () => {
    const { offloader } = watch("tasks.mjs", options);
    await offloader.idle();
    expect(offloader.stats().unfinished).toBe(0);
  });

  it("waits for one short and one long task on two threads", async () => {
    const { offloader } = watch("tasks.mjs", twoThreads);
    const gate = new Gate();
    const long = offloader.offload("waiting", { gate: gate.memory });
    const short = offloader.offload("echo", 1);
    let idle = false;
    const waited = offloader.idle().then(() => {
      idle = true;
    });
    await short.result();
    await gate.arrival();
    expect(idle).toBe(false);
    gate.open();
    await waited;
    expect([long.state, short.state]).toEqual(["succeeded", "succeeded"]);
  });

  it("waits for a queue a hundred times the pool, threads still starting", async () => {
    const { offloader } = watch("tasks.mjs", twoThreads);
    const handles = Array.from({ length: 200 }, (_, value) => offloader.offload("addLater", { a: value, b: 1 }));
    await offloader.idle();
    expect(new Set(handles.map(({ state }) => state))).toEqual(new Set(["succeeded"]));
  });

  it("waits for what the end of a task sets off: by its event, and by whoever awaits its result", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const first = offloader.offload("echo", 1);
    let more = 0;
    offloader.on("succeeded", () => {
      if (more < 5) offloader.offload("echo", ++more);
    });
    let last: unknown;
    void first.result().then(async () => {
      await null;
      last = await offloader.run("echo", "last");
    });
    await offloader.idle();
    expect(offloader.stats()).toMatchObject({ succeeded: 7, unfinished: 0 });
    expect(last).toBe("last");
  });

  it("waits for a task that is delayed", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("failsOnAttempt", { attempts: [1] }, { attempts: 2, backoff: 100 });
    await watched.event("retrying");
    await watched.offloader.idle();
    expect(handle.state).toBe("succeeded");
  });
});

describe("drain()", () => {
  it("resolves when all is done, and closes nothing", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("echo", 1);
    expect(await watched.offloader.drain()).toEqual({ drained: true, unfinished: [] });
    expect(handle.state).toBe("succeeded");
    expect(await watched.offloader.run("echo", 2)).toBe(2);
  });

  it("says at its timeout what is unfinished, and aborts nothing", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const gate = new Gate();
    const running = offloader.offload("waiting", { gate: gate.memory, value: 1 });
    await gate.arrival();
    const queued = offloader.offload("echo", 2);
    expect(await offloader.drain({ timeout: 20 })).toEqual({
      drained: false,
      unfinished: [
        { id: running.id, task: "waiting", state: "running", attempt: 1 },
        { id: queued.id, task: "echo", state: "queued", attempt: 0 },
      ],
    });
    gate.open();
    expect(await running.result()).toBe(1);
    expect(await queued.result()).toBe(2);
  });
});

describe("close()", () => {
  it("lets everything accepted end, then the threads, and refuses what comes later", async () => {
    const watched = watch("tasks.mjs", options);
    const handles = [1, 2, 3].map((value) => watched.offloader.offload("echo", value));
    const report = await watched.offloader.close();
    expect(report).toMatchObject({ completed: 3, failed: 0, abandoned: [], journaled: 0 });
    expect(handles.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "succeeded"]);
    expect(watched.offloader.stats().threads.total).toBe(0);
    expect(watched.recorded.slice(-3).map(({ event }) => event)).toEqual(["succeeded", "threadEnded", "drained"]);
    expect(thrownBy(() => watched.offloader.offload("echo", 4))).toMatchObject({
      code: "AR_SHUTTING_DOWN",
      statusCode: 503,
      headers: { "Retry-After": "5" },
    });
  });

  it("accepts what tasks under way set off", async () => {
    const watched = watch("tasks.mjs", options);
    let more = 0;
    watched.offloader.on("succeeded", () => {
      if (more < 3) watched.offloader.offload("echo", ++more);
    });
    watched.offloader.offload("echo", 0);
    expect(await watched.offloader.close()).toMatchObject({ completed: 4, abandoned: [] });
  });

  it("abandons at its deadline what is unfinished, aborts what runs, and says so", async () => {
    const watched = watch("stopping.mjs", options);
    const gate = new Gate();
    const running = watched.offloader.offload("listens", { gate: gate.memory });
    await gate.arrival();
    const queued = watched.offloader.offload("nothing");
    const report = await watched.offloader.close({ timeout: 2_000 });
    expect(report.abandoned).toEqual([
      { id: queued.id, task: "nothing", state: "queued", attempt: 0 },
      { id: running.id, task: "listens", state: "running", attempt: 1 },
    ]);
    expect(await rejection(running.result())).toMatchObject({ code: "AR_ABANDONED" });
    expect([running, queued].map(({ id }) => watched.ends(id))).toEqual([["abandoned"], ["abandoned"]]);
    expect(watched.offloader.stats()).toMatchObject({ unfinished: 0, abandoned: 2, threads: { total: 0 } });
  });

  it("is not held up by a task that is deaf", async () => {
    const watched = watch("stopping.mjs", options);
    const gate = new Gate();
    const handle = watched.offloader.offload("deafAndBlocking", { gate: gate.memory });
    await gate.arrival();
    const report = await watched.offloader.close({ timeout: 2_000 });
    expect(report.abandoned).toMatchObject([{ id: handle.id, state: "running" }]);
    // On a busy machine the thread is gone a little after the deadline.
    await until(() => watched.offloader.stats().threads.total === 0, "the end of the thread");
  });

  it("is one, however often it is called", async () => {
    const watched = watch("tasks.mjs", options);
    watched.offloader.offload("echo", 1);
    const reports = await Promise.all([watched.offloader.close(), watched.offloader.close()]);
    expect(reports[1]).toBe(reports[0]);
    expect(await watched.offloader.close()).toBe(reports[0]);
    expect(watched.recorded.filter(({ event }) => event === "drained" || event === "draining")).toHaveLength(2);
  });

  it("before any thread is up ends it all the same", async () => {
    const watched = watch("tasks.mjs", twoThreads);
    expect(await watched.offloader.close()).toMatchObject({ abandoned: [] });
    expect(watched.offloader.stats().threads.total).toBe(0);
    expect(watched.recorded.filter(({ event }) => event === "threadStarted")).toEqual([]);
  });

  it("is what Symbol.asyncDispose does", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const handle = offloader.offload("echo", 1);
    await offloader[Symbol.asyncDispose]();
    expect(handle.state).toBe("succeeded");
    expect(thrownBy(() => offloader.offload("echo"))).toMatchObject({ code: "AR_SHUTTING_DOWN" });
  });
});
