// Every call of the kit while the runner has replaced all timers and clocks: nothing hangs, and nothing is broken afterwards.
import { testing } from "offload-after-response/testing";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { rejection } from "../support/offloader.js";
import { makeOffloader, startApp } from "./app.js";

beforeEach(() => {
  onTestFinished(() => void vi.useRealTimers());
});

/** All that vitest can replace in a process; it leaves `nextTick`, which the channel to its parent needs. */
function replaceTimers(): void {
  const toFake = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "Date", "performance"] as const;
  vi.useFakeTimers({ toFake: [...toFake, "clearTimeout", "clearInterval", "clearImmediate", "hrtime"] });
}

describe.each(["fake", "inline"] as const)('with all timers replaced, in the mode "%s"', (mode) => {
  it("tasks are kept or run, tried again and drained", async () => {
    const { offloader, tasks } = await startApp({ mode, tasks: () => import("./fixtures/tasks.mjs") });
    replaceTimers();
    const retried = offloader.offload("flaky", { attempts: [1] }, { attempts: 2, backoff: 60_000 });
    await tasks.settled();
    await tasks.drain({ retries: true });
    expect(retried.state).toBe("succeeded");
    const late = offloader.offload("waits", undefined, { timeout: 30_000 });
    const drained = tasks.drain();
    await tasks.waitFor("waits", undefined, "running");
    await tasks.advance(30_000);
    await drained;
    expect(late.state).toBe("failed");
    expect(await tasks.perform("optimizeImage", { key: "cat" })).toBe("optimized cat");
    await tasks.clear();
  });

  it("waits in vain end", async () => {
    const { tasks } = await startApp({ mode });
    replaceTimers();
    expect((await rejection(tasks.waitFor("sendMail", undefined, undefined, { timeout: 10 }))).message).toMatch(
      /10 ms/,
    );
  });

  it("the offloader works afterwards, and closes", async () => {
    const offloader = makeOffloader();
    await offloader.ready();
    replaceTimers();
    const tasks = testing(offloader, { mode });
    offloader.offload("sendMail");
    await tasks.settled();
    tasks.restore();
    const whileReplaced = await offloader.run("optimizeImage", { key: "cat" });
    vi.useRealTimers();
    expect([whileReplaced, await offloader.run("optimizeImage", { key: "dog" })]).toEqual([
      "optimized cat",
      "optimized dog",
    ]);
    await offloader.close();
  });
});

it("a test that moves the fake timers of its runner moves nothing of the offloader", async () => {
  const { offloader, tasks } = await startApp({ mode: "inline" });
  replaceTimers();
  const handle = offloader.offload("flaky", { attempts: [1] }, { attempts: 2, backoff: 60_000 });
  await tasks.settled();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(handle.state).toBe("delayed");
  await tasks.advance(60_000);
  await tasks.settled();
  expect(handle.state).toBe("succeeded");
});
