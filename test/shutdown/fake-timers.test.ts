// An application's tests may replace the timers and clocks. A shutdown keeps its times all the same: it goes on while the
// fake clock stands still, and it does not jump with it.
import { createServer } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { now } from "../../src/base/time.js";
import { shutdownOnSignals } from "../../src/shutdown/shutdown.js";
import { closeTarget } from "../../src/shutdown/steps/close.js";
import { Deadline } from "../../src/shutdown/steps/deadline.js";
import { connect, listen } from "../support/http.js";
import { FakeTarget } from "./fake-target.js";

const never = new Promise<never>(() => {});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("while fake timers stand still", () => {
  it("a deadline gives up work at its moment", async () => {
    const deadline = new Deadline(now() + 50, 0);
    expect(await deadline.within(never, "end")).toBe(false);
    expect(deadline.left("end")).toBeLessThan(2);
  });

  it("close() drains and ends", async () => {
    const target = new FakeTarget();
    target.start("a");
    const closing = closeTarget(target);
    target.end("a");
    expect(await closing).toMatchObject({ completed: 1, abandoned: [] });
  });

  it("close() abandons what is unfinished at the deadline", async () => {
    const target = new FakeTarget();
    target.start("a");
    const { abandoned, durationMs } = await closeTarget(target, { timeout: 50, onAbandoned: () => never });
    expect(abandoned.map(({ id }) => id)).toEqual(["a"]);
    expect(durationMs).toBeGreaterThan(0);
  });

  it("a shutdown goes through all its steps", async () => {
    const server = createServer();
    const port = await listen(server);
    const shutdown = shutdownOnSignals(new FakeTarget(), server, {
      exit: false,
      platformGrace: 600_000,
      drainDelay: 20,
      hooks: [{ name: "hangs", run: () => never, timeout: 20 }],
    });
    const client = await connect(port);
    const report = await shutdown.close();
    // The connection never had a request; the sweep of the drain has closed it.
    await client.closed;
    expect(report.durationMs).toBeLessThan(10_000);
    expect(report).toMatchObject({ abandoned: [], forcedSockets: 0, failedHooks: ["hangs"] });
  });
});

it("a deadline does not come sooner when a test moves its clock", async () => {
  const deadline = new Deadline(now() + 60_000, 0);
  let over = false;
  const waiting = deadline.within(never, "end").then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(over).toBe(false);
  deadline.shorten(now(), 0);
  await waiting;
});

it("a deadline that is waited for when the fake timers go comes all the same", async () => {
  const waiting = new Deadline(now() + 20, 0).within(never, "end");
  vi.useRealTimers();
  expect(await waiting).toBe(false);
});
