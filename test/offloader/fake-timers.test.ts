// An application's tests may replace every timer and clock. The offloader goes on while the fake ones stand still, and
// after they are gone.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { now } from "../../src/base/time.js";
import { rejection, watch } from "../support/offloader.js";
import { makeResponse } from "../support/responses.js";

// All that vitest can replace in a child process; `nextTick` it cannot.
const toFake = [
  ...(["setTimeout", "clearTimeout", "setInterval", "clearInterval", "setImmediate", "clearImmediate"] as const),
  ...(["Date", "performance", "hrtime", "queueMicrotask"] as const),
];

beforeEach(() => {
  vi.useFakeTimers({ toFake, now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

const options = { pool: { maxThreads: 1, abortGrace: 20 } };

it("the timers of this test are fake, and stand still", () => {
  const moved = [false, false, false];
  setTimeout(() => (moved[0] = true), 0);
  setImmediate(() => (moved[1] = true));
  queueMicrotask(() => (moved[2] = true));
  const before = [Date.now(), performance.now()];
  for (const end = now() + 20; now() < end; );
  expect([Date.now(), performance.now()]).toEqual(before);
  expect(moved).toEqual([false, false, false]);
});

it("tasks run, one after the other and many at once", async () => {
  const { offloader } = watch("tasks.mjs", options);
  expect(await offloader.run("echo", 1)).toBe(1);
  expect(await offloader.run("echo", 2)).toBe(2);
  const results = await Promise.all(Array.from({ length: 200 }, (_, value) => offloader.run("echo", value)));
  expect(results.at(-1)).toBe(199);
  expect(offloader.stats()).toMatchObject({ succeeded: 202, unfinished: 0 });
});

it("callbacks run once their response is over, their waits measured by the real clock", async () => {
  const watched = watch("tasks.mjs", options);
  const { response, over } = makeResponse();
  const handle = watched.offloader.runAfterResponse(response, ({ outcome }) => outcome.kind);
  over();
  expect(await handle.result()).toBe("aborted");
  const { waitMs, runMs } = await watched.event("succeeded");
  expect([waitMs, runMs].every((ms) => typeof ms === "number" && ms >= 0 && ms < 60_000)).toBe(true);
});

it("a task past its timeout is stopped, and its thread is terminated after the grace", async () => {
  const watched = watch("tasks.mjs", options);
  const { offloader } = watched;
  expect(await rejection(offloader.run("spins", {}, { timeout: 30 }))).toMatchObject({ code: "AR_TIMEOUT" });
  expect(await offloader.run("echo", 1)).toBe(1);
});

it("a callback past its timeout is stopped", async () => {
  const { offloader } = watch("tasks.mjs", options);
  const { response, over } = makeResponse();
  const handle = offloader.runAfterResponse(response, () => new Promise(() => {}), { timeout: 10 });
  over();
  expect(await rejection(handle.result())).toMatchObject({ code: "AR_TIMEOUT" });
});

it("a task that fails is tried again after its backoff", async () => {
  const { offloader } = watch("tasks.mjs", options);
  const result = offloader.run("failsOnAttempt", { attempts: [1, 2] }, { attempts: 3, backoff: 10 });
  expect(await result).toMatchObject({ attempt: 3 });
});

it("idle(), drain() and close() resolve", async () => {
  const { offloader } = watch("tasks.mjs", options);
  void offloader.run("echo", 1);
  await offloader.idle();
  const delayed = offloader.offload("fails", {}, { attempts: 2, backoff: 60_000 });
  expect(await offloader.drain({ timeout: 200 })).toMatchObject({ drained: false, unfinished: [{ id: delayed.id }] });
  const report = await offloader.close({ timeout: 50 });
  expect(report).toMatchObject({ abandoned: [{ id: delayed.id, state: "delayed" }] });
  expect(report.durationMs).toBeGreaterThan(0);
});

it("a shutdown drains", async () => {
  const { offloader } = watch("tasks.mjs", options);
  const handle = offloader.offload("echo", 1);
  const shutdown = offloader.shutdownOnSignals(undefined, { exit: false, drainDelay: 10 });
  expect(await shutdown.close()).toMatchObject({ completed: 1, abandoned: [] });
  expect(handle.state).toBe("succeeded");
});

it("what was dispatched under fake timers goes on when they are gone, and so does all that follows", async () => {
  const { offloader } = watch("tasks.mjs", options);
  const result = offloader.run("failsOnAttempt", { attempts: [1] }, { attempts: 2, backoff: 20 });
  vi.useRealTimers();
  expect(await result).toMatchObject({ attempt: 2 });
  vi.useFakeTimers({ toFake });
  expect(await offloader.run("echo", 1)).toBe(1);
  vi.useRealTimers();
  expect(await offloader.run("echo", 2)).toBe(2);
  await offloader.idle();
});

it("time that the test lets pass changes nothing: neither a timeout nor a backoff comes sooner", async () => {
  const { offloader } = watch("tasks.mjs", options);
  const slow = offloader.offload("addLater", { a: 1, b: 2 }, { timeout: 60_000 });
  const delayed = offloader.offload("fails", {}, { attempts: 2, backoff: 600_000 });
  await slow.result();
  await vi.advanceTimersByTimeAsync(3_600_000);
  await offloader.run("echo", 1);
  expect([slow.state, delayed.state]).toEqual(["succeeded", "delayed"]);
  expect(offloader.stats().oldestMs).toBeLessThan(60_000);
});
