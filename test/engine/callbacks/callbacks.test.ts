// Callbacks on the main thread: how many at a time, in which order, isolated from one another, ended when told to.
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import { NonRetryableError } from "../../../src/core/non-retryable.js";
import type { ResponseOutcome } from "../../../src/core/outcome.js";
import type { Dispatch, Task } from "../../../src/core/task.js";
import {
  type Callback,
  type CallbackContext,
  type CallbackPayload,
  Callbacks,
} from "../../../src/engine/callbacks/callbacks.js";
import { survivors } from "../../support/garbage.js";
import { createLedger, defineTask, ids, makeTask, recordEvents } from "../../support/tasks.js";

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

beforeEach(() => {
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  // Time stands still until a test moves it; turns of the event loop do not.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});

afterEach(async () => {
  await turn();
  const timers = vi.getTimerCount();
  vi.useRealTimers();
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
  expect(unhandled.splice(0)).toEqual([]);
  expect(timers).toBe(0);
});

function create(concurrency = 100) {
  const { ledger, events, lines } = createLedger();
  const callbacks = new Callbacks(ledger, concurrency, abortGrace);
  const definition = defineTask("welcomeMail", {}, "callback");
  const heard = recordEvents(events);
  /** Accepts a callback as the dispatcher does; its response is not over. */
  function hold(callback: Callback, dispatch: Partial<Dispatch> = {}): Task {
    const payload: CallbackPayload = { callback: AsyncResource.bind(callback), outcome };
    const task = makeTask(definition, { backoff: 0, ...dispatch }, { payload });
    ledger.accept(task);
    return task;
  }
  function add(callback: Callback, dispatch: Partial<Dispatch> = {}): Task {
    const task = hold(callback, dispatch);
    callbacks.add(task);
    return task;
  }
  const withdraw = (task: Task) => callbacks.withdraw(task, () => ledger.cancelled(task, told("AR_CANCELLED")));
  /** Names of events since the start, of one task. */
  const lifeOf = (task: Task) => heard.filter(({ event }) => event.id === task.id).map(({ name }) => name);
  return { ledger, events, lines, callbacks, heard, hold, add, withdraw, lifeOf };
}

/** A callback that goes on until the test ends it. */
function gate() {
  const runs: { context: CallbackContext; resolve: (value?: unknown) => void; reject: (error: unknown) => void }[] = [];
  const callback: Callback = (context) =>
    new Promise((resolve, reject) => void runs.push({ context, resolve, reject }));
  return { runs, callback };
}

function told(code: "AR_CANCELLED" | "AR_ABANDONED"): OffloadError {
  return new OffloadError(code, "told to end");
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
    const { ledger, add, lifeOf } = create();
    const given: CallbackContext[] = [];
    const task = add(async (context) => {
      given.push(context);
      await turn();
      return "sent";
    });
    expect(await ledger.result(task)).toBe("sent");
    expect(given).toEqual([{ outcome, signal: expect.any(AbortSignal) }]);
    expect(given[0]?.signal.aborted).toBe(false);
    expect(lifeOf(task)).toEqual(["accepted", "queued", "started", "succeeded"]);
  });

  it("may be a plain function, or return any thenable", async () => {
    const { ledger, add } = create();
    const thenable = thenableOf((resolve: (value: number) => void) => resolve(7));
    expect(await ledger.result(add(() => 5))).toBe(5);
    expect(await ledger.result(add(() => thenable))).toBe(7);
    expect(await ledger.result(add(() => {}))).toBeUndefined();
  });

  it("is measured: how long it ran is on its last event", async () => {
    const { ledger, add, heard } = create();
    const { runs, callback } = gate();
    const task = add(callback);
    await turns();
    vi.advanceTimersByTime(40);
    runs[0]?.resolve();
    await ledger.result(task);
    expect(heard.at(-1)).toMatchObject({ name: "succeeded", event: { runMs: 40, attempt: 1 } });
  });

  it("sees the AsyncLocalStorage of the call that registered it, on every attempt", async () => {
    const { ledger, add } = create();
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
    await vi.waitFor(() => vi.advanceTimersByTime(5) && expect(ids(ledger.list())).toEqual([]));
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
    await ledger.settled();
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
    const { ledger, hold, callbacks } = create(1);
    const order: number[] = [];
    const tasks = Array.from({ length: 5 }, (_, index) => hold(() => void order.push(index)));
    for (const index of [3, 0, 4, 1, 2]) callbacks.add(tasks[index] as Task);
    await ledger.settled();
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
    await ledger.settled();
    expect([before.state, failed.state, after.state]).toEqual(["succeeded", "failed", "succeeded"]);
    expect(lifeOf(failed).filter((event) => event === "failed")).toHaveLength(1);
  });

  it("a failure that nobody listens to is logged as a callback's", async () => {
    const { ledger, lines } = createLedger();
    const error = new Error("smtp down");
    const payload: CallbackPayload = { callback: () => Promise.reject(error), outcome };
    const task = makeTask(defineTask("welcomeMail", {}, "callback"), {}, { payload });
    ledger.accept(task);
    new Callbacks(ledger, 1, abortGrace).add(task);
    await ledger.settled();
    const fields = { err: error, task: "welcomeMail", id: task.id };
    expect(lines).toMatchObject([{ level: "error", message: "callback failed", fields }]);
  });
});

describe("a callback past its timeout", () => {
  it("has its signal aborted, and fails with AR_TIMEOUT once it has stopped, whatever it then does", async () => {
    for (const stop of ["resolve", "reject"] as const) {
      const { ledger, add } = create();
      const { runs, callback } = gate();
      const task = add(callback, { timeout: 50 });
      await turns();
      vi.advanceTimersByTime(49);
      expect(runs[0]?.context.signal.aborted).toBe(false);
      vi.advanceTimersByTime(1);
      expect(runs[0]?.context.signal.aborted).toBe(true);
      expect(runs[0]?.context.signal.reason).toMatchObject({ code: "AR_TIMEOUT" });
      expect(task.state).toBe("running");
      runs[0]?.[stop](new Error("stopped"));
      await expect(ledger.result(task)).rejects.toMatchObject({ code: "AR_TIMEOUT" });
    }
  });

  it("that goes on is given up after the grace, and its place is free", async () => {
    const { ledger, add, callbacks } = create(1);
    const { runs, callback } = gate();
    const [stuck, next] = [add(callback, { timeout: 50 }), add(callback)];
    await turns();
    vi.advanceTimersByTime(50 + abortGrace - 1);
    expect([stuck.state, next.state]).toEqual(["running", "queued"]);
    vi.advanceTimersByTime(1);
    await turns();
    expect([stuck.state, next.state]).toEqual(["failed", "running"]);
    await expect(ledger.result(stuck)).rejects.toMatchObject({ code: "AR_TIMEOUT" });
    // What it still does is nobody's business.
    runs[0]?.reject(new Error("long after"));
    runs[1]?.resolve();
    await ledger.settled();
    expect(next.state).toBe("succeeded");
    expect(callbacks.abort(stuck, told("AR_CANCELLED"))).toBe(false);
  });

  it("is tried again where attempts are left, and what the first one still does means nothing", async () => {
    const { ledger, add, lifeOf } = create();
    const { runs, callback } = gate();
    const task = add(callback, { timeout: 50, attempts: 2, backoff: 10 });
    await turns();
    vi.advanceTimersByTime(50 + abortGrace);
    expect(task.state).toBe("delayed");
    vi.advanceTimersByTime(10);
    await turns();
    expect([task.state, task.attempt, runs.length]).toEqual(["running", 2, 2]);
    runs[0]?.resolve("of the first attempt");
    await turns();
    expect(task.state).toBe("running");
    runs[1]?.resolve("of the second");
    expect(await ledger.result(task)).toBe("of the second");
    expect(lifeOf(task)).toEqual([
      ...["accepted", "queued", "started", "retrying"],
      ...["queued", "started", "succeeded"],
    ]);
  });
});

describe("a callback that failed", () => {
  it("is tried again after its backoff, as often as it may be", async () => {
    const { ledger, add, heard } = create();
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
    vi.advanceTimersByTime(10);
    await turns();
    vi.advanceTimersByTime(19);
    await turns();
    expect([task.state, attempts]).toEqual(["delayed", 2]);
    vi.advanceTimersByTime(1);
    await expect(ledger.result(task)).rejects.toThrow("attempt 3");
    expect(heard.filter(({ name }) => name === "retrying").map(({ event }) => Reflect.get(event, "delayMs"))).toEqual([
      10, 20,
    ]);
  });

  it("by a NonRetryableError is not tried again", async () => {
    const { ledger, add } = create();
    const task = add(() => Promise.reject(new NonRetryableError("no such user")), { attempts: 5 });
    await expect(ledger.result(task)).rejects.toThrow("no such user");
    expect(task.attempt).toBe(1);
  });
});

describe("a callback that is cancelled", () => {
  it("while it is held or queued never runs", async () => {
    const { ledger, hold, add, withdraw } = create();
    const ran: string[] = [];
    const held = hold(() => void ran.push("held"));
    const queued = add(() => void ran.push("queued"));
    ledger.cancelled(held, told("AR_CANCELLED"));
    withdraw(queued);
    await ledger.settled();
    await turns();
    expect(ran).toEqual([]);
    expect([held.state, queued.state]).toEqual(["cancelled", "cancelled"]);
    await expect(ledger.result(queued)).rejects.toMatchObject({ code: "AR_CANCELLED" });
  });

  it("while it is queued leaves its place to the next", async () => {
    const { ledger, add, withdraw } = create(1);
    const { runs, callback } = gate();
    const tasks = [add(callback), add(callback), add(callback)] as const;
    await turns();
    withdraw(tasks[1]);
    runs[0]?.resolve();
    await turns();
    runs[1]?.resolve();
    await ledger.settled();
    expect(tasks.map(({ state }) => state)).toEqual(["succeeded", "cancelled", "succeeded"]);
  });

  it("while it waits for its next attempt has none", async () => {
    const { add, withdraw } = create();
    let attempts = 0;
    const task = add(() => Promise.reject(new Error(`attempt ${++attempts}`)), { attempts: 3, backoff: 100 });
    await turns();
    expect(task.state).toBe("delayed");
    withdraw(task);
    vi.advanceTimersByTime(1_000);
    await turns();
    expect([task.state, attempts]).toEqual(["cancelled", 1]);
  });

  it("while it runs has its signal aborted, and ends cancelled once it has stopped", async () => {
    const { ledger, add, callbacks } = create();
    const { runs, callback } = gate();
    const task = add(callback, { attempts: 3, timeout: 500 });
    await turns();
    const reason = told("AR_CANCELLED");
    expect(callbacks.abort(task, reason)).toBe(true);
    expect(callbacks.abort(task, told("AR_CANCELLED"))).toBe(false);
    expect(runs[0]?.context.signal.reason).toBe(reason);
    expect(task.state).toBe("running");
    runs[0]?.resolve("finished all the same");
    await expect(ledger.result(task)).rejects.toBe(reason);
    expect(task.state).toBe("cancelled");
  });

  it("while it runs, and goes on, ends after the grace", async () => {
    const { add, callbacks } = create();
    const { callback } = gate();
    const task = add(callback);
    await turns();
    callbacks.abort(task, told("AR_CANCELLED"));
    vi.advanceTimersByTime(abortGrace - 1);
    expect(task.state).toBe("running");
    vi.advanceTimersByTime(1);
    expect(task.state).toBe("cancelled");
  });

  it("by a listener that is told of its start sees its signal aborted, and leaves no timer", async () => {
    const { ledger, events, add, callbacks } = create();
    const seen: boolean[] = [];
    events.on("started", () => void callbacks.abort(task, told("AR_CANCELLED")));
    const task = add(({ signal }) => void seen.push(signal.aborted), { timeout: 5_000 });
    await ledger.settled();
    expect(seen).toEqual([true]);
    expect(task.state).toBe("cancelled");
  });

  it("is not kept, however many are, while those that run go on", async () => {
    const { ledger, add, callbacks } = create(1);
    const { callback } = gate();
    const running = add(callback);
    await turns();
    // One error for all, made here: an error keeps the functions of its stack, and the recorded events keep the error.
    const reason = told("AR_CANCELLED");
    const cancelled = Array.from({ length: 5_000 }, () => {
      const task = add(() => {});
      callbacks.withdraw(task, () => ledger.cancelled(task, reason));
      return new WeakRef(task);
    });
    expect(await survivors(cancelled)).toBeLessThanOrEqual(1_025);
    callbacks.abort(running, told("AR_CANCELLED"));
    vi.advanceTimersByTime(abortGrace);
  });

  it("once it has ended stays as it is", async () => {
    const { ledger, add, callbacks } = create();
    const task = add(() => "done");
    await ledger.settled();
    expect(callbacks.abort(task, told("AR_CANCELLED"))).toBe(false);
    expect(await ledger.result(task)).toBe("done");
  });
});

describe("a callback that is ended for running too long, and was to be tried again", () => {
  it("has no further attempt when it is cancelled meanwhile", async () => {
    const { callbacks, add, lifeOf } = create();
    const end = gate();
    const task = add(end.callback, { timeout: 10, attempts: 2 });
    await turn();
    vi.advanceTimersByTime(10);
    const error = told("AR_CANCELLED");
    expect(callbacks.abort(task, error)).toBe(true);
    expect(callbacks.abort(task, error)).toBe(false);
    vi.advanceTimersByTime(abortGrace);
    expect(task.outcome).toBe(error);
    expect(lifeOf(task)).toEqual(["accepted", "queued", "started", "cancelled"]);
  });
});

describe("at the shutdown deadline", () => {
  it("all that run are told, and are abandoned when they have stopped or the grace is over", async () => {
    const { ledger, add, callbacks } = create(2);
    const { runs, callback } = gate();
    const [stops, goesOn, waits] = [add(callback), add(callback), add(callback)];
    await turns();
    callbacks.abortAll(told("AR_ABANDONED"));
    expect(runs.map(({ context }) => context.signal.aborted)).toEqual([true, true]);
    ledger.abandoned(waits);
    runs[0]?.resolve("half done");
    await turns();
    expect([stops.state, goesOn.state]).toEqual(["abandoned", "running"]);
    vi.advanceTimersByTime(abortGrace);
    await ledger.settled();
    expect(goesOn.state).toBe("abandoned");
    expect(ledger.abandonedTasks.map(({ state }) => state)).toEqual(["queued", "running", "running"]);
    await turns();
    expect(runs).toHaveLength(2);
  });
});
