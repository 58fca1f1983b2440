// The life of threads: how many there are, when they start and end, what they do before they end.
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, it } from "vitest";
import { Gate } from "../../support/gate.js";
import { rejection, unwatched, type Watched, type WatchedOptions, watch } from "../../support/offloader.js";
import { until } from "../../support/until.js";

function started(pool: WatchedOptions["pool"], module = "threads.mjs"): Watched {
  return watch(module, { pool });
}

const endings = (watched: Watched) => watched.recorded.filter(({ event }) => event === "threadEnded");

describe("threads", () => {
  it("are up to minThreads when ready() resolves", async () => {
    const watched = started({ minThreads: 3, maxThreads: 4 });
    await watched.offloader.ready();
    expect(watched.offloader.stats().threads).toEqual({ total: 3, idle: 3, busy: 0, stuck: 0 });
    expect(watched.recorded.filter(({ event }) => event === "threadStarted")).toHaveLength(3);
  });

  it("start with the first task when minThreads is 0, and ready() starts one", async () => {
    const watched = started({ minThreads: 0, maxThreads: 2 });
    expect(watched.offloader.stats().threads.total).toBe(0);
    expect(await watched.offloader.run("where")).toBeGreaterThan(0);
    expect(watched.offloader.stats().threads.total).toBe(1);

    const other = started({ minThreads: 0, maxThreads: 2 });
    await other.offloader.ready();
    expect(other.offloader.stats().threads.total).toBe(1);
  });

  it("that a request had started keep nothing of the request", async () => {
    const requests = new AsyncLocalStorage<object>();
    const stores: unknown[] = [];
    const watched = started({ minThreads: 0, maxThreads: 1 });
    watched.offloader.on("succeeded", () => stores.push(requests.getStore()));
    await requests.run({ url: "/first" }, () => watched.offloader.run("where"));
    await watched.offloader.run("where");
    expect(stores).toEqual([undefined, undefined]);
  });

  it("begin what was dispatched by code that goes on to block the event loop", async () => {
    const watched = started({ minThreads: 1, maxThreads: 1 });
    await watched.offloader.ready();
    // However long ago the last one was sent.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const gate = new Gate();
    const result = watched.offloader.run("whereOnceOpen", { gate: gate.memory });
    await Promise.resolve();
    const deadline = performance.now() + 5_000;
    while (gate.arrived === 0 && performance.now() < deadline);
    expect(gate.arrived).toBe(1);
    gate.open();
    expect(await result).toBeGreaterThan(0);
  });

  it("that are always busy let the event loop go on all the same", async () => {
    const offloader = unwatched("tasks.mjs", { pool: { minThreads: 1, maxThreads: 1 } });
    await offloader.ready();
    // Each that ends has another one started.
    let endedInTurn = 0;
    let mostInTurn = 0;
    let left = 300_000;
    const startOne = () => left-- > 0 && offloader.offload("echo");
    const ended = new Promise<void>((resolve) => {
      offloader.on("succeeded", () => {
        mostInTurn = Math.max(mostInTurn, ++endedInTurn);
        if (!startOne() && offloader.stats().unfinished === 0) resolve();
      });
    });
    let turning = true;
    const turn = () => {
      endedInTurn = 0;
      if (turning) setImmediate(turn);
    };
    turn();
    for (let i = 0; i < 1_000; i++) startOne();
    await ended;
    turning = false;
    // Some ms of tasks, 3,000 to 6,000; left to Node they come by the ten thousand.
    expect(mostInTurn).toBeLessThan(16_000);
  });

  it("grow to maxThreads with the work, and no further", async () => {
    const watched = started({ minThreads: 1, maxThreads: 3 });
    const gate = new Gate();
    const results = Array.from({ length: 6 }, () => watched.offloader.run("whereOnceOpen", { gate: gate.memory }));
    await gate.arrival(3);
    expect(watched.offloader.stats()).toMatchObject({ running: 3, queued: 3, threads: { total: 3, busy: 3 } });
    gate.open();
    expect(new Set(await Promise.all(results)).size).toBe(3);
  });

  it("end after idleTimeout down to minThreads, their teardown done", async () => {
    const watched = started({ minThreads: 1, maxThreads: 2, idleTimeout: 100 });
    await watched.offloader.ready();
    const memory = new Int32Array(new SharedArrayBuffer(12));
    const gate = new Gate();
    const busy = [0, 1].map(() => watched.offloader.run("whereOnceOpen", { gate: gate.memory }));
    await gate.arrival(2);
    gate.open();
    await Promise.all(busy);
    // One hook on each thread.
    const hooks = [0, 1].map((index) => watched.offloader.run("registersTeardown", { memory, index }));
    await Promise.all(hooks);
    const { cause } = await watched.event("threadEnded");
    expect(cause).toBe("idle");
    expect(watched.offloader.stats().threads.total).toBe(1);
    expect(Atomics.load(memory, 2)).toBeGreaterThan(0);
  });

  it("that are idle do not end before idleTimeout", async () => {
    const watched = started({ minThreads: 0, maxThreads: 1, idleTimeout: 60_000 });
    const first = await watched.offloader.run("where");
    // Another pool's thread has come and gone meanwhile.
    const other = started({ minThreads: 0, maxThreads: 1, idleTimeout: 50 });
    await other.offloader.run("where");
    await other.event("threadEnded");
    expect(await watched.offloader.run("where")).toBe(first);
    expect(endings(watched)).toEqual([]);
  });

  it("come back when there is work again", async () => {
    const watched = started({ minThreads: 0, maxThreads: 1, idleTimeout: 50 });
    const first = await watched.offloader.run("where");
    await watched.event("threadEnded");
    expect(await watched.offloader.run("where")).not.toBe(first);
  });

  it("have the env, execArgv and workerData of the options", async () => {
    const watched = started({ env: { AR_TEST: "yes" }, execArgv: ["--no-warnings"], workerData: { answer: 42 } });
    const surroundings = (await watched.offloader.run("surroundings")) as { workerData: unknown };
    expect(surroundings).toEqual({ env: "yes", execArgv: ["--no-warnings"], workerData: expect.anything() });
    expect(JSON.stringify(surroundings.workerData)).toContain('"answer":42');
  });
});

describe("maxTasksPerThread", () => {
  it("replaces a thread after exactly so many tasks, its teardown done", async () => {
    const watched = started({ maxThreads: 1, maxTasksPerThread: 3 });
    const memory = new Int32Array(new SharedArrayBuffer(8));
    const first = await watched.offloader.run("where");
    await watched.offloader.run("registersTeardown", { memory });
    expect(await watched.offloader.run("where")).toBe(first);
    expect(await watched.offloader.run("where")).not.toBe(first);
    expect(await watched.event("threadEnded")).toEqual({
      event: "threadEnded",
      threadId: first,
      cause: "recycled",
      reason: "recycled",
    });
    expect(Atomics.load(memory, 0)).toBe(1);
  });

  it("holds while there is always more work", async () => {
    const watched = started({ maxThreads: 1, maxTasksPerThread: 10 });
    const results = Array.from({ length: 100 }, () => watched.offloader.run("where"));
    const perThread = new Map<unknown, number>();
    for (const threadId of await Promise.all(results)) perThread.set(threadId, (perThread.get(threadId) ?? 0) + 1);
    expect([...perThread.values()]).toEqual(Array(10).fill(10));
  });

  it("of 1 gives each task a thread of its own", async () => {
    const watched = started({ maxThreads: 2, maxTasksPerThread: 1 });
    const results = Array.from({ length: 8 }, () => watched.offloader.run("where"));
    expect(new Set(await Promise.all(results)).size).toBe(8);
  });
});

describe("maxThreadMemory", () => {
  it("replaces a thread that holds more than that, while there is always more work", async () => {
    const watched = started({ maxThreads: 1, maxThreadMemory: 100 * 2 ** 20 });
    const threads = new Set<unknown>();
    for (let i = 0; i < 20; i++) threads.add(await watched.offloader.run("leaks", { megabytes: 20 }));
    expect(threads.size).toBeGreaterThan(1);
    expect(await watched.event("threadEnded")).toMatchObject({ reason: "recycled" });
  });
});

describe("a thread that dies", () => {
  it("while it has nothing to do is replaced, and fails no task", async () => {
    const watched = started({ minThreads: 1, maxThreads: 1 });
    await watched.offloader.ready();
    await watched.offloader.run("exitsLater");
    expect(await watched.event("threadEnded")).toMatchObject({ cause: "crashed", reason: "exited with code 5" });
    expect(await watched.offloader.run("where")).toBeGreaterThan(0);
    expect(watched.recorded.filter(({ event }) => event === "failed")).toEqual([]);
  });

  it("soon after each start is replaced more and more slowly", async () => {
    const starts = new Int32Array(new SharedArrayBuffer(4));
    const watched = watch("modules/dies-idle.mjs", { pool: { minThreads: 1, maxThreads: 1, workerData: { starts } } });
    await watched.offloader.ready();
    await rejection(watched.offloader.run("exits"));
    const begin = performance.now();
    await watched.events("threadEnded", 5);
    // The pauses are 100, 200 and 400 ms; without them all is over in a fraction of that.
    expect(performance.now() - begin).toBeGreaterThan(600);
    expect((await watched.line(/ended before it had done any work/)).level).toBe("error");
  });

  it("and cannot be loaded again is tried again more and more slowly, and told of", async () => {
    const starts = new Int32Array(new SharedArrayBuffer(4));
    const watched = watch("modules/loads-once.mjs", { pool: { minThreads: 1, maxThreads: 1, workerData: { starts } } });
    await watched.offloader.ready();
    await rejection(watched.offloader.run("exits"));
    const waiting = watched.offloader.offload("echo", 1);
    await until(() => Atomics.load(starts, 0) >= 4, "three starts more");
    const lines = watched.lines.filter(({ message }) => message.includes("could not be started; trying again"));
    expect(lines.map(({ fields }) => fields.failures).slice(0, 2)).toEqual([1, 2]);
    expect(lines[0]?.fields.err).toMatchObject({ message: "not a second time" });
    // Until then it waits: it may be a passing state.
    expect(waiting.state).toBe("queued");
    Atomics.store(starts, 0, 0);
    expect(await waiting.result()).toBe(1);
  });
});

describe("teardown hooks", () => {
  it("run in reverse order when the offloader closes, also after one that throws, which is told", async () => {
    const watched = started({ maxThreads: 1 });
    const memory = new Int32Array(new SharedArrayBuffer(16));
    for (const [index, next] of [undefined, "throw", undefined].entries()) {
      await watched.offloader.run("registersTeardown", { memory, index, next });
    }
    await watched.offloader.close();
    expect([...memory]).toEqual([3, 2, 1, 3]);
    expect((await watched.line(/unhandled error in a thread/)).fields.err).toMatchObject({
      message: "teardown failed",
    });
    expect(await watched.event("threadEnded")).toMatchObject({ cause: "shutdown" });
  });

  for (const next of ["hang", "block"]) {
    it(`are bounded by teardownTimeout when one of them does ${next}`, async () => {
      const watched = started({ maxThreads: 1, teardownTimeout: 100 });
      const memory = new Int32Array(new SharedArrayBuffer(8));
      await watched.offloader.run("registersTeardown", { memory, next });
      await watched.offloader.close({ timeout: 20_000 });
      expect(Atomics.load(memory, 0)).toBe(1);
      expect((await watched.line(/teardown hooks .* longer than pool\.teardownTimeout \(100 ms\)/)).level).toBe("warn");
      expect(watched.offloader.stats().threads.total).toBe(0);
    });
  }

  it("that hang keep no successor from starting", async () => {
    const watched = started({ maxThreads: 1, maxTasksPerThread: 1, teardownTimeout: 60_000 });
    const memory = new Int32Array(new SharedArrayBuffer(8));
    await watched.offloader.run("registersTeardown", { memory, next: "hang" });
    expect(await watched.offloader.run("where")).toBeGreaterThan(0);
  });

  it("that take long bound how many threads there are at a time, and the tasks run as those exit", async () => {
    const watched = started({ maxThreads: 1, maxTasksPerThread: 1, teardownTimeout: 50 });
    const memory = new Int32Array(new SharedArrayBuffer(8));
    const runs = Array.from({ length: 8 }, () => watched.offloader.run("registersTeardown", { memory, next: "hang" }));
    await Promise.all(runs);
    await watched.events("threadEnded", 8);
    let [threads, most] = [0, 0];
    for (const { event } of watched.recorded) {
      if (event === "threadStarted") most = Math.max(most, ++threads);
      if (event === "threadEnded") threads--;
    }
    expect(most).toBeLessThanOrEqual(2);
    expect(watched.lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});
