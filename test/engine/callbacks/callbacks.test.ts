// Callbacks on the main thread: how many at a time, in which order, isolated from one another, ended when they are stopped.
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import type { ResponseOutcome } from "../../../src/core/outcome.js";
import { NonRetryableError } from "../../../src/core/retry/non-retryable.js";
import type { Dispatch, Task } from "../../../src/core/task.js";
import {
  type Callback,
  type CallbackContext,
  type CallbackPayload,
  createCallbacksEngine,
} from "../../../src/engine/callbacks/callbacks.js";
import { FakeClock } from "../../support/fake-clock.js";
import { survivors } from "../../support/garbage.js";
import { defineTask, recordingLogger } from "../../support/tasks.js";
import { TestHost } from "../host.js";

const outcome: ResponseOutcome = {
  kind: "completed",
  statusCode: 201,
  headersSent: true,
  startedAt: 1_000,
  endedAt: 1_003,
  durationMs: 3,
};
const abortGrace = 1_000;

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
const clocks: FakeClock[] = [];

beforeEach(() => {
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
});

afterEach(async () => {
  await turn();
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
  expect(unhandled.splice(0)).toEqual([]);
  // A timer left behind would keep the process alive.
  expect(clocks.splice(0).filter(({ pending }) => pending > 0)).toEqual([]);
});

function create(concurrency = 100) {
  // Time stands still until a test moves it; turns of the event loop do not.
  const clock = new FakeClock();
  clocks.push(clock);
  const { logger, lines } = recordingLogger();
  const engine = createCallbacksEngine({ concurrency, abortGrace, clock });
  const host = new TestHost(engine, { clock, logger, logsFailures: true });
  host.start();
  const { events, ledger, scheduler, heard } = host;
  const definition = defineTask("welcomeMail", {}, "callback");
  /** Accepts a callback as the intake does; its response is not over. */
  function hold(callback: Callback, dispatch: Partial<Dispatch> = {}, of = definition): Task {
    const resource = new AsyncResource("test");
    const inContext: CallbackPayload["inContext"] = (code, argument) =>
      resource.runInAsyncScope(code, undefined, argument);
    const payload: CallbackPayload = { callback, inContext, outcome };
    return host.hold(of, { backoff: 0, ...dispatch }, { payload });
  }
  function add(callback: Callback, dispatch: Partial<Dispatch> = {}, of = definition): Task {
    const task = hold(callback, dispatch, of);
    scheduler.release(task);
    return task;
  }
  return {
    ...{ clock, engine, events, ledger, scheduler, lines, heard, hold, add },
    cancel: (task: Task) => scheduler.cancel(task, "stop it"),
    result: (task: Task) => scheduler.result(task),
    lifeOf: (task: Task) => host.story(task),
  };
}

/** A callback that goes on until the test ends it. */
function gate() {
  const runs: { context: CallbackContext; resolve: (value?: unknown) => void; reject: (error: unknown) => void }[] = [];
  const callback: Callback = (context) =>
    new Promise((resolve, reject) => void runs.push({ context, resolve, reject }));
  return { runs, callback };
}

function thenableOf(then: (resolve: (value: number) => void) => void): object {
  return { then };
}

async function turns(count = 4): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

describe("a callback", () => {
  it("begins in the turn of the event loop in which it is released, for the next may bring the client's next request", async () => {
    const { add } = create();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        setImmediate(() => {
          order.push("the next turn");
          resolve();
        });
        add(() => void order.push("the callback"));
        order.push("the call");
      });
    });
    expect(order).toEqual(["the call", "the callback", "the next turn"]);
  });

  it("runs after the code that registered it, never within", async () => {
    const { add } = create();
    const order: string[] = [];
    add(() => void order.push("callback"));
    order.push("code");
    await Promise.resolve().then(() => order.push("its microtasks"));
    await turns();
    expect(order).toEqual(["code", "its microtasks", "callback"]);
  });

  it("is given the outcome of its response and a signal, and its value is the result", async () => {
    const { add, result, lifeOf } = create();
    const given: CallbackContext[] = [];
    const task = add(async (context) => {
      given.push(context);
      await turn();
      return "sent";
    });
    expect(await result(task)).toBe("sent");
    expect(given).toEqual([{ outcome, signal: expect.any(AbortSignal) }]);
    expect(given[0]?.signal.aborted).toBe(false);
    expect(lifeOf(task)).toEqual(["accepted", "queued", "started", "succeeded"]);
  });

  it("may be a plain function, or return any thenable", async () => {
    const { add, result } = create();
    const thenable = thenableOf((resolve: (value: number) => void) => resolve(7));
    expect(await result(add(() => 5))).toBe(5);
    expect(await result(add(() => thenable))).toBe(7);
    expect(await result(add(() => {}))).toBeUndefined();
  });

  it("is measured: how long it ran is on its last event", async () => {
    const { clock, heard, add, result } = create();
    const { runs, callback } = gate();
    const task = add(callback);
    await turns();
    clock.advance(40);
    runs[0]?.resolve();
    await result(task);
    expect(heard.at(-1)).toMatchObject({ name: "succeeded", event: { runMs: 40, attempt: 1 } });
  });

  it("sees the AsyncLocalStorage of the call that registered it, on every attempt", async () => {
    const { clock, ledger, add } = create();
    const storage = new AsyncLocalStorage<string>();
    const seen: [string, string | undefined][] = [];
    const register = (request: string) =>
      storage.run(request, () =>
        add(
          async () => {
            seen.push([request, storage.getStore()]);
            await turn();
            seen.push([request, storage.getStore()]);
            if (seen.length < 5) throw new Error("again");
          },
          { attempts: 3 },
        ),
      );
    const tasks = [register("first"), register("second")];
    while (ledger.unfinished > 0) {
      clock.advance(5);
      await turn();
    }
    expect(tasks.map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.filter(([request, store]) => request !== store)).toEqual([]);
    expect(storage.getStore()).toBeUndefined();
  });

  it("may register another, which runs after it, and both are waited for", async () => {
    const { ledger, add } = create();
    const order: string[] = [];
    add(async () => {
      order.push("outer begins");
      add(async () => {
        await turn();
        order.push("inner");
        add(() => void order.push("innermost"));
      });
      order.push("outer ends");
    });
    await ledger.idle();
    expect(order).toEqual(["outer begins", "outer ends", "inner", "innermost"]);
    expect(ledger.counts.all()).toMatchObject({ succeeded: 3 });
  });
});

describe("several callbacks", () => {
  it.each([1, 3])("%d at a time run, and the next starts when one ends", async (concurrency) => {
    const { ledger, add } = create(concurrency);
    const { runs, callback } = gate();
    const tasks = Array.from({ length: 8 }, () => add(callback));
    for (let ended = 0; ended < 8; ended++) {
      await turns();
      expect(runs).toHaveLength(Math.min(8, ended + concurrency));
      expect(ledger.counts.in("running")).toBe(Math.min(8 - ended, concurrency));
      if (ended % 2 === 0) runs[ended]?.resolve();
      else runs[ended]?.reject(new Error("failed"));
    }
    await turns();
    expect(tasks.map(({ state }) => state)).toEqual([1, 2, 3, 4].flatMap(() => ["succeeded", "failed"]));
  });

  it("start in the order of their release, one after the other where one runs at a time", async () => {
    const { ledger, scheduler, hold } = create(1);
    const order: number[] = [];
    const tasks = Array.from({ length: 5 }, (_, index) => hold(() => void order.push(index)));
    for (const index of [3, 0, 4, 1, 2]) scheduler.release(tasks[index] as Task);
    await ledger.idle();
    expect(order).toEqual([3, 0, 4, 1, 2]);
  });

  it.each<[string, Callback]>([
    ["throws", () => { throw new Error("at once"); }], // biome-ignore format: one row
    ["rejects", async () => Promise.reject(new Error("later"))],
    ["throws null", () => { throw null; }], // biome-ignore format: one row
    ["rejects with undefined", () => Promise.reject()],
    ["returns a thenable that throws", () => thenableOf(() => { throw new Error("in then"); })], // biome-ignore format: one row
  ])("one that %s fails alone, and is told once", async (_, failing) => {
    const { ledger, add, lifeOf } = create(1);
    const [before, failed, after] = [add(() => 1), add(failing), add(() => 3)];
    await ledger.idle();
    expect([before.state, failed.state, after.state]).toEqual(["succeeded", "failed", "succeeded"]);
    expect(lifeOf(failed).filter((event) => event === "failed")).toHaveLength(1);
  });

  it("a failure is logged as a callback's", async () => {
    const { ledger, lines, add } = create();
    const error = new Error("smtp down");
    const task = add(() => Promise.reject(error));
    await ledger.idle();
    const fields = { err: error, task: "welcomeMail", id: task.id };
    expect(lines).toMatchObject([{ level: "error", message: "callback failed", fields }]);
  });
});

describe("a callback past its timeout", () => {
  it("has its signal aborted, and fails with AR_TIMEOUT once it has stopped, whatever it then does", async () => {
    for (const stop of ["resolve", "reject"] as const) {
      const { clock, add, result } = create();
      const { runs, callback } = gate();
      const task = add(callback, { timeout: 50 });
      await turns();
      clock.advance(49);
      expect(runs[0]?.context.signal.aborted).toBe(false);
      clock.advance(1);
      expect(runs[0]?.context.signal.aborted).toBe(true);
      expect(runs[0]?.context.signal.reason).toMatchObject({ code: "AR_TIMEOUT" });
      expect(task.state).toBe("running");
      runs[0]?.[stop](new Error("stopped"));
      await expect(result(task)).rejects.toMatchObject({ code: "AR_TIMEOUT" });
    }
  });

  it("that goes on is given up after the grace, and its place is free", async () => {
    const { clock, ledger, add, cancel, result } = create(1);
    const { runs, callback } = gate();
    const [stuck, next] = [add(callback, { timeout: 50 }), add(callback)];
    await turns();
    clock.advance(50 + abortGrace - 1);
    expect([stuck.state, next.state]).toEqual(["running", "queued"]);
    clock.advance(1);
    await turns();
    expect([stuck.state, next.state]).toEqual(["failed", "running"]);
    await expect(result(stuck)).rejects.toMatchObject({ code: "AR_TIMEOUT" });
    // What it still does is nobody's business.
    runs[0]?.reject(new Error("long after"));
    runs[1]?.resolve();
    await ledger.idle();
    expect(next.state).toBe("succeeded");
    expect(cancel(stuck)).toBe(false);
  });

  it("is tried again where attempts are left, and what the first one still does means nothing", async () => {
    const { clock, add, result, lifeOf } = create();
    const { runs, callback } = gate();
    const task = add(callback, { timeout: 50, attempts: 2, backoff: 10 });
    await turns();
    clock.advance(50 + abortGrace);
    expect(task.state).toBe("delayed");
    clock.advance(10);
    await turns();
    expect([task.state, task.attempt, runs.length]).toEqual(["running", 2, 2]);
    runs[0]?.resolve("of the first attempt");
    await turns();
    expect(task.state).toBe("running");
    runs[1]?.resolve("of the second");
    expect(await result(task)).toBe("of the second");
    expect(lifeOf(task)).toEqual([
      ...["accepted", "queued", "started", "retrying"],
      ...["queued", "started", "succeeded"],
    ]);
  });
});

describe("a callback that failed", () => {
  it("is tried again after its backoff, as often as it may be", async () => {
    const { clock, heard, add, result } = create();
    let attempts = 0;
    const task = add(
      () => {
        attempts++;
        throw new Error(`attempt ${attempts}`);
      },
      { attempts: 3, backoff: (attempt) => attempt * 10 },
    );
    await turns();
    expect([task.state, attempts]).toEqual(["delayed", 1]);
    clock.advance(10);
    await turns();
    clock.advance(19);
    await turns();
    expect([task.state, attempts]).toEqual(["delayed", 2]);
    clock.advance(1);
    await expect(result(task)).rejects.toThrow("attempt 3");
    expect(heard.filter(({ name }) => name === "retrying").map(({ event }) => Reflect.get(event, "delayMs"))).toEqual([
      10, 20,
    ]);
  });

  it("by a NonRetryableError is not tried again", async () => {
    const { add, result } = create();
    const task = add(() => Promise.reject(new NonRetryableError("no such user")), { attempts: 5 });
    await expect(result(task)).rejects.toThrow("no such user");
    expect(task.attempt).toBe(1);
  });
});

describe("a callback that is cancelled", () => {
  it("while it is held or queued never runs", async () => {
    const { ledger, hold, add, cancel, result } = create();
    const ran: string[] = [];
    const held = hold(() => void ran.push("held"));
    const queued = add(() => void ran.push("queued"));
    cancel(held);
    cancel(queued);
    await ledger.idle();
    await turns();
    expect(ran).toEqual([]);
    expect([held.state, queued.state]).toEqual(["cancelled", "cancelled"]);
    await expect(result(queued)).rejects.toMatchObject({ code: "AR_CANCELLED" });
  });

  it("while it is queued leaves its place to the next", async () => {
    const { ledger, add, cancel } = create(1);
    const { runs, callback } = gate();
    const tasks = [add(callback), add(callback), add(callback)] as const;
    await turns();
    cancel(tasks[1]);
    runs[0]?.resolve();
    await turns();
    runs[1]?.resolve();
    await ledger.idle();
    expect(tasks.map(({ state }) => state)).toEqual(["succeeded", "cancelled", "succeeded"]);
  });

  it("while it waits for its next attempt has none", async () => {
    const { clock, add, cancel } = create();
    let attempts = 0;
    const task = add(() => Promise.reject(new Error(`attempt ${++attempts}`)), { attempts: 3, backoff: 100 });
    await turns();
    expect(task.state).toBe("delayed");
    cancel(task);
    clock.advance(1_000);
    await turns();
    expect([task.state, attempts]).toEqual(["cancelled", 1]);
  });

  it("while it runs has its signal aborted, and ends cancelled once it has stopped", async () => {
    const { add, cancel, result } = create();
    const { runs, callback } = gate();
    const task = add(callback, { attempts: 3, timeout: 500 });
    await turns();
    expect(cancel(task)).toBe(true);
    expect(cancel(task)).toBe(false);
    const reason: unknown = runs[0]?.context.signal.reason;
    expect(reason).toMatchObject({ code: "AR_CANCELLED" });
    expect(task.state).toBe("running");
    runs[0]?.resolve("finished all the same");
    await expect(result(task)).rejects.toBe(reason);
    expect(task.state).toBe("cancelled");
  });

  it("while it runs, and goes on, ends after the grace", async () => {
    const { clock, add, cancel } = create();
    const { callback } = gate();
    const task = add(callback);
    await turns();
    cancel(task);
    clock.advance(abortGrace - 1);
    expect(task.state).toBe("running");
    clock.advance(1);
    expect(task.state).toBe("cancelled");
  });

  it("by a listener of its start never runs, and leaves no timer", async () => {
    const { events, ledger, add, cancel, lifeOf } = create();
    const ran: string[] = [];
    events.on("started", () => void answers.push(cancel(task)));
    const answers: boolean[] = [];
    const task = add(() => void ran.push("the callback"), { timeout: 5_000 });
    await ledger.idle();
    expect([answers, ran]).toEqual([[true], []]);
    expect(lifeOf(task)).toEqual(["accepted", "queued", "started", "cancelled"]);
  });

  it("by a listener of its start leaves its place to the next of its name", async () => {
    const { events, ledger, add, cancel } = create();
    const limited = defineTask("one", { concurrency: 1 }, "callback");
    const off = events.on("started", () => {
      off();
      cancel(tasks[0] as Task);
    });
    const tasks = [1, 2, 3].map(() => add(() => {}, limited.policy, limited));
    await ledger.idle();
    expect(tasks.map(({ state }) => state)).toEqual(["cancelled", "succeeded", "succeeded"]);
  });

  it("is not kept, however many are, while those that run go on", async () => {
    const { engine, clock, ledger, add, cancel } = create(1);
    const { callback } = gate();
    const running = add(callback);
    await turns();
    // One error for all, made here: an error keeps the functions of its stack, and the recorded events keep the error.
    const reason = new OffloadError("AR_CANCELLED", "cancelled");
    const cancelled = Array.from({ length: 5_000 }, () => {
      const task = add(() => {});
      engine.remove(task);
      ledger.cancelled(task, reason);
      return new WeakRef(task);
    });
    expect(await survivors(cancelled)).toBeLessThanOrEqual(1_025);
    cancel(running);
    clock.advance(abortGrace);
  });

  it("once it has ended stays as it is", async () => {
    const { ledger, add, cancel, result } = create();
    const task = add(() => "done");
    await ledger.idle();
    expect(cancel(task)).toBe(false);
    expect(await result(task)).toBe("done");
  });
});

describe("a callback that is ended for running too long, and was to be tried again", () => {
  it("has no further attempt when it is cancelled meanwhile", async () => {
    const { clock, add, cancel, lifeOf } = create();
    const end = gate();
    const task = add(end.callback, { timeout: 10, attempts: 2 });
    await turn();
    clock.advance(10);
    expect([cancel(task), cancel(task)]).toEqual([true, false]);
    clock.advance(abortGrace);
    expect(task.outcome).toMatchObject({ code: "AR_CANCELLED" });
    expect(lifeOf(task)).toEqual(["accepted", "queued", "started", "cancelled"]);
  });
});

describe("at the shutdown deadline", () => {
  it("all that run have their signals aborted, and are abandoned when they have stopped or the grace is over", async () => {
    const { clock, ledger, scheduler, add } = create(2);
    const { runs, callback } = gate();
    const [stops, goesOn, waits] = [add(callback), add(callback), add(callback)];
    await turns();
    scheduler.abortRunning(new OffloadError("AR_ABANDONED", "the deadline came"));
    expect(runs.map(({ context }) => context.signal.aborted)).toEqual([true, true]);
    expect(waits.state).toBe("abandoned");
    runs[0]?.resolve("half done");
    await turns();
    expect([stops.state, goesOn.state]).toEqual(["abandoned", "running"]);
    clock.advance(abortGrace);
    await ledger.idle();
    expect(goesOn.state).toBe("abandoned");
    expect(ledger.abandonedTasks.map(({ state }) => state)).toEqual(["queued", "running", "running"]);
    await turns();
    expect(runs).toHaveLength(2);
  });
});
